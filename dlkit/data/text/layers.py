"""The Keras layers between a text and what a network takes; an export holds them.

    texts (B,) -> Standardize -> TextVectorization or BytePairs -> ids (B, longest)
               -> FitLength -> ids (B, length), or BagOfTokens -> a number a word (B, words)

Id 0 is padding and id 1 a token that training never showed. `TextVectorization`, which makes words
and characters into ids, is Keras's own. A `.keras` file of a preprocessing loads after
`import dlkit.data.text.layers`; an export needs nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from dlkit.data.text import byte_pairs

PADDING, UNKNOWN = 0, 1
SPECIAL = 2  # ids before the first real token
# What Keras's TextVectorization strips.
_PUNCTUATION = r"""[!"#$%&()*+,\-./:;<=>?@\[\\\]^_`{|}~']"""

_CLEANING = (
    (r"</?[a-z][^<>]*>", " "),
    (r"['\x{2019}`]", ""),
    (r"[\p{P}\p{Z}\p{C}]+", " "),
)


def _lower(texts: tf.Tensor) -> tf.Tensor:
    # Keras's own lowers the letters of ASCII only.
    return tf.strings.lower(texts, encoding="utf-8")


def _strip(texts: tf.Tensor) -> tf.Tensor:
    return tf.strings.regex_replace(texts, _PUNCTUATION, "")


def _clean(texts: tf.Tensor) -> tf.Tensor:
    """Keep words and numbers: no tags, no apostrophes, a blank for any other punctuation."""
    for pattern, new in _CLEANING:
        texts = tf.strings.regex_replace(texts, pattern, new)
    return tf.strings.strip(texts)


STANDARDS: dict[str, Callable[[tf.Tensor], tf.Tensor]] = {
    "clean": lambda texts: _clean(_lower(texts)),
    "lower": _lower,
    "strip_punctuation": _strip,
    "lower_and_strip_punctuation": lambda texts: _strip(_lower(texts)),
}


@keras.saving.register_keras_serializable(package="dlkit")
class Standardize(keras.layers.Layer):
    """Texts (B,) -> texts (B,), made alike by one of `STANDARDS`.

    Args:
        standard: A key of `STANDARDS`.
    """

    def __init__(self, standard: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.standard = standard

    def call(self, texts: Any) -> tf.Tensor:
        """Return the texts, standardised."""
        return STANDARDS[self.standard](texts)

    def compute_output_spec(self, texts: Any) -> keras.KerasTensor:
        """Return the shape and type of `call`'s result."""
        return keras.KerasTensor(texts.shape, dtype="string")


@keras.saving.register_keras_serializable(package="dlkit")
class FitLength(keras.layers.Layer):
    """Ids (B, any) -> ids (B, length): cut, or padded with 0.

    A text without a token becomes one unknown token: the mean over none, as a network takes it that
    masks padding, would be NaN.

    Args:
        length: Ids a text.
        keep: Which ids of a longer text are kept: `"first"`, or `"last"`, which pads in front too,
            so that the newest id always stands at the end. Defaults to "first".
        pad: Whether shorter texts are padded to `length`, or to the longest only. Defaults to True.
    """

    def __init__(self, length: int, keep: str = "first", pad: bool = True, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.length = length
        self.keep = keep
        self.pad = pad

    def call(self, ids: Any) -> tf.Tensor:
        """Return the ids in the wanted length."""
        ids = tf.pad(ids, [[0, 0], [0, tf.maximum(1 - tf.shape(ids)[1], 0)]])  # at least one place
        none = tf.reduce_all(ids == PADDING, axis=1, keepdims=True)  # (B, 1)
        first = tf.where(none, tf.constant(UNKNOWN, ids.dtype), ids[:, :1])
        ids = tf.concat([first, ids[:, 1:]], axis=1)
        if not self.pad:
            return ids[:, : self.length]
        padded = tf.pad(ids, [[0, 0], [0, self.length]])  # (B, T) -> (B, T + length)
        if self.keep == "first":
            return tf.ensure_shape(padded[:, : self.length], (None, self.length))
        count = tf.math.count_nonzero(ids, axis=1, keepdims=True, dtype=tf.int32)  # (B, 1)
        places = tf.range(self.length)[tf.newaxis] + count - self.length  # (B, length)
        # Before the first id: what stands behind the last, which is padding.
        places = tf.where(places < 0, tf.shape(padded)[1] - 1, places)
        kept = tf.gather(padded, places, axis=1, batch_dims=1)
        return tf.ensure_shape(kept, (None, self.length))

    def compute_output_spec(self, ids: Any) -> keras.KerasTensor:
        """Return the shape and type of `call`'s result."""
        return keras.KerasTensor((ids.shape[0], self.length if self.pad else None), ids.dtype)


@keras.saving.register_keras_serializable(package="dlkit")
class JoinTokens(keras.layers.Layer):
    """Ids (B, T) -> texts (B,): what a network wrote, as one reads it, without padding.

    Args:
        tokens: The token of each id.
        separator: What stands between them. Defaults to "".
        bytewise: Whether a token's letters stand for bytes, as byte pairs are written. Bytes that
            make no letter become U+FFFD. Defaults to False.
    """

    def __init__(
        self, tokens: Sequence[str], separator: str = "", bytewise: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.separator = separator
        pieces = [byte_pairs.as_bytes([t]) if bytewise else t.encode() for t in tokens[SPECIAL:]]
        self._pieces = np.array([b"", tokens[UNKNOWN].encode(), *pieces], object)

    def call(self, ids: Any) -> tf.Tensor:
        """Return the texts."""
        joined = tf.strings.reduce_join(
            tf.gather(tf.constant(self._pieces), ids), axis=-1, separator=self.separator
        )
        if self.separator:
            joined = tf.strings.strip(joined)  # padding stands at either end
        return tf.strings.unicode_transcode(joined, "UTF-8", "UTF-8")

    def compute_output_spec(self, ids: Any) -> keras.KerasTensor:
        """Return the shape and type of `call`'s result."""
        return keras.KerasTensor(ids.shape[:1], dtype="string")


@keras.saving.register_keras_serializable(package="dlkit")
class BagOfTokens(keras.layers.Layer):
    """Ids (B, T) -> a number for each of `size` tokens (B, size), without padding and unknown ones.

    Keras's `CategoryEncoding` would count the padding.

    Args:
        size: Real tokens.
        binary: Whether a token counts once a text however often it stands there. Defaults to False.
        weights: A factor for each token. Defaults to None.
    """

    def __init__(
        self,
        size: int,
        binary: bool = False,
        weights: Sequence[float] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.size = size
        self.binary = binary
        self._factors = None if weights is None else np.array(weights, np.float32)

    def call(self, ids: Any) -> tf.Tensor:
        """Return the count of each token, or whether it is there, times its weight."""
        length = self.size + SPECIAL
        # A column of padding more: texts of no tokens at all still make a matrix.
        counts = tf.math.bincount(
            tf.pad(tf.cast(ids, tf.int32), [[0, 0], [0, 1]]),
            minlength=length,
            maxlength=length,
            dtype=tf.float32,
            axis=-1,
            binary_output=self.binary,
        )
        counts = tf.ensure_shape(counts, (None, length))[:, SPECIAL:]  # (B, size)
        return counts if self._factors is None else counts * self._factors

    def compute_output_spec(self, ids: Any) -> keras.KerasTensor:
        """Return the shape and type of `call`'s result."""
        return keras.KerasTensor((ids.shape[0], self.size), dtype="float32")
