"""Windows of a series: which there are, which split each belongs to, and how they are gathered.

    step   0 ............. train_end ...... val_end ........ steps
           [ inputs ][targets]                                   a training window: all before
                  [   inputs   ][targets]                        a validation window: targets
                              [   inputs   ][targets]            a test window: targets

A training window lies before `train_end` whole. What a window of another split predicts lies in
that split's span whole, while its inputs may reach back into the past, as a forecaster's would.
Windows whose targets cross a border are in no split.
"""

from __future__ import annotations

import dataclasses
import functools
import math

import numpy as np
import tensorflow as tf

from dlkit.data.core import pipeline
from dlkit.data.core.record import Record, Split
from dlkit.errors import InputError


@dataclasses.dataclass(frozen=True)
class Windows:
    """Where the windows of a series lie.

    Attributes:
        steps: Length of the series.
        window: Steps of a window's inputs.
        horizon: Steps behind them that are predicted.
        stride: Steps from one window to the next.
    """

    steps: int
    window: int
    horizon: int
    stride: int

    @functools.cached_property
    def starts(self) -> np.ndarray:
        """The first step of each window."""
        return np.arange(0, self.steps - self.window - self.horizon + 1, self.stride)

    @property
    def overlap(self) -> int:
        """How many windows further on the last lies that shares a step with a window."""
        return (self.window + self.horizon - 1) // self.stride

    def check(self) -> None:
        """Refuse a series that is shorter than a window.

        Raises:
            InputError: naming all lengths.
        """
        needed = self.window + self.horizon
        if self.steps < needed:
            raise InputError(
                f"The series has {self.steps} steps, and window={self.window} and"
                f" horizon={self.horizon} need {needed}; give a longer series or shorter windows."
            )

    def split(self, val_fraction: float, test_fraction: float) -> Split:
        """Return the windows for training, and those that predict later spans.

        Raises:
            InputError: when a split holds no window.
        """
        val_end = self.steps - math.ceil(test_fraction * self.steps)
        train_end = val_end - math.ceil(val_fraction * val_end)
        first = self.starts + self.window  # the first step that a window predicts
        last = first + self.horizon  # and the one behind its last
        rows = {
            "train": np.flatnonzero(last <= train_end),
            "val": np.flatnonzero((first >= train_end) & (last <= val_end)),
            "test": np.flatnonzero(first >= val_end),
        }
        spans = {"train": train_end, "val": val_end - train_end, "test": self.steps - val_end}
        for name, span in spans.items():
            if not len(rows[name]) and (span or name == "train"):
                raise InputError(
                    f"The {name} split has {span} of {self.steps} steps, which hold no window of"
                    f" window={self.window} and horizon={self.horizon} at a stride of"
                    f" {self.stride}; give other fractions (val_fraction={val_fraction:g},"
                    f" test_fraction={test_fraction:g}), 0 for none, or shorter windows."
                )
        return Split(rows["train"], rows["val"], rows["test"])

    def covered(self, rows: np.ndarray) -> np.ndarray:
        """Return which steps (steps,) the windows `rows` hold, as inputs or targets."""
        edges = np.zeros(self.steps + 1, np.int64)
        np.add.at(edges, self.starts[rows], 1)
        np.add.at(edges, self.starts[rows] + self.window + self.horizon, -1)
        return np.cumsum(edges)[:-1] > 0

    def predicted(self, rows: np.ndarray) -> tuple[int, int]:
        """Return the first and the last step that the windows `rows` predict."""
        first = self.starts[rows] + self.window
        return int(first.min()), int(first.max()) + self.horizon - 1

    def targets(self, values: np.ndarray) -> np.ndarray:
        """Return what each window predicts of `values` (steps, targets).

        Returns:
            `(windows,)` for a horizon of 1 and one target, else `(windows, horizon * targets)`, the
            targets of a step side by side.
        """
        places = (self.starts + self.window)[:, np.newaxis] + np.arange(self.horizon)
        chosen = values[places].reshape(len(places), -1)
        return chosen[:, 0] if chosen.shape[1] == 1 else chosen

    def inputs(self, values: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Return the inputs (rows, window, variables) of some windows."""
        return values[self.starts[rows][:, np.newaxis] + np.arange(self.window)]


def target_names(names: list[str], horizon: int) -> list[str]:
    """Return what each of a window's targets is called, as `OT +1`: a step's side by side."""
    return [f"{name} +{step}" for step in range(1, horizon + 1) for name in names]


def predicted_columns(data: Record) -> dict[str, int]:
    """Return the variables of a series that its targets are, each with its column."""
    variables = data.feature_names or ()
    return {variables[column]: column for column in data.target_columns or ()}


@dataclasses.dataclass(frozen=True)
class WindowSource:
    """Gives windows `(window, variables)` of a series that is held in memory once."""

    values: tf.Tensor
    windows: Windows

    def batches(self, rows: pipeline.Rows, batch_size: int) -> tf.data.Dataset:
        """Return batches `(rows, inputs)` in the order of `rows`."""
        with tf.device("CPU"):
            starts = tf.constant(self.windows.starts, tf.int64)
        around = tf.range(self.windows.window, dtype=tf.int64)

        def gather(chosen: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            places = tf.gather(starts, chosen)[:, tf.newaxis] + around
            return chosen, tf.gather(self.values, places)  # (B, window, variables)

        return rows().batch(batch_size).map(gather)
