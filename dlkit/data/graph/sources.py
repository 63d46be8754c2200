"""The named graphs: which files hold them, and what their nodes are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from dlkit.argument_validation import check_options
from dlkit.data.catalogue.cache import find_published
from dlkit.data.graph.from_graph import from_graph

if TYPE_CHECKING:
    from dlkit.data.data import Data

# In the order of Planetoid's numbers, which their publisher's counts give away.
CORA_CLASSES = (
    *("Theory", "Reinforcement learning", "Genetic algorithms", "Neural networks"),
    *("Probabilistic methods", "Case based", "Rule learning"),
)


def load(name: str, **options: Any) -> Data:
    """Return the set `name`; `options` are those of `from_graph`."""
    check_options(name, options, from_graph, fixed=("name", "class_names"))
    with np.load(find_published("graph/cora.npz"), allow_pickle=False) as arrays:
        words = np.zeros(arrays["x_shape"], np.float32)
        words[arrays["x_rows"], arrays["x_cols"]] = 1
        names = ("train", "val", "test")
        rows = {name: arrays[f"{name}_idx"] for name in names}
        edges, labels = arrays["edge_index"].T, arrays["y"]
    # Part of the words of a paper, as all who compare on these splits do.
    words /= np.maximum(words.sum(axis=1, keepdims=True), 1)
    options = {"name": name, "class_names": CORA_CLASSES, **rows, **options}
    return from_graph(words, edges, labels, **options)
