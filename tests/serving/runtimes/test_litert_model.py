"""`model.tflite` in a version directory, as --prefer_tflite_model of TensorFlow Serving has it."""

import sys

import numpy as np
import pytest
import tensorflow as tf

from dlkit.serving import Client, GrpcClient, Server
from dlkit.serving.core.settings import Settings
from dlkit.serving.core.status import StatusError
from dlkit.serving.runtimes import litert_model
from dlkit.serving.runtimes.export_manifest import Told
from dlkit.serving.runtimes.litert_model import LiteRtModel
from dlkit.serving.runtimes.selection import load_runtime
from tests.serving import saved_models
from tests.serving.http_asking import ask, predict


@pytest.fixture(scope="module")
def half_plus_two_lite(tmp_path_factory):
    """TensorFlow Serving's half_plus_two beside a `model.tflite` that adds three instead."""
    base = tmp_path_factory.mktemp("lite") / "half_plus_two"
    saved_models.affine(base / "1")
    other = base.parent / "half_plus_three"
    saved_models.affine(other, offset=3.0)
    content = tf.lite.TFLiteConverter.from_saved_model(str(other)).convert()
    (base / "1" / "model.tflite").write_bytes(content)
    alone = base.parent / "alone" / "7"
    alone.mkdir(parents=True)
    (alone / "model.tflite").write_bytes(content)
    return base


@pytest.fixture(scope="module")
def server(half_plus_two_lite):
    with Server(half_plus_two_lite, rest_port=0, prefer_tflite=True) as server:
        yield server


def test_the_lite_model_is_preferred(server):
    for rows in ([1.0, 2.0, 5.0], [4.0], [0.0] * 100):
        answer = predict(server.url, {"instances": rows})
        assert answer.json == {"predictions": [x / 2 + 3 for x in rows]}
    assert predict(server.url, {"inputs": {"x": [1.0]}}).json == {"outputs": [3.5]}


def test_the_metadata_is_that_of_the_file(server):
    definition = ask(f"{server.url}/metadata").json["metadata"]["signature_def"]
    found = definition["signature_def"]["serving_default"]
    assert found["inputs"]["x"]["dtype"] == "DT_FLOAT"
    assert found["inputs"]["x"]["tensor_shape"]["dim"] == [{"size": "-1", "name": ""}]
    assert found["outputs"].keys() == {"y"}
    assert found["method_name"] == "tensorflow/serving/predict"


def test_other_shapes_are_refused(server):
    answer = predict(server.url, {"instances": [[1.0, 2.0]]})
    assert answer.status == 400
    assert answer.error == "Input 'x' must be of shape [-1], not [1,2]"


def test_without_the_flag_the_saved_model_serves(half_plus_two_lite):
    for runtime in ("auto", "tensorflow"):
        model = load_runtime(half_plus_two_lite / "1", Settings(runtime=runtime), Told())
        assert model.run("serving_default", {"x": np.ones(1, "float32")})["y"].tolist() == [2.5]
        model.close()


def test_a_lite_model_alone_needs_no_flag(half_plus_two_lite):
    with Server(half_plus_two_lite.parent / "alone", rest_port=0) as server:
        with Client(server.url) as client:
            assert client.predict([1.0, 2.0]).tolist() == [3.5, 4.0]
        status = ask(server.url).json["model_version_status"]
    assert [(v["version"], v["state"]) for v in status] == [("7", "AVAILABLE")]
    with pytest.raises(StatusError, match="SavedModel"):
        load_runtime(
            half_plus_two_lite.parent / "alone" / "7", Settings(runtime="tensorflow"), Told()
        )


def test_where_litert_is_not_installed_tensorflow_runs_the_file(half_plus_two_lite, monkeypatch):
    monkeypatch.setitem(sys.modules, "ai_edge_litert", None)
    model = LiteRtModel(half_plus_two_lite / "1", Settings())
    assert model.run("serving_default", {"x": np.ones(1, "float32")})["y"].tolist() == [3.5]
    model.close()


