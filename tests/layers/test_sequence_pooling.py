"""Pooling over steps against NumPy, row by row, and what Keras's own layers make of padding."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from dlkit.errors import InputError
from dlkit.layers import SequencePooling

X = np.random.default_rng(0).normal(size=(5, 4, 3)).astype("float32") - 1  # most maxima below 0
# Padding behind, in front, in between, none, and nothing else.
MASK = np.array([[1, 1, 0, 0], [0, 0, 1, 1], [1, 0, 1, 0], [1, 1, 1, 1], [0, 0, 0, 0]], bool)
POOLS = {
    "last": lambda steps: steps[-1],
    "average": lambda steps: steps.mean(axis=0),
    "max": lambda steps: steps.max(axis=0),
}


@pytest.mark.parametrize("mode", POOLS)
def test_each_row_is_that_of_its_steps_alone(mode):
    layer = SequencePooling(mode)
    steps = (x[mask] for x, mask in zip(X, MASK, strict=True))
    wanted = [POOLS[mode](there) if len(there) else np.zeros(3) for there in steps]
    np.testing.assert_allclose(layer(X, mask=MASK), wanted, rtol=1e-6)
    np.testing.assert_allclose(layer(X), [POOLS[mode](x) for x in X], rtol=1e-6)


@pytest.mark.parametrize("mode", POOLS)
def test_padding_gets_no_gradient_and_none_is_nan(mode):
    x = tf.Variable(X)
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(SequencePooling(mode)(x, mask=MASK))
    gradient = tape.gradient(total, x).numpy()
    assert np.isfinite(gradient).all() and not gradient[~MASK].any()
    np.testing.assert_allclose(gradient.sum(axis=1), MASK.any(axis=1)[:, None] * np.ones(3))


def test_keras_has_no_layer_that_does_it():
    """The day that it has, ours can go."""
    average = keras.layers.GlobalAveragePooling1D()(X, mask=tf.constant(MASK))
    assert np.isnan(average[4]).all()
    with pytest.raises(TypeError):
        keras.layers.GlobalMaxPooling1D()(X, mask=tf.constant(MASK))


def test_a_mode_that_does_not_exist_is_refused():
    with pytest.raises(InputError, match="Did you mean 'average'"):
        SequencePooling("averag")
