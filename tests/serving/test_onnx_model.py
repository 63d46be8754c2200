import hashlib

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from dlkit.serving.onnx_model import OnnxModel
from dlkit.serving.settings import Settings
from dlkit.serving.signatures import Signature, TensorInfo
from dlkit.serving.status import StatusError
from dlkit.serving.twins import Told


def model(folder, nodes, inputs, outputs, **options):
    """Return an ONNX graph as a version's only twin; each tensor is a (type, shape)."""
    values = [
        [helper.make_tensor_value_info(name, kind, shape) for name, (kind, shape) in side.items()]
        for side in (inputs, outputs)
    ]
    graph = helper.make_graph(nodes, "graph", *values)
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(proto)
    content = proto.SerializeToString()
    file = folder / "serving_default.onnx"
    file.write_bytes(content)
    infos = [{name: TensorInfo("DT_FLOAT", None) for name in side} for side in (inputs, outputs)]
    sha = hashlib.sha256(content).hexdigest()
    told = Told(
        {"serving_default": Signature(*infos)}, files={"onnx": {"serving_default": (file, sha)}}
    )
    return OnnxModel(told, Settings(**options))


def test_text_goes_in_and_comes_out_as_bytes(tmp_path):
    text = {"text": (TensorProto.STRING, ["rows"])}
    node = helper.make_node("Concat", ["text", "text"], ["twice"], axis=0)
    runtime = model(tmp_path, [node], text, {"twice": (TensorProto.STRING, ["more"])})
    words = ["kühl".encode(), b""]
    found = runtime.run("serving_default", {"text": np.array(words, object)})["twice"]
    assert found.tolist() == 2 * words
    with pytest.raises(StatusError, match="A string is not UTF-8") as caught:
        runtime.run("serving_default", {"text": np.array([b"\xff"], object)})
    assert caught.value.code == "INVALID_ARGUMENT"
    runtime.close()


def test_what_it_refuses_is_the_clients_fault(tmp_path):
    node = helper.make_node("Identity", ["x"], ["y"])
    tensors = [{name: (TensorProto.FLOAT, ["rows"])} for name in "xy"]
    runtime = model(tmp_path, [node], *tensors)
    with pytest.raises(StatusError, match="Unexpected input data type") as caught:
        runtime.run("serving_default", {"x": np.zeros(2, "int32")})
    assert caught.value.code == "INVALID_ARGUMENT"
    runtime.close()


def test_a_run_that_takes_too_long_is_ended(tmp_path):
    """Ten to the ninth passes of a loop would take minutes."""
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["going"], ["still"]),
            helper.make_node("Add", ["x", "x"], ["twice"]),
        ],
        "body",
        [
            helper.make_tensor_value_info("pass", TensorProto.INT64, []),
            helper.make_tensor_value_info("going", TensorProto.BOOL, []),
            helper.make_tensor_value_info("x", TensorProto.FLOAT, ["rows"]),
        ],
        [
            helper.make_tensor_value_info("still", TensorProto.BOOL, []),
            helper.make_tensor_value_info("twice", TensorProto.FLOAT, ["rows"]),
        ],
    )
    nodes = [
        helper.make_node("Loop", ["count", "", "start"], ["y"], body=body),
    ]
    inputs = {"count": (TensorProto.INT64, []), "start": (TensorProto.FLOAT, ["rows"])}
    runtime = model(
        tmp_path, nodes, inputs, {"y": (TensorProto.FLOAT, ["rows"])}, timeout_seconds=0.2
    )
    start = np.ones(1, np.float32)
    few = runtime.run("serving_default", {"count": np.array(3), "start": start})
    assert few["y"].tolist() == [8.0]
    with pytest.raises(StatusError, match="Timed out") as caught:
        runtime.run("serving_default", {"count": np.array(10**9), "start": start})
    assert caught.value.code == "DEADLINE_EXCEEDED"
    runtime.close()


def test_a_file_that_is_no_model(tmp_path):
    file = tmp_path / "x.onnx"
    file.write_bytes(b"this is no model")
    sha = hashlib.sha256(file.read_bytes()).hexdigest()
    told = Told({"a": Signature({}, {})}, files={"onnx": {"a": (file, sha)}})
    with pytest.raises(StatusError) as caught:
        OnnxModel(told, Settings())
    assert caught.value.code == "DATA_LOSS"
