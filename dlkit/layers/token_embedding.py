"""Keras's embedding of tokens, with a gradient that optimizers cannot mistake."""

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="dlkit")
class TokenEmbedding(keras.layers.Embedding):
    """A learned vector for each token, as `keras.layers.Embedding`, trained alike on all backends.

    On TensorFlow the gradient of Keras's embedding names a token once for each time that it stands
    in the batch, and Keras's optimizers square, cut and clip these parts one by one: Adam divides a
    token that stands there 100 times by a tenth of the root that it should. Here the parts are
    added up first, as on JAX.

    Reference:
        Bengio et al. 2003, A Neural Probabilistic Language Model, JMLR 3.

    Args:
        input_dim: How many tokens there are.
        output_dim: Length of a token's vector.
        return_table: Whether the vectors of all tokens come beside, as a second tensor, for a
            network that compares with them what it predicts. Defaults to `False`.
        **kwargs: What `keras.layers.Embedding` takes, as `mask_zero`.

    Input shape:
        (batch, ...) of whole numbers from 0 to `input_dim - 1`.

    Output shape:
        (batch, ..., output_dim), and with `return_table` (input_dim, output_dim).

    Example:
        >>> TokenEmbedding(1000, 64, mask_zero=True)(keras.Input((9,), dtype="int32")).shape
        (None, 9, 64)
    """

    def __init__(
        self, input_dim: int, output_dim: int, return_table: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(input_dim, output_dim, **kwargs)
        self.return_table = return_table

    def call(self, inputs: Any) -> Any:
        """Return the vectors of tokens."""
        table = self.embeddings * 1  # a product's gradient is one tensor
        found = ops.take(table, ops.cast(inputs, "int32"), axis=0)
        found, table = (ops.cast(x, self.compute_dtype) for x in (found, table))
        return (found, table) if self.return_table else found

    def compute_output_spec(self, inputs: Any) -> Any:
        """Return the shapes and types of what `call` returns."""
        found = keras.KerasTensor((*inputs.shape, self.output_dim), self.compute_dtype)
        if not self.return_table:
            return found
        return found, keras.KerasTensor((self.input_dim, self.output_dim), self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        """Return what the layer is made again from."""
        return {**super().get_config(), "return_table": self.return_table}
