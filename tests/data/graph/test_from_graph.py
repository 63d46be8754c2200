"""`from_graph` and `from_networkx`: citations help, and a node is answered by its name."""

import keras
import networkx
import numpy as np
import pytest
import tensorflow as tf

import dlkit as dk
from dlkit.errors import InputError

LABELS = ["a"] * 20 + ["b"] * 20


def ring(**options):
    """Two halves of a ring, each of one class; a node knows only itself."""
    edges = [(i, (i + 1) % 40) for i in range(40)]
    features = options.pop("features", np.eye(40))
    labels = options.pop("labels", LABELS)
    edges = options.pop("edges", edges)
    return dk.data.from_graph(features, edges, labels, **{"batch_size": 8, **options})


@pytest.fixture(scope="module")
def cora(shared_data):
    return dk.data.load("cora", batch_size=140)


def trained(data):
    model = dk.models.build("perceptron", data, learning_rate=0.3, l2=4e-4, seed=0)
    model.fit(data.train, epochs=50, verbose=0)
    return model, model.evaluate(data.test, verbose=0, return_dict=True)["accuracy"]


def test_citations_help_as_published_and_nodes_are_served_by_number(cora, tmp_path):
    """Published: 81.0% (Wu et al. 2019); logistic regression on the words alone: 60.6%."""
    _, words = trained(dk.data.load("cora", batch_size=140, propagate=0))
    assert words == pytest.approx(0.606, abs=0.015)
    model, both = trained(cora)
    assert both == pytest.approx(0.808, abs=0.012)

    answers = model.predict(cora.test, verbose=0)
    version = dk.export.saved_model(model, tmp_path / "papers", data=cora)
    served = tf.saved_model.load(version).signatures["serving_default"]
    nodes = cora.origin.split.test[:64]
    (given,) = served(node=tf.constant(nodes)).values()
    np.testing.assert_allclose(given, answers[:64], atol=1e-5)


def test_cora_is_as_its_publishers_counted(cora):
    split, classes = cora.origin.split, cora.origin.targets.values
    assert [len(part) for part in (split.train, split.val, split.test)] == [140, 500, 1000]
    assert np.bincount(classes).tolist() == [351, 217, 418, 818, 426, 298, 180]
    assert np.bincount(classes[split.train]).tolist() == [20] * 7
    counts = dict(zip(cora.class_names, np.bincount(classes), strict=True))
    assert counts["Neural networks"] == 818 and counts["Rule learning"] == 180  # Sen et al. 2008
    assert cora.graph.degrees.sum() == 2 * 5278
    assert cora.graph.features.shape == (2708, 1433)
    other = cora.resplit(val_fraction=0.5, seed=3).origin.split
    np.testing.assert_array_equal(other.test, split.test)  # published, so it stays
    np.testing.assert_array_equal(other.kept, split.kept)
    assert len(other.val) == 320


class ConvolutionalNetwork(keras.Model):
    """Two layers over the whole graph, of which a batch picks its nodes (Kipf & Welling 2017)."""

    def __init__(self, graph, classes):
        super().__init__()
        self.graph = graph
        decay = keras.regularizers.L2(5e-4)
        self.hidden = keras.layers.Dense(16, use_bias=False, kernel_regularizer=decay)
        self.head = keras.layers.Dense(classes, use_bias=False)
        self.dropout = keras.layers.Dropout(0.5)

    def average(self, x):
        sources, ends = self.graph.edges
        sent = keras.ops.take(x, sources, axis=0) * self.graph.weights[:, None]
        return keras.ops.segment_sum(sent, ends, num_segments=len(self.graph.features))

    def call(self, nodes, training=None):
        x = keras.ops.relu(self.average(self.hidden(self.graph.features)))
        x = self.average(self.head(self.dropout(x, training=training)))
        return keras.ops.softmax(keras.ops.take(x, nodes, axis=0))


def test_a_graph_network_is_made_of_the_graphs_arrays_and_served_by_number(cora, tmp_path):
    data = dk.data.load("cora", batch_size=140, encoding="node")
    assert data.input_spec["node"].dtype == tf.int32
    keras.utils.set_random_seed(0)
    model = ConvolutionalNetwork(data.graph, data.num_classes)
    x = np.random.default_rng(0).normal(size=(2708, 3)).astype("float32")
    np.testing.assert_allclose(model.average(x), data.graph.adjacency() @ x, atol=1e-5)
    model.compile(keras.optimizers.Adam(0.02), "sparse_categorical_crossentropy")
    model.fit(data.train, epochs=90, verbose=0)
    rows = data.origin.split.test
    answers = model.predict_on_batch(rows)
    accuracy = (answers.argmax(axis=1) == data.origin.targets.values[rows]).mean()
    assert accuracy > 0.78  # published: 81.5%; logistic regression on the words: 60.6%
    version = dk.export.saved_model(model, tmp_path / "papers", data=data)
    served = tf.saved_model.load(version).signatures["serving_default"]
    (given,) = served(node=tf.constant(rows[:64])).values()
    np.testing.assert_allclose(given, answers[:64], atol=1e-5)


def test_features_are_averaged_over_neighbours():
    """Against a dense product, and scaled by one factor for all."""
    data = ring(propagate=3)
    dense = np.eye(40)
    for one, other in data.graph.edges.T:
        dense[one, other] = 1
    degrees = dense.sum(axis=1)
    step = dense / np.sqrt(np.outer(degrees, degrees))
    np.testing.assert_allclose(data.graph.adjacency(), step, atol=1e-6)
    expected = np.linalg.matrix_power(step, 3)
    table = data.preprocessing(tf.range(40, dtype=tf.int64)).numpy()
    factor = table[0, 0] / expected[0, 0]
    np.testing.assert_allclose(table, expected * factor, atol=1e-5)
    lengths = np.square(table[data.origin.split.train]).sum(axis=1)
    assert lengths.mean() == pytest.approx(1.0, abs=1e-5)
    x, _ = next(iter(data.test))
    np.testing.assert_allclose(x, table[data.origin.split.test[: len(x)]], atol=1e-6)


