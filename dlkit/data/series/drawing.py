"""Drawings of windows of series: the past, and what followed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from dlkit.data.series.windows import predicted_columns

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from dlkit.data.core.record import Record

SIZE = (2.6, 2.0)
_MARKED = 12  # steps ahead that are marked one by one
_NAMED = 4  # variables that a legend has room for


def draw_example(axis: Axes, example: np.ndarray, target: np.ndarray, data: Record) -> None:
    """Draw the variables of a window that are predicted, and their targets behind them.

    One is drawn in its units; several, which may have any, in deviations from their means.
    """
    predicted = predicted_columns(data)
    names = list(predicted)
    past, future = _alike(example, target, list(predicted.values()), data)
    before, after = np.arange(1 - len(past), 1), np.arange(len(future) + 1)
    marker = "." if len(future) <= _MARKED else ""
    for place, name in enumerate(names):
        (line,) = axis.plot(before, past[:, place], linewidth=0.9, label=name)
        following = [past[-1, place], *future[:, place]]
        dots: dict[str, Any] = {"marker": marker, "markersize": 4, "markevery": slice(1, None)}
        axis.plot(after, following, linestyle=":", linewidth=1.2, color=line.get_color(), **dots)
    if len(names) > 1:
        axis.set_ylabel("deviations", fontsize=6)
    if 1 < len(names) <= _NAMED:
        axis.legend(fontsize=5)
    axis.axvline(0, color="grey", linewidth=0.5)
    axis.set_xlabel("steps from now", fontsize=6)
    axis.tick_params(labelsize=6)
    more = f" and {len(names) - 2} more" if len(names) > 2 else ""
    axis.set_title(", ".join(names[:2]) + more, fontsize=7)


def _alike(
    example: np.ndarray, target: np.ndarray, columns: list[int], data: Record
) -> tuple[np.ndarray, np.ndarray]:
    """Return past (window, columns) and future (horizon, columns) in the same units."""
    # Series are always standardised, and so they are prepared.
    scale = data.preprocessing.layers[-1]  # type: ignore[union-attr]
    mean = np.asarray(scale.mean).ravel()[columns]
    deviation = np.sqrt(np.asarray(scale.variance)).ravel()[columns]
    past, future = example[:, columns], np.reshape(target, (-1, len(columns)))
    if len(columns) > 1:
        return past, (future - mean) / deviation
    return past * deviation + mean, future
