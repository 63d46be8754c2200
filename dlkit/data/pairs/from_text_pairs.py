"""`from_text_pairs`: sentences and their translations become pipelines.

    files or sequences -> pairs of texts -> splits that share no source sentence
                       -> vocabularies and lengths, learned on the training split -> batches

Teacher forcing: a network sees the source and the translation up to a place, and learns the token
that comes next, at all places at once.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from dlkit.argument_validation import check_choice, check_integer
from dlkit.data.core.augmentation import refuse_augmentation
from dlkit.data.core.pipeline import (
    EXAMPLES,
    Feed,
    check_batch_size,
    check_pipeline_options,
    hold_in_memory,
    preprocess_arrays,
    take_rows,
)
from dlkit.data.core.record import Column, Origin, Split
from dlkit.data.core.splits import split_pipelines
from dlkit.data.data import Data
from dlkit.data.pairs import files, layers
from dlkit.errors import InputError

_TEST_FRACTION, _TEST_SEED = 0.2, 0
_PERCENTILE = 99  # of training sentences that are not cut


def from_text_pairs(  # noqa: PLR0913 - what the data is, and how to feed it: one call, all keyword-only
    source: Any,
    target: Any = None,
    *,
    val: tuple[Any, Any] | None = None,
    test: tuple[Any, Any] | None = None,
    max_pairs: int | None = None,
    tokens: str = "word",
    lower: bool = True,
    vocabulary_size: int = 10_000,
    min_count: int = 2,
    source_length: int | None = None,
    target_length: int | None = None,
    name: str = "pairs",
    batch_size: int = 64,
    seed: int = 0,
    val_fraction: float = 0.1,
    cache: bool = True,
    augment: Any = None,
) -> Data:
    r"""Make a `Data` record of sentences and their translations.

    Batches are `({"source", "target"}, next, weights)`: the numbers of the source's tokens; those
    of the translation, behind `[start]`; and at each place the token that comes next, up to
    `[end]`. All are padded with 0, and the weights are 0 where `next` is, so that no loss counts
    padding; let metrics be `weighted_metrics`, which do not either.

    Sentences with the same source are never divided between splits that are drawn, as `val` and
    `test` by default. The export takes both
    texts: the source, and the translation as far as it has come; `dlkit.data.translate` goes on
    from there, token by token.

    Reference: Sutskever, Vinyals & Le 2014, arXiv:1409.3215

    Args:
        source: Sentences, as a sequence of texts or as the path of a file, one a line, UTF-8, plain
            or `.gz`. Without `target`, a file of a sentence, a TAB and its translation a line.
        target: Their translations, likewise. Defaults to None.
        val: `(source, target)` of the validation split; `None` takes `val_fraction` of the training
            pairs. Defaults to None.
        test: `(source, target)` of the test split; `None` takes a fifth of the pairs, the same one
            for every seed. Defaults to None.
        max_pairs: Use the first pairs only. Defaults to None.
        tokens: `"word"` or `"character"`. Defaults to "word".
        lower: Whether letters become small. Defaults to True.
        vocabulary_size: The most tokens that a language has, of which four stand for padding,
            unknown, start and end. Defaults to 10000.
        min_count: Tokens that the training split has less often are unknown ones. Defaults to 2.
        source_length: Tokens of a source sentence, longer ones are cut; `None` leaves 99 of 100
            training sentences whole. Defaults to None.
        target_length: The same of a translation, with `[start]` or `[end]`. Defaults to None.
        name: What the data set is called. Defaults to "pairs".
        batch_size: Pairs a batch. Defaults to 64.
        seed: Chooses the validation split and the order of each epoch. Defaults to 0.
        val_fraction: Part of the training pairs kept for validation, in [0, 1); 0 keeps none.
            Defaults to 0.1.
        cache: Turn all texts into numbers once and hold the numbers; `False` does so batch by
            batch. Defaults to True.
        augment: Nothing is known to help: `None` or `False`. Defaults to None.

    Returns:
        A `Data` record of task `"translation"`. `vocabularies` tells what the numbers stand for;
        the classes are the tokens of the target.

    Raises:
        InputError: when files or an option cannot be used.

    Example:
        >>> import dlkit as dk
        >>> english = [f"We are {n}." for n in ("one", "two", "three", "four", "five")] * 4
        >>> french = [f"Nous sommes {n}." for n in ("un", "deux", "trois", "quatre", "cinq")] * 4
        >>> data = dk.data.from_text_pairs(english, french, batch_size=4)
        >>> x, following, weights = next(iter(data.test))
        >>> dk.data.to_sentences(following[:1], data.vocabularies["target"])
        ['nous sommes [UNK].']
    """
    check_pipeline_options(batch_size, seed, val_fraction)
    given_lengths = {"source": source_length, "target": target_length}
    reading = _Reading(tokens, lower, vocabulary_size, min_count, given_lengths)
    _check_options(reading, max_pairs, augment)
    texts, held = _read((source, target), val, test, max_pairs)
    split_up = {k: layers.tokens_of(v, tokens, lower=lower) for k, v in texts.items()}
    groups = _groups(split_up["source"])
    split = _divide(groups, held, val_fraction, seed)
    check_batch_size(batch_size, len(split.train), len(texts["source"]))

    def make(split: Split) -> Data:
        shown = {key: tf.gather(values, split.train) for key, values in split_up.items()}
        words, lengths = reading.learn(shown)
        preprocessing = _preprocessing(words, lengths, reading)
        answers = preprocess_arrays(
            texts["target"], reading.layer(words, lengths, "target", "[end]")
        )
        inputs = hold_in_memory(preprocess_arrays(texts, preprocessing) if cache else texts)
        feed = PairFeed(inputs, answers, batch_size, seed, None if cache else preprocessing)
        return Data(
            name=name,
            task="translation",
            kind="pairs",
            **split_pipelines(feed, split),
            input_spec={k: tf.TensorSpec((n,), tf.int32) for k, n in lengths.items()},
            num_classes=len(words["target"]),
            class_names=words["target"],
            preprocessing=preprocessing,
            examples=(take_rows(texts, split.test[:EXAMPLES]), answers[split.test[:EXAMPLES]]),
            columns=_notes(shown, words, lengths),
            vocabularies=words,
            origin=Origin(split, None, lambda rows: take_rows(texts, rows), feed, make),
        )

    return make(split)


@dataclasses.dataclass(frozen=True)
class PairFeed(Feed):
    """Makes batches whose weights are 0 where the target is padding."""

    def prepared(
        self, batches: tf.data.Dataset, weights: np.ndarray | None = None
    ) -> tf.data.Dataset:
        """Return batches `(inputs, targets, weights)`, a weight for each token."""

        def weigh(inputs: Any, targets: tf.Tensor, *own: tf.Tensor) -> tuple[Any, ...]:
            counted = tf.cast(targets != 0, tf.float32)
            return inputs, targets, counted * own[0][:, tf.newaxis] if own else counted

        return super().prepared(batches, weights).map(weigh)


@dataclasses.dataclass(frozen=True)
class _Reading:
    """How texts are read, as the options say."""

    tokens: str
    lower: bool
    vocabulary_size: int
    min_count: int
    lengths: dict[str, int | None]

    def learn(
        self, tokens: dict[str, tf.RaggedTensor]
    ) -> tuple[dict[str, tuple[str, ...]], dict[str, int]]:
        """Return the vocabulary and the length of each language, from the training split."""
        words, lengths = {}, {}
        for key, values in tokens.items():
            words[key] = layers.learn_vocabulary(values, self.vocabulary_size, self.min_count, key)
            typical = np.percentile(values.row_lengths().numpy(), _PERCENTILE)
            lengths[key] = self.lengths[key] or math.ceil(typical) + (key == "target")
        return words, lengths

    def layer(
        self, words: dict[str, tuple[str, ...]], lengths: dict[str, int], key: str, mark: str
    ) -> layers.SentenceIds:
        """Return the layer from texts of one language to numbers."""
        return layers.SentenceIds(
            words[key], lengths[key], tokens=self.tokens, lower=self.lower, mark=mark
        )


def _check_options(reading: _Reading, max_pairs: int | None, augment: Any) -> None:
    check_choice("tokens", reading.tokens, layers.TOKENS)
    check_integer("vocabulary_size", reading.vocabulary_size, minimum=len(layers.SPECIAL) + 1)
    check_integer("min_count", reading.min_count)
    for key, length in reading.lengths.items():
        if length is not None:
            check_integer(f"{key}_length", length, minimum=1 + (key == "target"))
    if max_pairs is not None:
        check_integer("max_pairs", max_pairs)
    refuse_augmentation("Sentence pairs", augment)


def _read(
    train: tuple[Any, Any], val: Any, test: Any, max_pairs: int | None
) -> tuple[dict[str, np.ndarray], tuple[int | None, int | None]]:
    """Return all texts, those for validation and testing last, and how many these are."""
    source, target = files.read_pairs(*train)
    parts = [(source[:max_pairs], target[:max_pairs])]
    held: list[int | None] = []
    for what, pairs in (("val ", val), ("test ", test)):
        if pairs is not None:
            if not isinstance(pairs, tuple | list) or len(pairs) != 2:
                raise InputError(
                    f"{what}must be (source, target), two files or two sequences of texts."
                    f" Received: {type(pairs).__name__}"
                    f"{f' of {len(pairs)}' if hasattr(pairs, '__len__') else ''}."
                )
            parts.append(files.read_pairs(pairs[0], pairs[1], what))
        held.append(None if pairs is None else len(parts[-1][0]))
    source, target = (np.concatenate(texts) for texts in zip(*parts, strict=True))
    return {"source": source, "target": target}, (held[0], held[1])


def _groups(tokens: tf.RaggedTensor) -> np.ndarray:
    """Return a number for each sentence, the same one for those with the same tokens."""
    joined = tf.strings.reduce_join(tokens, axis=1, separator=" ").numpy()
    return np.unique(joined.astype(bytes), return_inverse=True)[1]


def _divide(
    groups: np.ndarray, held: tuple[int | None, int | None], val_fraction: float, seed: int
) -> Split:
    rows = np.arange(len(groups))
    vals, tests = (count or 0 for count in held)
    train, val, test = np.split(rows, [len(rows) - vals - tests, len(rows) - tests])
    if held[1] is None:
        train, test = _hold_out(train, groups, _TEST_FRACTION, _TEST_SEED)
    if held[0] is None:
        train, val = _hold_out(train, groups, val_fraction, seed)
    return Split(train, val, test, published=held[1] is not None, groups=groups)


def _hold_out(
    rows: np.ndarray, groups: np.ndarray, fraction: float, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Divide rows into a larger and a smaller part that share no group."""
    if fraction == 0:
        return rows, rows[:0]
    own, counts = np.unique(groups[rows], return_counts=True)
    if len(own) < 2:
        raise InputError(
            f"All {len(rows)} pairs have the same source sentence, so none can be held out; give"
            " more pairs, or a test split and val_fraction=0."
        )
    order = np.random.default_rng(seed).permutation(len(own))
    last = int(np.searchsorted(np.cumsum(counts[order]), fraction * len(rows)))
    taken = np.isin(groups[rows], own[order[: min(last + 1, len(own) - 1)]])
    return rows[~taken], rows[taken]


def _preprocessing(
    words: dict[str, tuple[str, ...]], lengths: dict[str, int], reading: _Reading
) -> keras.Model:
    raw = {key: keras.Input((), dtype="string", name=key) for key in words}
    marks = {"source": "", "target": "[start]"}
    ids = {k: reading.layer(words, lengths, k, marks[k])(text) for k, text in raw.items()}
    return keras.Model(raw, ids, name="preprocessing")


def _notes(
    tokens: dict[str, tf.RaggedTensor],
    words: dict[str, tuple[str, ...]],
    lengths: dict[str, int],
) -> tuple[Column, ...]:
    """Return what the summary says of each language: of its training sentences."""
    notes = []
    for key, values in tokens.items():
        cut = int((values.row_lengths().numpy() > lengths[key] - (key == "target")).sum())
        note = f"vocabulary of {len(words[key])}, {cut} of {values.nrows()} sentences cut"
        notes.append(Column(key, "text", note))
    return tuple(notes)
