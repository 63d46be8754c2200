"""Drawings of windows of series: the past in its units, and what followed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from dlkit.data.record import Data

SIZE = (2.6, 2.0)


def draw_example(axis: Axes, example: np.ndarray, target: np.ndarray, data: Data) -> None:
    """Draw the variables of a window that are predicted, and their targets behind them."""
    scale = data.preprocessing.layers[-1]
    mean, deviation = np.asarray(scale.mean).ravel(), np.sqrt(np.asarray(scale.variance)).ravel()
    past = example * deviation + mean  # in the targets' units
    names = list(data.feature_names)
    predicted = [label.rpartition(" +")[0] for label in data.class_names]
    columns = [names.index(name) for name in dict.fromkeys(predicted)]
    future = np.reshape(target, (-1, len(columns)))  # (horizon, targets)
    before, after = np.arange(1 - len(past), 1), np.arange(1, len(future) + 1)
    for place, column in enumerate(columns):
        (line,) = axis.plot(before, past[:, column], linewidth=0.9, label=names[column])
        axis.plot(
            [0, *after],
            [past[-1, column], *future[:, place]],
            linestyle=":",
            marker=".",
            markersize=4,
            markevery=slice(1, None),
            color=line.get_color(),
        )
    if len(columns) > 1:
        axis.legend(fontsize=5)
    axis.axvline(0, color="grey", linewidth=0.5)
    axis.set_xlabel("steps from now", fontsize=6)
    axis.tick_params(labelsize=6)
    axis.set_title(", ".join(names[column] for column in columns[:3]), fontsize=7)
