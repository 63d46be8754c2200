"""Weight normalization against NumPy, for each layer that it wraps."""

import keras
import numpy as np
import pytest

from dlkit.errors import InputError
from dlkit.layers import WeightNormalization

RNG = np.random.default_rng(5)
LAYERS = {
    "dense": (lambda: keras.layers.Dense(3), (5,), -1),
    "conv1d": (lambda: keras.layers.Conv1D(3, 2), (6, 4), -1),
    "conv2d": (lambda: keras.layers.Conv2D(3, 2, padding="same"), (5, 6, 4), -1),
    "conv3d": (lambda: keras.layers.Conv3D(2, 2), (4, 4, 4, 3), -1),
    "conv1d_transpose": (lambda: keras.layers.Conv1DTranspose(3, 2), (6, 4), -2),
    "conv2d_transpose": (lambda: keras.layers.Conv2DTranspose(3, 2), (5, 5, 4), -2),
    "conv3d_transpose": (lambda: keras.layers.Conv3DTranspose(2, 2), (3, 3, 3, 3), -2),
}


def lengths(kernel, axis):
    """Return ||v|| of every output unit, in the kernel's rank."""
    others = tuple(a for a in range(kernel.ndim) if a != kernel.ndim + axis)
    return np.sqrt((kernel**2).sum(others, keepdims=True))


@pytest.mark.parametrize("name", LAYERS)
def test_it_uses_g_v_over_the_length_of_v(name):
    make, shape, axis = LAYERS[name]
    wrapped, plain = WeightNormalization(make()), make()
    x = RNG.normal(size=(2, *shape)).astype("float32")
    plain.build(x.shape)
    wrapped(x)
    kernel, bias = RNG.normal(size=plain.kernel.shape), RNG.normal(size=plain.bias.shape)
    length = lengths(kernel, axis)
    gain = RNG.uniform(0.5, 2.0, length.shape)
    wrapped.layer.kernel.assign(kernel)
    wrapped.layer.bias.assign(bias)
    wrapped.gain.assign(gain)
    plain.kernel.assign(gain * kernel / length)
    plain.bias.assign(bias)
    np.testing.assert_allclose(wrapped(x), plain(x), atol=1e-5)
    assert tuple(wrapped.compute_output_shape((2, *shape))) == tuple(plain(x).shape)


def test_it_starts_as_the_layer_that_it_wraps():
    layer = keras.layers.Dense(3)
    layer.build((None, 5))
    x = RNG.normal(size=(4, 5)).astype("float32")
    expected = keras.ops.convert_to_numpy(layer(x))
    np.testing.assert_allclose(WeightNormalization(layer)(x), expected, atol=1e-6)


def test_the_gradients_are_those_of_the_paper():
    """Equation 3: dL/dg = dL/dw . v/||v||, dL/dv = g/||v|| (dL/dw - dL/dg v/||v||)."""
    import tensorflow as tf

    layer = WeightNormalization(keras.layers.Dense(3))
    x, upstream = RNG.normal(size=(4, 5)), RNG.normal(size=(4, 3))
    layer(x.astype("float32"))
    kernel, gain = layer.layer.kernel.numpy(), np.array([[0.5, 1.0, 2.0]])
    layer.gain.assign(gain)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(layer(x.astype("float32")) * upstream)
    got = tape.gradient(loss, [layer.gain.value, layer.layer.kernel.value])
    by_weight = x.T @ upstream
    length = lengths(kernel, -1)
    by_gain = (by_weight * kernel / length).sum(0, keepdims=True)
    by_kernel = gain / length * (by_weight - by_gain * kernel / length)
    np.testing.assert_allclose(got[0], by_gain, atol=1e-4)
    np.testing.assert_allclose(got[1], by_kernel, atol=1e-4)


def test_a_penalty_is_on_the_weight_that_is_used():
    inner = keras.layers.Dense(3, kernel_regularizer=keras.regularizers.L2(0.5))
    inputs = keras.Input((5,))
    model = keras.Model(inputs, WeightNormalization(inner)(inputs))
    wrapper = model.layers[1]
    wrapper.gain.assign([[1.0, 2.0, 3.0]])
    model(np.zeros((1, 5), "float32"))
    # The columns of w have the lengths g, whatever v is.
    assert float(sum(model.losses)) == pytest.approx(0.5 * (1 + 4 + 9), rel=1e-5)


def test_a_kernel_of_zeros_stays_finite():
    layer = WeightNormalization(keras.layers.Dense(2, kernel_initializer="zeros"))
    np.testing.assert_array_equal(layer(np.ones((1, 3), "float32")), [[0.0, 0.0]])


def test_it_is_saved_and_loaded_in_safe_mode(tmp_path):
    inner = keras.layers.Dense(3, kernel_regularizer="l2")
    inputs = keras.Input((5,))
    model = keras.Model(inputs, WeightNormalization(inner, name="normed")(inputs))
    model.compile("sgd", "mse")
    x, y = RNG.normal(size=(8, 5)), RNG.normal(size=(8, 3))
    model.fit(x, y, epochs=2, verbose=0)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras", safe_mode=True)
    np.testing.assert_array_equal(again.predict(x, verbose=0), model.predict(x, verbose=0))
    assert again.evaluate(x, y, verbose=0) == model.evaluate(x, y, verbose=0)


def test_a_frozen_layer_still_normalizes():
    layer = WeightNormalization(keras.layers.Dense(2))
    x = np.ones((1, 3), "float32")
    before = keras.ops.convert_to_numpy(layer(x))
    layer.trainable = False
    np.testing.assert_allclose(layer(x), before, rtol=1e-6)
    assert layer.trainable_weights == []


def test_it_computes_in_half_precision_where_asked():
    policy = "mixed_bfloat16"
    layer = WeightNormalization(keras.layers.Dense(2, dtype=policy), dtype=policy)
    assert keras.backend.standardize_dtype(layer(np.ones((1, 3), "float32")).dtype) == "bfloat16"


@pytest.mark.parametrize("layer", [keras.layers.LSTM(2), keras.layers.ReLU()])
def test_another_layer_is_refused(layer):
    with pytest.raises(
        InputError, match=f"wraps one of: Dense, .*Received: {type(layer).__name__}"
    ):
        WeightNormalization(layer)
