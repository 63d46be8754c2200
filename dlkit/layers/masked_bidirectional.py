"""Keras's recurrent layer of both directions, right for padding when its steps are unrolled too."""

from typing import Any

import keras


@keras.saving.register_keras_serializable(package="dlkit")
class MaskedBidirectional(keras.layers.Bidirectional):
    """A recurrent layer that also reads from the end, as `keras.layers.Bidirectional`.

    Keras's sets what comes out at masked steps to 0; with `unroll=True` the layer that reads from
    the end does so at the wrong end (Keras 3.15). Here a masked step repeats the state before it,
    as in Keras's layers of one direction.

    Reference:
        Schuster & Paliwal 1997, Bidirectional Recurrent Neural Networks, IEEE Transactions on
        Signal Processing 45(11).

    Args:
        layer: A recurrent layer.
        **kwargs: What `keras.layers.Bidirectional` takes, as `merge_mode`.

    Input shape:
        (batch, length, channels), and as `mask` (batch, length), true where there is a step.

    Output shape:
        (batch, length, 2 * units), or (batch, 2 * units) where the layer returns its last state.

    Example:
        >>> MaskedBidirectional(keras.layers.GRU(4))(keras.Input((9, 2))).shape
        (None, 8)
    """

    def __init__(self, layer: keras.layers.Layer, **kwargs: Any) -> None:
        super().__init__(layer, **kwargs)
        for one in (self.forward_layer, self.backward_layer):
            one.zero_output_for_mask = False
