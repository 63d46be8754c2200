"""Draws a table of features: how each is distributed, for each class or against the target."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dlkit.data.core.class_names import target_text
from dlkit.data.drawing.figures import first_batch, grid

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from dlkit.data.core.record import Record


def draw_figure(data: Record, count: int) -> Figure:
    """Draw up to `count` features of the first training batch, those that vary before others."""
    inputs, targets = (part.numpy() for part in first_batch(data))
    inputs = inputs.reshape(len(inputs), -1)
    constant = np.ptp(inputs, axis=0) == 0
    shown = np.sort(np.argsort(constant, kind="stable")[:count])
    figure, axes = grid(len(shown), width=2.2, height=1.8)
    for feature, axis in zip(shown, axes, strict=True):
        values = inputs[:, feature]
        if data.task == "regression":
            axis.scatter(values, targets.reshape(len(targets), -1)[:, 0], s=6)
        elif data.task == "multilabel":
            axis.hist(values, bins=15)
        else:
            labels = [target_text(data, k) for k in range(data.num_classes)]
            groups = [values[targets == k] for k in range(data.num_classes)]
            axis.hist(groups, bins=15, stacked=True, label=labels)
        names = data.feature_names
        axis.set_title(names[feature] if names else f"feature {feature}", fontsize=8)
        axis.tick_params(labelsize=6)
    handles, labels = axes[0].get_legend_handles_labels()
    if handles:
        figure.legend(handles, labels, loc="outside lower center", ncols=5, fontsize=7)
    return figure