def test_a_file_for_one_row_takes_several(tmp_path):
    one = tf.function(lambda x: {"y": x * 2}).get_concrete_function(
        tf.TensorSpec([1, 2], tf.float32, "x")
    )
    converter = tf.lite.TFLiteConverter.from_concrete_functions([one])
    (tmp_path / "model.tflite").write_bytes(converter.convert())
    model = LiteRtModel(tmp_path, Settings())
    ((key, signature),) = model.signatures.items()
    ((name, info),) = signature.inputs.items()
    ((output, _),) = signature.outputs.items()
    assert (key, info.dtype, info.shape) == ("serving_default", "DT_FLOAT", (1, 2))
    for rows in (3, 1):
        x = np.arange(2 * rows, dtype="float32").reshape(rows, 2)
        np.testing.assert_array_equal(model.run(key, {name: x})[output], 2 * x)
    with pytest.raises(StatusError, match=r"must be of shape \[-1,2\], not \[1,3\]"):
        model.run(key, {name: np.zeros((1, 3), "float32")})
    model.close()


def test_a_refusal_says_nothing_of_those_before_it(tmp_path, monkeypatch):
    """LiteRT says again in each error what it has ever said, and keeps all of it."""
    monkeypatch.setattr(litert_model, "_MOST_SAID", 200)
    look_up = tf.function(lambda x: {"y": tf.gather(tf.constant([1.0, 2.0]), x)})
    one = look_up.get_concrete_function(tf.TensorSpec([None], tf.int32, "x"))
    converter = tf.lite.TFLiteConverter.from_concrete_functions([one])
    (tmp_path / "model.tflite").write_bytes(converter.convert())
    model = LiteRtModel(tmp_path, Settings())
    ((key, signature),) = model.signatures.items()
    ((name, _),), ((output, _),) = signature.inputs.items(), signature.outputs.items()
    texts = set()
    for _ in range(10):
        with pytest.raises(StatusError, match="index out of bounds") as refusal:
            model.run(key, {name: np.int32([5])})
        texts.add(refusal.value.message)
        assert model.run(key, {name: np.int32([1])})[output].tolist() == [2.0]
    assert len(texts) == 1
    model.close()


def test_an_error_of_any_kind_is_a_refusal(half_plus_two_lite):
    model = LiteRtModel(half_plus_two_lite / "1", Settings())

    def runner(**inputs):
        b"\xff".decode()  # a ValueError that cannot be made of a sentence

    model._file._runners = {"serving_default": runner}
    with pytest.raises(StatusError, match="'utf-8' codec can't decode byte 0xff"):
        model.run("serving_default", {"x": np.float32([1.0])})
    model.close()


@pytest.fixture(scope="module")
def column(tmp_path_factory):
    """A server of y = x / 2 + 2 for columns, (-1, 1), as in TensorFlow Serving's own suite."""
    half_plus_two = tf.function(lambda x: {"y": x / 2 + 2}).get_concrete_function(
        tf.TensorSpec([None, 1], tf.float32, "x")
    )
    path = tmp_path_factory.mktemp("column") / "half_plus_two" / "1"
    path.mkdir(parents=True)
    module = tf.Module()
    module.call = half_plus_two
    tf.saved_model.save(module, str(path / "source"), {"serving_default": half_plus_two})
    content = tf.lite.TFLiteConverter.from_saved_model(str(path / "source")).convert()
    (path / "model.tflite").write_bytes(content)
    with Server(path.parent, rest_port=0, grpc_port=0) as server:
        yield server


def test_a_column_may_come_without_its_last_axis(column):
    """As the suite sends 2.0 in the shape [1]."""
    with GrpcClient(column.grpc_target, "half_plus_two") as client:
        assert client.predict(np.array([2.0], "float32")).tolist() == [[3.0]]
        assert client.predict(np.array([2.0, 4.0, 6.0], "float32")).tolist() == [[3], [4], [5]]
        assert client.predict(np.array([[2.0], [4.0]], "float32")).tolist() == [[3], [4]]
    for rows in ([2.0, 4.0], [[2.0], [4.0]]):
        assert predict(column.url, {"instances": rows}).json == {"predictions": [[3.0], [4.0]]}


@pytest.mark.parametrize("values", [2.0, [[2.0, 4.0]], [[[2.0]]]])
def test_other_axes_are_not_made_up(column, values):
    answer = predict(column.url, {"inputs": values})
    assert answer.status == 400
    assert answer.error.startswith("Input 'x' must be of shape [-1,1], not [")


@pytest.mark.parametrize(
    ("content", "code"), [(b"no model", "INVALID_ARGUMENT"), (None, "NOT_FOUND")]
)
def test_what_is_no_lite_model_does_not_load(tmp_path, content, code):
    if content:
        (tmp_path / "model.tflite").write_bytes(content)
    with pytest.raises(StatusError) as caught:
        LiteRtModel(tmp_path, Settings())
    assert caught.value.code == code
