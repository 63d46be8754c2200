"""Checks of columns of raw inputs: those that say nothing, and gaps."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from dlkit.data.checks.view import View
from dlkit.data.core.wording import Finding, listed
from dlkit.data.files.csv_tables import NA_VALUES


def check_raw(view: View) -> Iterator[Finding]:
    """Look at each column of the raw training inputs, or each feature of an array."""
    values = view.raw["train"]
    if not isinstance(values, dict):
        last = values.shape[-1]
        flat = values.reshape(-1, last)
        names = view.data.feature_names or ()
        if len(names) != last:
            names = tuple(f"feature {i}" for i in range(last))
        values = {name: flat[:, i] for i, name in enumerate(names)}
    constant = [name for name, column in values.items() if _is_constant(column)]
    if constant:
        yield Finding(
            "warning",
            "constant columns",
            f"{listed(constant)}: one value in all training rows",
            "leave them out: nothing can be learned from them",
        )
    else:
        yield Finding("ok", "constant columns", f"none of {len(values)}")
    yield from _missing(values)
    yield from (column.finding for column in view.data.columns or () if column.finding)
    dropped = [c.name for c in view.data.columns or () if c.kind == "drop" and c.note != "as told"]
    if dropped:
        detail = f"{listed(dropped)}: every value differs, or all are missing"
        yield Finding("note", "dropped columns", detail, "give kinds={...} to use them")


def _is_constant(column: np.ndarray) -> bool:
    known = column[~_gaps(column)]
    return len(known) < 1 or bool((known == known[0]).all())


def _gaps(column: np.ndarray) -> np.ndarray:
    if column.dtype.kind == "f":
        return np.isnan(column)
    return np.isin(column.astype(str), list(NA_VALUES))


def _missing(values: dict[str, np.ndarray]) -> Iterator[Finding]:
    shares = {name: float(_gaps(column).mean()) for name, column in values.items()}
    gaps = sorted((name for name in shares if shares[name]), key=lambda name: -shares[name])
    told = [f"{name}: {shares[name]:.1%}" for name in gaps]
    if not gaps:
        yield Finding("ok", "missing values", "none")
    elif shares[gaps[0]] > 0.5:
        advice = "leave out what is mostly missing, as kinds={'...': 'drop'}"
        yield Finding("warning", "missing values", listed(told), advice)
    else:
        yield Finding("note", "missing values", listed(told), "filled, with a column that says so")
