"""Drawings of a graph: around one node, how many neighbours nodes have, and the classes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dlkit.data.core import splits
from dlkit.data.drawing.figures import whole_number_bins

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from dlkit.data.core.graph import Graph
    from dlkit.data.core.record import Origin, Record, Split

_UNKNOWN = "lightgrey"


def draw_figure(data: Record, count: int) -> Figure:
    """Draw the neighbours of a training node, the degrees, and each split's classes.

    Args:
        data: A `Data` of a graph.
        count: The number of nodes of the neighbourhood, at most.
    """
    from dlkit.figures import Figure

    figure = Figure(figsize=(11, 3.4), layout="constrained")
    around, degrees, targets = figure.subplots(1, 3)
    origin = splits.known_origin(data, "show")
    # What a graph's data has, if it was not made by hand: the arrays, and a target of each node.
    graph: Graph = data.graph  # type: ignore[assignment]
    values: np.ndarray = origin.targets.values  # type: ignore[union-attr]
    classes = values if data.class_names else None
    _draw_around(around, graph, origin, classes, count)
    most = graph.degrees.max() + 1
    degrees.hist(graph.degrees + 1, bins=whole_number_bins(most, 25), edgecolor="white")
    degrees.set_xscale("log")
    degrees.set_title("neighbours of a node, and itself", fontsize=9)
    _draw_targets(targets, data, origin.split, values)
    for axis in (degrees, targets):
        axis.tick_params(labelsize=7)
    return figure


def neighbourhood(graph: Graph, train: np.ndarray, count: int) -> list[np.ndarray]:
    """Return a training node, its neighbours and theirs: `count` nodes at most, ring by ring.

    The node is the first of the training split that has the median degree among those with any.
    """
    degrees = graph.degrees[train]
    linked = degrees[degrees > 0]
    middle = np.sort(linked)[len(linked) // 2] if len(linked) else 0
    rings = [train[degrees == middle][:1]]
    while len(rings) < 3:
        beside = [graph.neighbours(node) for node in rings[-1]]
        ring = np.setdiff1d(np.concatenate([*beside, rings[0][:0]]), np.concatenate(rings))
        rings.append(ring[: max(0, count - sum(map(len, rings)))])
    return rings


def _draw_around(
    axis: Axes, graph: Graph, origin: Origin, classes: np.ndarray | None, count: int
) -> None:
    rings = neighbourhood(graph, origin.split.train, count)
    places: dict[int, np.ndarray] = {}
    for radius, ring in enumerate(rings):
        turns = 2 * np.pi * (np.arange(len(ring)) + radius / 4) / max(len(ring), 1)
        points = radius * np.stack([np.cos(turns), np.sin(turns)], axis=-1)
        places |= dict(zip(ring.tolist(), points, strict=True))
    for one, other in graph.edges.T.tolist():
        if one < other and one in places and other in places:
            line = np.stack([places[one], places[other]])
            axis.plot(*line.T, color="grey", linewidth=0.7, zorder=1)
    x, y = np.stack(list(places.values())).T
    colours = _colours(list(places), origin.split.train, classes)
    axis.scatter(x, y, c=colours, edgecolors="black", zorder=2)
    first = origin.raw(rings[0])[0]
    axis.set_title(f"around node {first}: {len(places) - 1} nodes", fontsize=9)
    axis.set_aspect("equal")
    axis.set_axis_off()


def _colours(nodes: list[int], train: np.ndarray, classes: np.ndarray | None) -> list[str]:
    """Return a colour for each node: its class where training knows it, else grey."""
    if classes is None:
        return [_UNKNOWN] * len(nodes)
    known = set(train.tolist())
    return [f"C{classes[n] % 10}" if n in known else _UNKNOWN for n in nodes]


def _draw_targets(axis: Axes, data: Record, split: Split, values: np.ndarray) -> None:
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
