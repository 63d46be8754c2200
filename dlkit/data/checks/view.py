"""What `Data.check` looks at: a bounded part of a data set, read once for all checks."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from dlkit.data.core import splits
from dlkit.data.core.kinds import Kind, find_kind
from dlkit.data.core.wording import Finding

if TYPE_CHECKING:
    from dlkit.data.core.record import Origin, Record

SPLITS = ("train", "val", "test")
# What is looked at: raw training rows and rows of each other split, and network inputs. Two limits
# each, in examples and in bytes, so that large pictures cost no more than small ones.
TRAIN_ROWS, HELD_ROWS, BATCHED_ROWS = 5000, 1000, 512
RAW_BYTES, BATCHED_BYTES = 1 << 26, 1 << 26
FILES = 300  # files whose head is read
HELD = ("test", "val")  # the first that has examples is looked at
LEAST = 100  # pairs, edges: fewer tell nothing of how alike they are


@dataclasses.dataclass(frozen=True)
class View:
    """A bounded part of a data set, read once for all checks."""

    data: Record

    @property
    def kind(self) -> Kind:
        """What the inputs are."""
        return find_kind(self.data.kind)

    @property
    def origin(self) -> Origin:
        """What the data was made of; checks of what a record made by hand lacks do not ask."""
        return splits.known_origin(self.data, "check")

    def rows(self, split: str) -> np.ndarray:
        """Return the row numbers of a split that are looked at; always the same."""
        rows = np.unique(getattr(self.origin.split, split))
        most = min(TRAIN_ROWS if split == "train" else HELD_ROWS, RAW_BYTES // self._raw_bytes)
        if len(rows) <= most:
            return rows
        return np.sort(np.random.default_rng(0).permutation(rows)[:most])

    @functools.cached_property
    def _raw_bytes(self) -> int:
        """How much one raw input takes."""
        row = _leaves(self.origin.raw(self.origin.split.train[:1]))
        return sum(16 + part.nbytes for part in row)

    @functools.cached_property
    def raw(self) -> dict[str, Any]:
        """The raw inputs of the rows of each split that has some."""
        sampled = {split: self.rows(split) for split in SPLITS}
        return {name: self.origin.raw(rows) for name, rows in sampled.items() if len(rows)}

    @functools.cached_property
    def batches(self) -> dict[str, list[tuple[list[np.ndarray], list[np.ndarray]]]]:
        """The first batches of each split, as the network gets them: inputs, targets."""
        return {
            split: list(_first(getattr(self.data, split)))
            for split in SPLITS
            if getattr(self.data, split) is not None
        }

    def targets(self, split: str) -> np.ndarray | None:
        """Return the targets of a split: all of them, or those of its first batches."""
        origin = self.data.origin
        if origin is not None:
            if origin.targets is None:
                return None
            return origin.targets.values[getattr(origin.split, split)]
        if split not in self.batches or len(self.batches[split][0][1]) != 1:
            return None
        return np.concatenate([y for _, (y,) in self.batches[split]])


def _first(dataset: Any) -> Iterator[tuple[list[np.ndarray], list[np.ndarray]]]:
    rows = size = 0
    for inputs, targets, *_ in dataset:
        x, y = _leaves(inputs), _leaves(targets)
        yield x, y
        rows += len(x[0])
        size += sum(part.nbytes for part in x)
        if rows >= BATCHED_ROWS or size >= BATCHED_BYTES:
            return


def _leaves(structure: Any) -> list[np.ndarray]:
    """Return the arrays in a structure of arrays and tensors; ragged ones are padded."""
    import tensorflow as tf

    parts = tf.nest.flatten(structure)
    return [np.asarray(p.to_tensor() if isinstance(p, tf.RaggedTensor) else p) for p in parts]


def spread_of_lengths(what: str, lengths: np.ndarray, unit: str) -> Finding:
    """Tell how long examples are, and whether a few are far longer than most."""
    low, middle, high = np.quantile(lengths, (0, 0.5, 1))
    detail = f"{low:.3g} to {high:.3g} {unit}, half of them up to {middle:.3g}"
    if high > 20 * max(middle, 1e-9):
        advice = "a few are very long: choose the length by what most have"
        return Finding("note", what, detail, advice)
    return Finding("ok", what, detail)
