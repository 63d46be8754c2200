"""Reading files in parallel: in order, with the damaged file named."""

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from dlkit.data.files import file_reader
from dlkit.data.image.reader import ImageReader
from dlkit.errors import InputError
from tests.data.image.test_reader import PHOTO, SIZE, each_kind, files, read  # noqa: F401


def damaged(path):
    """Write a JPEG that begins and ends as one should."""
    path.write_bytes(PHOTO.read_bytes()[:700] + b"\xff\xd9")
    return path


@pytest.mark.parametrize("place", [0, 2, 4])
def test_the_damaged_file_is_named_wherever_it_stands(tmp_path, place):
    paths = [PHOTO] * 4
    paths.insert(place, damaged(tmp_path / "schäden '1'.jpg"))
    reader = ImageReader(files(*paths), SIZE, 3)
    with pytest.raises(
        InputError, match=rf"^{tmp_path}/schäden '1'\.jpg cannot be decoded .*corrupt='skip'\.$"
    ):
        file_reader.hold(reader)
    np.testing.assert_array_equal(reader.readable(), np.delete(np.arange(5), place))


def test_a_file_that_is_gone_is_named(tmp_path):
    path = tmp_path / "gone.png"
    Image.new("RGB", (5, 5)).save(path)
    reader = ImageReader(files(PHOTO, path), SIZE, 3)
    path.unlink()
    with pytest.raises(InputError, match=r"gone\.png cannot be decoded"):
        file_reader.hold(reader)


def test_another_error_is_not_taken_for_a_damaged_file():
    error = tf.errors.InvalidArgumentError(None, None, "something else")
    with pytest.raises(type(error), match="something else"), file_reader.naming_the_file():
        raise error


def test_batches_come_in_the_order_of_the_rows_also_from_memory(each_kind):  # noqa: F811
    reader = ImageReader(files(*each_kind), SIZE, 3)
    images = read(reader)
    rows = np.random.default_rng(0).integers(0, len(images), 25)
    for source in (reader, file_reader.hold(reader)):
        batches = source.batches(lambda: tf.data.Dataset.from_tensor_slices(rows), 4)
        found, got = (np.concatenate(part) for part in zip(*batches, strict=True))
        np.testing.assert_array_equal(found, rows)
        np.testing.assert_array_equal(got, images[rows])
