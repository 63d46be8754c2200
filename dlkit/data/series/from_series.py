"""`from_series`: a series in time order becomes windows and what follows them.

file, table or array -> dates checked -> windows -> splits by time
                     -> scaling learned on the training span -> batches
"""

from __future__ import annotations

import dataclasses
import functools
import os
import pathlib
import warnings
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from dlkit.argument_validation import check_fraction, check_integer, closest
from dlkit.data.core import pipeline, precision
from dlkit.data.core.record import Origin, Split
from dlkit.data.core.splits import split_pipelines
from dlkit.data.core.targets import read_targets
from dlkit.data.data import Data
from dlkit.data.files.cell_layers import series_cells
from dlkit.data.sequence.augment import resolve_series_augmentation
from dlkit.data.series import reading
from dlkit.data.series.windows import Windows, WindowSource, target_names
from dlkit.errors import InputError


@dataclasses.dataclass(frozen=True)
class Options:
    """How a series is cut and fed; checked when it is made."""

    window: int
    horizon: int
    stride: int
    test_fraction: float
    batch_size: int
    seed: int
    val_fraction: float
    cache: bool
    augment: Any

    def __post_init__(self) -> None:
        for name in ("window", "horizon", "stride", "batch_size"):
            check_integer(name, getattr(self, name))
        check_integer("seed", self.seed, minimum=0)
        check_fraction("test_fraction", self.test_fraction)
        check_fraction("val_fraction", self.val_fraction)
        resolve_series_augmentation(self.augment)


def from_series(  # noqa: PLR0913 - what the data is, and how to feed it, as from_arrays
    values: Any,
    *,
    window: int,
    horizon: int = 1,
    stride: int = 1,
    targets: str | Sequence[str] | None = None,
    date: str | None = None,
    drop: str | Sequence[str] = (),
    test_fraction: float = 0.2,
    name: str | None = None,
    batch_size: int = 64,
    seed: int = 0,
    val_fraction: float = 0.1,
    cache: bool = True,
    augment: Any = None,
) -> Data:
    """Make a `Data` record of a series: windows of the past, and the steps that follow them.

    When to use: to forecast measurements taken at equal steps, one variable or several.

    The last part of the series is for testing, the part before it for validation. Training windows
    end before the validation span begins, inputs and targets alike. What is validated or tested
    lies in its own span whole, with inputs that may reach back into the past, as when a forecaster
    is used. The preprocessing takes raw windows `(window, variables)` and standardises each
    variable by its mean and deviation in the training span.

    Targets keep their units, and so do predictions, in Keras and in the export. A network starts
    with answers near 0: where targets are far from it, `dlkit.models.build` gives it their scale,
    which makes it train well, and `dlkit.data.rescale_outputs(model, data)` one of your own.

    Args:
        values: A CSV file, plain or `.gz`; a pandas DataFrame or Series, or mapping of columns; or
            an array `(steps,)` or `(steps, variables)`. In time order.
        window: Steps of the past that a network sees.
        horizon: Steps behind them that it predicts. Defaults to 1.
        stride: Steps from one window to the next. Defaults to 1.
        targets: The column to predict, or several. Defaults to None: all.
        date: The column of the dates, which must rise: `2016-07-01`, `2016-07` or `2016-07-01
            13:00:00`, with a time zone or without. A DataFrame's index of dates counts as one.
            Gaps in them are reported by a warning; rising whole numbers like 20160701 and 201607
            are dates too. Defaults to None: the first that looks like it, if any does.
        drop: A column to leave out, or several: what is no number, or not known when a forecast
            is made. Defaults to ().
        test_fraction: Part of the steps, at the end, for testing, in [0, 1). Defaults to 0.2.
        name: What the data set is called. Defaults to None: the file's name, or "series".
        batch_size: Windows a batch. Defaults to 64.
        seed: Chooses the order of each epoch and the augmentation. Defaults to 0.
        val_fraction: Part of the steps before the test span, at their end, for validation, in
            [0, 1). Defaults to 0.1.
        cache: Standardise the series once and hold it, not its windows, in memory; `False`
            standardises each batch. Defaults to True.
        augment: What is done to training batches: `None`; `"light"`, `"medium"`, `"strong"`;
            `"jitter"`, `"scaling"`, `"warp"`, a list of them or a dict of them and their amounts;
            or a Keras layer or function `(inputs, seed) -> inputs`. Defaults to None.

    Returns:
        A `Data` record of the task "regression". Targets are `(B,)` for one step of one column,
        else `(B, horizon * targets)`, a step's columns side by side; `class_names` names them.

    Raises:
        InputError: when the series cannot be read, is shorter than a window and its horizon, holds
            NaN, its dates do not rise, or an option is out of range.

    Example:
        >>> import numpy as np
        >>> import dlkit as dk
        >>> data = dk.data.from_series(np.sin(np.arange(300) / 9), window=12, horizon=3)
        >>> data.class_names
        ('variable_1 +1', 'variable_1 +2', 'variable_1 +3')
        >>> inputs, targets = next(iter(data.test))
        >>> inputs.shape, targets.shape
        (TensorShape([58, 12, 1]), TensorShape([58, 3]))
    """
    options = Options(
        *(window, horizon, stride, test_fraction, batch_size, seed, val_fraction, cache, augment)
    )
    series = reading.read_series(values, date, drop)
    if gaps := series.gap_text():
        warnings.warn(f"The series has {gaps}; windows run across them.", stacklevel=2)
    if name is None:
        named = isinstance(values, str | os.PathLike)
        name = pathlib.Path(values).name.partition(".")[0] if named else "series"
    return series_data(name, series, targets, options)


