"""Nodes that a graph does not have are refused, in a sentence that names them."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import dlkit as dk
from dlkit.data.graph.layers import KnownNodes
from dlkit.serving.core.settings import Settings
from dlkit.serving.core.status import StatusError
from dlkit.serving.runtimes import export_manifest
from dlkit.serving.runtimes.selection import load_runtime
from tests.data.graph.test_from_graph import ring


@pytest.mark.parametrize(
    ("names", "unknown", "like"),
    [
        (None, [-1, 40, 2**40], "0"),
        ([10 * n - 50 for n in range(40)], [7, 360], "-50"),
        ([-n - 1 for n in range(40)], [0, -41], "-1"),
        ([f"node {n}" for n in range(40)], ["nobody", "", "[UNK]"], "'node 0'"),
        (["[UNK]", "?", *map(str, range(38))], ["[UNK]?", "??"], "'[UNK]'"),
    ],
)
@pytest.mark.parametrize("encoding", ["features", "node"])
def test_nodes_are_known_by_their_names_alone(names, unknown, like, encoding, tmp_path):
    data = ring(node_names=names, encoding=encoding)
    data.preprocessing.save(tmp_path / "preprocessing.keras")
    model = tf.function(keras.models.load_model(tmp_path / "preprocessing.keras", safe_mode=True))
    known = names or list(range(40))
    found = model(tf.constant(known)).numpy()
    expected = data.graph.propagated(2) if encoding == "features" else np.arange(40)
    np.testing.assert_allclose(found / found.max(), expected / expected.max(), atol=1e-6)
    assert len(model(tf.constant(known)[:0])) == 0
    for name in unknown:
        with pytest.raises(tf.errors.InvalidArgumentError) as caught:
            model(tf.constant([known[3], name]))
        sentence = (
            f"node must name nodes of the graph, which has 40, like {like}; leave others out."
        )
        message = caught.value.message.replace("\\'", "'").replace('\\"', "")
        assert f"{sentence} Received:] [{name}]" in message


def test_the_layer_tells_its_options():
    layer = KnownNodes.from_config(KnownNodes(3, "'a'").get_config())
    assert (layer.count, layer.first) == (3, "'a'")
    assert layer(tf.constant([0, 2]), tf.constant(["a", "c"])).numpy().tolist() == [0, 2]


@pytest.mark.parametrize("name", ["tensorflow", "onnx", "litert"])
def test_every_runtime_refuses_the_nodes_that_there_are_not(name, twinned):
    model = load_runtime(twinned, Settings(runtime=name), export_manifest.read_manifest(twinned))
    node = np.array([39, 0])
    known = model.run("serving_default", {"node": node})["predictions"]
    assert known.shape == (2, 1)
    for unknown in (-1, -40, 40, 2**31 - 1):
        with pytest.raises(StatusError):
            model.run("serving_default", {"node": np.array([0, unknown])})
    model.close()


@pytest.fixture(scope="module")
def twinned(tmp_path_factory):
    """A version of a network of the ring's nodes, with both twins."""
    data = ring(propagate=1)
    model = dk.models.build("perceptron", data, seed=0)
    base = tmp_path_factory.mktemp("exports") / "ring"
    return dk.export.saved_model(model, base, data=data, runtimes=("onnx", "litert"))
