"""From texts to what a network takes: the options, and the layers learned from training texts.

    texts -> Standardize -> tokens -> ids (B, longest) -> FitLength, or BagOfTokens

The two halves are apart: a text is made into ids once, and ids are cheap to hold, to augment and to
make into vectors batch by batch. Together they are the preprocessing that an export holds.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from dlkit.argument_validation import check_choice, check_integer
from dlkit.data.text import byte_pairs
from dlkit.data.text.layers import (
    SPECIAL,
    STANDARDS,
    BagOfTokens,
    FitLength,
    JoinTokens,
    Standardize,
)
from dlkit.errors import InputError

TOKENS = ("word", "character", "bpe")
ENCODINGS = ("tokens", "tf_idf", "count", "multi_hot")
_CHUNK = 1024  # texts at a time: each batch is as wide as its longest text
_PERCENTILE = 95
_SPLITS = {"word": "whitespace", "character": "character"}
_JOINTS = {"words": " ", "characters": ""}


@dataclasses.dataclass(frozen=True)
class Encoding:
    """How texts become what a network takes, as `from_text_folder` documents it."""

    standardize: str | None
    tokens: str
    encoding: str
    vocabulary_size: int
    length: int | None
    bucket: bool = False

    def __post_init__(self) -> None:
        if self.standardize is not None:
            check_choice("standardize", self.standardize, STANDARDS)
        check_choice("tokens", self.tokens, TOKENS)
        check_choice("encoding", self.encoding, ENCODINGS)
        check_integer("vocabulary_size", self.vocabulary_size)
        if self.length is not None:
            check_integer("length", self.length)
        if self.encoding != "tokens" and (self.bucket or self.length is not None):
            given = f"length={self.length}" if self.length is not None else "bucket=True"
            raise InputError(
                f"{given} is for encoding='tokens'; a vector of encoding='{self.encoding}' counts"
                " all words of a text: leave it out."
            )


@dataclasses.dataclass(frozen=True)
class Ids:
    """The ids of many texts, one behind the other; text i has those from `starts[i]` on."""

    values: np.ndarray
    starts: np.ndarray

    @property
    def lengths(self) -> np.ndarray:
        """Return how many ids each text has."""
        return np.diff(self.starts)

    def ragged(self) -> tf.RaggedTensor:
        """Return the ids as a ragged tensor, in the host's memory."""
        with tf.device("CPU"):
            return tf.RaggedTensor.from_row_splits(self.values, self.starts)


@dataclasses.dataclass(frozen=True)
class Encoder:
    """What was learned from training texts.

    Attributes:
        to_ids: From texts (B,) to ids (B, longest).
        from_ids: From ids to what the network takes.
        preprocessing: Both, from the raw input.
        vocabulary: The token of each id, or of each column of a vector.
        tokens: The token of each id.
    """

    to_ids: Callable[[tf.Tensor], tf.Tensor]
    from_ids: keras.Model
    preprocessing: keras.Model
    vocabulary: tuple[str, ...]
    tokens: tuple[str, ...]

    def ids(self, texts: np.ndarray) -> Ids:
        """Return the ids of `texts`."""
        return make_ids(texts, self.to_ids)


def make_ids(texts: np.ndarray, to_ids: Callable[[tf.Tensor], tf.Tensor]) -> Ids:
    """Return the ids of `texts`, in pieces."""
    values, lengths = [], []
    for start in range(0, len(texts), _CHUNK):
        ids = to_ids(tf.constant(texts[start : start + _CHUNK], tf.string)).numpy()
        real = ids != 0  # padding stands behind the ids only
        values.append(ids[real])
        lengths.append(real.sum(axis=1))
    starts = np.concatenate([[0], np.cumsum(np.concatenate(lengths))])
    return Ids(np.concatenate(values), starts)


def learn_encoder(texts: np.ndarray, encoding: Encoding, *, window: int | None = None) -> Encoder:
    """Return the encoder that training texts give; `window` keeps the last ids of a text.

    Raises:
        InputError: when no text holds a token.
        MissingExtraError: when byte pairs are asked for and `tokenizers` is not installed.
    """
    first = [] if encoding.standardize is None else [Standardize(encoding.standardize)]
    layer, tokens = _tokenizer(texts, encoding, first)
    model = _chain(keras.Input((), dtype="string", name="text"), [*first, layer])
    # As one graph: eager, each step of a merge would go through Python.
    to_ids = tf.function(model, input_signature=[tf.TensorSpec((None,), tf.string)])
    ids = make_ids(texts, to_ids)
    last = _last(encoding, ids, len(tokens), window)
    from_ids = _chain(keras.Input((None,), dtype="int64", name="ids"), last)
    raw = keras.Input((), dtype="string", name="text")
    whole = _chain(raw, [*first, layer, *last], name="preprocessing")
    vector = encoding.encoding != "tokens"
    return Encoder(to_ids, from_ids, whole, tuple(tokens[SPECIAL * vector :]), tuple(tokens))


def _chain(x: Any, layers: Sequence[Any], name: str | None = None) -> keras.Model:
    start = x
    for layer in layers:
        x = layer(x)
    return keras.Model(start, x, name=name)


