"""A graph as arrays: what each node holds, and how nodes hang together."""

from __future__ import annotations

from typing import Any

import numpy as np

from dlkit.data.core.graph import Graph
from dlkit.data.core.precision import narrowed
from dlkit.errors import InputError


def read_graph(features: Any, edges: Any) -> Graph:
    """Return features and pairs of nodes as a graph; an edge that stands twice counts once.

    Args:
        features: Numbers, (nodes, features).
        edges: Pairs of node numbers, (edges, 2), in either order.

    Raises:
        InputError: when features are no numbers, or an edge leads to a node that is not there.
    """
    features = _read_features(features)
    pairs = np.asarray(edges)
    if pairs.ndim != 2 or pairs.shape[1] != 2 or pairs.dtype.kind not in "iu":
        hint = "; transpose it" if pairs.ndim == 2 and pairs.shape[0] == 2 else ""
        raise InputError(
            "edges must be pairs of node numbers, whole numbers of shape (edges, 2). Received:"
            f" {pairs.dtype} of shape {pairs.shape}{hint}."
        )
    count = len(features)
    wrong = np.argwhere((pairs < 0) | (pairs >= count))
    if len(wrong):
        row, end = wrong[0]
        raise InputError(
            f"Edge {row} leads to node {pairs[row, end]}, which does not exist: features has nodes"
            f" 0 to {count - 1} ({len(wrong)} such ends in all)."
        )
    loops = int((pairs[:, 0] == pairs[:, 1]).sum())
    itself = np.arange(count)
    both = np.concatenate([pairs.T, pairs[:, ::-1].T, [itself, itself]], axis=1)
    sources, ends = np.divmod(np.unique(both[0].astype(np.int64) * count + both[1]), count)
    degrees = np.bincount(sources, minlength=count)
    weights = 1 / np.sqrt(degrees[sources] * degrees[ends])
    return Graph(features, np.stack([sources, ends]), weights.astype(np.float32), loops)


def _read_features(features: Any) -> np.ndarray:
    array = np.asarray(features)
    if array.ndim != 2 or 0 in array.shape or array.dtype.kind not in "buif":
        raise InputError(
            "features must be numbers (nodes, features). Received:"
            f" {array.dtype} of shape {array.shape}."
        )
    array = array.astype(np.float64)
    beyond = ~(np.abs(array) <= np.finfo(np.float32).max)
    if beyond.any():
        node = np.argwhere(beyond)[0][0]
        raise InputError(
            "features hold NaN or infinity, or more than the 3.4e38 of float32, first at node"
            f" {node}; fill or drop them."
        )
    return narrowed(array)
