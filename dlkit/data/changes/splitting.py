"""Other splits of the same rows: folds, grouped and ordered ones.

    row numbers, their classes or groups -> who trains and who validates -> the `Data` of it

Each `Data` learns its preprocessing anew, from its own training rows.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from dlkit.argument_validation import check_fraction, check_integer
from dlkit.data.changes import balancing, grouping
from dlkit.data.core.record import Split
from dlkit.data.core.splits import known_origin
from dlkit.data.core.targets import Targets, split_stratified
from dlkit.errors import InputError

if TYPE_CHECKING:
    from dlkit.data.core.record import AnyRecord, Origin, Record

Pairs = list[tuple[np.ndarray, np.ndarray]]
Cut = Callable[[np.ndarray, float], tuple[np.ndarray, np.ndarray]]


def folds(data: AnyRecord, k: int, groups: Any, ordered: bool, seed: int) -> Iterator[AnyRecord]:
    """Return what `Data.folds` tells; the splits are checked before the first is made."""
    origin = known_origin(data, "folds")
    check_integer("k", k, minimum=2)
    check_integer("seed", seed, minimum=0)
    kept, test = _in_order(origin, origin.split.kept), origin.split.test
    _check_count(k, len(kept), ordered)
    groups = _own_groups(origin, groups, ordered)
    if _by_group(origin, data, "folds", groups, ordered):
        groups = grouping.group_numbers(origin, groups)
        kept, test = grouping.rows_apart(origin, groups)
        pairs = grouping.group_folds(kept, groups[kept], origin.targets, k)
    elif ordered:
        pairs = _ordered_folds(kept, k, origin.overlap)
    else:
        pairs = _shuffled_folds(kept, origin.targets, k, seed)
    for train, _ in pairs if groups is not None else ():
        grouping.check_classes(origin.targets, kept, train)

    def make(train: np.ndarray, val: np.ndarray) -> AnyRecord:
        return origin.remake(_as_balanced(origin, Split(train, val, test, groups=groups), seed))

    return (make(train, val) for train, val in pairs)


def _check_count(k: int, count: int, ordered: bool) -> None:
    most = count - 1 if ordered else count
    if k > most:
        what = "an ordered fold needs earlier examples too, and there" if ordered else "there"
        raise InputError(
            f"k={k} folds need at least an example each; {what} are {count} beside the test split:"
            f" give a k of at most {most}."
        )


def _by_group(origin: Origin, data: Record, what: str, groups: Any, ordered: bool) -> bool:
    """Return whether to split by groups, once the choice is seen to make sense."""
    if groups is not None and ordered:
        raise InputError(
            f"{what} splits by groups or in order, and not both. Received: groups={_brief(groups)}"
            " and ordered=True; leave one out."
        )
    if origin.split.groups is not None and ordered:
        raise InputError(
            f"Some examples of '{data.name}' belong together, as the translations of one sentence,"
            f" and splits in order part them; give {what}(...) without ordered=True."
        )
    if origin.overlap and not ordered:
        raise InputError(
            f"The examples of '{data.name}' are windows that share values with their neighbours,"
            f" so other splits leak; give {what}(..., ordered=True)."
        )
    if origin.times is not None and groups is None and not ordered:
        raise InputError(
            f"The splits of '{data.name}' are by time, and shuffled ones would learn from what came"
            f" later; give {what}(..., ordered=True), or make the data with split='random'."
        )
    return groups is not None


def _in_order(origin: Origin, rows: np.ndarray) -> np.ndarray:
    """Return rows by their times, or by their numbers where nothing tells when they were."""
    if origin.times is None:
        return rows
    return rows[np.argsort(origin.times[rows], kind="stable")]


def _own_groups(origin: Origin, groups: Any, ordered: bool) -> Any:
    """Return the groups that were asked for, or else those that the data has."""
    return origin.split.groups if groups is None and not ordered else groups


def _brief(groups: Any) -> str:
    text = repr(groups)
    return text if len(text) < 60 else f"{type(groups).__name__} of {len(groups)} values"


def _ordered_folds(kept: np.ndarray, k: int, overlap: int) -> Pairs:
    from sklearn.model_selection import TimeSeriesSplit

    try:
        found = list(TimeSeriesSplit(k, gap=overlap).split(kept))
    except ValueError:
        raise InputError(
            f"k={k} ordered folds leave nothing to train on: {len(kept)} windows beside the test"
            f" split, of which the last {overlap} before each fold overlap it; give fewer folds."
        ) from None
    return [(kept[train], kept[val]) for train, val in found]


def _shuffled_folds(kept: np.ndarray, targets: Targets | None, k: int, seed: int) -> Pairs:
    from sklearn.model_selection import KFold, StratifiedKFold

    labels = grouping.class_labels(targets, kept)
    if targets is None or labels is None:
        found = KFold(k, shuffle=True, random_state=seed).split(kept)
    else:
        _check_rarest(targets, labels, k)
        found = StratifiedKFold(k, shuffle=True, random_state=seed).split(kept, labels)
    return [(kept[train], kept[val]) for train, val in found]


def _check_rarest(targets: Targets, labels: np.ndarray, k: int) -> None:
    counts = np.bincount(labels, minlength=targets.num_classes)
    present = np.flatnonzero(counts)
    rarest = present[counts[present].argmin()]
    if k > counts[rarest]:
        raise InputError(
            f"k={k} folds cannot each hold the rarest class, '{targets.names[rarest]}', which"
            f" has {counts[rarest]} examples beside the test split; give a k of at most"
            f" {max(counts[rarest], 2)}, or more examples."
        )


def resplit(
    data: AnyRecord,
    val_fraction: float,
    test_fraction: float,
    groups: Any,
    ordered: bool,
    seed: int,
) -> AnyRecord:
    """Return what `Data.resplit` tells."""
    origin = known_origin(data, "resplit")
    check_fraction("val_fraction", val_fraction)
    check_fraction("test_fraction", test_fraction)
    check_integer("seed", seed, minimum=0)
    if test_fraction == 0:
        raise InputError(
            f"test_fraction={test_fraction} keeps nothing to test on; give one like 0.2."
        )
    split, groups = origin.split, _own_groups(origin, groups, ordered)
    cut: Cut
    if _by_group(origin, data, "resplit", groups, ordered):
        groups = grouping.group_numbers(origin, groups)
        cut = grouping.GroupCut(groups, origin.targets, seed)
    else:
        cut = _OrderedCut(origin.overlap) if ordered else _ShuffledCut(origin.targets, seed)
    rest, test = _in_order(origin, split.kept), split.test
    if not split.published:
        rest, test = cut(_in_order(origin, np.union1d(rest, test)), test_fraction)
    elif groups is not None:
        grouping.warn_of_shared(groups, rest, test)
    train, val = cut(rest, val_fraction)
    if groups is not None:
        grouping.check_classes(origin.targets, np.union1d(split.kept, split.test), train)
    return origin.remake(_as_balanced(origin, Split(train, val, test, groups=groups), seed))


def _as_balanced(origin: Origin, new: Split, seed: int) -> Split:
    """Return another split, published and balanced as that of `origin` is."""
    old, targets, train, weights = origin.split, origin.targets, new.train, None
    oversampled = len(np.unique(old.train)) < len(old.train)
    if targets is not None and old.weights is not None:
        weights = balancing.class_weights(targets, train)
    elif targets is not None and oversampled:
        train = balancing.oversampled(train, targets.values[train], seed)
    return dataclasses.replace(new, train=train, weights=weights, published=old.published)


@dataclasses.dataclass(frozen=True)
class _OrderedCut:
    """Cuts off the last rows, and drops those before them that overlap them."""

    overlap: int

    def __call__(self, rows: np.ndarray, fraction: float) -> tuple[np.ndarray, np.ndarray]:
        last = int(np.ceil(fraction * len(rows)))
        gap = self.overlap if last else 0
        first = len(rows) - last - gap
        if first < 1:
            raise InputError(
                f"A fraction of {fraction:g} of {len(rows)} ordered examples leaves none before it"
                f" to train on (of which {gap} overlap it); give a smaller fraction."
            )
        return rows[:first], rows[len(rows) - last :]


@dataclasses.dataclass(frozen=True)
class _ShuffledCut:
    """Cuts off a random share of the rows, of each class alike."""

    targets: Targets | None
    seed: int

    def __call__(self, rows: np.ndarray, fraction: float) -> tuple[np.ndarray, np.ndarray]:
        if self.targets is not None:
            kept, held = split_stratified(self.targets.take(rows), fraction, self.seed)
            return rows[kept], rows[held]
        order = np.random.default_rng(self.seed).permutation(rows)
        last = int(np.ceil(fraction * len(rows)))
        return np.sort(order[last:]), np.sort(order[:last])
