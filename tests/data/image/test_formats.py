"""Image files told apart by their bytes, and each fault with its words."""

import io

import numpy as np
import pytest
from PIL import Image

from dlkit.data.image import formats

NOISE = np.random.default_rng(0).integers(0, 256, (40, 40, 3)).astype(np.uint8)


def content(kind, mode="RGB"):
    buffer = io.BytesIO()
    Image.fromarray(NOISE).convert(mode).save(buffer, kind)
    return buffer.getvalue()


@pytest.mark.parametrize("kind", formats.KINDS)
def test_a_kind_is_told_by_the_bytes_whatever_the_name(tmp_path, kind):
    path = tmp_path / "picture.txt"
    path.write_bytes(content(kind))
    assert formats.inspect_image(path) == (kind, "")
    path.write_bytes(content(kind) + b"notes of a camera" * 1000)
    assert formats.inspect_image(path) == (kind, "")


@pytest.mark.parametrize(
    ("written", "fault"),
    [
        (b"", "is empty"),
        (b"<html>not found</html>", "is not a JPEG, PNG, BMP or GIF image"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "is not a JPEG, PNG, BMP or GIF image but WebP: save it as PNG"),
        (content("tiff"), "is not a JPEG, PNG, BMP or GIF image but TIFF"),
        (content("webp"), "is not a JPEG, PNG, BMP or GIF image but WebP"),
        (content("avif"), "is not a JPEG, PNG, BMP or GIF image but AVIF"),
        (content("jpeg2000"), "is not a JPEG, PNG, BMP or GIF image but JPEG 2000"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "is not a JPEG, PNG, BMP or GIF image but HEIC"),
        (content("jpeg")[:-2], "is a JPEG image that was cut short"),
        (content("png")[:-300], "is a PNG image that was cut short"),
        (content("bmp")[:-1], "is a BMP image that was cut short"),
        (content("bmp", "1"), "is a BMP image of 1 bits a pixel, and only 8, 24 and 32 can"),
        (
            content("bmp", "L")[:30] + b"\1" + content("bmp", "L")[31:],
            "is a BMP image that is comp",
        ),
    ],
)
def test_what_is_wrong_with_a_file_is_said(tmp_path, written, fault):
    path = tmp_path / "picture.jpg"
    path.write_bytes(written)
    assert formats.inspect_image(path)[1].startswith(fault)


def test_a_folder_in_place_of_a_file_is_told(tmp_path):
    assert formats.inspect_image(tmp_path) == ("", "cannot be read (Is a directory)")
