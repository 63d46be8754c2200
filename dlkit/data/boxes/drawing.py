"""Draws a picture with the boxes of its objects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from dlkit.data.core.class_names import class_name
from dlkit.data.image.drawing import draw_image

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from dlkit.data.core.record import Record

SIZE = (3.0, 2.6)  # inches: names of classes must be read in it


def draw_example(axis: Axes, example: np.ndarray, target: dict[str, Any], data: Record) -> None:
    """Draw an image (H, W, C) and its boxes, a colour a class; the title counts them."""
    from matplotlib.patches import Rectangle

    height, width = example.shape[:2]
    shown = target["classes"] >= 0
    classes = target["classes"][shown]
    draw_image(axis, example, _title(classes, data))
    for box, kind in zip(target["boxes"][shown], classes, strict=True):
        left, upper, right, lower = box * [width, height, width, height] - 0.5
        colour = f"C{kind % 10}"
        axis.add_patch(
            Rectangle((left, upper), right - left, lower - upper, fill=False, color=colour)
        )
        axis.text(left, upper, class_name(data, kind), color=colour, fontsize=6, va="bottom")


def _title(classes: np.ndarray, data: Record) -> str:
    counts = np.bincount(classes, minlength=data.num_classes)
    present = np.flatnonzero(counts)
    return ", ".join(f"{counts[k]} {class_name(data, k)}" for k in present) or "nothing"
