import types

import keras
import numpy as np
import pytest
import tensorflow as tf

import dlkit as dk
from dlkit.errors import ExportError
from dlkit.export import litert
from dlkit.export.to_litert.files import run_litert


def columns(scale):
    """A network that rounding to 8 bits ruins, if `scale` is large: a small column decides."""
    model = keras.Sequential(
        [keras.Input((2,), name="row"), keras.layers.Dense(1, activation="sigmoid", name="p")]
    )
    model.layers[0].set_weights([np.array([[0.0], [50.0]]), np.zeros(1)])
    random = np.random.default_rng(0)
    x = (random.normal(size=(300, 2)) * [scale, 0.1]).astype("float32")
    y = (x[:, 1] > 0).astype("int32")
    split = tf.data.Dataset.from_tensor_slices((x, y)).batch(64)
    spec = {"row": tf.TensorSpec((2,), tf.float32)}
    data = types.SimpleNamespace(train=split, test=split, task="binary", input_spec=spec)
    return model, data


def test_a_loss_of_accuracy_is_refused(tmp_path):
    model, data = columns(scale=1000.0)
    message = (
        r"quantize='int8' lowers the accuracy on 300 test rows from 1\.0000 to 0\.\d+, .* 0\.02"
    )
    with pytest.raises(ExportError, match=message):
        litert(model, tmp_path / "columns.tflite", data, quantize="int8")
    assert not list(tmp_path.iterdir())
    model, data = columns(scale=0.1)
    assert litert(model, tmp_path / "columns.tflite", data, quantize="int8").exists()


def test_without_test_rows_the_outputs_are_compared(tmp_path):
    model, data = columns(scale=1000.0)
    raw = np.array([[0.0, 0.05], [1.0, -0.05], [2.0, 0.1]], "float32")
    data.test, data.examples = None, (raw, None)
    with pytest.raises(ExportError, match=r"output 'p' differs .* which is more than 0\.1"):
        litert(model, tmp_path / "columns.tflite", data, quantize="int8")


def test_columns_of_any_scale_survive_since_preprocessing_is_in_floats(tmp_path):
    """Breast cancer's columns reach from 0.001 to 4,254: in 8 bits most would be 0."""
    keras.utils.set_random_seed(0)
    data = dk.data.load("breast_cancer", seed=0)
    model = dk.models.build("mlp", data, units=(16,), jit_compile=False, learning_rate=0.02, seed=0)
    model.fit(data.train, epochs=10, verbose=0)
    path = litert(model, tmp_path / "cells.tflite", data, quantize="int8")
    raw, labels = data.examples
    (answer,) = run_litert(path.read_bytes(), [{"features": raw}])
    right = np.mean((answer["predictions"].ravel() > 0.5) == labels)
    assert right > 0.85
    assert raw.max() / np.abs(raw).mean(axis=0).min() > 10_000
