"""Checks of boxes: how many of each class, how many an image, and how small they become."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from dlkit.data.checks.view import View
from dlkit.data.core.class_names import class_name
from dlkit.data.core.wording import Finding, listed, share_of
from dlkit.data.image import checks

_RARE, _SMALL = 10, 4.0  # times fewer than the most frequent; pixels of what the network gets


def check_raw(view: View) -> Iterator[Finding]:
    """Look at training images, and at the boxes of all of them."""
    yield from checks.check_raw(view)
    origin = view.origin
    train = np.unique(origin.split.train)
    classes = origin.feed.targets["classes"][train]
    there = classes >= 0
    yield _counts(view, classes[there])
    empty = int((~there.any(axis=1)).sum())
    spread = np.quantile(there.sum(axis=1), (0, 0.5, 1)).astype(int)
    detail = f"{spread[0]} to {spread[2]}, half of the images have up to {spread[1]}"
    if empty:
        detail = f"{detail}; {share_of(empty, len(train))} have none"
        yield Finding("note", "boxes an image", detail, "see that they are really empty")
    else:
        yield Finding("ok", "boxes an image", detail)
    yield _sizes(view, origin.feed.targets["boxes"][train][there])


def _counts(view: View, classes: np.ndarray) -> Finding:
    names = [class_name(view.data, i) for i in range(view.data.num_classes)]
    counts = np.bincount(classes, minlength=len(names))
    detail = listed([f"{name} {count:,}" for name, count in zip(names, counts, strict=True)], 5)
    if not counts.all():
        lacking = [name for name, count in zip(names, counts, strict=True) if not count]
        detail = f"no training box of {listed(lacking)}; {detail}"
        return Finding("error", "box counts", detail, "give more images, or another split")
    if counts.max() > _RARE * counts.min():
        advice = "judge by each class's own precision, and weigh the rare one in the loss"
        return Finding("note", "box counts", detail, advice)
    return Finding("ok", "box counts", detail)


def _sizes(view: View, found: np.ndarray) -> Finding:
    height, width = next(iter(view.data.input_spec.values())).shape[:2]
    sides = (found[:, 2:] - found[:, :2]) * (width, height)  # (N, 2): across, down
    low, middle, high = np.quantile(np.sqrt(sides.prod(axis=1)), (0, 0.5, 1))
    detail = f"{low:.2g} to {high:.2g} pixels wide at {height}x{width}, half up to {middle:.2g}"
    small = int((sides.min(axis=1) < _SMALL).sum())
    if small > 0.1 * len(sides):
        detail = f"{share_of(small, len(sides))} are narrower than {_SMALL:g} pixels; {detail}"
        return Finding("warning", "box sizes", detail, "give a greater image_size")
    return Finding("ok", "box sizes", detail)
