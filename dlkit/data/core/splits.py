"""Which examples train, validate and test, and the pipelines of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from dlkit.data.core import target_rows
from dlkit.data.core.record import Origin, Record, Split
from dlkit.data.core.targets import (
    Targets,
    encode_targets,
    read_targets,
    split_off_test,
    split_stratified,
)
from dlkit.errors import InputError

if TYPE_CHECKING:
    from dlkit.data.core.pipeline import Feed


def known_origin(data: Record, what: str) -> Origin:
    """Return the origin of `data`, which the method `what` needs.

    Raises:
        InputError: when the record was made by hand.
    """
    if data.origin is None:
        raise InputError(
            f"{what} needs the raw examples, which '{data.name}' does not know; make the data with"
            " dlkit.data.load or one of dlkit.data.from_arrays, from_csv and so on."
        )
    return data.origin


def divide_targets(targets: Targets, held: int | None, val_fraction: float, seed: int) -> Split:
    """Return the split of examples with `targets`, of which the last `held` are the test split.

    `held=None` takes a fifth for testing, the same one for every seed. Classes are shared out
    alike. An example of the class -1 is in no split.
    """
    count, rows = len(targets.values), target_rows.rows_in_use(targets)
    if held is None:
        rest, test = (rows[part] for part in split_off_test(targets.take(rows)))
    else:
        rest, test = rows[rows < count - held], rows[rows >= count - held]
    train, val = split_stratified(targets.take(rest), val_fraction, seed)
    return Split(rest[train], rest[val], test, published=held is not None)


class SplitOptions(Protocol):
    """How examples are shared out, among what else a user may choose."""

    @property
    def val_fraction(self) -> float:
        """Part of the training examples kept for validation."""

    @property
    def rare_classes(self) -> str:
        """What a class of too few examples does: `"error"`, `"drop"` or `"merge"`."""

    @property
    def seed(self) -> int:
        """Chooses the validation split."""


def divide_labels(
    labels: Any,
    held: Any,
    task: str | None,
    class_names: Sequence[Any] | None,
    options: SplitOptions,
) -> tuple[Targets, Split]:
    """Return what labels stand for as targets, and the split of their examples.

    Args:
        labels: Those of the examples to train and validate on.
        held: Those of the test split, whose targets stand behind the others; `None` takes a fifth.
        task: What they are for; `None` reads it from them.
        class_names: The classes' names, or `None`.
        options: How the examples are shared out.
    """
    targets, count = read_targets(labels, task, class_names), None
    if held is not None:
        count = len(held)
        values = np.concatenate([targets.values, encode_targets(held, targets)])
        targets = dataclasses.replace(targets, values=values)
    part = options.val_fraction
    targets = target_rows.without_rare_classes(targets, count, part, options.rare_classes, task)
    return targets, divide_targets(targets, count, part, options.seed)


def split_pipelines(feed: Feed, split: Split) -> dict[str, Any]:
    """Return the three pipelines, by the names of `Data`'s fields; an empty split has none."""
    return {
        "train": feed.batches(split.train, train=True, weights=split.weights),
        "val": feed.batches(split.val) if len(split.val) else None,
        "test": feed.batches(split.test) if len(split.test) else None,
    }
