"""`rescale_outputs`: a network that answers in the units of its targets from the start."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from dlkit.data.core.splits import known_origin
from dlkit.errors import InputError

if TYPE_CHECKING:
    from dlkit.data.core.record import Record


def rescale_outputs(model: keras.Model, data: Record) -> keras.Model:
    """Return the network with a last layer that scales its outputs as the training targets are.

    When to use: for a network of your own whose targets are not around 0 and 1, as passengers in
    hundreds; `dlkit.models.build` does it by itself, and counts the loss in deviations
    besides (`target_scale` of `dlkit.training.CompileOptions`). A new network answers near 0, and
    needs many steps only to get to the hundreds. Behind a `Rescaling` by the targets' mean and
    standard deviation it starts at their mean. Targets, loss, metrics, predictions and the export
    keep the raw units.

    Args:
        model: A compiled network for `data` that was not trained yet.
        data: A `Data` of the task "regression".

    Returns:
        A compiled model with the same layers and weights, and `units` behind them; the model itself
        where it ends in a `Rescaling`.

    Raises:
        InputError: when the task is another, or the model is not compiled or has other outputs.

    Example:
        >>> import dlkit as dk
        >>> data = dk.data.load("diabetes")
        >>> model = rescale_outputs(dk.models.mlp((10,), 1, task="regression"), data)
        >>> round(float(model.layers[-1].offset))  # the mean of the targets
        149
    """
    if data.task != "regression":
        raise InputError(
            f"rescale_outputs is for a regression; '{data.name}' is of task='{data.task}', whose"
            " outputs are probabilities."
        )
    known_origin(data, "rescale_outputs")
    if not model.compiled:
        raise InputError(
            f"Model '{model.name}' is not compiled; call its compile first, whose settings the"
            " rescaled model takes over."
        )
    if tuple(model.output_shape[1:]) != (data.num_classes,):
        raise InputError(
            f"Model '{model.name}' must give {data.num_classes} numbers for '{data.name}'."
            f" Received: outputs of shape {model.output_shape}."
        )
    scaling = target_scale(data)
    if scaling is None or isinstance(model.layers[-1], keras.layers.Rescaling):
        return model
    offset, scale = scaling
    units = keras.layers.Rescaling(scale, offset, name="units", dtype="float32")
    sequential = isinstance(model, keras.Sequential)  # which has no input until it is called
    inputs = model.inputs[0] if sequential else model.input
    rescaled = keras.Model(inputs, units(model.outputs[0]), name=model.name)
    rescaled.compile_from_config(model.get_compile_config())
    return rescaled


def target_scale(data: Record) -> tuple[Any, Any] | None:
    """Return the mean and the standard deviation of the training targets, one a column.

    A column that does not vary has a deviation of 1. `None` for another task than a regression, and
    for a record made by hand.

    Example:
        >>> import dlkit as dk
        >>> mean, deviation = target_scale(dk.data.load("diabetes"))
        >>> round(mean), round(deviation)
        (149, 77)
    """
    origin = data.origin
    if data.task != "regression" or origin is None or origin.targets is None:
        return None
    targets = origin.targets.values[origin.split.train].reshape(-1, data.num_classes)
    # One scale for all of a series' steps or of equal targets would do; each has its own.
    scale, offset = targets.std(axis=0, dtype=np.float64), targets.mean(axis=0, dtype=np.float64)
    scale = np.where(scale > 0, scale, 1.0)
    if data.num_classes == 1:
        scale, offset = scale[0], offset[0]
    return offset.tolist(), scale.tolist()
