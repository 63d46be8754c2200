"""Drawings of data. Matplotlib's object interface only: no global state, no window.

Each kind of input has a module that draws it: `core.kinds.Kind` says which, and what it holds.
"""

from __future__ import annotations

import dataclasses
import math
import os
import pathlib
from typing import TYPE_CHECKING, Any

import numpy as np

from dlkit.argument_validation import check_integer, require
from dlkit.data.core.kinds import KINDS, UNTOLD, find_kind, load_part
from dlkit.errors import InputError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from dlkit.data.core.record import Record

_SIZE = (1.5, 1.7)  # inches of one example, where its module has no SIZE


def save_figure(figure: Figure, path: str | os.PathLike[str]) -> None:
    """Save a figure; the ending of `path` chooses the format.

    Raises:
        InputError: when there is no such folder, or Matplotlib has no such format.
    """
    path = pathlib.Path(path)
    if not path.parent.is_dir():
        raise InputError(f"There is no folder {path.parent} for {path.name}; make it first.")
    formats = figure.canvas.get_supported_filetypes()
    if path.suffix and path.suffix[1:].lower() not in formats:
        raise InputError(
            f"A picture cannot be saved as {path.name}; let its name end with one of:"
            f" {', '.join(sorted(formats))}."
        )
    figure.savefig(path, dpi=120)


def draw_batch(data: Record, count: int, *, augmented: bool = False) -> Figure:
    """Draw up to `count` examples of the first training batch, as `Data.show` tells."""
    check_integer("count", count)
    require("matplotlib", "plot")
    if augmented:
        _check_augmented(data)
    batch = first_batch(data)
    drawing = load_part(_drawing(data, batch))
    if not hasattr(drawing, "draw_example"):
        if augmented:
            raise InputError(
                f"show(augmented=True) draws examples, and those of kind '{data.kind}' are drawn"
                " together; leave augmented=True out."
            )
        return drawing.draw_figure(data, count)
    batches = (batch, first_batch(data, augmented=True)) if augmented else (batch,)
    shown = min(count, len(_leaves(batch[1])[0]))
    figure, axes = grid(shown, *getattr(drawing, "SIZE", _SIZE), copies=len(batches))
    for index, axis in enumerate(axes):
        inputs, targets = batches[index % len(batches)]
        row = index // len(batches)
        drawing.draw_example(axis, _row(inputs, row), _row(targets, row), data)
        if index % len(batches) and axis.get_title() == axes[index - 1].get_title():
            axis.set_title("augmented", fontsize=8)
    return figure


def first_batch(data: Record, *, augmented: bool = False) -> tuple[Any, Any]:
    """Return the inputs and targets of the first training batch, plain or as it is trained on."""
    dataset = data.train
    if data.origin is not None:
        feed = data.origin.feed
        # Made anew, since `data.train` has another order each time; the same seed gives the same
        # rows, plain and augmented.
        feed = feed if augmented else dataclasses.replace(feed, augment=None, augment_raw=None)
        dataset = feed.batches(data.origin.split.train, train=True)
    inputs, targets, *_ = next(iter(dataset))
    return inputs, targets


def _check_augmented(data: Record) -> None:
    feed = data.origin.feed if data.origin else None
    if not find_kind(data.kind).augmented:
        raise InputError(
            f"show(augmented=True) needs augmentation, and '{data.name}' has none: data of kind"
            f" '{data.kind}' is not augmented; leave augmented=True out."
        )
    if feed is None or (feed.augment is None and feed.augment_raw is None):
        raise InputError(
            f"show(augmented=True) needs augmentation, and '{data.name}' has none; make the data"
            " with augment=..., as augment='light' for images."
        )


def _drawing(data: Record, batch: tuple[Any, Any]) -> str:
    """Return the name of the module that draws a batch."""
    leaves = _leaves(batch[0])
    untold = data.kind == UNTOLD and len(leaves) == 1 and len(leaves[0].shape) == 4
    drawing = find_kind("image" if untold else data.kind).drawing
    if drawing is None:
        known = ", ".join(kind.name for kind in KINDS.values() if kind.drawing)
        raise InputError(
            f"show draws inputs of kind {known}. Received: kind={data.kind!r} in '{data.name}'."
        )
    return drawing


def _leaves(structure: Any) -> list[Any]:
    import tensorflow as tf

    return tf.nest.flatten(structure)


def _row(structure: Any, row: int) -> Any:
    import tensorflow as tf

    return tf.nest.map_structure(lambda part: part[row].numpy(), structure)


def grid(
    count: int, width: float = _SIZE[0], height: float = _SIZE[1], *, copies: int = 1
) -> tuple[Figure, list[Axes]]:
    """Return a figure with `count` axes in a near-square grid; `width` and `height` in inches.

    `copies=2` gives twice as many axes, two that belong together side by side.
    """
    from dlkit.figures import Figure

    columns = copies * math.ceil(math.sqrt(count / copies))
    rows = math.ceil(count * copies / columns)
    figure = Figure(figsize=(columns * width, rows * height), layout="constrained")
    return figure, [figure.add_subplot(rows, columns, i + 1) for i in range(count * copies)]


def whole_number_bins(most: int, count: int) -> np.ndarray:
    """Return the edges of up to `count` bins of the whole numbers 1 to `most`, for a log scale.

    They lie between whole numbers, or a bar would count two where the next counts one.

    Example:
        >>> whole_number_bins(9, 3)
        array([0.5, 1.5, 3.5, 9.5])
    """
    return np.unique(np.geomspace(1, most + 1, count + 1).astype(int)) - 0.5
