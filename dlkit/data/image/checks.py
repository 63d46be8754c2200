"""Checks of pictures: blank ones, their sizes, colours and depths."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from dlkit.data.checks.view import FILES, View
from dlkit.data.core.wording import Finding, share_of
from dlkit.data.image.headers import is_deep, shape


def check_raw(view: View) -> Iterator[Finding]:
    """Look at the raw training images, and at the heads of their files."""
    images = view.raw["train"]
    if isinstance(images, np.ndarray) and images.dtype.kind in "uif":
        channels = images.shape[-1] if images.ndim == 4 else 1
        flat = images.reshape(len(images), -1, channels)
        blank = view.rows("train")[(flat.min(axis=1) == flat.max(axis=1)).all(axis=1)]
        detail = f"{share_of(len(blank), len(images))} are of one colour"
        if len(blank):
            rows = ", ".join(map(str, blank[:5]))
            yield Finding("warning", "blank pictures", f"{detail}: rows {rows}", "look at them")
        else:
            yield Finding("ok", "blank pictures", detail)
    if view.origin.paths is not None:
        yield from _picture_sizes(view, view.origin.paths[view.rows("train")][:FILES])


def _picture_sizes(view: View, paths: np.ndarray) -> Iterator[Finding]:
    shapes = np.array([found for found in map(shape, paths) if found])
    if not len(shapes):
        return
    yield from _colours(shapes[:, 2])
    yield from _depths(np.array([is_deep(path) for path in paths]))
    (low, high), sides = np.quantile(shapes, (0, 1), axis=0).astype(int), shapes[:, :2]
    detail = f"{low[0]}x{low[1]} to {high[0]}x{high[1]} (height x width) in {len(shapes):,} files"
    ratio = np.quantile(sides[:, 1] / sides[:, 0], (0.05, 0.95))
    wanted = _wanted_size(view)
    small = np.mean((sides < wanted).any(axis=1)) if wanted else 0.0
    if wanted and small > 0.5:
        size = f"{wanted[0]}x{wanted[1]}"
        detail = f"{small:.0%} are smaller than the {size} they are resized to; {detail}"
        yield Finding("warning", "picture sizes", detail, "give a smaller image_size")
    elif ratio[1] > 2 * ratio[0]:
        detail = f"{detail}; widths are {ratio[0]:.2g} to {ratio[1]:.2g} times heights"
        advice = "resizing squeezes them: crop them alike if shapes matter"
        yield Finding("note", "picture sizes", detail, advice)
    else:
        yield Finding("ok", "picture sizes", detail)


def _colours(channels: np.ndarray) -> Iterator[Finding]:
    grey = int((channels == 1).sum())
    if 0 < grey < len(channels):
        detail = f"{share_of(grey, len(channels))} files are grey, the others in colour"
        advice = "look whether one class has most of them: it would be told by that"
        yield Finding("note", "picture colours", detail, advice)


def _depths(deep: np.ndarray) -> Iterator[Finding]:
    if 0 < deep.sum() < len(deep):
        detail = f"{share_of(int(deep.sum()), len(deep))} files have 16 bits a pixel, the others 8"
        advice = "255 of 8 bits is read as 65,535: look whether that is as bright in the others"
        yield Finding("note", "picture depths", detail, advice)


def _wanted_size(view: View) -> tuple[int, int] | None:
    shape = next(iter(view.data.input_spec.values())).shape
    known = len(shape) == 3 and None not in tuple(shape[:2])
    return (shape[0], shape[1]) if known else None
