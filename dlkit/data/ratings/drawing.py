"""Drawings of ratings: how high they are, and how they are spread over users and items."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dlkit.data.core import splits
from dlkit.data.drawing.figures import whole_number_bins

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from dlkit.data.core.record import Record


def draw_figure(data: Record, count: int) -> Figure:
    """Draw the training ratings, and how many each user gave and each item got.

    Args:
        data: A `Data` of ratings.
        count: The number of bars of each histogram, at most.
    """
    from dlkit.figures import Figure

    origin = splits.known_origin(data, "show")
    rows = origin.split.train
    stars = origin.targets.values[rows]  # type: ignore[union-attr]  # ratings are targets
    raw = origin.raw(rows)
    figure = Figure(figsize=(9, 2.8), layout="constrained")
    first, *others = figure.subplots(1, 3)
    values, counts = np.unique(stars, return_counts=True)
    if len(values) <= count:
        width = 0.8 * np.diff(values).min() if len(values) > 1 else 0.8
        first.bar(values, counts, width=width)
    else:
        first.hist(stars, bins=count)
    first.axvline(stars.mean(), color="black", linestyle=":", label=f"mean {stars.mean():.2f}")
    first.legend(fontsize=7)
    first.set_title(f"{len(stars):,} ratings", fontsize=9)
    for axis, role in zip(others, ("user", "item"), strict=True):
        _, counts = np.unique(raw[role], return_counts=True)
        axis.hist(counts, bins=whole_number_bins(counts.max(), count), edgecolor="white")
        axis.set_xscale("log")
        axis.set_title(f"ratings of each {role} ({len(counts):,} {role}s)", fontsize=9)
    for axis in (first, *others):
        axis.tick_params(labelsize=7)
    return figure