def _tokenizer(
    texts: np.ndarray, encoding: Encoding, first: Sequence[Any]
) -> tuple[keras.layers.Layer, list[str]]:
    """Return the layer from texts to ids, and the token of each id."""
    if encoding.tokens == "bpe":
        tidy = _chain(keras.Input((), dtype="string"), first)
        words = (text.decode() for text in tidy(tf.constant(texts, tf.string)).numpy())
        vocabulary, merges = byte_pairs.learn(words, encoding.vocabulary_size)
        return byte_pairs.BytePairs(vocabulary, merges, name="byte_pairs"), vocabulary
    options = {"standardize": None, "split": _SPLITS[encoding.tokens]}
    learner = keras.layers.TextVectorization(encoding.vocabulary_size + SPECIAL, **options)
    dataset = tf.data.Dataset.from_tensor_slices(tf.constant(texts, tf.string)).batch(_CHUNK)
    for layer in first:
        dataset = dataset.map(layer)
    learner.adapt(dataset)
    vocabulary = [str(token) for token in learner.get_vocabulary()]
    if len(vocabulary) <= SPECIAL:
        raise InputError(
            f"None of the {len(texts)} training texts holds a {encoding.tokens} after"
            f" standardize={encoding.standardize!r}; give other texts, or standardize=None."
        )
    # Given to the layer rather than learned by it, the vocabulary is a part of its configuration.
    return (
        keras.layers.TextVectorization(
            vocabulary=vocabulary[SPECIAL:], name=f"{encoding.tokens}s", **options
        ),
        vocabulary,
    )


def _last(encoding: Encoding, ids: Ids, size: int, window: int | None) -> list[Any]:
    """Return the layers from ids to what the network takes."""
    if window is not None:
        return [FitLength(window, keep="last")]
    if encoding.encoding == "tokens":
        percentile = np.percentile(ids.lengths, _PERCENTILE, method="higher")
        length = encoding.length or max(int(percentile), 1)
        return [FitLength(length, pad=not encoding.bucket)]
    real = size - SPECIAL
    if encoding.encoding == "tf_idf":
        weights = inverse_frequencies(ids, size)[SPECIAL:]
        bag = BagOfTokens(real, weights=weights.tolist(), dtype="float32")
        return [bag, keras.layers.UnitNormalization(dtype="float32")]
    return [BagOfTokens(real, binary=encoding.encoding == "multi_hot", dtype="float32")]


def joining(encoder: Encoder) -> keras.Model:
    """Return the model from ids (B, T) to texts (B,), joined as the encoder takes them apart."""
    ids = keras.Input((None,), dtype="int64", name="ids")
    separator = _separator(encoder.preprocessing)
    text = JoinTokens(encoder.tokens, separator or "", bytewise=separator is None, name="text")(ids)
    return keras.Model(ids, text, name="postprocessing")


def inverse_frequencies(ids: Ids, size: int) -> np.ndarray:
    """Return `log((1 + texts) / (1 + texts with the token)) + 1` a token, as scikit-learn has it.

    Example:
        >>> ids = Ids(np.array([2, 3, 2]), np.array([0, 2, 3]))  # two texts: 2 3, and 2
        >>> inverse_frequencies(ids, 4).round(2).tolist()
        [2.1, 2.1, 1.0, 1.41]
    """
    rows = np.repeat(np.arange(len(ids.lengths)), ids.lengths)
    pairs = np.unique(rows * size + ids.values)
    frequencies = np.bincount(pairs % size, minlength=size)
    return np.log((1 + len(ids.lengths)) / (1 + frequencies)) + 1


def decode_tokens(data: Any, ids: Any) -> list[str]:
    r"""Return the texts that rows of ids stand for, as far as ids can tell.

    When to use: to read what a network of `encoding="tokens"` was given, or what a language model
    wrote. Padding is left out, and a token outside the vocabulary reads `[UNK]`.

    Args:
        data: A `Data` of texts with `encoding="tokens"`.
        ids: Whole numbers `(texts, length)`, or `(length,)` for one text.

    Returns:
        One text a row.

    Raises:
        InputError: for data without tokens, or an id outside the vocabulary.

    Example:
        >>> import pathlib, tempfile
        >>> import dlkit as dk
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = pathlib.Path(folder, "words.csv")
        ...     _ = path.write_text("text,label\n" + "A fine day!,1\nA dull day.,0\n" * 9)
        ...     data = dk.data.from_text_table(path, "text", label_column="label", batch_size=4)
        >>> data.vocabulary[:4]
        ('', '[UNK]', 'day', 'a')
        >>> dk.data.decode_tokens(data, [[3, 1, 2, 0]])
        ['a [UNK] day']
    """
    if not data.vocabulary or data.feature_names is not None:
        raise InputError(
            f"'{data.name}' holds {', '.join(data.input_spec)}, which cannot be decoded; give data"
            " of texts made with encoding='tokens'."
        )
    rows = np.atleast_2d(np.asarray(ids))
    if rows.dtype.kind not in "ui" or rows.min() < 0 or rows.max() >= len(data.vocabulary):
        raise InputError(
            f"ids must be whole numbers from 0 to {len(data.vocabulary) - 1}. Received:"
            f" {rows.dtype} from {rows.min()} to {rows.max()}."
        )
    return join_tokens(data.preprocessing, data.vocabulary, rows)


def join_tokens(preprocessing: keras.Model, tokens: Sequence[str], rows: np.ndarray) -> list[str]:
    """Return the text of each row of ids, joined as `preprocessing` took it apart."""
    texts = ([tokens[i] for i in row if i] for row in rows)
    separator = _separator(preprocessing)
    join = byte_pairs.decode if separator is None else separator.join
    return [join(text) for text in texts]


def _separator(preprocessing: keras.Model) -> str | None:
    """Return what stands between tokens of a text, or `None` where they are written in bytes."""
    names = (layer.name for layer in preprocessing.layers)
    return next((_JOINTS[name] for name in names if name in _JOINTS), None)
