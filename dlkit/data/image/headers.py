"""What the head of an image file tells, without decoding it: height, width and channels."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Literal

from dlkit.data.image.formats import inspect_image
from dlkit.errors import InputError

# Where the width stands, how many bytes it has, and in which order; the height comes next.
_SIDES: dict[str, tuple[int, int, Literal["big", "little"]]] = {
    "png": (16, 4, "big"),
    "gif": (6, 2, "little"),
    "bmp": (18, 4, "little"),
}
# Where a PNG tells the bits of a channel, and its colours; and how grey ones tell these, without
# transparency and with it.
_PNG_DEPTH, _PNG_TYPE, _PNG_GREY = 24, 25, (b"\x00", b"\x04")


def shape(path: str | os.PathLike) -> tuple[int, int, int] | None:
    """Return height, width and channels (1 or 3) of an image file, or `None` for a broken one.

    Transparency is no channel here, and a palette is in colour.
    """
    kind, fault = inspect_image(path)
    if fault:
        return None
    with open(path, "rb") as file:
        content = file.read()
    return _jpeg(content) if kind == "jpeg" else _others(kind, content)


def is_deep(path: str | os.PathLike) -> bool:
    """Return whether a file is a grey PNG of 16 bits a pixel, as cameras of 10 to 16 bits write."""
    try:
        with open(path, "rb", buffering=0) as file:
            head = file.read(_PNG_TYPE + 1)
    except OSError:  # gone since it was looked at: whoever reads it will say so
        return False
    deep = head.startswith(b"\x89PNG") and head[_PNG_DEPTH:_PNG_TYPE] == b"\x10"
    return deep and head[_PNG_TYPE:] in _PNG_GREY


def _jpeg(content: bytes) -> tuple[int, int, int] | None:
    import tensorflow as tf

    try:
        height, width, channels = tf.io.extract_jpeg_shape(content).numpy()
    except tf.errors.InvalidArgumentError:
        return None
    return int(height), int(width), 1 if channels == 1 else 3


def _others(kind: str, content: bytes) -> tuple[int, int, int]:
    start, size, order = _SIDES[kind]
    width, height = (
        int.from_bytes(content[at : at + size], order, signed=kind == "bmp")
        for at in (start, start + size)
    )
    grey = kind == "png" and content[_PNG_TYPE : _PNG_TYPE + 1] in _PNG_GREY
    return abs(height), width, 1 if grey else 3  # a BMP from the top down has a negative height


def common_channels(paths: Iterable[str]) -> int:
    """Return the channels that all image files have.

    Raises:
        InputError: when some are grey and others in colour, with how many and one of each.
    """
    by_count: dict[int, list[str]] = {}
    for path in paths:
        if found := shape(path):
            by_count.setdefault(found[2], []).append(str(path))
    if len(by_count) > 1:
        grey, colour = by_count[1], by_count[3]
        raise InputError(
            f"The images have mixed channel counts: {len(grey)} are grey, like {grey[0]}, and"
            f" {len(colour)} in colour, like {colour[0]}; give channels=3, or channels=1, to read"
            " all alike."
        )
    return next(iter(by_count), 3)
