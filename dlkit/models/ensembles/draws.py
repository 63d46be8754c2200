"""Numbers that look drawn by chance, and are a fixed function of an example: a hash of its inputs.

    bits of the inputs, mixed -> weighted sum, modulo 2^32 -> mixed -> a number in [0, 1) -> a count

So each example has the same number in every epoch, wherever a shuffle puts it, on every backend,
with nothing to keep. Sums of whole numbers are the same in any order, and zeros that pad a sequence
add nothing. Where inputs are augmented, each view of an example is an example of its own.

References: the mixing is MurmurHash3's (Appleby 2011); counts for bagging are of Oza & Russell
2001, "Online Bagging and Boosting".
"""

import itertools
import math
from typing import Any

import keras
from keras import ops

# The share of counts of at most 0, 1, 2, ..., of a Poisson distribution with mean 1.
_POISSON = [*itertools.accumulate(math.exp(-1) / math.factorial(count) for count in range(10))]


def uniform(x: Any, seed: int) -> Any:
    """Return a number in [0, 1) for each example, which depends on its inputs and the seed alone.

    Args:
        x: A batch: a tensor (batch, ...) of numbers, or several in any structure.
        seed: A whole number from 0; another gives other numbers.

    Returns:
        A float32 tensor (batch,).

    Example:
        >>> first, second = uniform(ops.array([[1.0, 2.0], [1.0, 3.0]]), seed=0)
        >>> again = uniform(ops.array([[1.0, 3.0]]), seed=0)
        >>> float(first) != float(second), float(second) == float(again[0])
        (True, True)
    """
    mixed: Any = None
    for number, part in enumerate(keras.tree.flatten(x)):
        bits = _bits(part)  # (B, ...) -> (B, n)
        places = ops.cast(ops.arange(ops.shape(bits)[1]), "uint32") + _word(number << 24)
        odd = ops.bitwise_or(_mix(places), _word(1))
        total = ops.sum(_mix(bits) * odd, axis=1)  # (B, n) -> (B,)
        mixed = total if mixed is None else _mix(mixed) + total
    mixed = _mix(ops.bitwise_xor(_mix(mixed), _mix(_word(seed + 1))))
    # The upper 24 bits are what a float32 holds exactly.
    return ops.cast(ops.right_shift(mixed, _word(8)), "float32") * 2.0**-24


def poisson(x: Any, seed: int) -> Any:
    """Return how often each example is in a bootstrap sample: a Poisson count with mean 1.

    Args:
        x: A batch, as `uniform` takes it.
        seed: A whole number from 0, another one for each member.

    Returns:
        A float32 tensor (batch,) of 0, 1, 2, ...

    Example:
        >>> counts = poisson(ops.reshape(ops.arange(1000), (-1, 1)), seed=0)
        >>> 0.9 < float(ops.mean(counts)) < 1.1
        True
    """
    passed = uniform(x, seed)[:, None] >= ops.cast(_POISSON, "float32")  # (B,) -> (B, counts)
    return ops.sum(ops.cast(passed, "float32"), axis=1)


def _bits(part: Any) -> Any:
    """Return numbers (B, ...) as words (B, n): whole ones as they are, others by their bits."""
    part = ops.convert_to_tensor(part)
    if "float" in keras.backend.standardize_dtype(part.dtype):
        part = ops.cast(part, "float32") + 0.0  # -0.0 is 0.0
        part = ops.view(part[..., None], "uint32")  # a last axis of known size, which it needs
    else:
        part = ops.cast(ops.cast(part, "int32"), "uint32")
    return ops.reshape(part, (ops.shape(part)[0], -1))


def _word(number: int) -> Any:
    return ops.convert_to_tensor(number & 0xFFFFFFFF, dtype="uint32")


def _mix(word: Any) -> Any:
    """Spread what distinguishes words over all of their bits; 0 stays 0."""
    word = ops.bitwise_xor(word, ops.right_shift(word, _word(16))) * _word(0x85EBCA6B)
    word = ops.bitwise_xor(word, ops.right_shift(word, _word(13))) * _word(0xC2B2AE35)
    return ops.bitwise_xor(word, ops.right_shift(word, _word(16)))
