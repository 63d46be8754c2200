"""Weight normalization: a kernel's direction and its length are learned apart.

    w = g * v / ||v||        v: the layer's own kernel, g: one number an output unit

The paper's symbols: `g` is the layer's `gain`, `v` the wrapped layer's `kernel`.
"""

from typing import Any

import keras
from keras import ops

from dlkit.errors import InputError

# Where a kernel's output units lie. The norm is taken over all the other axes.
_OUTPUT_AXIS = {
    keras.layers.Dense: -1,
    keras.layers.Conv1D: -1,
    keras.layers.Conv2D: -1,
    keras.layers.Conv3D: -1,
    keras.layers.Conv1DTranspose: -2,
    keras.layers.Conv2DTranspose: -2,
    keras.layers.Conv3DTranspose: -2,
}


@keras.saving.register_keras_serializable(package="dlkit")
class WeightNormalization(keras.layers.Wrapper):
    """Learn the length and the direction of a layer's kernel apart: `w = g * v / ||v||`.

    Use it instead of batch normalization where batches are small or noise in the batch statistics
    hurts (recurrent and generative models, reinforcement learning). The gain starts at `||v||`, so
    that the layer starts as the one it wraps; the paper's start from a first batch of data is left
    out. A kernel regularizer of the wrapped layer is applied to `w`, since the length of `v` has no
    effect.

    Reference:
        Salimans & Kingma 2016, Weight Normalization, arXiv:1602.07868.

    Args:
        layer: A `Dense`, `Conv1D`, `Conv2D` or `Conv3D` layer, or a transposed one.
        **kwargs: What every Keras layer takes, as `name`.

    Raises:
        InputError: for another kind of layer.

    Example:
        >>> layer = WeightNormalization(keras.layers.Dense(3))
        >>> layer(ops.ones((2, 4))).shape[-1]
        3
        >>> [weight.path.split("/")[-1] for weight in layer.trainable_weights]
        ['gain', 'kernel', 'bias']
    """

    def __init__(self, layer: keras.layers.Layer, **kwargs: Any) -> None:
        super().__init__(layer, **kwargs)
        found = [axis for kind, axis in _OUTPUT_AXIS.items() if isinstance(layer, kind)]
        if not found:
            kinds = ", ".join(kind.__name__ for kind in _OUTPUT_AXIS)
            raise InputError(
                f"WeightNormalization wraps one of: {kinds}. Received: {type(layer).__name__}."
            )
        self.output_axis = found[0]

    def build(self, input_shape: Any = None) -> None:
        """Make the wrapped layer's weights and one gain an output unit."""
        super().build(input_shape)
        kernel = self.layer.kernel
        rank = len(kernel.shape)
        self.reduced = tuple(axis for axis in range(rank) if axis != rank + self.output_axis)
        self.regularize, kernel.regularizer = kernel.regularizer, None
        self.gain = self.add_weight(
            name="gain",
            shape=tuple(1 if axis in self.reduced else n for axis, n in enumerate(kernel.shape)),
            # A callable, since the kernel itself may get its first value only later.
            initializer=lambda shape, dtype=None: ops.cast(self._norm(kernel), dtype),
        )

    def call(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """Call the wrapped layer with the normalized kernel in the place of its own."""
        kernel = self.layer.kernel
        # The small number leaves a kernel of zeros at zero instead of dividing by it.
        weight = self.gain * kernel / (self._norm(kernel) + keras.config.epsilon())
        if self.regularize is not None:
            self.add_loss(self.regularize(weight))
        trainable = [weight if v is kernel else v.value for v in self.layer.trainable_variables]
        fixed = [weight if v is kernel else v.value for v in self.layer.non_trainable_variables]
        outputs, _ = self.layer.stateless_call(trainable, fixed, inputs, *args, **kwargs)
        return outputs

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the wrapped layer's output shape."""
        return self.layer.compute_output_shape(input_shape)

    def _norm(self, kernel: Any) -> Any:
        return ops.sqrt(ops.sum(ops.square(kernel), axis=self.reduced, keepdims=True))
