"""Decoding: against Pillow's pixels, in order, with the damaged file named."""

import pathlib

import numpy as np
import pytest
import sklearn.datasets
import tensorflow as tf
from PIL import Image

from dlkit.data import decoding, image_files
from dlkit.errors import InputError

PHOTO = pathlib.Path(sklearn.datasets.__file__).parent / "images" / "china.jpg"
SIZE = (20, 30)


def files(*paths):
    found = image_files.Files(np.array([str(path) for path in paths]), np.zeros(len(paths)))
    return image_files.checked(found, "error")


def read(reader):
    """Return all images of a reader, in order."""
    return decoding.hold(reader).inputs.numpy()


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


def damaged(path):
    """Write a JPEG that begins and ends as one should."""
    path.write_bytes(PHOTO.read_bytes()[:700] + b"\xff\xd9")
    return path


@pytest.mark.parametrize("place", [0, 2, 4])
def test_the_damaged_file_is_named_wherever_it_stands(tmp_path, place):
    paths = [PHOTO] * 4
    paths.insert(place, damaged(tmp_path / "schäden '1'.jpg"))
    reader = decoding.Reader(files(*paths), SIZE, 3)
    with pytest.raises(
        InputError, match=rf"^{tmp_path}/schäden '1'\.jpg cannot be decoded .*corrupt='skip'\.$"
    ):
        decoding.hold(reader)
    np.testing.assert_array_equal(reader.readable(), np.delete(np.arange(5), place))


def test_a_file_that_is_gone_is_named(tmp_path):
    path = tmp_path / "gone.png"
    Image.new("RGB", (5, 5)).save(path)
    reader = decoding.Reader(files(PHOTO, path), SIZE, 3)
    path.unlink()
    with pytest.raises(InputError, match=r"gone\.png cannot be decoded"):
        decoding.hold(reader)


def test_another_error_is_not_taken_for_a_damaged_file():
    error = tf.errors.InvalidArgumentError(None, None, "something else")
    with pytest.raises(type(error), match="something else"), decoding.naming_the_file():
        raise error


def test_batches_come_in_the_order_of_the_rows_also_from_memory(each_kind):
    reader = decoding.Reader(files(*each_kind), SIZE, 3)
    images = read(reader)
    rows = np.random.default_rng(0).integers(0, len(images), 25)
    for source in (reader, decoding.hold(reader)):
        batches = source.batches(lambda: tf.data.Dataset.from_tensor_slices(rows), 4)
        found, got = (np.concatenate(part) for part in zip(*batches, strict=True))
        np.testing.assert_array_equal(found, rows)
        np.testing.assert_array_equal(got, images[rows])
