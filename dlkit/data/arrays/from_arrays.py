"""`from_arrays`: NumPy arrays become pipelines, with splits and a preprocessing model.

raw arrays -> checks -> stratified splits -> preprocessing learned on the training split
           -> batches (see core/pipeline.py)
"""

from __future__ import annotations

import dataclasses
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from dlkit.data.core import precision, target_rows
from dlkit.data.core.augmentation import Augmentation, without_recipes
from dlkit.data.core.pipeline import (
    EXAMPLES,
    Feed,
    check_batch_size,
    check_pipeline_options,
    hold_in_memory,
    preprocess_arrays,
)
from dlkit.data.core.record import Origin, Split
from dlkit.data.core.splits import divide_targets, split_pipelines
from dlkit.data.core.targets import Targets, encode_targets, read_targets
from dlkit.data.data import Data
from dlkit.data.image.augment import resolve_image_augmentation
from dlkit.data.sequence.augment import resolve_series_augmentation
from dlkit.errors import InputError


def from_arrays(  # noqa: PLR0913 - what the data is, and how to feed it: one call, all keyword-only
    x: Any,
    y: Any,
    *,
    test: tuple[Any, Any] | None = None,
    task: str | None = None,
    class_names: Any = None,
    missing_targets: str = "error",
    rare_classes: str = "error",
    name: str = "arrays",
    batch_size: int = 64,
    seed: int = 0,
    val_fraction: float = 0.1,
    cache: bool = True,
    augment: Any = None,
) -> Data:
    """Make a `Data` record of NumPy arrays (or what `numpy.asarray` takes).

    Inputs by rank: `(n, features)` is a table; `(n, height, width)` of whole numbers are grey
    images, of floats a sequence `(n, steps, features)`; `(n, height, width, channels)` are images.
    The preprocessing learned on the training split standardises each feature or channel to mean 0
    and variance 1, and gives grey images their channel axis.

    Args:
        x: The inputs, examples along the first axis.
        y: The targets: class names or class indices `(n,)`, one-hot rows or labels `(n, labels)` of
            0 and 1, or numbers `(n,)` or `(n, targets)` for a regression.
        test: `(x, y)` of the test split. `None` takes a stratified fifth of the examples, the same
            one for every seed. Defaults to None.
        task: `"binary"`, `"multiclass"`, `"multilabel"` or `"regression"`; `None` reads it from
            `y`: floats are a regression, unless they are up to 20 different whole numbers; rows of
            0 and 1 are labels (classes if one-hot); anything else is classes. `check` tells what
            was read. Defaults to None.
        class_names: The classes' names in the order of their index. Defaults to None.
        missing_targets: What an example with `None`, NaN or an empty text in `y` does: `"error"`
            names it, `"drop"` leaves such examples out and prints how many. Defaults to "error".
        rare_classes: What a class of too few examples for every split does, as in
            `from_dataframe`: `"error"`, `"drop"` or `"merge"`. Defaults to "error".
        name: What the data set is called. Defaults to "arrays".
        batch_size: Examples a batch. Defaults to 64.
        seed: Chooses the validation split, the order of each epoch and the augmentation. Defaults
            to 0.
        val_fraction: Part of the training examples kept for validation, in [0, 1); 0 keeps none.
            Defaults to 0.1.
        cache: Prepare all inputs once and hold them in memory; `False` prepares each batch anew.
            Defaults to True.
        augment: What is done to training batches: `None`; for images `"light"`, `"medium"`,
            `"strong"`, one of `"flip"`, `"shift"`, `"rotate"`, `"zoom"`, `"crop"`,
            `"brightness"`, `"contrast"`, `"saturation"`, `"hue"`, `"noise"`, `"cutout"`,
            `"randaugment"`, `"mixup"`, `"cutmix"`, a list of them or a dict of them and their
            amounts; for sequences a level, `"jitter"`, `"scaling"`, `"warp"`, likewise; a Keras
            layer; or a function `(inputs, seed) -> inputs`. MixUp and CutMix make class indices
            probabilities, in training batches alone. Defaults to None.

    Returns:
        A `Data` record.

    Raises:
        InputError: when arrays are empty, hold NaN, differ in length, have a wrong rank, labels lie
            outside the classes, or an option is out of range.

    Example:
        >>> import numpy as np
        >>> import dlkit as dk
        >>> x = np.random.default_rng(0).normal(size=(100, 4))
        >>> data = dk.data.from_arrays(x, x[:, 0] > 0)
        >>> data.task, data.class_names
        ('binary', ('False', 'True'))
    """
    check_pipeline_options(batch_size, seed, val_fraction)
    x, y = target_rows.arrays_with_targets(_inputs(x, "x"), y, missing_targets, "y")
    targets, held = read_targets(y, task, class_names), None
    _check_pair(x, targets.values, "x", "y")
    if test is not None:
        x, targets, held = _joined(x, targets, _read_test(test, missing_targets))
    x = precision.narrowed(x)
    targets = target_rows.without_rare_classes(targets, held, val_fraction, rare_classes, task)
    split = divide_targets(targets, held, val_fraction, seed)
    check_batch_size(batch_size, len(split.train), len(x))

    def make(split: Split) -> Data:
        preprocessing = _preprocessing(x[split.train])
        spec = preprocessing.outputs[0]
        feed = Feed(
            hold_in_memory(preprocess_arrays(x, preprocessing) if cache else x),
            targets.values,
            batch_size,
            seed,
            None if cache else preprocessing,
            _augmentation(augment, preprocessing, targets),
        )
        raw = preprocessing.inputs[0].name
        return Data(
            name=name,
            task=targets.task,
            kind=raw,
            **split_pipelines(feed, split),
            input_spec={raw: tf.TensorSpec(spec.shape[1:], spec.dtype)},
            num_classes=targets.num_classes,
            class_names=targets.class_names,
            preprocessing=preprocessing,
            examples=(x[split.test[:EXAMPLES]], targets.values[split.test[:EXAMPLES]]),
            origin=Origin(split, targets, lambda rows: x[rows], feed, make),
        )

    return make(split)


