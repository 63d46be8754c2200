"""Drawings of a batch of data. Matplotlib's object interface only: no global state, no window."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from dlkit.checks import check_integer, require

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from dlkit.data.record import Data


def draw(data: Data, count: int) -> Figure:
    """Draw the first training batch of `data`: pictures as a grid, anything else as histograms."""
    check_integer("count", count)
    require("matplotlib", "plot")
    inputs, targets = (part.numpy() for part in next(iter(data.train)))
    if inputs.ndim == 4:
        return draw_images(inputs[:count], [target_text(data, y) for y in targets[:count]])
    return draw_features(data, inputs.reshape(len(inputs), -1), targets, count)


def target_text(data: Data, target: np.ndarray) -> str:
    """Return what a target means in words: its class names, or the number itself."""
    if data.task == "regression":
        return ", ".join(f"{value:.3g}" for value in np.atleast_1d(target))
    if data.task == "multilabel":
        chosen = np.flatnonzero(target)
    else:
        chosen = np.atleast_1d(target).astype(int)
    return ", ".join(data.class_names[i] if data.class_names else str(i) for i in chosen)


def grid(count: int, *, width: float = 1.5, height: float = 1.7) -> tuple[Figure, list[Axes]]:
    """Return a figure with `count` axes in a near-square grid; `width` and `height` in inches."""
    from matplotlib.figure import Figure

    columns = math.ceil(math.sqrt(count))
    rows = math.ceil(count / columns)
    figure = Figure(figsize=(columns * width, rows * height), layout="constrained")
    return figure, [figure.add_subplot(rows, columns, i + 1) for i in range(count)]


def draw_images(images: np.ndarray, titles: list[str]) -> Figure:
    """Draw images (N, H, W, C) of any value range, each stretched to its own contrast."""
    figure, axes = grid(len(images))
    for axis, image, title in zip(axes, images, titles, strict=True):
        low, high = image.min(), image.max()
        picture = (image - low) / max(high - low, 1e-12)
        axis.imshow(picture, cmap="gray")  # cmap is for one channel only
        axis.set_title(title, fontsize=8)
        axis.set_axis_off()
    return figure


def draw_features(data: Data, inputs: np.ndarray, targets: np.ndarray, count: int) -> Figure:
    """Draw each feature's distribution by class, or against the target of a regression."""
    shown = min(count, inputs.shape[1])
    figure, axes = grid(shown, width=2.2, height=1.8)
    for feature, axis in enumerate(axes):
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