def test_a_networkx_graph_is_asked_by_the_names_of_its_nodes(tmp_path):
    """Zachary's club broke up along its friendships: two labels of each side tell the rest."""
    club = networkx.karate_club_graph()
    people = networkx.relabel_nodes(club, {node: f"member {node}" for node in club})
    for place, facts in enumerate(people.nodes.values()):
        facts["is"] = np.eye(34)[place]
    rest = [node for node in range(34) if node not in (0, 1, 32, 33)]
    options = {"train": [0, 1, 32, 33], "test": rest, "val_fraction": 0, "batch_size": 4}
    data = dk.data.from_networkx(people, "club", features=["is"], **options)
    model = dk.models.build("perceptron", data, learning_rate=0.1, seed=0)
    model.fit(data.train, epochs=30, verbose=0)
    assert model.evaluate(data.test, verbose=0, return_dict=True)["accuracy"] > 0.9
    version = dk.export.saved_model(model, tmp_path / "club", data=data)
    served = tf.saved_model.load(version).signatures["serving_default"]
    (given,) = served(node=tf.constant([f"member {node}" for node in rest])).values()
    np.testing.assert_allclose(given, model.predict(data.test, verbose=0), atol=1e-5)
    numbered = dk.data.from_networkx(
        networkx.relabel_nodes(people, {f"member {n}": 100 + n for n in range(34)}),
        "club", features=["is"], **options,
    )  # fmt: skip
    one, other = (
        d.preprocessing(tf.constant(names)).numpy()
        for d, names in ((data, ["member 33"]), (numbered, [133]))
    )
    np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("encoding", ["features", "node"])
def test_the_same_seed_gives_the_same_batches_on_any_number_of_threads(encoding):
    seen = []
    for threads, cache in ((1, True), (8, False)):
        options = tf.data.Options()
        options.threading.private_threadpool_size = threads
        data = ring(encoding=encoding, cache=cache)
        seen.append(list(data.train.with_options(options).repeat(2).as_numpy_iterator()))
    for one, other in zip(*seen, strict=True):
        for a, b in zip(one, other, strict=True):
            np.testing.assert_array_equal(a, b)


def test_a_cache_and_folds_hold_nodes(tmp_path):
    data = ring(labels=[*LABELS[:30], *([None] * 10)])
    cached = data.cache_to(tmp_path / "cache")
    for one, other in zip(data.test, cached.test, strict=True):
        for a, b in zip(one, other, strict=True):
            np.testing.assert_array_equal(a, b)
    kept = data.origin.split.kept
    held = [fold.origin.split.val for fold in data.folds(3)]
    np.testing.assert_array_equal(np.sort(np.concatenate(held)), kept)
    assert max(map(max, held)) < 30  # of the others no label is known
    weights = np.concatenate([w for *_, w in data.balanced().train])
    assert weights.sum() == pytest.approx(len(weights))  # 20 of a, 10 of b: the mean stays 1
    with pytest.raises(InputError, match=r"data of kind 'graph' is not augmented; leave"):
        data.show(augmented=True)


def test_self_loops_are_reported_and_left_out(capsys):
    edges = [(i, (i + 1) % 40) for i in range(40)] + [(3, 3), (5, 5)]
    with pytest.warns(UserWarning, match=r"2 edges of a node to itself are left out"):
        data = ring(edges=edges)
    np.testing.assert_array_equal(data.graph.adjacency(), ring().graph.adjacency())
    data.summary()
    assert "edges: graph, 40, 2.0 neighbours a node, at most 2, 2 self loops left out" in (
        capsys.readouterr().out
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"edges": [(0, 1), (3, 40)]}, r"Edge 1 leads to node 40, .* nodes 0 to 39 \(1 such"),
        ({"labels": ["a"] * 40}, r"All targets are of one class \('a'\)"),
        ({"propagate": -1}, r"propagate must be a whole number of at least 0"),
        ({"encoding": "nodes"}, r"encoding must be one of.* Did you mean 'node'"),
        ({"augment": "drop"}, r"not augmented: .* Received: augment='drop'"),
        ({"node_names": ["x"] * 40}, r"each of 40 nodes a name .* 40 names, 1 of them different"),
    ],
)
def test_a_wrong_option_is_told_in_a_sentence(options, message):
    with pytest.raises(InputError, match=message):
        ring(**options)


def test_a_networkx_graph_that_lacks_something_is_told(monkeypatch):
    club = networkx.karate_club_graph()
    with pytest.raises(InputError, match=r"Node 0 has no attribute 'age', .* attributes: club"):
        dk.data.from_networkx(club, "club", features=["age"])
    with pytest.raises(InputError, match=r"features must be a list .* Received: features='age'"):
        dk.data.from_networkx(club, "club", features="age")
    with pytest.raises(InputError, match=r"must be a networkx.Graph. Received: dict"):
        dk.data.from_networkx({}, "club", features=["age"])
    for node, facts in club.nodes(data=True):
        facts["ages"] = [1.0] * (1 + node % 2)
    with pytest.raises(InputError, match=r"as many features. Received: \[1, 2\] of them"):
        dk.data.from_networkx(club, "club", features=["ages"])
    monkeypatch.setitem(__import__("sys").modules, "networkx", None)
    with pytest.raises(dk.errors.MissingExtraError, match=r'pip install "dlkit\[graph\]"'):
        dk.data.from_networkx(club, "club", features=["ages"])
