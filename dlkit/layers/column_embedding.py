"""A vector for each column of a table, of however many features the column has become.

    features of column c: x1 ... xm -> x1 * w1 + ... + xm * wm + bias of c

Of a category, m features of which one is 1, that is a lookup of its vector; of a number, m = 1, it
is the paper's `x * w + b`.
"""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from dlkit.argument_validation import check_integer
from dlkit.errors import InputError


@keras.saving.register_keras_serializable(package="dlkit")
class ColumnEmbedding(keras.layers.Layer):
    """Turn the features of each column into one vector.

    Use it before attention among columns, and for embeddings of categories that come one-hot.

    Reference:
        Gorishniy et al. 2021, Revisiting Deep Learning Models for Tabular Data, arXiv:2106.11959,
        section 3.3: the feature tokenizer.

    Args:
        feature_columns: Which column each feature is of, counted from 0, each column once or more.
        units: Length of the vectors.
        **kwargs: What every Keras layer takes, as `name`.

    Input shape:
        (batch, features)

    Output shape:
        (batch, columns, units)

    Raises:
        InputError: for no features, or a column without any.

    Example:
        >>> ColumnEmbedding((0, 1, 1, 1), units=8)(keras.Input((4,))).shape
        (None, 2, 8)
    """

    def __init__(self, feature_columns: Sequence[int], units: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.feature_columns = check_feature_columns(feature_columns)
        self.units = check_integer("units", units)

    def build(self, input_shape: Any) -> None:
        """Make the weights."""
        features, columns = len(self.feature_columns), 1 + max(self.feature_columns)
        if input_shape[-1] != features:
            raise InputError(
                f"feature_columns tells of {features} features. Received: inputs of shape"
                f" {tuple(input_shape)}."
            )
        limit = self.units**-0.5  # the paper's
        draw = keras.initializers.RandomUniform(-limit, limit)
        self.kernel = self.add_weight((features, self.units), initializer=draw, name="kernel")
        draw = keras.initializers.RandomUniform(-limit, limit)
        self.bias = self.add_weight((columns, self.units), initializer=draw, name="bias")
        self._of_column = np.eye(columns, dtype="float32")[list(self.feature_columns)]  # (F, C)

    def call(self, inputs: Any) -> Any:
        """Return a vector for each column."""
        mask = ops.cast(self._of_column, self.compute_dtype)[..., None]
        kernel = ops.cast(self.kernel, self.compute_dtype)[:, None] * mask  # -> (F, C, units)
        x = ops.matmul(inputs, ops.reshape(kernel, (len(self.feature_columns), -1)))
        return ops.reshape(x, (-1, *self.bias.shape)) + self.bias  # (B, C * units) -> (B, C, units)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return (batch, columns, units)."""
        return (*input_shape[:-1], 1 + max(self.feature_columns), self.units)

    def get_config(self) -> dict[str, Any]:
        """Return what the layer is made again from."""
        config = {"feature_columns": self.feature_columns, "units": self.units}
        return {**super().get_config(), **config}


def check_feature_columns(feature_columns: Any) -> tuple[int, ...]:
    """Return the column of each feature, if each column up to the last has one.

    Raises:
        InputError: for something else.

    Example:
        >>> check_feature_columns([0, 1, 1])
        (0, 1, 1)
    """
    listed = hasattr(feature_columns, "__iter__") and not isinstance(feature_columns, str)
    given = tuple(feature_columns) if listed else ()
    columns = tuple(check_integer("feature_columns", place, minimum=0) for place in given)
    if not columns or set(columns) != set(range(1 + max(columns))):
        raise InputError(
            "feature_columns must say which column each feature is of, counted from 0 and none left"
            f" out, as (0, 1, 1). Received: feature_columns={feature_columns!r}."
        )
    return columns
