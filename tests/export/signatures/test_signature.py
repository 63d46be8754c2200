import pathlib
import types

import keras
import numpy as np
import pytest
import tensorflow as tf

from dlkit.errors import InputError
from dlkit.export import litert, onnx, saved_model
from dlkit.export.signatures.signature import serving_default


def test_inputs_keep_their_names_as_far_as_tensorflow_can():
    inputs = {n: keras.Input((), name=n) for n in ("Age", "Sib Sp", "class", "sib sp")}
    model = keras.Model(inputs, keras.ops.stack(list(inputs.values()), axis=1))
    signature = serving_default(model)
    assert signature.columns == {
        **{"Age": "Age", "Sib Sp": "Sib_Sp", "class": "arg_class", "sib sp": "sib_sp_1"},
    }
    assert sorted(signature.inputs) == sorted(signature.columns.values())


@pytest.mark.parametrize(
    ("data", "given"),
    [
        (tf.data.Dataset.range(4).batch(2).prefetch(1), "_PrefetchDataset"),
        ("people", "str"),
        ({"a": 1}, "dict"),
        (pathlib.Path("people.csv"), "PosixPath"),
    ],
)
def test_what_tells_nothing_of_itself_is_no_data(data, given, tiny, tmp_path):
    """It would be exported without its preprocessing and labels."""
    message = rf"data must be a dlkit.data.Data, .* Received: {given}; pass data itself, not data.t"
    for write, path in ((saved_model, "tiny"), (onnx, "tiny.onnx"), (litert, "tiny.tflite")):
        with pytest.raises(InputError, match=message):
            write(tiny, tmp_path / path, data)
    assert not list(tmp_path.iterdir())


def test_unnamed_inputs_are_called_alike_whatever_was_built_before():
    for _ in range(2):
        first, second = keras.Input((2,)), keras.Input((3,))
        model = keras.Model([first, second], keras.layers.Concatenate()([first, second]))
        assert list(serving_default(model).inputs) == ["inputs", "inputs_1"]


def test_an_unnamed_input_takes_the_name_that_the_data_has():
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    data = types.SimpleNamespace(input_spec={"features": tf.TensorSpec((4,), tf.float32)})
    assert list(serving_default(model, data).inputs) == ["features"]


def test_preprocessing_comes_first_and_both_ways_agree_with_numpy():
    raw = keras.Input((2,), dtype="int32", name="raw")
    halves = keras.Model(raw, keras.layers.Rescaling(0.5)(raw))
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, name="sum")])
    model.layers[0].set_weights([np.ones((2, 1)), np.zeros(1)])
    data = types.SimpleNamespace(preprocessing=halves)
    signature = serving_default(model, data)
    assert signature.inputs == {"raw": tf.TensorSpec((None, 2), tf.int32, "raw")}
    rows = np.array([[2, 4], [6, 8], [1, 0]], "int32")
    computed = signature.compute({"raw": tf.constant(rows)})["sum"]
    np.testing.assert_allclose(computed, [[3], [7], [0.5]])
    np.testing.assert_allclose(signature.reference({"raw": rows})["sum"], [[3], [7], [0.5]])


def test_preprocessing_of_several_columns_feeds_several_inputs():
    """Each column reaches the input of its own name, whatever the order."""
    age, size = keras.Input((1,), name="age"), keras.Input((1,), name="size")
    prepare = keras.Model(
        {"size": size, "age": age},
        {"size": keras.layers.Rescaling(10)(size), "age": keras.layers.Rescaling(100)(age)},
    )
    first, second = keras.Input((1,), name="age"), keras.Input((1,), name="size")
    model = keras.Model(
        {"age": first, "size": second}, {"difference": keras.layers.Subtract()([first, second])}
    )
    data = types.SimpleNamespace(preprocessing=prepare)
    signature = serving_default(model, data)
    columns = {"age": np.array([[3.0]], "float32"), "size": np.array([[7.0]], "float32")}
    np.testing.assert_allclose(signature.reference(columns)["difference"], [[300 - 70]])
    computed = signature.compute({name: tf.constant(v) for name, v in columns.items()})
    np.testing.assert_allclose(computed["difference"], [[300 - 70]])


def test_types_that_rest_cannot_carry_are_widened():
    model = keras.Sequential(
        [keras.Input((2,), dtype="uint16", name="pixels"), keras.layers.Identity(name="same")]
    )
    signature = serving_default(model)
    assert signature.inputs["pixels"].dtype == tf.int32
    answer = signature.compute({"pixels": tf.constant([[1, 65535]], tf.int32)})["same"]
    np.testing.assert_array_equal(tf.cast(answer, tf.int64), [[1, 65535]])
