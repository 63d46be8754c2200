"""Checks of the splits: how many, which classes, and what is in two of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from dlkit.data.changes.duplicates import raw_digests, repeated_rows
from dlkit.data.checks.near_duplicates import nearest_alike, take_fingerprints
from dlkit.data.checks.view import SPLITS, View
from dlkit.data.core.class_names import class_counts, class_name
from dlkit.data.core.precision import lossy
from dlkit.data.core.wording import Finding, listed, share_of
from dlkit.tasks import TASKS

if TYPE_CHECKING:
    from dlkit.data.core.record import Record


def check_sizes(view: View) -> Iterator[Finding]:
    """Look at how many examples each split has."""
    data = view.data
    if data.origin is not None:
        told = [f"{len(getattr(data.origin.split, split)):,} {split}" for split in SPLITS]
    else:
        told = [f"{split} in batches" for split in view.batches]
    lacking = [split for split in ("val", "test") if getattr(data, split) is None]
    if lacking:
        advice = "without them nothing shows what the model does on new examples"
        yield Finding(
            "note", "examples", f"{', '.join(told)}: no {' and no '.join(lacking)}", advice
        )
    else:
        yield Finding("ok", "examples", ", ".join(told))


# ------------------------------------------------------------------ targets


def check_targets(view: View) -> Iterator[Finding]:
    """Look at the targets of each split."""
    values = view.targets("train")
    if values is None or view.data.task not in TASKS:
        return
    known = view.data.origin and view.data.origin.targets
    if known and known.assumed:
        yield _task(view.data.task, known.assumed)
    faults = list(_target_faults(view))
    yield from faults
    if faults:
        return
    if view.data.task == "regression":
        yield _numbers(values, view.data.origin is not None)
    else:
        yield from _classes(view, len(values))


def _task(task: str, assumed: str) -> Finding:
    """Tell what the targets were taken for; of whole numbers, how to have it otherwise."""
    other = "multiclass' for classes" if task == "regression" else "regression' for quantities"
    advice = f"task='{other}" if assumed.endswith("whole numbers") else ""
    return Finding("ok", "task", f"{task}, as the targets are {assumed}", advice)


def _target_faults(view: View) -> Iterator[Finding]:
    """Look at what the network gets, which may not be what the data was made of."""
    data, seen = view.data, []
    for split, batches in view.batches.items():
        seen += [(split, y[0]) for _, y in batches if len(y) == 1]
    for split, y in seen:
        if y.dtype.kind == "f" and not np.isfinite(y).all():
            detail = f"NaN or infinity in the {split} targets"
            yield Finding("error", "targets", detail, "fill or drop such examples")
            return
        index = data.task in ("binary", "multiclass") and y.dtype.kind in "iu"
        outside = y[(y < 0) | (y >= data.num_classes)] if index else y[:0]
        if len(outside):
            detail = f"label {outside[0]} in {split}, and the classes are 0 to"
            advice = "drop such examples, or count more classes"
            yield Finding("error", "targets", f"{detail} {data.num_classes - 1}", advice)
            return


def _numbers(values: np.ndarray, rescalable: bool) -> Finding:
    mean, std = values.mean(), values.std()
    detail = f"{values.min():.4g} to {values.max():.4g}, mean {mean:.4g}, deviation {std:.4g}"
    if std == 0:
        return Finding("error", "targets", detail, "all are the same: nothing is to be learned")
    if lossy(values):
        detail = f"{detail}: float32, as a network's outputs are, rounds most of that away"
        return Finding("error", "targets", detail, f"predict what they differ from {mean:.4g} by")
    if abs(mean) > 10 or not 0.1 < std < 10:
        how = "rescale_outputs(model, data), or " if rescalable else ""
        advice = f"a network of your own starts near 0: {how}divide them by about their deviation"
        return Finding("note", "targets", detail, advice)
    return Finding("ok", "targets", detail)


def _classes(view: View, trained: int) -> Iterator[Finding]:
    data = view.data
    unit = "label" if data.task == "multilabel" else "class"
    found = {split: view.targets(split) for split in SPLITS}
    counts = {name: class_counts(data, y) for name, y in found.items() if y is not None and len(y)}
    for split, of_split in counts.items():
        lacking = [class_name(data, i) for i in np.flatnonzero(of_split == 0)]
        if lacking:
            level = "error" if split == "train" else "warning"
            detail = f"no {split} example of {listed(lacking)}"
            yield Finding(level, f"{unit} counts", detail, "give more examples, or another split")
    yield _labels(data, counts["train"])
    train = np.maximum(counts["train"], 1)
    rarest, most = int(train.argmin()), int(train.max())
    times = most / train[rarest]
    told = share_of(counts["train"][rarest], trained)
    detail = f"the rarest is '{class_name(data, rarest)}': {told} in training"
    if times >= 3:
        detail = f"{detail}, {times:.0f} times fewer than the most frequent"
        level = "warning" if times >= 10 else "note"
        advice = "data.balanced(); judge by recall and precision, not by accuracy"
        yield Finding(level, f"{unit} balance", detail, advice)
    else:
        yield Finding("ok", f"{unit} balance", detail)


def _labels(data: Record, counts: np.ndarray) -> Finding:
    told = [f"{class_name(data, i)} {number:,}" for i, number in enumerate(counts)]
    span = "each 0 or 1" if data.task == "multilabel" else f"0 to {len(counts) - 1}"
    return Finding("ok", "labels", f"{span}; in training: {listed(told, 5)}")


# ------------------------------------------------------------------ what is there twice


def check_repeats(view: View) -> Iterator[Finding]:
    """Look for equal examples among all, and for alike ones among some."""
    if not view.kind.distinct:
        return
    split = view.origin.split
    rows = np.union1d(split.kept, split.test)
    keys = raw_digests(view.origin, rows)
    same = repeated_rows(rows, keys)
    yield from _exact(view, same)
    if view.origin.overlap == 0:
        yield from _near(view, dict(zip(rows.tolist(), keys.tolist(), strict=True)))


def _exact(view: View, same: tuple[np.ndarray, ...]) -> Iterator[Finding]:
    split = view.origin.split
    inside = {name: _members(view, getattr(split, name)) for name in SPLITS}
    trained = [g for g in same if inside["train"][g].any()]
    found = []
    for name in ("val", "test"):
        leaked = sum(int(inside[name][g].sum()) for g in trained)
        if leaked:
            found.append(f"{share_of(leaked, len(getattr(split, name)))} {name} examples")
    if found:
        advice = "data.without_duplicates(): the score on them says nothing about new ones"
        detail = f"{'; '.join(found)} are in training"
        yield Finding("warning", "same in two splits", detail, advice)
    else:
        yield Finding("ok", "same in two splits", "none")
    within = sum(int(inside["train"][g].sum()) - 1 for g in trained)
    if within:
        detail = f"{share_of(within, int(inside['train'].sum()))} training examples repeat another"
        yield Finding("note", "same in training", detail, "data.without_duplicates()")
    yield from _contradictions(view, same)


def _members(view: View, rows: np.ndarray) -> np.ndarray:
    """Return for each row number whether it is one of `rows`."""
    inside = np.zeros(view.origin.count, bool)
    inside[rows] = True
    return inside


def _contradictions(view: View, same: tuple[np.ndarray, ...]) -> Iterator[Finding]:
    known = view.origin.targets
    if known is None:
        return
    different = [g for g in same if (known.values[g] != known.values[g[0]]).any()]
    if different:
        rows = ", ".join(map(str, different[0][:5]))
        detail = f"inputs with different targets: {len(different):,}, as that of rows {rows}"
        yield Finding("warning", "same input, other target", detail, "look at their labels")


def _near(view: View, keys: dict[int, bytes]) -> Iterator[Finding]:
    fingerprint = view.kind.fingerprint
    if fingerprint is None:
        return
    prints = take_fingerprints(view, fingerprint)
    if prints is None:
        return
    train = view.rows("train")
    for split in [name for name in ("val", "test") if name in prints]:
        held = view.rows(split)
        nearest = nearest_alike(prints["train"], prints[split], fingerprint)
        pairs = [(h, train[t]) for h, t in zip(held, nearest, strict=True) if t >= 0]
        pairs = [(h, t) for h, t in pairs if keys[h] != keys[t]]
        what = f"alike in {split} and train"
        if pairs:
            told = ", ".join(f"{h} and {t}" for h, t in pairs[:3])
            detail = f"{share_of(len(pairs), len(held))} {split} examples, as rows {told}"
            level = "warning" if len(pairs) > 0.01 * len(held) else "note"
            advice = "look at them; data.resplit(groups=...) keeps what belongs together in a split"
            yield Finding(level, what, detail, advice)
        else:
            yield Finding("ok", what, f"none of {len(held):,}, beside {len(train):,}")