def _augmentation(
    augment: Any, preprocessing: keras.Model, targets: Targets
) -> Augmentation | None:
    if preprocessing.inputs[0].name == "sequence":
        return resolve_series_augmentation(augment)
    rank = len(preprocessing.outputs[0].shape)
    if rank == 4:
        return resolve_image_augmentation(augment, targets)
    return without_recipes(augment, rank)


def _read_test(test: Any, missing: str) -> tuple[np.ndarray, Any]:
    if not isinstance(test, tuple | list) or len(test) != 2:
        raise InputError(
            f"test must be (x, y) of the test split. Received: {type(test).__name__}"
            f"{f' of {len(test)}' if hasattr(test, '__len__') else ''}."
        )
    return target_rows.arrays_with_targets(_inputs(test[0], "test x"), test[1], missing, "test y")


def _joined(
    x: np.ndarray, targets: Targets, test: tuple[Any, Any]
) -> tuple[np.ndarray, Targets, int]:
    """Return inputs and targets with those of the test split behind them, and how many they are."""
    test_x, test_y = test[0], encode_targets(test[1], targets)
    _check_pair(test_x, test_y, "test x", "test y")
    if test_x.shape[1:] != x.shape[1:]:
        raise InputError(
            f"An example of test x must have the shape of one of x, {x.shape[1:]}."
            f" Received: {test_x.shape[1:]}."
        )
    if not np.can_cast(test_x.dtype, x.dtype, "same_kind"):
        raise InputError(
            f"test x must hold numbers of the type of x, {x.dtype}. Received: {test_x.dtype};"
            " convert one of them."
        )
    x = np.concatenate([x, test_x.astype(x.dtype)])
    values = np.concatenate([targets.values, test_y])
    return x, dataclasses.replace(targets, values=values), len(test_y)


def _inputs(x: Any, what: str) -> np.ndarray:
    try:
        array = np.asarray(x)
    except ValueError:
        raise InputError(
            f"{what} must hold as many numbers for each example, and its rows differ in length;"
            " cut or pad them to one length."
        ) from None
    if array.dtype.kind not in "buif":
        raise InputError(
            f"{what} must hold numbers. Received an array of {array.dtype}; turn text and"
            " categories into numbers first."
        )
    if array.ndim not in (2, 3, 4):
        raise InputError(
            f"{what} must have 2 axes (n, features), 3 (n, height, width) or (n, steps, features),"
            f" or 4 (n, height, width, channels). Received shape {array.shape}."
        )
    if 0 in array.shape:
        raise InputError(f"{what} is empty: shape {array.shape}. Give at least one example.")
    if array.dtype.kind == "f":
        if not np.isfinite(array).all():
            row = np.argwhere(~np.isfinite(array))[0][0]
            raise InputError(
                f"{what} holds NaN or infinity, first in example {row}; fill or drop such examples"
                " before training."
            )
        beyond = np.abs(array) > np.finfo(np.float32).max
        if beyond.any():
            row = np.argwhere(beyond)[0][0]
            raise InputError(
                f"{what} holds a number beyond 3.4e38, the most that float32 can hold, first in"
                f" example {row}; scale it or drop such examples."
            )
    elif array.ndim == 2 or array.dtype.kind == "b":
        array = array.astype(np.float64)  # whole numbers in a table are measurements like others
    return array


def _check_pair(x: np.ndarray, y: np.ndarray, x_name: str, y_name: str) -> None:
    if len(x) != len(y):
        raise InputError(
            f"{x_name} and {y_name} must have the same length. Received: {len(x)} inputs and"
            f" {len(y)} targets."
        )


def _preprocessing(x: np.ndarray) -> keras.Model:
    """Return the model from raw inputs like `x`, the training split, to standardised floats."""
    image = x.ndim == 4 or (x.ndim == 3 and x.dtype.kind in "ui")
    name = "image" if image else "features" if x.ndim == 2 else "sequence"
    raw = keras.Input(x.shape[1:], dtype=x.dtype.name, name=name)
    grey = image and x.ndim == 3
    values = keras.layers.Reshape((*x.shape[1:], 1))(raw) if grey else raw
    axes = (0, 1, 2) if grey else tuple(range(x.ndim - 1))
    mean, variance = x.mean(axes, dtype=np.float64), x.var(axes, dtype=np.float64)
    if precision.lossy(x):
        values = keras.ops.cast(values, "float64")
    return keras.Model(raw, precision.standardised(values, mean, variance), name="preprocessing")
