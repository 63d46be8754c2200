"""Stochastic depth: in training, a residual branch is left out for some of the examples.

y = shortcut + StochasticDepth(rate)(branch)
"""

from typing import Any

import keras
from keras import ops

from dlkit.argument_validation import check_fraction


@keras.saving.register_keras_serializable(package="dlkit")
class StochasticDepth(keras.layers.Layer):
    """Set a branch to 0 for a share of the examples in training, and scale up the others.

    Put it at the end of a residual branch: an example of which the branch is left out passes by the
    shortcut alone, so that the network is shallower for it. The others are divided by `1 - rate`,
    so that nothing has to be changed for predictions.

    Reference:
        Huang et al. 2016, Deep Networks with Stochastic Depth, arXiv:1603.09382.

    Args:
        rate: Share of the examples, in [0, 1).
        seed: A whole number. Defaults to `None`: another one each time.
        **kwargs: What every Keras layer takes, as `name`.

    Raises:
        InputError: for a rate outside [0, 1).

    Example:
        >>> branch = ops.ones((2, 4, 4, 3))
        >>> bool(ops.all(StochasticDepth(0.5)(branch, training=False) == branch))
        True
    """

    def __init__(self, rate: float, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.rate, self.seed = check_fraction("rate", rate), seed
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.supports_masking = True

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Return the branch, in training without that of some examples."""
        if not training or not self.rate:
            return inputs
        one_each = (ops.shape(inputs)[0],) + (1,) * (len(inputs.shape) - 1)
        drawn = keras.random.uniform(one_each, seed=self.seed_generator, dtype="float32")
        kept = ops.cast(drawn >= self.rate, inputs.dtype)
        return inputs * kept / (1 - self.rate)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the same shape."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Return what the layer is made again from."""
        return {**super().get_config(), "rate": self.rate, "seed": self.seed}
