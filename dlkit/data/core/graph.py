"""The arrays of a graph: what each node holds, and how nodes hang together."""

from __future__ import annotations

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True)
class Graph:
    """The arrays that a graph network is made of.

    Every edge stands twice, once each way, and each node has one to itself. The weights are those
    of the normalised adjacency D^-1/2 (A + I) D^-1/2 (Kipf & Welling 2017, arXiv:1609.02907).

    Attributes:
        features: What each node holds, (nodes, features).
        edges: From which node to which, (2, edges).
        weights: The normalised adjacency of each edge, (edges,).
        self_loops: How many edges from a node to itself were left out.

    Example:
        >>> from dlkit.data.graph.reading import read_graph
        >>> graph = read_graph([[1.0], [0.0], [0.0]], [(0, 1)])
        >>> graph.adjacency()
        array([[0.5, 0.5, 0. ],
               [0.5, 0.5, 0. ],
               [0. , 0. , 1. ]], dtype=float32)
    """

    features: np.ndarray
    edges: np.ndarray
    weights: np.ndarray
    self_loops: int = 0

    @property
    def degrees(self) -> np.ndarray:
        """How many neighbours each node has."""
        return np.bincount(self.edges[0], minlength=len(self.features)) - 1

    def adjacency(self) -> np.ndarray:
        """Return the normalised adjacency as a dense array (nodes, nodes)."""
        dense = np.zeros((len(self.features),) * 2, np.float32)
        dense[tuple(self.edges)] = self.weights
        return dense

    def propagated(self, steps: int) -> np.ndarray:
        """Return the features after `steps` averages over each node's neighbours and itself.

        Args:
            steps: How far a feature travels; 0 changes nothing.
        """
        from scipy.sparse import csr_array

        count = len(self.features)
        adjacency = csr_array((self.weights, tuple(self.edges)), (count, count))
        features = self.features
        for _ in range(steps):
            features = adjacency @ features
        return features

    def neighbours(self, node: int) -> np.ndarray:
        """Return the nodes beside `node`, without itself."""
        beside = self.edges[1][self.edges[0] == node]
        return beside[beside != node]
