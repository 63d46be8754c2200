"""`Data.check` of graphs, beside what NetworkX counts."""

import networkx
import numpy as np

import dlkit as dk
from tests.data.findings import found, levels


def test_neighbours_of_one_class_are_counted_as_networkx_does():
    """Modularity's first term is the share of edges within a class."""
    graph = networkx.stochastic_block_model([60, 60], [[0.2, 0.02], [0.02, 0.2]], seed=1)
    classes = np.repeat([0, 1], 60)
    data = dk.data.from_graph(np.eye(121), list(graph.edges), [*classes, None], batch_size=8)
    by_name = found(data)
    part = graph.subgraph(data.origin.split.kept.tolist())
    same = np.mean([classes[one] == classes[other] for one, other in part.edges])
    told = by_name["neighbours alike"]
    assert told.level == "ok" and told.detail.startswith(f"{same:.0%} of {len(part.edges)} edges")
    assert by_name["nodes alone"].level == "note"
    assert by_name["nodes alone"].detail == "1 of 121 (0.8%) have no neighbour"
    mixed = np.arange(120) % 2
    data = dk.data.from_graph(np.eye(121), list(graph.edges), [*mixed, None], batch_size=8)
    told = found(data)["neighbours alike"]
    assert told.level == "warning" and "propagate=0" in told.advice


def test_cora_is_clean(shared_data):
    assert levels(dk.data.load("cora")) == {"ok"}
