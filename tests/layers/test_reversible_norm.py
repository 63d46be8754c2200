import keras
import numpy as np
import pytest
import tensorflow as tf

from dlkit.errors import InputError
from dlkit.layers import ReversibleInstanceNormalization

RNG = np.random.default_rng(0)


def windows():
    """Return windows of levels and spreads that are far apart."""
    levels, spreads = np.array([-300.0, 0.0, 5.0]), np.array([2.0, 0.1, 70.0])
    return (RNG.normal(size=(4, 12, 3)) * spreads + levels).astype("float32")


def drawn(**options):
    """Return a layer whose gamma and beta are not 1 and 0."""
    layer = ReversibleInstanceNormalization(**options)
    layer.build((None, 12, 3))
    for weight in layer.weights:
        weight.assign(RNG.uniform(0.5, 2, weight.shape))
    return layer


@pytest.mark.parametrize("affine", [True, False])
def test_it_is_the_papers_and_what_it_tells_restores_exactly(affine):
    layer, x = drawn(affine=affine), windows()
    normalized, offset, scale = layer(x)
    wide = x.astype("float64")
    mean, variance = wide.mean(axis=1, keepdims=True), wide.var(axis=1, keepdims=True)
    gamma, beta = layer.get_weights() if affine else (1.0, 0.0)
    expected = (wide - mean) / np.sqrt(variance + 1e-5) * gamma + beta
    np.testing.assert_allclose(normalized, expected, rtol=1e-3, atol=1e-4)
    assert (offset.shape, scale.shape) == ((4, 1, 3), (4, 1, 3))
    off = np.abs(normalized * scale + offset - x)
    assert (off <= 1e-6 * np.abs(x).max(axis=1, keepdims=True)).all()  # 8 roundings of float32


def test_a_window_of_one_value_becomes_beta_and_has_gradients():
    layer = drawn()
    x = np.full((2, 12, 3), 7.5, "float32")
    with tf.GradientTape() as tape:
        normalized, offset, scale = layer(x)
        loss = tf.reduce_sum(tf.square(normalized * scale + offset + normalized))
    np.testing.assert_allclose(normalized, np.broadcast_to(layer.beta, x.shape), rtol=1e-4)
    np.testing.assert_allclose(normalized * scale + offset, x, rtol=1e-6)
    for gradient in tape.gradient(loss, [weight.value for weight in layer.weights]):
        assert np.isfinite(gradient).all()


def test_half_precision_keeps_the_level():
    """1000 and 1001 are one number in bfloat16."""
    layer = ReversibleInstanceNormalization(dtype="mixed_bfloat16")
    x = np.array([[[1000.0], [1001.0]]], "float32")
    normalized, offset, scale = layer(x)
    assert (normalized.dtype, offset.dtype, scale.dtype) == ("bfloat16", "float32", "float32")
    np.testing.assert_allclose(tf.cast(normalized, "float32") * scale + offset, x, atol=1e-3)


def test_it_is_saved_and_loaded(tmp_path):
    inputs = keras.Input((12, 3))
    normalized, offset, scale = drawn(epsilon=0.5)(inputs)
    model = keras.Model(inputs, (normalized + 1) * scale + offset)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras", safe_mode=True)
    assert again.layers[1].epsilon == 0.5
    np.testing.assert_array_equal(again(windows()[:2]).shape, (2, 12, 3))
    x = windows()
    np.testing.assert_array_equal(again(x), model(x))


def test_a_negative_epsilon_is_refused():
    with pytest.raises(InputError, match=r"epsilon must be in .*epsilon=-1"):
        ReversibleInstanceNormalization(epsilon=-1)
