"""Draws how often each class occurs in each split, or how the numbers to predict are spread."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np

from dlkit.argument_validation import require
from dlkit.data.core.class_names import class_counts, class_name
from dlkit.data.core.splits import known_origin
from dlkit.data.drawing.figures import save_figure
from dlkit.errors import InputError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from dlkit.data.core.record import Origin, Record

_MOST = 120  # bars of more classes than this make a picture that no one looks through


def draw_classes(data: Record, path: str | os.PathLike | None = None) -> Figure:
    """Draw what `Data.show_classes` tells."""
    origin = known_origin(data, "show_classes")
    require("matplotlib", "plot")
    values = _values(data, origin)
    from dlkit.figures import Figure

    splits = [(name, getattr(origin.split, name)) for name in ("train", "val", "test")]
    splits = [(name, rows) for name, rows in splits if len(rows)]
    classes = _classes(data, values[splits[0][1]])
    height = max(2.5, 0.6 + 0.22 * len(classes))
    figure = Figure(figsize=(3.2 * len(splits), height), layout="constrained")
    first = None
    for index, (name, rows) in enumerate(splits):
        first = axis = figure.add_subplot(1, len(splits), index + 1, sharey=first)
        axis.set_title(f"{name}: {len(rows):,}", fontsize=9)
        axis.tick_params(labelsize=7, labelleft=not index)
        _draw(axis, data, values[rows], classes)
    if len(classes) < data.num_classes:
        figure.suptitle(
            f"the most frequent and the rarest of {data.num_classes:,} classes", fontsize=9
        )
    if path is not None:
        save_figure(figure, path)
    return figure


def _values(data: Record, origin: Origin) -> np.ndarray:
    """Return what is counted of each row; boxes are counted each, and padded with -1."""
    if data.task == "detection":
        return origin.feed.targets["classes"]
    if origin.targets is None:
        raise InputError(
            f"show_classes draws classes, labels or numbers to predict. Received:"
            f" task='{data.task}' in '{data.name}'."
        )
    return origin.targets.values


def _classes(data: Record, train: np.ndarray) -> np.ndarray:
    """Return the classes to draw, in their order: all, or of many the most frequent and rarest."""
    every = np.arange(0 if data.task == "regression" else data.num_classes)
    if len(every) <= _MOST:
        return every
    order = np.argsort(-class_counts(data, train), kind="stable")
    return np.sort(np.concatenate([order[: _MOST // 2], order[-_MOST // 2 :]]))


def _draw(axis: Axes, data: Record, values: np.ndarray, classes: np.ndarray) -> None:
    if data.task == "regression":
        axis.hist(values.reshape(len(values), -1), bins=30, density=True)
        return
    bars = axis.barh(range(len(classes)), class_counts(data, values)[classes])
    axis.set_yticks(range(len(classes)), [class_name(data, i) for i in classes])
    axis.bar_label(bars, fontsize=7, padding=2)
    axis.set_ylim(len(classes) - 0.4, -0.6)  # the first class on top; the splits share their axis
    axis.margins(x=0.15)
