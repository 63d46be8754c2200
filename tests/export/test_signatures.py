import types

import keras
import numpy as np
import tensorflow as tf

from dlkit.export import signatures


def test_names_are_what_tensorflow_would_make_of_them():
    names = ["Image", "Petal length (cm)", "x", "X", "x", "2nd", "_hidden", "gr\u00f6\u00dfe", ""]
    assert signatures.plain_names(names) == [
        *["image", "petal_length__cm_", "x", "x_1", "x_2", "arg_2nd", "arg__hidden", "gr__e"],
        "arg_",
    ]


def test_unnamed_inputs_are_called_alike_whatever_was_built_before():
    for _ in range(2):
        first, second = keras.Input((2,)), keras.Input((3,))
        model = keras.Model([first, second], keras.layers.Concatenate()([first, second]))
        assert list(signatures.serving_default(model).inputs) == ["inputs", "inputs_1"]


def test_an_unnamed_input_takes_the_name_that_the_data_has():
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    data = types.SimpleNamespace(input_spec={"features": tf.TensorSpec((4,), tf.float32)})
    assert list(signatures.serving_default(model, data).inputs) == ["features"]


def test_preprocessing_comes_first_and_both_ways_agree_with_numpy():
    raw = keras.Input((2,), dtype="int32", name="raw")
    halves = keras.Model(raw, keras.layers.Rescaling(0.5)(raw))
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, name="sum")])
    model.layers[0].set_weights([np.ones((2, 1)), np.zeros(1)])
    data = types.SimpleNamespace(preprocessing=halves)
    signature = signatures.serving_default(model, data)
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
    signature = signatures.serving_default(model, data)
    columns = {"age": np.array([[3.0]], "float32"), "size": np.array([[7.0]], "float32")}
    np.testing.assert_allclose(signature.reference(columns)["difference"], [[300 - 70]])
    computed = signature.compute({name: tf.constant(v) for name, v in columns.items()})
    np.testing.assert_allclose(computed["difference"], [[300 - 70]])


def test_types_that_rest_cannot_carry_are_widened():
    model = keras.Sequential(
        [keras.Input((2,), dtype="uint16", name="pixels"), keras.layers.Identity(name="same")]
    )
    signature = signatures.serving_default(model)
    assert signature.inputs["pixels"].dtype == tf.int32
    answer = signature.compute({"pixels": tf.constant([[1, 65535]], tf.int32)})["same"]
    np.testing.assert_array_equal(tf.cast(answer, tf.int64), [[1, 65535]])
