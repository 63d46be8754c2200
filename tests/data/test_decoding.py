"""Decoding: against Pillow's pixels."""

import pathlib

import numpy as np
import pytest
import sklearn.datasets
from PIL import Image

from dlkit.data import decoding, image_files, reading

PHOTO = pathlib.Path(sklearn.datasets.__file__).parent / "images" / "china.jpg"
SIZE = (20, 30)


def files(*paths):
    found = image_files.Files(np.array([str(path) for path in paths]), np.zeros(len(paths)))
    return image_files.checked(found, "error")


def read(reader):
    """Return all images of a reader, in order."""
    return reading.hold(reader).inputs.numpy()


@pytest.fixture
def each_kind(tmp_path):
    """Write the same photo in each kind and mode that can be read; return the paths."""
    photo = Image.open(PHOTO).crop((300, 100, 330, 120))
    other = Image.open(PHOTO).crop((0, 300, 30, 320))
    paths = []
    for mode, suffix in [
        *(("RGB", suffix) for suffix in ("png", "bmp", "jpg")),
        *(("L", suffix) for suffix in ("png", "bmp", "jpg", "gif")),
        *(("P", "png"), ("RGBA", "png"), ("RGBA", "bmp")),
    ]:
        paths.append(tmp_path / f"{mode}.{suffix}")
        photo.convert(mode).save(paths[-1], **({"quality": 95} if suffix == "jpg" else {}))
    paths.append(tmp_path / "moving.gif")
    photo.save(paths[-1], save_all=True, append_images=[other, other])
    return paths


@pytest.mark.parametrize(("channels", "mode"), [(3, "RGB"), (1, "L")])
def test_each_kind_has_the_pixels_that_pillow_reads(each_kind, channels, mode):
    images = read(decoding.Reader(files(*each_kind), SIZE, channels))
    for path, image in zip(each_kind, images, strict=True):
        with Image.open(path) as original:
            original.draft(mode, original.size)  # of a JPEG, its own grey channel
            expected = np.asarray(original.convert(mode)).reshape(*SIZE, channels)
        difference = np.abs(image.astype(int) - expected)
        # The decoders' own conversion to grey rounds a little differently.
        exact = channels == 3 or path.suffix == ".jpg"
        assert difference.max() <= (0 if exact else 2), path


def test_resizing_is_pillows(tmp_path):
    Image.open(PHOTO).save(tmp_path / "large.png")
    Image.open(PHOTO).crop((0, 0, 9, 9)).save(tmp_path / "small.png")
    for name, tolerance in (("large.png", 2), ("small.png", 2)):
        image = read(decoding.Reader(files(tmp_path / name), (40, 50), 3))[0]
        with Image.open(tmp_path / name) as original:
            expected = original.resize((50, 40), Image.Resampling.BILINEAR)
        assert np.abs(image.astype(int) - np.asarray(expected)).max() <= tolerance


@pytest.mark.parametrize("size", [(400, 600), (213, 320), (100, 150), (53, 80), (30, 40)])
def test_a_jpeg_decoded_at_a_reduced_scale_is_the_same_picture(size):
    """427 x 640 pixels, to be decoded whole, at a half, a quarter, and an eighth twice."""
    image = read(decoding.Reader(files(PHOTO), size, 3))[0].astype(int)
    with Image.open(PHOTO) as original:
        expected = np.asarray(original.resize(size[::-1], Image.Resampling.BOX)).astype(int)
    assert np.abs(image - expected).mean() < 8
    assert np.corrcoef(image.ravel(), expected.ravel())[0, 1] > 0.97
