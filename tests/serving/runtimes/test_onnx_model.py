import hashlib
import itertools

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from dlkit.serving.core.settings import Settings
from dlkit.serving.core.signatures import Signature, TensorInfo
from dlkit.serving.core.status import StatusError
from dlkit.serving.runtimes.export_manifest import Told
from dlkit.serving.runtimes.onnx_model import OnnxModel


def model(folder, nodes, inputs, outputs, *, shape=None, **options):
    """Return an ONNX graph as a version's only twin; each tensor is a (type, shape).

    `shape` is what the signature says of all of them.
    """
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
    infos = [{name: TensorInfo("DT_FLOAT", shape) for name in side} for side in (inputs, outputs)]
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
    outputs = {"y": (TensorProto.FLOAT, ["rows"])}
    patient = model(tmp_path, nodes, inputs, outputs, timeout_seconds=60)
    hasty = model(tmp_path, nodes, inputs, outputs, timeout_seconds=0.1)
    start = np.ones(1, np.float32)
    few = patient.run("serving_default", {"count": np.array(3), "start": start})
    assert few["y"].tolist() == [8.0]
    for _ in range(2):
        with pytest.raises(StatusError, match="Timed out") as caught:
            hasty.run("serving_default", {"count": np.array(10**9), "start": start})
        assert caught.value.code == "DEADLINE_EXCEEDED"
    patient.close()
    hasty.close()


def test_a_file_that_is_no_model(tmp_path):
    file = tmp_path / "x.onnx"
    file.write_bytes(b"this is no model")
    sha = hashlib.sha256(file.read_bytes()).hexdigest()
    told = Told({"a": Signature({}, {})}, files={"onnx": {"a": (file, sha)}})
    with pytest.raises(StatusError) as caught:
        OnnxModel(told, Settings())
    assert caught.value.code == "DATA_LOSS"


def threads_of(runtime):
    (session,) = runtime._sessions.values()
    return session.get_session_options().intra_op_num_threads


def multiplying(folder, size, times=1, **options):
    """Return y = x times a square matrix, once or several times."""
    names = ["x", *(f"x{i}" for i in range(1, times)), "y"]
    products = [helper.make_node("MatMul", [a, "m"], [b]) for a, b in itertools.pairwise(names)]
    matrix = helper.make_node(
        "Constant", [], ["m"], value=numpy_helper.from_array(np.eye(size, dtype="float32"))
    )
    tensors = [{name: (TensorProto.FLOAT, ["rows", size])} for name in "xy"]
    return model(folder, [matrix, *products], *tensors, shape=(-1, size), **options)


def test_a_small_model_needs_no_other_threads(tmp_path):
    assert threads_of(multiplying(tmp_path, 8)) == 1
    assert threads_of(multiplying(tmp_path, 8, intra_op_threads=2)) == 2


def test_a_model_that_computes_more_gets_all_of_them(tmp_path):
    slow = multiplying(tmp_path, 512, times=200)  # 1 MiB, and a hundred million operations
    assert threads_of(slow) == 0
    large = multiplying(tmp_path, 1100)  # 4.6 MiB
    assert threads_of(large) == 0
    for runtime, size in ((slow, 512), (large, 1100)):
        x = np.arange(2 * size, dtype="float32").reshape(2, size)
        np.testing.assert_array_equal(runtime.run("serving_default", {"x": x})["y"], x)
