"""Drawings of a graph: around one node, how many neighbours nodes have, and the classes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dlkit.data.drawing.figures import whole_number_bins

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from dlkit.data.data import Data

_UNKNOWN = "lightgrey"


def draw(data: Data, count: int) -> Figure:
    """Draw the neighbours of a training node, the degrees, and each split's classes.

    Args:
        data: A `Data` of a graph.
        count: The number of nodes of the neighbourhood, at most.
    """
    from dlkit.figures import Figure

    figure = Figure(figsize=(11, 3.4), layout="constrained")
    around, degrees, targets = figure.subplots(1, 3)
    _draw_around(around, data, count)
    values = data.graph.degrees
    degrees.hist(values + 1, bins=whole_number_bins(values.max() + 1, 25), edgecolor="white")
    degrees.set_xscale("log")
    degrees.set_title("neighbours of a node, and itself", fontsize=9)
    _draw_targets(targets, data)
    for axis in (degrees, targets):
        axis.tick_params(labelsize=7)
    return figure


def neighbourhood(data: Data, count: int) -> list[np.ndarray]:
    """Return a training node, its neighbours and theirs: `count` nodes at most, ring by ring.

    The node is the first of the training split that has the median degree among those with any.
    """
    train = data.origin.split.train
    degrees = data.graph.degrees[train]
    linked = degrees[degrees > 0]
    middle = np.sort(linked)[len(linked) // 2] if len(linked) else 0
    rings = [train[degrees == middle][:1]]
    while len(rings) < 3:
        beside = [data.graph.neighbours(node) for node in rings[-1]]
        ring = np.setdiff1d(np.concatenate([*beside, rings[0][:0]]), np.concatenate(rings))
        rings.append(ring[: max(0, count - sum(map(len, rings)))])
    return rings


def _draw_around(axis: Axes, data: Data, count: int) -> None:
    rings = neighbourhood(data, count)
    places = {}
    for radius, ring in enumerate(rings):
        turns = 2 * np.pi * (np.arange(len(ring)) + radius / 4) / max(len(ring), 1)
        points = radius * np.stack([np.cos(turns), np.sin(turns)], axis=-1)
        places |= dict(zip(ring.tolist(), points, strict=True))
    for one, other in data.graph.edges.T.tolist():
        if one < other and one in places and other in places:
            line = np.stack([places[one], places[other]])
            axis.plot(*line.T, color="grey", linewidth=0.7, zorder=1)
    points = np.stack(list(places.values()))
    axis.scatter(*points.T, c=_colours(data, list(places)), edgecolors="black", zorder=2)
    first = data.origin.raw(rings[0])[0]
    axis.set_title(f"around node {first}: {len(points) - 1} nodes", fontsize=9)
    axis.set_aspect("equal")
    axis.set_axis_off()


def _colours(data: Data, nodes: list[int]) -> list[str]:
    """Return a colour for each node: its class where training knows it, else grey."""
    if data.class_names is None:
        return [_UNKNOWN] * len(nodes)
    known = set(data.origin.split.train.tolist())
    classes = data.origin.targets.values
    return [f"C{classes[n] % 10}" if n in known else _UNKNOWN for n in nodes]


def _draw_targets(axis: Axes, data: Data) -> None:
    split, values = data.origin.split, data.origin.targets.values
    parts = {"train": split.train, "val": split.val, "test": split.test}
    if data.class_names is None:
        axis.hist([values[rows] for rows in parts.values()], bins=20, stacked=True)
        axis.set_title("targets", fontsize=9)
        return
    places, left = np.arange(data.num_classes), np.zeros(data.num_classes)
    for name, rows in parts.items():
        counts = np.bincount(values[rows], minlength=data.num_classes)
        axis.barh(places, counts, left=left, label=f"{name} ({len(rows)})", height=0.7)
        left = left + counts
    axis.set_yticks(places, [str(name) for name in data.class_names])
    for place, text in enumerate(axis.get_yticklabels()):
        text.set_color(f"C{place % 10}")
    axis.legend(fontsize=7)
    axis.set_title("nodes of each class", fontsize=9)
