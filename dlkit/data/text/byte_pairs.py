"""Byte-pair encoding: learned with Hugging Face's `tokenizers`, applied by a layer of TensorFlow.

    text -> pieces (a word with the blank before it, a number, signs, a single blank) -> bytes
         -> the pair that was merged first in training is merged first, until none is left

Bytes are the smallest tokens, so no text has an unknown one, and ids decode to the very text
(Sennrich et al. 2016, arXiv:1508.07909; on bytes: Radford et al. 2019, GPT-2). TensorFlow has no
operation for it, and `tensorflow-text` would have to be in every server. So the layer does each
step with plain operations, on all different pieces of a batch at once. Its ids are the library's.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from dlkit.argument_validation import require
from dlkit.errors import InputError

# Every character is in exactly one piece. Understood alike by RE2 (TensorFlow) and Oniguruma
# (tokenizers), whose \s differ.
PIECES = r" ?\p{L}+| ?\p{N}+| ?[^\t-\r \p{L}\p{N}]+|[\t-\r ]"
# Longer pieces are cut, since the steps of a batch grow with its longest.
_LONGEST = 64  # bytes
_BETWEEN = b"\xff"  # a byte that no UTF-8 text holds
_LEAST = 256  # tokens: every byte is one
_NEVER = np.iinfo(np.int32).max
SPECIAL_TOKENS = ("[PAD]", "[UNK]")


@functools.cache
def letters() -> dict[int, str]:
    """Return the letter that stands for each byte in the names of tokens, as GPT-2 has it.

    Example:
        >>> letters()[ord("a")], letters()[ord(" ")]
        ('a', 'Ġ')
    """
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    table = {byte: chr(byte) for byte in printable}
    return table | {byte: chr(256 + place) for place, byte in enumerate(others)}


def tokenizer() -> Any:
    """Return an untrained tokenizer of the library that cuts texts as `BytePairs` does.

    Raises:
        MissingExtraError: when `tokenizers` is not installed.
    """
    library = require("tokenizers", "text")
    made = library.Tokenizer(library.models.BPE())
    made.pre_tokenizer = library.pre_tokenizers.Sequence(
        [
            library.pre_tokenizers.Split(library.Regex(PIECES), "isolated"),
            library.pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
            library.pre_tokenizers.Split(library.Regex(f".{{1,{_LONGEST}}}"), "isolated"),
        ]
    )
    return made


def learn(texts: Iterable[str], size: int) -> tuple[list[str], list[list[str]]]:
    """Return the tokens by id, two special ones first, and the merges in their order.

    Args:
        texts: What to learn from.
        size: Tokens besides the special ones: 256 bytes and what is merged of them.

    Raises:
        InputError: for a size below 256.
        MissingExtraError: when `tokenizers` is not installed.

    Example:
        >>> tokens, merges = learn(["low lower lowest"] * 4, 258)
        >>> merges
        [['l', 'o'], ['lo', 'w']]
    """
    if size < _LEAST:
        raise InputError(
            f"tokens='bpe' starts from the 256 bytes: vocabulary_size must be at least {_LEAST},"
            f" and some thousands to have merges. Received: vocabulary_size={size}."
        )
    made, library = tokenizer(), require("tokenizers", "text")
    trainer = library.trainers.BpeTrainer(
        vocab_size=size + len(SPECIAL_TOKENS),
        special_tokens=list(SPECIAL_TOKENS),
        initial_alphabet=sorted(letters().values()),
        show_progress=False,
    )
    made.train_from_iterator(texts, trainer)
    model = json.loads(made.to_str())["model"]
    return sorted(model["vocab"], key=model["vocab"].get), [list(pair) for pair in model["merges"]]


def decode(tokens: Iterable[str]) -> str:
    """Return the text of tokens; bytes that make no letter become U+FFFD.

    Example:
        >>> decode(["Ġwor", "ld"])
        ' world'
    """
    return as_bytes(tokens).decode(errors="replace")


def as_bytes(tokens: Iterable[str]) -> bytes:
    """Return the bytes that tokens stand for.

    Example:
        >>> as_bytes(["Ġwor", "ld"])
        b' world'
    """
    byte_of = {letter: byte for byte, letter in letters().items()}
    return bytes(byte_of[letter] for token in tokens for letter in token)


@keras.saving.register_keras_serializable(package="dlkit")
class BytePairs(keras.layers.Layer):
    """Texts (B,) -> ids (B, longest), padded with 0, by byte-pair encoding.

    Args:
        vocabulary: Tokens by id, as `learn` gives them.
        merges: Pairs of tokens that become one, the first first.
    """

    def __init__(
        self, vocabulary: Sequence[str], merges: Sequence[Sequence[str]], **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        ids = {token: place for place, token in enumerate(vocabulary)}
        self._ids_of_bytes = np.array([ids[letters()[byte]] for byte in range(256)], np.int64)
        self._size = len(vocabulary)
        pairs = np.array([[ids[a], ids[b]] for a, b in merges], np.int64).reshape(-1, 2)
        codes = pairs[:, 0] * self._size + pairs[:, 1]
        by_code = np.argsort(codes)
        # No pair has the code -2; with it, there is always something to search in.
        self._codes = np.concatenate([[-2], codes[by_code]])
        self._ranks = np.concatenate([[_NEVER], by_code]).astype(np.int32)
        merged = np.array([ids[a + b] for a, b in merges], np.int64)
        self._merged = np.concatenate([merged, [0]])  # by rank; the last is never used

    def call(self, texts: Any) -> tf.Tensor:
        """Return the ids of the texts."""
        # A client may send bytes that are no UTF-8.
        texts = tf.strings.unicode_transcode(texts, "UTF-8", "UTF-8")
        marked = tf.strings.regex_replace(texts, f"({PIECES})", rb"\1" + _BETWEEN)
        pieces = tf.strings.split(marked, _BETWEEN)  # (B, pieces), the last of each is empty
        different, place = tf.unique(pieces.flat_values)
        found = tf.gather(self._encode(different), place)
        return pieces.with_flat_values(found).merge_dims(1, 2).to_tensor(0)  # (B, pieces, ids)

    def compute_output_spec(self, texts: Any) -> keras.KerasTensor:
        """Return the shape and type of `call`'s result."""
        return keras.KerasTensor((*texts.shape, None), dtype="int64")

    def _encode(self, pieces: tf.Tensor) -> tf.RaggedTensor:
        """Return the ids of each piece (pieces, ids)."""
        single = tf.strings.bytes_split(pieces)
        codes = tf.reshape(tf.io.decode_raw(single.flat_values, tf.uint8), [-1])
        ids = tf.gather(self._ids_of_bytes, tf.cast(codes, tf.int32))
        lengths = single.row_lengths()
        places = tf.ragged.range(lengths).flat_values
        starts = tf.cast(places % _LONGEST == 0, tf.int64)
        parts = tf.RaggedTensor.from_value_rowids(ids, tf.cumsum(starts) - 1)
        merged = self._merge(parts.to_tensor(-1))  # (parts, bytes) -> (parts, ids)
        merged = tf.RaggedTensor.from_tensor(merged, padding=-1)
        counts = (lengths + _LONGEST - 1) // _LONGEST
        return tf.RaggedTensor.from_row_lengths(merged, counts).merge_dims(1, 2)

    def _merge(self, ids: tf.Tensor) -> tf.Tensor:
        """Merge in each row, step by step, the pair of the lowest rank, the leftmost first."""

        def ranks(ids: tf.Tensor) -> tf.Tensor:  # (P, L) -> (P, L - 1)
            left, right = ids[:, :-1], ids[:, 1:]
            codes = tf.where(right >= 0, left * self._size + right, -1)
            flat = tf.reshape(codes, [-1])
            places = tf.searchsorted(self._codes, flat, side="right") - 1
            known = tf.equal(tf.gather(self._codes, places), flat)
            return tf.reshape(
                tf.where(known, tf.gather(self._ranks, places), _NEVER), tf.shape(codes)
            )

        def step(ids: tf.Tensor, ranked: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            best = tf.argmin(ranked, axis=1, output_type=tf.int32)[:, tf.newaxis]  # (P, 1)
            rank = tf.gather(ranked, best, batch_dims=1)
            merging = rank < _NEVER
            places = tf.range(tf.shape(ids)[1])[tf.newaxis]
            moved = tf.concat(
                [ids[:, 1:], tf.fill([tf.shape(ids)[0], 1], tf.constant(-1, ids.dtype))], 1
            )
            ids = tf.where(merging & (places > best), moved, ids)
            new = tf.gather(self._merged, tf.where(merging, rank, 0))
            ids = tf.where(merging & (places == best), new, ids)
            return ids, ranks(ids)

        def going(ids: tf.Tensor, ranked: tf.Tensor) -> tf.Tensor:
            return tf.reduce_any(ranked < _NEVER)

        ids = tf.pad(ids, [[0, 0], [0, 2]], constant_values=-1)  # there is always a pair to look at
        shapes = (tf.TensorShape([None, None]),) * 2
        return tf.while_loop(going, step, (ids, ranks(ids)), shape_invariants=shapes)[0]
