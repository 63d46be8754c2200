"""Checks of graphs: nodes alone, large numbers, and whether neighbours are alike."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from dlkit.data.checks.view import LEAST, View
from dlkit.data.core.precision import lossy
from dlkit.data.core.wording import Finding, listed, share_of

if TYPE_CHECKING:
    from dlkit.data.core.graph import Graph
    from dlkit.data.core.record import Origin


def check_raw(view: View) -> Iterator[Finding]:
    """Look at the nodes and edges, and at the classes of those that are not for testing."""
    graph = view.data.graph
    if graph is None:
        return
    alone = int((graph.degrees == 0).sum())
    detail = f"{share_of(alone, len(graph.degrees))} have no neighbour"
    if alone:
        advice = "a graph network knows of them what they hold themselves, and no more"
        yield Finding("note", "nodes alone", detail, advice)
    else:
        yield Finding("ok", "nodes alone", detail)
    if places := lossy(graph.features):
        detail = f"float32 rounds away what nodes differ by: feature {listed([*map(str, places)])}"
        advice = "take their mean away first: a graph's features are not standardised"
        yield Finding("error", "large numbers", detail, advice)
    if view.data.task in ("binary", "multiclass"):
        yield from _homophily(view.origin, graph)


def _homophily(origin: Origin, graph: Graph) -> Iterator[Finding]:
    """Tell how often neighbours are of one class, among the nodes that are not for testing."""
    known = np.zeros(origin.count, bool)
    known[origin.split.kept] = True
    one, other = graph.edges
    between = known[one] & known[other] & (one < other)
    if between.sum() < LEAST or origin.targets is None:
        return
    classes = origin.targets.values
    same = (classes[one] == classes[other])[between].mean()
    ends = np.concatenate([classes[one[between]], classes[other[between]]])
    chance = np.square(np.bincount(ends) / len(ends)).sum()
    count = f"{between.sum():,} edges between training and validation nodes"
    detail = f"{same:.0%} of {count} join one class, {chance:.0%} would by chance"
    if same < 1.2 * chance:
        advice = "averages over neighbours blur what nodes hold: compare with propagate=0"
        yield Finding("warning", "neighbours alike", detail, advice)
    else:
        yield Finding("ok", "neighbours alike", detail)
