"""The preprocessing of ratings: users and items as a client names them, to what a network takes.

user, item -> their numbers, 0 for unknown ones      [-> one-hot, one beside the other]
"""

from __future__ import annotations

import collections
import dataclasses
import functools
from collections.abc import Mapping

import keras
import numpy as np

from dlkit.errors import InputError

ENCODINGS = ("ids", "one_hot")
_UNKNOWN = "[UNK]"  # StringLookup's own word, which no vocabulary may hold


@dataclasses.dataclass(frozen=True)
class Encoding:
    """How users and items become what a network takes.

    Attributes:
        lookup: From raw users and items to their numbers.
        encode: From numbers to one vector, or `None` where the network takes numbers.
        vocabularies: What each number stands for, by role; 0 is for all others.
        feature_names: What each number of the vector stands for, or `None`.
    """

    lookup: keras.Model
    encode: keras.Model | None
    vocabularies: dict[str, tuple[str, ...]]
    feature_names: tuple[str, ...] | None

    @functools.cached_property
    def preprocessing(self) -> keras.Model:
        """The whole way, as one model."""
        outputs = self.lookup.output
        outputs = outputs if self.encode is None else self.encode(outputs)
        return keras.Model(self.lookup.input, outputs, name="preprocessing")


def build(train: Mapping[str, np.ndarray], encoding: str, min_count: int) -> Encoding:
    """Return the encoding that the training split teaches.

    Args:
        train: The raw identifiers of the training split, under `user` and `item`.
        encoding: One of `ENCODINGS`.
        min_count: How often one must occur to have a number of its own.

    Raises:
        InputError: when no user or no item occurs often enough.
    """
    known = {role: _known(role, values, min_count) for role, values in train.items()}
    inputs, numbers = {}, {}
    for role, values in train.items():
        texts = values.dtype.kind == "O"
        inputs[role] = keras.Input((), dtype="string" if texts else "int64", name=role)
        layer = keras.layers.StringLookup if texts else keras.layers.IntegerLookup
        numbers[role] = keras.ops.cast(layer(vocabulary=known[role])(inputs[role]), "int32")
    lookup = keras.Model(inputs, numbers, name="lookup")
    words = {role: ("other", *map(str, names)) for role, names in known.items()}
    if encoding == "ids":
        return Encoding(lookup, None, words, None)
    # What training never showed has no column, since nothing could be learned for it.
    others = {role: len(known[role]) < len(np.unique(train[role])) for role in train}
    names = []
    for role, has_others in others.items():
        names += [f"{role}={word}" for word in words[role][not has_others :]]
    return Encoding(lookup, _one_hot(known, others), words, tuple(names))


def _one_hot(known: Mapping[str, list], others: Mapping[str, bool]) -> keras.Model:
    inputs = {role: keras.Input((), dtype="int32", name=role) for role in known}
    blocks = []
    for role, names in known.items():
        block = keras.layers.CategoryEncoding(len(names) + 1, "one_hot")(inputs[role])
        blocks.append(block if others[role] else block[:, 1:])
    return keras.Model(inputs, keras.layers.Concatenate(name="features")(blocks), name="one_hot")


def _known(role: str, values: np.ndarray, min_count: int) -> list:
    counts = collections.Counter(values.tolist())
    known = sorted(v for v, count in counts.items() if count >= min_count and v != _UNKNOWN)
    if not known:
        raise InputError(
            f"min_count={min_count} leaves no {role} to learn: of {len(counts)} in the training"
            f" split, none has more than {max(counts.values())} ratings; give a smaller min_count."
        )
    return known
