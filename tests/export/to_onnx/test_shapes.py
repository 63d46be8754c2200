"""Graphs before and after: the same answers from fewer operations."""

import keras
import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from dlkit import export
from dlkit.export.to_onnx.shapes import write_known_shapes


def answers(proto, feeds):
    session = onnxruntime.InferenceSession(
        proto.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    return session.run(None, feeds)


def operations(proto):
    return [node.op_type for node in proto.graph.node]


def constant(name, *values):
    return numpy_helper.from_array(np.array(values, np.int64), name)


def graph_of(nodes, x, y, constants):
    """Return a model from x to y, whose shapes are those of the arrays or lists of names."""
    values = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        for name, shape in (("x", x), ("y", y))
    ]
    graph = helper.make_graph(nodes, "graph", values[:1], values[1:], constants)
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(proto, full_check=True)
    return proto


def flatten(last):
    """Return what tf2onnx makes of Keras's Flatten: the number of rows, beside `last`."""
    nodes = [
        helper.make_node("Shape", ["x"], ["sizes"]),
        helper.make_node("Gather", ["sizes", "first"], ["rows"]),
        helper.make_node("Concat", ["rows", last], ["shape"], axis=0),
        helper.make_node("Reshape", ["x", "shape"], ["flat"]),
    ]
    return nodes, [constant("first", 0), constant("six", 6)]


def test_flatten_has_its_shape_written_into_it():
    nodes, constants = flatten("six")
    nodes.append(helper.make_node("Neg", ["flat"], ["y"]))
    proto = graph_of(nodes, ["rows", 2, 3], ["rows", 6], constants)
    x = np.random.default_rng(0).standard_normal((5, 2, 3)).astype(np.float32)
    (before,) = answers(proto, {"x": x})
    write_known_shapes(proto)
    onnx.checker.check_model(proto, full_check=True)
    assert operations(proto) == ["Reshape", "Neg"]
    (shape,) = map(numpy_helper.to_array, proto.graph.initializer)
    assert shape.tolist() == [-1, 6]
    np.testing.assert_array_equal(answers(proto, {"x": x})[0], before)
    np.testing.assert_array_equal(before, -x.reshape(5, 6))


def test_what_has_two_free_axes_stays():
    nodes = [
        helper.make_node("Shape", ["x"], ["sizes"]),
        helper.make_node("Gather", ["sizes", "order"], ["shape"]),
        helper.make_node("Reshape", ["x", "shape"], ["y"]),
    ]
    proto = graph_of(
        nodes, ["rows", "words", 4], ["words", 4, "rows"], [constant("order", 1, 2, 0)]
    )
    before = proto.SerializeToString()
    write_known_shapes(proto)
    assert proto.SerializeToString() == before


def test_what_a_graph_within_the_graph_uses_stays():
    """The sizes are looked up for Flatten, and once more inside a branch."""
    branches = [
        helper.make_graph(
            [helper.make_node("Cast", [tensor], ["scale"], to=TensorProto.FLOAT)],
            tensor,
            [],
            [helper.make_tensor_value_info("scale", TensorProto.FLOAT, [1])],
        )
        for tensor in ("rows", "six")
    ]
    nodes, constants = flatten("six")
    nodes += [
        helper.make_node("If", ["true"], ["by"], then_branch=branches[0], else_branch=branches[1]),
        helper.make_node("Mul", ["flat", "by"], ["y"]),
    ]
    yes = numpy_helper.from_array(np.array(True), "true")
    proto = graph_of(nodes, ["rows", 2, 3], ["rows", 6], [*constants, yes])
    write_known_shapes(proto)
    onnx.checker.check_model(proto, full_check=True)
    assert operations(proto) == ["Shape", "Gather", "Reshape", "If", "Mul"]
    x = np.ones((4, 2, 3), np.float32)
    np.testing.assert_array_equal(answers(proto, {"x": x})[0], np.full((4, 6), 4))


@pytest.mark.parametrize("layer", ["Flatten", "Reshape"])
def test_keras_layers_need_no_operations_to_count_rows(layer, tmp_path):
    shaped = keras.layers.Flatten() if layer == "Flatten" else keras.layers.Reshape((16, 3))
    model = keras.Sequential(
        [keras.Input((4, 4, 3), name="image"), keras.layers.ReLU(), shaped, keras.layers.Dense(2)]
    )
    proto = onnx.load(export.onnx(model, tmp_path / "flat.onnx"))
    found = operations(proto)
    assert "Reshape" in found
    assert not {"Shape", "Gather", "Slice", "Concat", "Cast"} & set(found)
    x = np.random.default_rng(0).standard_normal((7, 4, 4, 3)).astype(np.float32)
    np.testing.assert_allclose(
        answers(proto, {"image": x})[0], model.predict(x, verbose=0), rtol=1e-5, atol=1e-5
    )
