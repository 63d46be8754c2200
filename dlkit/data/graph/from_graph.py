"""`from_graph` and `from_networkx`: nodes of a graph, of which some have a label.

    features, edges, labels -> checks -> splits of the nodes that have a label
                            -> features averaged over neighbours -> batches of nodes

All nodes are known while the network trains, labels only of some. So a client asks for a node by
its number or name, and the preprocessing holds what is known of it.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from dlkit.argument_validation import check_choice, check_integer, require
from dlkit.data.core.augmentation import refuse_augmentation
from dlkit.data.core.graph import Graph
from dlkit.data.core.pipeline import (
    EXAMPLES,
    Feed,
    check_batch_size,
    check_pipeline_options,
    hold_in_memory,
    preprocess_arrays,
)
from dlkit.data.core.record import Column, Origin, Split
from dlkit.data.core.splits import split_pipelines
from dlkit.data.data import Data
from dlkit.data.graph.layers import KnownNodes
from dlkit.data.graph.reading import read_graph
from dlkit.data.graph.splits import divide_nodes, read_node_labels, without_rare_nodes
from dlkit.errors import InputError

ENCODINGS = ("features", "node")


def from_graph(  # noqa: PLR0913 - what the data is, and how to feed it: one call, all keyword-only
    features: Any,
    edges: Any,
    labels: Any,
    *,
    train: Any = None,
    val: Any = None,
    test: Any = None,
    propagate: int = 2,
    encoding: str = "features",
    node_names: Sequence[Any] | None = None,
    class_names: Sequence[str] | None = None,
    rare_classes: str = "error",
    name: str = "graph",
    batch_size: int = 64,
    seed: int = 0,
    val_fraction: float = 0.1,
    cache: bool = True,
    augment: Any = None,
) -> Data:
    """Make a `Data` record of a graph whose nodes are to be classified.

    With `encoding="features"` a node becomes one vector for `perceptron` or `mlp`: its features,
    averaged `propagate` times over its neighbours and itself. That is a graph network without its
    inner activations, and near as good (SGC). With `encoding="node"` it stays a number, for graph
    networks that hold the graph themselves: `data.graph` has its arrays, the normalised adjacency
    among them.

    Reference: Wu et al. 2019, arXiv:1902.07153

    Args:
        features: What each node holds: numbers (nodes, features).
        edges: Pairs of node numbers (edges, 2), without direction. Edges of a node to itself are
            left out, with a warning.
        labels: A class for each node, or a number for a regression; `None`, NaN, "" or -1 where it
            is not known.
        train: The nodes to train on, as numbers or as a mask; or the part, in (0, 1), of the
            labelled nodes left by the other splits to train on; `None` takes all these. Defaults to
            None.
        val: The nodes to validate on, where `train` names nodes; `None` takes `val_fraction` of
            the training nodes. Defaults to None.
        test: The nodes to test on, where `train` names nodes; else a fifth of the labelled ones,
            the same one for every seed. Defaults to None.
        propagate: How many steps a feature travels; 0 leaves the edges unused. Defaults to 2.
        encoding: `"features"` or `"node"`. Defaults to "features".
        node_names: What a client calls the nodes: texts or whole numbers. `None` numbers them from
            0. Defaults to None.
        class_names: The classes' names in the order of their index. Defaults to None.
        rare_classes: What a class of too few nodes for every split does, as in `from_dataframe`:
            `"error"`, `"drop"` or `"merge"`. Defaults to "error".
        name: What the data set is called. Defaults to "graph".
        batch_size: Nodes a batch. Defaults to 64.
        seed: Chooses the nodes to train and validate on where they are not named, and the order of
            each epoch. Defaults to 0.
        val_fraction: Part of the training nodes kept for validation, in [0, 1); 0 keeps none.
            Defaults to 0.1.
        cache: Hold all vectors in memory; `False` looks them up in the preprocessing. Defaults to
            True.
        augment: Nothing is known to help: `None` or `False`. Defaults to None.

    Returns:
        A `Data` record.

    Raises:
        InputError: when an edge leads to no node, a node to train on has no label, or an option is
            out of range.

    Example:
        >>> import numpy as np
        >>> import dlkit as dk
        >>> ring = [(i, (i + 1) % 40) for i in range(40)]
        >>> data = dk.data.from_graph(np.eye(40), ring, [0] * 20 + [1] * 20, batch_size=8)
        >>> data.input_spec["features"].shape, data.graph.edges.shape
        (TensorShape([40]), (2, 120))
    """
    check_pipeline_options(batch_size, seed, val_fraction)
    _check_options(propagate, encoding, augment)
    graph = read_graph(features, edges)
    nodes = _names(node_names, len(graph.features))
    targets, known = read_node_labels(labels, len(nodes), class_names)
    rows = {"train": train, "val": val, "test": test}
    targets, known = without_rare_nodes(targets, known, rows, val_fraction, rare_classes)
    split = divide_nodes(targets, known, rows, val_fraction, seed)
    check_batch_size(batch_size, len(split.train), int(known.sum()))
    if graph.self_loops:
        warnings.warn(
            f"{graph.self_loops} edges of a node to itself are left out: each node counts itself"
            " once anyway.",
            stacklevel=2,
        )

    def make(split: Split) -> Data:
        table = _table(graph, propagate, split.train) if encoding == "features" else None
        preprocessing = _preprocessing(nodes, node_names is not None, table)
        output = preprocessing.outputs[0]
        held = hold_in_memory(preprocess_arrays(nodes, preprocessing) if cache else nodes)
        feed = Feed(held, targets.values, batch_size, seed, None if cache else preprocessing)
        return Data(
            name=name,
            task=targets.task,
            kind="graph",
            **split_pipelines(feed, split),
            input_spec={encoding: tf.TensorSpec(output.shape[1:], output.dtype)},
            num_classes=targets.num_classes,
            class_names=targets.class_names,
            preprocessing=preprocessing,
            examples=(nodes[split.test[:EXAMPLES]], targets.values[split.test[:EXAMPLES]]),
            columns=_notes(graph, known),
            graph=graph,
            origin=Origin(split, targets, lambda rows: nodes[rows], feed, make),
        )

    return make(split)


def from_networkx(graph: Any, label: str, *, features: Sequence[str], **options: Any) -> Data:
    """Make a `Data` record of a NetworkX graph.

    When to use: with a graph that is held as Python objects. `from_graph` reads arrays.

    Args:
        graph: A `networkx.Graph`, or one of its kin; directions and repeated edges do not count.
        label: The attribute that holds a node's label; a node without it has none.
        features: The attributes that hold a node's features, each a number or a vector.
        **options: What `from_graph` takes besides, but for `node_names`: the nodes are called as
            NetworkX does, unless these are the numbers from 0.

    Returns:
        A `Data` record.

    Raises:
        InputError: when `graph` is no graph of NetworkX, or a node lacks a feature.
        MissingExtraError: when NetworkX is not installed.

    Example:
        >>> import dlkit as dk, networkx
        >>> club = networkx.karate_club_graph()
        >>> for node, facts in club.nodes(data=True):
        ...     facts["ends"] = [node == 0, node == 33]
        >>> data = dk.data.from_networkx(club, "club", features=["ends"], batch_size=8)
        >>> data.class_names
        ('Mr. Hi', 'Officer')
    """
    networkx = require("networkx", "graph")
    if not isinstance(graph, networkx.Graph):
        raise InputError(
            f"graph must be a networkx.Graph. Received: {type(graph).__name__}; arrays go through"
            " dlkit.data.from_graph."
        )
    facts = dict(graph.nodes(data=True))
    if isinstance(features, str) or not len(features):
        raise InputError(
            "features must be a list of one attribute of the nodes, or more. Received:"
            f" features={features!r}."
        )
    vectors = [_vector(node, attributes, features) for node, attributes in facts.items()]
    if len({len(vector) for vector in vectors}) > 1:
        sizes = sorted({len(vector) for vector in vectors})
        raise InputError(f"All nodes must have as many features. Received: {sizes} of them.")
    place = {node: i for i, node in enumerate(facts)}
    pairs = np.array([(place[a], place[b]) for a, b in graph.edges()], np.int64).reshape(-1, 2)
    named = None if list(facts) == list(range(len(facts))) else list(facts)
    labels = [attributes.get(label) for attributes in facts.values()]
    return from_graph(np.array(vectors), pairs, labels, node_names=named, **options)


def _vector(node: Any, attributes: dict[str, Any], features: Sequence[str]) -> np.ndarray:
    for feature in features:
        if feature not in attributes:
            raise InputError(
                f"Node {node!r} has no attribute '{feature}', which is one of the features. Its"
                f" attributes: {', '.join(map(str, attributes)) or 'none'}."
            )
    return np.concatenate([np.atleast_1d(attributes[feature]) for feature in features])


def _check_options(propagate: int, encoding: str, augment: Any) -> None:
    check_integer("propagate", propagate, minimum=0)
    check_choice("encoding", encoding, ENCODINGS)
    refuse_augmentation("Nodes", augment)


def _names(given: Sequence[Any] | None, count: int) -> np.ndarray:
    """Return what a client calls each node: whole numbers, or texts."""
    if given is None:
        return np.arange(count)
    names = list(given)
    whole = all(isinstance(n, int | np.integer) and not isinstance(n, bool) for n in names)
    nodes = np.array(names, np.int64) if whole else np.array([str(n) for n in names], object)
    if len(set(nodes.tolist())) != count or len(names) != count:
        raise InputError(
            f"node_names must give each of {count} nodes a name of its own. Received: {len(names)}"
            f" names, {len(set(nodes.tolist()))} of them different."
        )
    return nodes


def _table(graph: Graph, steps: int, train: np.ndarray) -> np.ndarray:
    """Return each node's vector; those to train on have length 1 on average.

    One factor for all, since standardised features, few of which a few nodes show, learn less.
    """
    table = graph.propagated(steps)
    length = np.sqrt(np.square(table[train]).sum(axis=1).mean())
    return table / max(length, 1e-12)


def _preprocessing(nodes: np.ndarray, named: bool, table: np.ndarray | None) -> keras.Model:
    texts = nodes.dtype.kind == "O"
    raw = keras.Input((), dtype="string" if texts else "int64", name="node")
    number = raw
    if named:
        names = nodes.tolist()
        layer = keras.layers.StringLookup if texts else keras.layers.IntegerLookup
        # Index 0 is for names that no node has; Keras wants to call it something that none has.
        unknown = max(names, key=len) + "?" if texts else _free(names)
        number = layer(vocabulary=names, oov_token=unknown, mask_token=None)(raw) - 1
    number = KnownNodes(len(nodes), repr(nodes.tolist()[0]))(number, raw)
    if table is None:
        return keras.Model(raw, keras.ops.cast(number, "int32"), name="preprocessing")
    known = keras.layers.Embedding(*table.shape, trainable=False, name="features")
    model = keras.Model(raw, known(number), name="preprocessing")
    known.set_weights([table])
    return model


def _free(names: list[int]) -> int:
    """Return a whole number that is no node's name."""
    taken = set(names)
    return next(number for number in range(-1, -2 - len(names), -1) if number not in taken)


def _notes(graph: Graph, known: np.ndarray) -> tuple[Column, ...]:
    """Return what the summary says of the graph."""
    degrees = graph.degrees
    edges = f"{degrees.sum() // 2}, {degrees.mean():.1f} neighbours a node, at most {degrees.max()}"
    loops = f", {graph.self_loops} self loops left out" if graph.self_loops else ""
    nodes = f"{len(degrees)}, {int(known.sum())} with a label, {int((degrees == 0).sum())} alone"
    return Column("nodes", "graph", nodes), Column("edges", "graph", edges + loops)
