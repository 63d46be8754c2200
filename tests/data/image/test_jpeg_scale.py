"""Scales told from the first bytes, held against Pillow's sizes and the decoder's own look."""

import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from dlkit.data.image import decoding, jpeg_scale, sources
from tests.data.image.test_decoding import content
from tests.data.image.test_reader import PHOTO


def test_frames_are_those_that_pillow_reads(shared_data):
    paths = sorted(sources.folder("flowers").glob("*/*.jpg"))[::20]
    for path in paths:
        with Image.open(path) as image:
            assert jpeg_scale._frame(path.read_bytes()) == (*image.size[::-1], 3)


@pytest.mark.parametrize(
    ("size", "scale"),
    [
        ((400, 640), jpeg_scale.FITS),
        ((400, 639), jpeg_scale.NEAR),
        ((200, 320), jpeg_scale.NEAR),
        ((134, 214), jpeg_scale.NEAR),
        ((134, 40), jpeg_scale.NEAR),
        ((133, 213), 1),
        ((401, 320), 1),
        ((67, 106), 1),
        ((66, 106), 2),
        ((66, 40), 2),
        ((30, 50), 4),
        ((16, 26), 8),
        ((9, 9), 8),
    ],
)
def test_the_scale_leaves_three_times_the_size(tmp_path, size, scale):
    path = tmp_path / "a.jpg"
    Image.open(PHOTO).resize((640, 400)).save(path, progressive=scale > 2)
    assert jpeg_scale.scales([str(path)], size, 3).tolist() == [scale]
    told, looked = (
        decoding.read_image(tf.constant(path.read_bytes()), "jpeg", size, 3, scale=one)
        for one in (scale, jpeg_scale.LOOK)
    )
    np.testing.assert_array_equal(told, looked)


def test_a_smaller_image_is_decoded_whole(tmp_path):
    Image.new("RGB", (5, 4)).save(tmp_path / "a.jpg")
    assert jpeg_scale.scales([str(tmp_path / "a.jpg")], (20, 20), 3).tolist() == [1]


def test_what_the_first_bytes_do_not_tell_is_left_to_the_decoder(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    photo = Image.open(PHOTO)
    contents = {
        "turned": content(photo, "JPEG", exif=exif),
        "far": content(photo, "JPEG", icc_profile=b"a" * 2000),  # the frame comes after them
        "short": content(photo, "JPEG")[:20],
        "odd": b"\xff\xd8\xff",
    }
    paths = []
    for name, held in contents.items():
        paths.append(str(tmp_path / name))
        (tmp_path / name).write_bytes(held)
    paths.append(str(tmp_path / "gone"))
    assert jpeg_scale.scales(paths, (32, 32), 3).tolist() == [jpeg_scale.LOOK] * 5
    assert Image.open(io.BytesIO(contents["far"])).size == photo.size


def test_grey_of_four_colours_is_left_to_the_decoder(tmp_path):
    Image.open(PHOTO).convert("CMYK").save(tmp_path / "a.jpg")
    scales = [jpeg_scale.scales([str(tmp_path / "a.jpg")], (20, 20), n) for n in (1, 3)]
    assert np.ravel(scales).tolist() == [jpeg_scale.LOOK, 4]
