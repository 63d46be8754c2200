"""From a vector for each step of a sequence to one for all of it, padding left out."""

from typing import Any

import keras
from keras import ops

from dlkit.argument_validation import check_choice

SEQUENCE_POOLS = ("last", "average", "max")


@keras.saving.register_keras_serializable(package="dlkit")
class SequencePooling(keras.layers.Layer):
    """Take the last step of a sequence, or the mean or the maximum of all, without its padding.

    Of Keras's own layers `GlobalAveragePooling1D` gives NaN for a row that is all padding, and
    `GlobalMaxPooling1D` takes padding for steps. Here such a row is zeros.

    Args:
        mode: `"last"`, `"average"` or `"max"`.
        **kwargs: What every Keras layer takes, as `name`.

    Input shape:
        (batch, length, channels), and as `mask` (batch, length), true where there is a step; none
        says that there is one everywhere.

    Output shape:
        (batch, channels)

    Raises:
        InputError: for another mode.

    Example:
        >>> x, mask = ops.array([[[1.0], [2.0], [9.0]]]), ops.array([[True, True, False]])
        >>> [float(SequencePooling(mode)(x, mask=mask)[0, 0]) for mode in SEQUENCE_POOLS]
        [2.0, 1.5, 2.0]
    """

    def __init__(self, mode: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.mode = check_choice("mode", mode, SEQUENCE_POOLS)
        self.supports_masking = True

    def call(self, inputs: Any, mask: Any = None) -> Any:
        """Return a vector for each sequence."""
        if mask is None:
            return self._of_all(inputs)
        if self.mode == "max":
            highest = ops.max(ops.where(mask[..., None], inputs, float("-inf")), axis=1)
            return ops.where(ops.any(mask, axis=1, keepdims=True), highest, 0.0)
        counts = ops.cumsum(ops.cast(mask, "int32"), axis=1)  # steps up to here
        total = counts[:, -1:]
        if self.mode == "last":
            mask = ops.logical_and(mask, ops.equal(counts, total))
            total = ops.ones_like(total)
        weights = ops.cast(mask, inputs.dtype) / ops.cast(ops.maximum(total, 1), inputs.dtype)
        return ops.squeeze(ops.matmul(weights[:, None], inputs), axis=1)  # (B, T, C) -> (B, C)

    def compute_mask(self, inputs: Any, previous_mask: Any) -> None:
        """Return that no steps are left to be masked."""

    def compute_output_shape(self, input_shape: Any, **_: Any) -> Any:
        """Return (batch, channels)."""
        return (input_shape[0], input_shape[-1])

    def _of_all(self, inputs: Any) -> Any:
        if self.mode == "last":
            return inputs[:, -1]
        return (ops.max if self.mode == "max" else ops.mean)(inputs, axis=1)
