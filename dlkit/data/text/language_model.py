"""`from_text_file`: one long text becomes windows for a language model.

    text -> cut by position: training, validation, test -> tokens learned on the first part
         -> ids of each part -> windows of ids, and the same one id on

No window reaches over a cut, so nothing that is tested on was trained on. The target of each id is
the id after it; that of a window's last id is the first one behind the window.
"""

from __future__ import annotations

import dataclasses
import os
import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from dlkit.argument_validation import check_integer
from dlkit.data.core.pipeline import EXAMPLES, Feed, Rows, check_batch_size
from dlkit.data.core.record import Origin, Split
from dlkit.data.core.splits import split_pipelines
from dlkit.data.data import Data
from dlkit.data.files.cells import text_array
from dlkit.data.files.plain_text import read_text
from dlkit.data.text.encoding import Encoder, Encoding, join_tokens, joining, learn_encoder
from dlkit.data.text.layers import SPECIAL, UNKNOWN
from dlkit.data.text.pipelines import Feeding
from dlkit.errors import InputError

_TEST_FRACTION = 0.1
_PARTS = ("training", "validation", "test")
_BLOCK = 100_000  # characters made into ids at a time


@dataclasses.dataclass(frozen=True)
class Windows:
    """Gives windows of ids and the ids after them, by the number of the window."""

    ids: tf.Tensor
    starts: tf.Tensor
    window: int

    def batches(self, rows: Rows, batch_size: int) -> tf.data.Dataset:
        """Return batches `(rows, (windows, targets))` in the order of `rows`."""

        def gather(chosen: tf.Tensor) -> tuple[tf.Tensor, Any]:
            return chosen, self.gather(chosen)

        return rows().batch(batch_size).map(gather)

    def gather(self, chosen: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Return windows (B, window) and their targets (B, window)."""
        places = tf.gather(self.starts, chosen)[:, tf.newaxis] + tf.range(
            self.window + 1, dtype="int64"
        )
        ids = tf.ensure_shape(tf.gather(self.ids, places), (None, self.window + 1))
        return ids[:, :-1], ids[:, 1:]


@dataclasses.dataclass(frozen=True)
class WindowFeed(Feed):
    """Makes the pipelines of windows; their targets come with them, and none stand beside."""

    def prepared(
        self, batches: tf.data.Dataset, weights: np.ndarray | None = None
    ) -> tf.data.Dataset:
        """Return the source's batches without row numbers, and with weights if there are some."""
        if weights is None:
            return batches.map(lambda chosen, pair: pair)
        with tf.device("CPU"):
            held = tf.constant(weights, tf.float32)
        return batches.map(lambda chosen, pair: (*pair, tf.gather(held, chosen)))


def from_text_file(  # noqa: PLR0913 - how the text is read, cut and fed: keyword-only
    path: str | os.PathLike,
    *,
    window: int,
    stride: int | None = None,
    tokens: str = "character",
    standardize: str | None = None,
    vocabulary_size: int = 10_000,
    name: str | None = None,
    batch_size: int = 64,
    seed: int = 0,
    val_fraction: float = 0.1,
    cache: bool = True,
    augment: Any = None,
) -> Data:
    r"""Make a `Data` record of one text file, for a language model.

    When to use: to learn from a long text what comes next in it. An input is a window of ids
    `(window,)`, and its target the same ids one place on. The last tenth of the text is the test
    split, before it lies the validation split; the cuts are at ends of lines or blanks. The raw
    input of the preprocessing is a text of any length, named `"text"`: its last `window` tokens,
    padded in front with 0, so that a network's last output is always about the token to come.

    Args:
        path: The file, UTF-8, plain or `.gz`.
        window: Ids an input.
        stride: Ids from the start of one window to that of the next. `None` is `window`: each id is
            an input once. Defaults to None.
        tokens: What a token is: `"character"`, `"word"` (what stands between blanks), or `"bpe"`,
            parts of words (`pip install "dlkit[text]"`). Defaults to "character".
        standardize: As in `from_text_folder`; `None` leaves the text alone. Defaults to None.
        vocabulary_size: Tokens at most, the most frequent ones of the training split. Defaults to
            10000.
        name: What the data set is called. Defaults to None: the file's name.
        batch_size: Windows a batch. Defaults to 64.
        seed: Chooses the order of each epoch. Defaults to 0.
        val_fraction: Part of the text before the test split that is kept for validation, its end;
            0 keeps none. Defaults to 0.1.
        cache: The text is held as ids either way; `False` is there for `load`'s sake. Defaults to
            True.
        augment: A function `(ids, seed) -> ids` for training batches, or None. Defaults to None.

    Returns:
        A `Data` record of the task "language_model"; `num_classes` is the number of tokens, and
        `vocabulary` names them.

    Raises:
        InputError: when the file is not UTF-8, a part of it is shorter than a window, or an option
            cannot be used.
        MissingExtraError: when `tokenizers` is needed and not installed.

    Example:
        >>> import pathlib, tempfile
        >>> import dlkit as dk
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = pathlib.Path(folder, "sea.txt")
        ...     _ = path.write_text("she sells sea shells\n" * 50)
        ...     data = dk.data.from_text_file(path, window=8, batch_size=4)
        >>> x, y = next(iter(data.test))
        >>> dk.data.decode_tokens(data, x)[0], dk.data.decode_tokens(data, y)[0]
        ('she sell', 'he sells')
    """
    check_integer("window", window)
    stride = window if stride is None else check_integer("stride", stride)
    how = Encoding(standardize, tokens, "tokens", vocabulary_size, None)
    options = Feeding(batch_size, seed, val_fraction, cache, augment)
    if augment and not callable(augment):
        raise InputError(
            "A language model's text is not augmented by recipes, since each token is a target too."
            f" Received: augment={augment!r}; give None, or a function (ids, seed) -> ids."
        )
    text = read_text(path)
    if not text.strip():
        raise InputError(f"{path} holds no text; give a file to learn from.")
    parts = _cut(text, val_fraction)
    encoder = learn_encoder(_blocks(parts[0]), how, window=window)
    ids = [encoder.ids(_blocks(part)).values if part else np.empty(0, np.int64) for part in parts]
    needed = _PARTS if val_fraction else (_PARTS[0], _PARTS[2])
    _check_lengths(path, dict(zip(_PARTS, ids, strict=True)), needed, window)
    starts = [np.arange(0, len(found) - window, stride, dtype=np.int64) for found in ids]
    offsets = np.cumsum([0, *map(len, ids)])[:-1]
    with tf.device("CPU"):
        source = Windows(
            tf.constant(np.concatenate(ids)),
            tf.constant(np.concatenate([s + o for s, o in zip(starts, offsets, strict=True)])),
            window,
        )
    counts = np.cumsum([len(part) for part in starts])
    train, val, test = np.split(np.arange(counts[-1]), counts[:-1])
    split = Split(train, val, test)
    check_batch_size(batch_size, len(split.train), counts[-1])
    title = name or pathlib.Path(path).name.partition(".")[0]
    return _make(title, encoder, source, options, split, -(-window // stride))


def _make(
    name: str,
    encoder: Encoder,
    source: Windows,
    options: Feeding,
    split: Split,
    overlap: int,
) -> Data:
    def raw(rows: np.ndarray) -> np.ndarray:
        return _texts(source.gather(rows)[0].numpy(), encoder)

    def make(split: Split) -> Data:
        # The tokens stay those of the first training part: rows are windows of ids already.
        feed = WindowFeed(source, None, options.batch_size, options.seed, None, options.augment)
        shown = split.test[:EXAMPLES]
        return Data(
            name=name,
            task="language_model",
            kind="text",
            **split_pipelines(feed, split),
            input_spec={"tokens": tf.TensorSpec((source.window,), tf.int64)},
            num_classes=len(encoder.tokens),
            preprocessing=encoder.preprocessing,
            postprocessing=joining(encoder),
            examples=(raw(shown), source.gather(shown)[1].numpy()) if len(shown) else None,
            vocabularies={"tokens": encoder.tokens},
            origin=Origin(split, None, raw, feed, make, overlap=overlap),
        )

    return make(split)


def _texts(ids: np.ndarray, encoder: Encoder) -> np.ndarray:
    # What training never showed has to be one token again: "[UNK]" would be five characters.
    tokens = (*encoder.tokens[:UNKNOWN], "\ufffd", *encoder.tokens[SPECIAL:])
    return text_array(join_tokens(encoder.preprocessing, tokens, ids), ())


def _cut(text: str, val_fraction: float) -> list[str]:
    """Return the training, validation and test parts, cut at ends of lines or blanks."""
    test = _after_blank(text, int(len(text) * (1 - _TEST_FRACTION)))
    val = _after_blank(text, int(test * (1 - val_fraction))) if val_fraction else test
    return [text[:val], text[val:test], text[test:]]


def _after_blank(text: str, place: int) -> int:
    """Return the first place from `place` on that begins a line, or else a word, if one is near."""
    near = text[place : place + 1000]
    for blank in ("\n", " "):
        if blank in near:
            return place + near.index(blank) + 1
    return place


def _blocks(text: str) -> np.ndarray:
    """Return the text in blocks that end where a word does: one row would be as wide as it all."""
    blocks, start = [], 0
    while start < len(text):
        end = _after_blank(text, start + _BLOCK)
        blocks.append(text[start:end])
        start = end
    return text_array(blocks, ())


def _check_lengths(
    path: Any, ids: dict[str, np.ndarray], parts: Sequence[str], window: int
) -> None:
    for part in parts:
        if len(ids[part]) <= window:
            raise InputError(
                f"window={window} needs more than {window} tokens in each part of {path}, and its"
                f" {part} part has {len(ids[part])}; give a smaller window or a longer text."
            )
