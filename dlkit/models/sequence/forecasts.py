"""What a network for forecasts begins with: the channels that it predicts, and how far ahead."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from dlkit.argument_validation import check_integer
from dlkit.errors import InputError


def forecast_input(
    input_shape: Sequence[int | None], num_classes: int, target_columns: Sequence[int] | None
) -> tuple[Any, Any, int]:
    """Return the input of a network, those of its channels that are predicted, and the horizon.

    Args:
        input_shape: (length, channels).
        num_classes: Numbers to predict: as many as the steps of the horizon have targets, a step's
            side by side, as those of `from_series`.
        target_columns: Which channels are predicted, in the order of the targets; `None` for all.

    Returns:
        A Keras input; a tensor (batch, length, targets); and the steps to predict.

    Raises:
        InputError: for a length that is open, channels that there are not, or numbers to predict
            that no whole horizon has.

    Example:
        >>> inputs, x, horizon = forecast_input((96, 7), 48, (6, 0))
        >>> inputs.shape, x.shape, horizon
        ((None, 96, 7), (None, 96, 2), 24)
    """
    length, channels = input_shape
    if length is None:
        raise InputError(
            "A forecast is made from a fixed number of steps, the window of the data. Received:"
            f" input_shape={tuple(input_shape)!r}."
        )
    columns = _check_columns(target_columns, channels)
    horizon, rest = divmod(num_classes, len(columns))
    if rest:
        raise InputError(
            f"num_classes is the horizon's steps times {len(columns)}, one number for each channel"
            " that is predicted: give such a multiple, or say which channels the targets are, as"
            f" target_columns=(0,). Received: num_classes={num_classes},"
            f" input_shape={tuple(input_shape)!r}, target_columns={target_columns!r}."
        )
    inputs = keras.Input(input_shape, name="sequence")
    if len(columns) == channels and columns == sorted(columns):
        return inputs, inputs, horizon
    return inputs, ops.take(inputs, columns, axis=-1), horizon  # (B, L, C) -> (B, L, targets)


def _check_columns(target_columns: Any, channels: Any) -> list[int]:
    if target_columns is None:
        return list(range(channels))
    listed = hasattr(target_columns, "__iter__") and not isinstance(target_columns, str)
    given = target_columns if listed else ()
    columns = [check_integer("target_columns", column, minimum=0) for column in given]
    if not columns or len(set(columns)) < len(columns) or max(columns) >= channels:
        raise InputError(
            f"target_columns must be different places of the {channels} channels, from 0 on."
            f" Received: target_columns={target_columns!r}."
        )
    return columns
