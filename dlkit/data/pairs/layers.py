"""The preprocessing of sentence pairs: texts to whole numbers of one length.

    text -> lower case, punctuation apart -> tokens -> cut -> numbers -> [start] or [end] -> padded

A vocabulary starts with `[pad]`, `[UNK]` for what training did not show, `[start]` and `[end]`; no
token of a text looks like these.
"""

from __future__ import annotations

import collections
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from dlkit.errors import InputError

TOKENS = ("word", "character")
SPECIAL = ("[pad]", "[UNK]", "[start]", "[end]")
_CHUNK = 8192


def tokenize(texts: tf.Tensor, tokens: str, *, lower: bool) -> tf.RaggedTensor:
    """Split texts (B,) into tokens (B, None).

    A word ends at a blank, before and after punctuation, and after an apostrophe, so that French
    "l'eau" is "l'" and "eau". Hyphens stay within words.

    Example:
        >>> tokenize(tf.constant(["N'est-ce pas, Luc?"]), "word", lower=True).to_list()[0][:3]
        [b"n'", b'est-ce', b'pas']
    """
    if lower:
        texts = tf.strings.lower(texts, "utf-8")
    texts = tf.strings.regex_replace(texts, "[‘’]", "'")  # noqa: RUF001 - as typographers write it
    if tokens == "word":
        texts = tf.strings.regex_replace(texts, r"([^\pL\pM\pN\pZ\s'-])", r" \1 ")
        texts = tf.strings.regex_replace(texts, r"([\pL\pN]')", r"\1 ")
    texts = tf.strings.strip(tf.strings.regex_replace(texts, r"[\pZ\s]+", " "))
    if tokens == "word":
        return tf.strings.split(texts)
    return tf.strings.unicode_split(texts, "UTF-8")


def learn_vocabulary(
    tokens: tf.RaggedTensor, size: int, min_count: int, what: str
) -> tuple[str, ...]:
    """Return `SPECIAL` and the most frequent tokens, `size` words in all.

    Raises:
        InputError: when no token occurs `min_count` times.
    """
    counts = collections.Counter(tokens.flat_values.numpy().tolist())
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    words = [token.decode() for token, count in ranked if count >= min_count]
    if not words:
        most = max(counts.values())
        raise InputError(
            f"min_count={min_count} leaves a {what} vocabulary of size zero: of {len(counts)}"
            f" tokens in the training split none occurs more than {most} times; give a smaller"
            " min_count."
        )
    return (*SPECIAL, *words[: size - len(SPECIAL)])


@keras.saving.register_keras_serializable(package="dlkit")
class SentenceIds(keras.layers.Layer):
    """Texts (B,) -> the numbers of their tokens (B, length), 0 behind the last.

    What is longer is cut, but keeps its mark. An export needs nothing to hold it; a `.keras` file
    of a preprocessing loads after `import dlkit.data.pairs.layers`.

    Args:
        vocabulary: What each number stands for, from `SPECIAL` on.
        length: How many numbers a sentence has.
        tokens: `"word"` or `"character"`. Defaults to "word".
        lower: Whether letters become small. Defaults to True.
        mark: `"[start]"` in front, `"[end]"` behind, or neither. Defaults to "".
        **kwargs: What any Keras layer takes.
    """

    def __init__(
        self,
        vocabulary: Sequence[str],
        length: int,
        *,
        tokens: str = "word",
        lower: bool = True,
        mark: str = "",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.vocabulary, self.length = list(vocabulary), length
        self.tokens, self.lower, self.mark = tokens, lower, mark
        pad, unknown, *known = self.vocabulary
        self.lookup = keras.layers.StringLookup(vocabulary=known, mask_token=pad, oov_token=unknown)

    def build(self, input_shape: Any) -> None:
        """Build the lookup, which is whole from the start."""
        self.lookup.build(input_shape)

    def call(self, texts: Any) -> tf.Tensor:
        """Return the numbers of each text."""
        room = self.length - bool(self.mark)
        tokens = tokenize(texts, self.tokens, lower=self.lower)[:, :room]
        numbers = tokens.with_flat_values(tf.cast(self.lookup(tokens.flat_values), tf.int32))
        if self.mark:
            mark = tf.fill([tf.shape(texts)[0], 1], self.vocabulary.index(self.mark))
            parts = [mark, numbers] if self.mark == "[start]" else [numbers, mark]
            numbers = tf.concat(parts, axis=1)
        return numbers.to_tensor(shape=[None, self.length])

    def compute_output_spec(self, texts: Any) -> keras.KerasTensor:
        """Return the shape and type of `call`'s result."""
        return keras.KerasTensor((*texts.shape, self.length), dtype="int32")

    def get_config(self) -> dict[str, Any]:
        """Return what makes the layer again."""
        names = ("vocabulary", "length", "tokens", "lower", "mark")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


def tokens_of(texts: np.ndarray, tokens: str, *, lower: bool) -> tf.RaggedTensor:
    """Return the tokens of many texts, split in pieces."""
    pieces = range(0, len(texts), _CHUNK)
    parts = [tokenize(tf.constant(texts[i : i + _CHUNK]), tokens, lower=lower) for i in pieces]
    return tf.concat(parts, axis=0)
