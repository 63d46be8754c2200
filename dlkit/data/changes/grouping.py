"""Splits of rows of which some belong together, as the pictures of one patient.

what each row belongs to -> groups as numbers -> a test split, folds or parts of whole groups
                         -> which classes are left to train on
"""

from __future__ import annotations

import dataclasses
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from dlkit.data.core.targets import TEST_FRACTION, TEST_SEED, Targets
from dlkit.data.core.wording import listed
from dlkit.errors import InputError

if TYPE_CHECKING:
    from dlkit.data.core.record import Origin

Pairs = list[tuple[np.ndarray, np.ndarray]]


def group_numbers(origin: Origin, groups: Any) -> np.ndarray:
    """Return the group of each row, as numbers.

    Args:
        origin: What the data was made of.
        groups: An array with an entry a row, or the name of a column.

    Raises:
        InputError: for another number of entries, a row without a group, or no such column.
    """
    if isinstance(groups, str):
        groups = _column(origin, groups)
    groups = np.asarray(groups)
    if groups.shape != (origin.count,):
        raise InputError(
            f"groups must name the group of each of the {origin.count} examples, those of a test"
            f" split of your own last. Received shape {groups.shape}."
        )
    missing = np.flatnonzero([group is None or group != group for group in groups.tolist()])
    if len(missing):
        raise InputError(
            f"groups has none for {len(missing)} of {origin.count} examples, first for example"
            f" {missing[0]}; give each a group, one of its own where it belongs to no other."
        )
    if groups.dtype.kind == "O":  # numbers among texts, as may be, have no order but as texts
        groups = groups.astype(str)
    return np.unique(groups, return_inverse=True)[1]


def _column(origin: Origin, name: str) -> np.ndarray:
    raw = origin.raw(np.arange(origin.count))
    if not isinstance(raw, dict) or name not in raw:
        known = f"; its columns: {', '.join(raw)}" if isinstance(raw, dict) else ""
        raise InputError(
            f"groups='{name}' is no column of the raw inputs{known}; give a column's name, or an"
            " array with the group of each example."
        )
    return raw[name]


def rows_apart(origin: Origin, groups: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows to learn from and those of a test split that shares no group with them."""
    kept, test = origin.split.kept, origin.split.test
    if origin.split.published:
        warn_of_shared(groups, kept, test)
    elif np.isin(groups[test], groups[kept]).any():
        cut = GroupCut(groups, origin.targets, TEST_SEED)
        return cut(np.union1d(kept, test), TEST_FRACTION)
    return kept, test


def group_folds(kept: np.ndarray, groups: np.ndarray, targets: Targets | None, k: int) -> Pairs:
    """Return rows to train and to validate on, `k` times; classes are shared out alike if they can.

    Raises:
        InputError: for more folds than groups.
    """
    from sklearn.model_selection import GroupKFold, StratifiedGroupKFold

    count = len(np.unique(groups))
    if k > count:
        raise InputError(
            f"k={k} folds need at least a group each; the examples beside the test split are of"
            f" {count} group{'' if count == 1 else 's'}: give a k of at most {count}."
        )
    classes = class_labels(targets, kept)
    if classes is None or np.bincount(classes).max() < k:
        found = GroupKFold(k).split(kept, groups=groups)
    else:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of classes with fewer than k examples
            found = list(StratifiedGroupKFold(k).split(kept, classes, groups))
    return [(kept[train], kept[val]) for train, val in found]


def class_labels(targets: Targets | None, rows: np.ndarray) -> np.ndarray | None:
    """Return the classes of rows, or `None` where they have not one each."""
    if targets is None or targets.task not in ("binary", "multiclass"):
        return None
    return targets.values[rows]


def check_classes(targets: Targets | None, rows: np.ndarray, train: np.ndarray) -> None:
    """Refuse to train on the only class that the groups leave, and tell of classes that they take.

    Raises:
        InputError: when `train` is of one class, and the rows are of several.
    """
    classes = class_labels(targets, rows)
    if targets is None or classes is None:
        return
    trained = np.unique(targets.values[train])
    lacking = [targets.names[label] for label in np.setdiff1d(classes, trained)]
    if not lacking:
        return
    told = f"all examples of {listed(lacking)} are in groups that are held out together"
    if len(trained) < 2:
        raise InputError(
            "Splits by these groups leave one class to train on,"
            f" '{targets.names[trained[0]]}': {told}; give more groups, or fewer folds."
        )
    warnings.warn(f"Training on the other groups lacks classes: {told}.", stacklevel=4)


@dataclasses.dataclass(frozen=True)
class GroupCut:
    """Cuts off a share of the groups; those last that alone hold a class of what is left."""

    groups: np.ndarray
    targets: Targets | None
    seed: int

    def __call__(self, rows: np.ndarray, fraction: float) -> tuple[np.ndarray, np.ndarray]:
        """Return the rows that stay, and those of the part `fraction` of their groups.

        Raises:
            InputError: when no group would stay.
        """
        groups = np.unique(self.groups[rows])
        last = int(np.ceil(fraction * len(groups)))
        if last >= len(groups):
            raise InputError(
                f"A fraction of {fraction:g} cannot be cut off {len(groups)} group"
                f"{'' if len(groups) == 1 else 's'}, since a group stays whole; give more groups,"
                " or a smaller fraction."
            )
        order = np.random.default_rng(self.seed).permutation(groups)
        chosen = self._cuttable(rows, order)[:last]
        held = np.isin(self.groups[rows], chosen)
        return rows[~held], rows[held]

    def _cuttable(self, rows: np.ndarray, order: np.ndarray) -> np.ndarray:
        """Return the groups in their order, but those behind whose classes no later one has."""
        classes = class_labels(self.targets, rows)
        if self.targets is None or classes is None:
            return order
        counts = np.zeros((self.groups.max() + 1, self.targets.num_classes), np.int64)
        np.add.at(counts, (self.groups[rows], classes), 1)
        left = counts.sum(axis=0)
        free: list[int] = []
        needed: list[int] = []
        for group in order:
            alone = (counts[group] > 0) & (left == counts[group])
            (needed if alone.any() else free).append(group)
            left = left if alone.any() else left - counts[group]
        return np.array(free + needed)


def warn_of_shared(groups: np.ndarray, rest: np.ndarray, test: np.ndarray) -> None:
    """Warn of groups that a published test split shares with the other rows."""
    shared = np.intersect1d(groups[rest], groups[test])
    if len(shared):
        warnings.warn(
            f"{len(shared)} of the groups are in the published test split as well, which stays as"
            " it is.",
            stacklevel=4,
        )
