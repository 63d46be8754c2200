"""Draws a sequence of measurements: a line a feature."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dlkit.data.core.class_names import target_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from dlkit.data.core.record import Record

SIZE = (2.2, 1.8)


def draw_example(axis: Axes, example: np.ndarray, target: np.ndarray, data: Record) -> None:
    """Draw a sequence (steps, features)."""
    axis.plot(example.reshape(len(example), -1), linewidth=0.8)
    axis.set_title(target_text(data, target), fontsize=8)
    axis.tick_params(labelsize=6)
