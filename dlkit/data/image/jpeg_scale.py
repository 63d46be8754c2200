"""At which scale to decode a JPEG file, as far as its first bytes tell.

    first bytes -> markers up to the frame's, and no camera's notes on the way -> height, width
                -> decode at 1, 1/2, 1/4 or 1/8, and resize, unless it fits already

To find out the scale and the way up for each image in TensorFlow costs as much as decoding a small
one. Here it is found out once, and what decodes the files does nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

LOOK = 0  # at the whole file, when it is decoded
FITS = -1  # as large as wanted
NEAR = -2  # as large, or less than `EXACT_FROM` times as high or as wide
_HEAD = 1024
_NOTES = 0xE1  # Exif, which may say that the image has to be turned
_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
SCALES = (1, 2, 4, 8)
EXACT_FROM = 3  # times the wanted size: so large an image is resized as Pillow does it


def scales(paths: Iterable[str], size: tuple[int, int], channels: int) -> np.ndarray:
    """Return for each JPEG file how many times smaller it can be decoded and still resized exactly.

    Args:
        paths: The files.
        size: The wanted height and width.
        channels: 1 or 3.

    Returns:
        1, 2, 4 or 8 for each; `FITS` where the image has that size, `NEAR` where it is little
        larger, `LOOK` where the first bytes do not tell, it may have to be turned, or grey has to
        be made of four colours.
    """
    return np.array([_scale(_frame(_head(path)), size, channels) for path in paths], np.int32)


def _scale(frame: tuple[int, int, int], size: tuple[int, int], channels: int) -> int:
    height, width, colours = frame
    if not colours or (colours == 4 and channels == 1):
        return LOOK
    if (height, width) == tuple(size):
        return FITS
    times = min(height / size[0], width / size[1])
    if 1 <= times < EXACT_FROM:
        return NEAR
    return max(scale for scale in SCALES if scale == 1 or scale * EXACT_FROM <= times)


def _head(path: str) -> bytes:
    try:
        with open(path, "rb", buffering=0) as file:
            return file.read(_HEAD)
    except OSError:  # gone since it was looked at: whoever reads it will say so
        return b""


def _frame(head: bytes) -> tuple[int, int, int]:
    """Return height, width and colours; zeros where `head` does not tell, or holds notes."""
    place = 2
    while place + 10 <= len(head) and head[place] == 0xFF and head[place + 1] != _NOTES:
        if head[place + 1] in _FRAMES:
            height = int.from_bytes(head[place + 5 : place + 7], "big")
            return height, int.from_bytes(head[place + 7 : place + 9], "big"), head[place + 9]
        place += 2 + int.from_bytes(head[place + 2 : place + 4], "big")
    return 0, 0, 0