def series_data(
    name: str, series: reading.Series, targets: str | Sequence[str] | None, options: Options
) -> Data:
    """Return the `Data` of a series that was read."""
    chosen = _columns(series, targets)
    windows = Windows(len(series.values), options.window, options.horizon, options.stride)
    windows.check()
    split = windows.split(options.val_fraction, options.test_fraction)
    pipeline.check_batch_size(options.batch_size, len(split.train), len(windows.starts))
    labels = target_names([series.names[column] for column in chosen], options.horizon)
    known = read_targets(windows.targets(series.values[:, chosen]), "regression", labels)
    values = precision.narrowed(series.values)
    raw = functools.partial(windows.inputs, values)

    def when(rows: np.ndarray) -> str:
        return f"targets {series.span_text(*windows.predicted(rows))}"

    def make(split: Split) -> Data:
        past = series.values[windows.covered(split.train)]
        preprocessing = _preprocessing(past, options.window, values.dtype.name)
        feed = _feed(values, windows, known.values, preprocessing, options)
        shown = pipeline.spread_rows(split.test, pipeline.EXAMPLES)
        return Data(
            name=name,
            task="regression",
            kind="series",
            **split_pipelines(feed, split),
            input_spec={"series": tf.TensorSpec(preprocessing.output_shape[1:], tf.float32)},
            num_classes=known.num_classes,
            class_names=known.class_names,
            preprocessing=preprocessing,
            decoding=series_cells(series.names, options.window, values.dtype.name),
            examples=(raw(shown), known.values[shown]) if len(shown) else None,
            feature_names=series.names,
            target_columns=tuple(chosen),
            origin=Origin(
                *(split, known, raw, feed, make),
                overlap=windows.overlap,
                when=when,
                target_scale=_target_scale(past[:, chosen], options.horizon),
            ),
        )

    return make(split)


def _columns(series: reading.Series, targets: str | Sequence[str] | None) -> list[int]:
    """Return which variables are predicted."""
    if targets is None:
        return list(range(len(series.names)))
    names = [targets] if isinstance(targets, str) else list(targets)
    for name in names:
        if name not in series.names:
            raise InputError(
                f"The series has no column '{name}' to predict.{closest(name, series.names)} Its"
                f" columns: {', '.join(series.names)}."
            )
    if not names or len(set(names)) < len(names):
        raise InputError(f"targets must name different columns. Received: targets={targets!r}.")
    return [series.names.index(name) for name in names]


def _feed(
    values: np.ndarray,
    windows: Windows,
    targets: np.ndarray,
    preprocessing: keras.Model,
    options: Options,
) -> pipeline.Feed:
    if options.cache:
        # Each step is standardised by itself, so the series can be instead of its windows.
        steps, window = len(values), options.window
        whole = np.pad(values, ((0, -steps % window), (0, 0)), "edge")
        pieces = whole.reshape(-1, window, values.shape[1])
        values = pipeline.preprocess_arrays(pieces, preprocessing).reshape(whole.shape)[:steps]
    with tf.device("CPU"):
        source = WindowSource(tf.constant(values), windows)
    return pipeline.Feed(
        source,
        targets,
        options.batch_size,
        options.seed,
        None if options.cache else preprocessing,
        resolve_series_augmentation(options.augment),
    )


def _preprocessing(past: np.ndarray, window: int, dtype: str) -> keras.Model:
    """Return the model from raw windows to standardised ones, as the steps `past` tell."""
    raw = keras.Input((window, past.shape[1]), dtype=dtype, name="series")
    scaled = precision.standardised(raw, past.mean(axis=0), past.var(axis=0))
    return keras.Model(raw, scaled, name="preprocessing")


def _target_scale(past: np.ndarray, horizon: int) -> tuple[np.ndarray, np.ndarray]:
    """Return by what the predicted variables were standardised, for each step of the horizon."""
    mean, deviation = past.mean(axis=0), precision.deviation(past.var(axis=0))
    return np.tile(mean, horizon), np.tile(deviation, horizon)
