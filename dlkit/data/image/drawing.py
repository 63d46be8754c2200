"""Draws pictures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from dlkit.data.core.class_names import target_text
from dlkit.data.drawing.figures import grid

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from dlkit.data.core.record import Record


def draw_example(axis: Axes, example: np.ndarray, target: np.ndarray, data: Record) -> None:
    """Draw an image (H, W, C) of any value range, stretched to its own contrast."""
    draw_image(axis, example, target_text(data, target))


def draw_image(axis: Axes, image: np.ndarray, title: str) -> None:
    """Draw an image (H, W, C) of any value range under a title."""
    low, high = image.min(), image.max()
    axis.imshow((image - low) / max(high - low, 1e-12), cmap="gray")  # cmap is for one channel only
    axis.set_title(title, fontsize=8)
    axis.set_axis_off()


def draw_images(images: np.ndarray, titles: Sequence[str]) -> Figure:
    """Draw images (N, H, W, C) of any value range, each stretched to its own contrast."""
    figure, axes = grid(len(images))
    for axis, image, title in zip(axes, images, titles, strict=True):
        draw_image(axis, image, title)
    return figure
