"""Checks of series: whether later spans are like the past, and what a forecast has to beat."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from dlkit.data.checks import columns
from dlkit.data.checks.view import HELD, View
from dlkit.data.core.wording import Finding, listed
from dlkit.data.series.windows import predicted_columns

_MOVED = 1.0  # training deviations
_LEAST = 4  # steps of a window that tell a clock from chance


def check_raw(view: View) -> Iterator[Finding]:
    """Look at all variables, and at the predicted ones in training and in the latest span."""
    yield from columns.check_raw(view)
    yield from _clocks(view)
    split = next((name for name in HELD if name in view.raw), None)
    targets = view.origin.targets
    if split is None or targets is None:
        return
    predicted = predicted_columns(view.data)
    rows = [view.origin.split.train, getattr(view.origin.split, split)]
    past, later = (_by_column(targets.values[part], len(predicted)) for part in rows)
    yield _levels(list(predicted), past, later, split)
    yield _naive(view, targets.values[view.rows(split)], predicted, split)


def _clocks(view: View) -> Iterator[Finding]:
    """Look for variables that rise by the same in each step, as times and row numbers do."""
    windows = view.raw["train"].astype(np.float64)  # (windows, steps, variables)
    if windows.shape[1] < _LEAST:
        return
    steps = np.diff(windows, axis=1)
    usual = np.median(steps, axis=(0, 1))
    # Of float32: large numbers, as times are, come in steps of their own.
    rounding = 2 * np.spacing(np.abs(windows).max(axis=(0, 1)).astype(np.float32))
    even = (np.abs(steps - usual) <= np.maximum(1e-6 * usual, rounding)).all(axis=(0, 1))
    names = view.data.feature_names or ()
    clocks = [names[i] for i in np.flatnonzero(even & (usual > 2 * rounding))]
    if clocks:
        detail = f"{listed(clocks)}: the same step throughout, as times and row numbers have it"
        yield Finding("warning", "counting variables", detail, "leave out what is no measurement")


def _by_column(targets: np.ndarray, columns: int) -> np.ndarray:
    """Return targets of all steps as (numbers, columns)."""
    return targets.reshape(-1, columns).astype(np.float64)


def _levels(names: list[str], past: np.ndarray, later: np.ndarray, split: str) -> Finding:
    before, after = past.mean(axis=0), later.mean(axis=0)
    moved = np.flatnonzero(np.abs(after - before) > _MOVED * past.std(axis=0))
    if not len(moved):
        return Finding("ok", "level over time", f"alike in training and {split}")
    told = [
        f"{names[i]}: mean {before[i]:.4g} in training, {after[i]:.4g} in {split}" for i in moved
    ]
    advice = (
        "a network has seen few such numbers: forecast changes or ratios, or train on later data"
    )
    return Finding("note", "level over time", listed(told), advice)


def _naive(view: View, targets: np.ndarray, predicted: dict[str, int], split: str) -> Finding:
    """Tell how far off a forecast is that says the last value again."""
    last = view.raw[split][:, -1, list(predicted.values())].astype(np.float64)
    off = np.abs(targets.reshape(len(last), -1, len(predicted)) - last[:, np.newaxis])
    errors = zip(predicted, off.mean((0, 1)), strict=True)
    told = [f"{name} by {error:.4g}" for name, error in errors]
    detail = f"saying the last value again is off on {split}, on average, {listed(told)}"
    return Finding("ok", "naive forecast", detail, "what a network has to beat")
