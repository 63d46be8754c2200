"""The scales of inputs and targets, and networks that answer in the units of their targets."""

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

    A column that does not vary has a deviation of 1. Those of a series are what its inputs are
    standardised by, so that the last value and a change to it are as easily said of the outputs.
    `None` for another task than a regression, and for a record made by hand.

    Example:
        >>> import dlkit as dk
        >>> mean, deviation = target_scale(dk.data.load("diabetes"))
        >>> round(mean), round(deviation)
        (149, 77)
    """
    origin = data.origin
    if data.task != "regression" or origin is None or origin.targets is None:
        return None
    if origin.target_scale is not None:
        offset, scale = origin.target_scale
    else:
        targets = origin.targets.values[origin.split.train].reshape(-1, data.num_classes)
        offset = targets.mean(axis=0, dtype=np.float64)
        scale = targets.std(axis=0, dtype=np.float64)
        scale = np.where(scale > 0, scale, 1.0)
    if data.num_classes == 1:
        scale, offset = scale[0], offset[0]
    return offset.tolist(), scale.tolist()


def input_scale(data: Record) -> tuple[list[float], list[float]] | None:
    """Return the mean and the standard deviation that images were standardised by, one a channel.

    They are counted in pixels, from 0 for the darkest to 255 for the lightest, whatever the raw
    images hold: bytes, 16 bits, or numbers from 0 to 1 or from -1 to 1. `None` for other inputs
    than images, and for images that are not standardised.

    Example:
        >>> import dlkit as dk
        >>> mean, deviation = input_scale(dk.data.load("fashion_mnist"))
        >>> round(mean[0]), round(deviation[0])
        (73, 90)
    """
    shapes = [spec.shape for spec in data.input_spec.values()]
    if data.preprocessing is None or data.examples is None or [len(s) for s in shapes] != [3]:
        return None
    if data.kind == "audio":  # whose spectrograms have the shape of images
        return None
    raw = np.asarray(data.examples[0])
    ends = {"uint8": (0, 255), "uint16": (0, 65535), "int32": (0, 65535)}
    of_numbers = (0, 255) if raw.max() > 1 else (-1 if raw.min() < 0 else 0, 1)
    probe = np.empty((2, *raw.shape[1:]), raw.dtype)
    probe[0], probe[1] = ends.get(raw.dtype.name, of_numbers)
    dark, light = keras.ops.convert_to_numpy(data.preprocessing(probe)).astype("float64")[:, 0, 0]
    deviation = 255.0 / (light - dark)
    return (-dark * deviation).tolist(), deviation.tolist()
