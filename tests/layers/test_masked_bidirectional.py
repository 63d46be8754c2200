"""Both directions against each by itself, in a loop and unrolled, also once loaded."""

import keras
import numpy as np
import pytest

from dlkit.layers import MaskedBidirectional

X = np.random.default_rng(0).normal(size=(2, 5, 2)).astype("float32")
MASK = np.arange(5) < np.array([[3], [5]])


@pytest.mark.parametrize("unroll", [False, True])
def test_padding_changes_nothing_in_either_direction(unroll):
    inputs, mask = keras.Input((5, 2)), keras.Input((5,), dtype="bool")
    layer = MaskedBidirectional(keras.layers.LSTM(3, return_sequences=True, unroll=unroll))
    model = keras.Model([inputs, mask], layer(inputs, mask=mask))
    again = keras.Model.from_config(model.get_config())
    again.set_weights(model.get_weights())
    forward, backward = layer.forward_layer, layer.backward_layer
    for row, length in enumerate((3, 5)):
        real = X[row : row + 1, :length]
        wanted = np.concatenate([forward(real), backward(real)[:, ::-1]], axis=-1)[0]
        for one in (model, again):
            np.testing.assert_allclose(one([X, MASK])[row, :length], wanted, atol=1e-6)


def test_keras_own_is_still_wrong_where_steps_are_unrolled():
    """The day that it is right, ours can go."""
    layer = keras.layers.Bidirectional(keras.layers.LSTM(3, return_sequences=True, unroll=True))
    padded, alone = layer(X[:1], mask=MASK[:1]), layer(X[:1, :3])
    assert np.abs(padded[0, :3] - alone[0]).max() > 1e-3
