"""Edges to a normalised adjacency, and each wrong array with its sentence."""

import networkx
import numpy as np
import pytest

from dlkit.data.graph.reading import read_graph
from dlkit.errors import InputError


def test_the_adjacency_is_that_of_networkx():
    """NetworkX has the normalised Laplacian I - D^-1/2 A D^-1/2, of a graph with loops as well."""
    graph = networkx.karate_club_graph()
    for *_, facts in graph.edges(data=True):
        facts["weight"] = 1
    ours = read_graph(np.eye(34), list(graph.edges))
    graph.add_edges_from((node, node, {"weight": 1}) for node in list(graph))
    adjacency = networkx.to_numpy_array(graph)
    scale = 1 / np.sqrt(adjacency.sum(axis=1))
    np.testing.assert_allclose(ours.adjacency(), scale[:, None] * adjacency * scale, atol=1e-6)
    assert ours.degrees.tolist() == [degree - 2 for _, degree in graph.degree]
    assert set(ours.neighbours(0)) == set(graph[0]) - {0}


def test_an_edge_counts_once_however_often_and_whichever_way_it_stands():
    one = read_graph(np.eye(3), [(0, 1)])
    many = read_graph(np.eye(3), [(0, 1), (1, 0), (0, 1)])
    np.testing.assert_array_equal(one.adjacency(), many.adjacency())
    np.testing.assert_array_equal(one.propagated(1), one.adjacency())
    np.testing.assert_array_equal(one.propagated(0), np.eye(3))


@pytest.mark.parametrize(
    ("features", "edges", "message"),
    [
        (np.eye(3), [(0, -1)], r"Edge 0 leads to node -1, which does not exist: .* 0 to 2"),
        (np.eye(3), np.zeros((2, 5), int), r"Received: int64 of shape \(2, 5\); transpose it"),
        (np.eye(3), [(0.5, 1.0)], r"edges must be pairs of node numbers.* Received: float64"),
        (np.ones(3), [(0, 1)], r"features must be numbers .* Received: float64 of shape \(3,\)"),
        ([["a"]], [(0, 0)], r"features must be numbers .* Received: <U1"),
        ([[1.0], [np.nan]], [(0, 1)], r"features hold NaN or infinity, or .* first at node 1"),
    ],
)
def test_arrays_that_are_no_graph_are_refused(features, edges, message):
    with pytest.raises(InputError, match=message):
        read_graph(features, edges)
