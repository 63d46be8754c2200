"""ONNX files and twins with weights of 8 bits, on a convolutional network that has learnt."""

import json

import keras
import numpy as np
import onnx as onnx_format
import pytest

import dlkit as dk
from dlkit.errors import ExportError, InputError
from dlkit.export import onnx, saved_model
from dlkit.export.graph import prepare_export
from dlkit.export.to_onnx import quantizing
from dlkit.export.to_onnx.files import run_onnx
from dlkit.export.to_saved_model.twins import FILE
from dlkit.serving import Client, Server
from tests.export.test_quantization import columns


@pytest.fixture(scope="module")
def clothes():
    """A small CNN that tells most of Fashion-MNIST's clothes, and the data."""
    keras.utils.set_random_seed(0)
    data = dk.data.load("fashion_mnist", seed=0)
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1), name="pixels"),
            layers.Conv2D(16, 3, strides=2, activation="relu"),
            layers.Conv2D(64, 3, strides=2, activation="relu"),
            layers.Conv2D(128, 3, activation="relu"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(10, activation="softmax", name="predictions"),
        ]
    )
    model.compile(keras.optimizers.Adam(0.003), "sparse_categorical_crossentropy")
    model.fit(data.train.take(150), verbose=0)
    return model, data


@pytest.fixture(scope="module")
def files(clothes, tmp_path_factory):
    model, data = clothes
    folder = tmp_path_factory.mktemp("quantized")
    return (
        onnx(model, folder / "floats.onnx", data),
        onnx(model, folder / "dynamic.onnx", data, quantize="dynamic"),
    )


def accuracy(path, raw, labels):
    (answer,) = run_onnx(path.read_bytes(), [{"image": raw}])
    return np.mean(answer["predictions"].argmax(axis=1) == labels)


def test_the_weights_of_convolutions_have_8_bits(files):
    floats, small = files
    assert floats.stat().st_size > 3 * small.stat().st_size
    proto = onnx_format.load(small)
    onnx_format.checker.check_model(proto, full_check=True)
    assert [node.op_type for node in proto.graph.node].count("ConvInteger") == 3
    assert not {"Conv", "MatMul"} & {node.op_type for node in proto.graph.node}


def test_the_accuracy_stays_on_raw_pictures(clothes, files):
    _, data = clothes
    rows = data.origin.split.test[:2000]
    raw, labels = data.origin.raw(rows), data.origin.targets.values[rows]
    before, after = (accuracy(path, raw, labels) for path in files)
    assert before > 0.65
    assert after >= before - 0.01


def test_inputs_outputs_and_class_names_are_those_of_the_file_in_floats(files):
    floats, small = (onnx_format.load(path) for path in files)
    for side in ("input", "output"):
        assert list(getattr(small.graph, side)) == list(getattr(floats.graph, side))
    names = {entry.key: entry.value for entry in small.metadata_props}["class_names"]
    assert json.loads(names)[0] == "T-shirt/top"


def test_only_the_network_computes_in_8_bits():
    """Raw columns reach from 0.001 to 4,254: in 8 bits most would be 0."""
    keras.utils.set_random_seed(0)
    data = dk.data.load("breast_cancer", seed=0)
    model = dk.models.build("mlp", data, units=(16,), jit_compile=False, learning_rate=0.02, seed=0)
    model.fit(data.train, epochs=10, verbose=0)
    content = quantizing.quantized_onnx(model, prepare_export(model, data), data)
    raw, labels = data.examples
    (answer,) = run_onnx(content, [{"features": raw}])
    assert np.mean((answer["predictions"].ravel() > 0.5) == labels) > 0.85


def test_a_loss_of_accuracy_is_refused(tmp_path):
    model, data = columns(scale=1000.0)
    message = r"quantize='dynamic' lowers the accuracy on 300 test rows from 1\.0000 to 0\.\d+, "
    with pytest.raises(ExportError, match=message):
        onnx(model, tmp_path / "columns.onnx", data, quantize="dynamic")
    with pytest.raises(ExportError, match="no onnx_dynamic twin; leave 'onnx_dynamic' out"):
        saved_model(model, tmp_path / "columns", data, runtimes=["onnx_dynamic"])
    assert not any(tmp_path.iterdir())


def test_without_test_rows_the_outputs_are_compared(tmp_path):
    model, data = columns(scale=1000.0)
    data.test = None
    data.examples = np.array([[0.0, 0.05], [1000.0, -0.05], [2000.0, 0.1]], "float32"), None
    with pytest.raises(ExportError, match=r"output 'p' differs .* which is more than 0\.05"):
        onnx(model, tmp_path / "columns.onnx", data, quantize="dynamic")


def test_other_kinds_are_refused(tiny, tmp_path):
    with pytest.raises(InputError, match=r"one of: dynamic\. Received: quantize='int8'"):
        onnx(tiny, tmp_path / "tiny.onnx", quantize="int8")


def test_a_quantized_twin_is_served_and_its_requests_are_not_joined(clothes, tmp_path):
    """A layer's scale is that of the whole batch, so that a bright picture blurs a dark one."""
    model, data = clothes
    version = saved_model(
        model, tmp_path / "clothes", data, signatures=["labels"], runtimes=["onnx_dynamic"]
    )
    told = json.loads((version / "assets.extra" / FILE).read_text())
    assert told["rowwise"] == {"tensorflow": ["serving_default", "labels"], "onnx_dynamic": []}
    twin = told["runtimes"]["onnx_dynamic"]
    assert twin["signatures"].keys() == {"serving_default"}
    assert 1e-4 < twin["check"]["max_difference"] < 1
    raw, _ = data.examples
    (expected,) = run_onnx(
        (version / "assets.extra" / twin["signatures"]["serving_default"]["file"]).read_bytes(),
        [{"image": raw[:3]}],
    )
    with (
        Server(tmp_path / "clothes", rest_port=0, runtime="onnx_dynamic") as server,
        Client(server.url) as client,
    ):
        np.testing.assert_allclose(client.predict(raw[:3]), expected["predictions"], atol=1e-6)
