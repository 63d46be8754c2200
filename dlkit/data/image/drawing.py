"""Draws a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dlkit.data.drawing.figures import target_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from dlkit.data.core.record import Data


def draw_example(axis: Axes, example: np.ndarray, target: np.ndarray, data: Data) -> None:
    """Draw an image (H, W, C) of any value range, stretched to its own contrast."""
    draw_image(axis, example, target_text(data, target))


def draw_image(axis: Axes, image: np.ndarray, title: str) -> None:
    """Draw an image (H, W, C) of any value range under a title."""
    low, high = image.min(), image.max()
    axis.imshow((image - low) / max(high - low, 1e-12), cmap="gray")  # cmap is for one channel only
    axis.set_title(title, fontsize=8)
    axis.set_axis_off()
