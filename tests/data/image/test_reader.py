"""Decoding: against Pillow's pixels."""

import pathlib

import numpy as np
import pytest
import sklearn.datasets
from PIL import Image

from dlkit.data.files import file_reader
from dlkit.data.files.class_folders import Files, whole_files
from dlkit.data.image.formats import inspect_image
from dlkit.data.image.reader import ImageReader

PHOTO = pathlib.Path(sklearn.datasets.__file__).parent / "images" / "china.jpg"
SIZE = (20, 30)


def files(*paths):
    found = Files(np.array([str(path) for path in paths]), np.zeros(len(paths)))
    return whole_files(found, "error", inspect_image, "an image")


def read(reader):
    """Return all images of a reader, in order."""
    return file_reader.hold(reader).inputs.numpy()


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
    images = read(ImageReader(files(*each_kind), SIZE, channels))
    for path, image in zip(each_kind, images, strict=True):
        with Image.open(path) as original:
            original.draft(mode, original.size)  # of a JPEG, its own grey channel
            expected = np.asarray(original.convert(mode)).reshape(*SIZE, channels)
        difference = np.abs(image.astype(int) - expected)
        # The decoders' own conversion to grey rounds a little differently.
        exact = channels == 3 or path.suffix == ".jpg"
        assert difference.max() <= (0 if exact else 2), path


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """Write a photo, and one 7.5 times as long as high, in each kind; return the paths."""
    folder, paths = tmp_path_factory.mktemp("photos"), []
    for name, size in (("photo", (640, 427)), ("long", (3200, 427))):
        for kind in ("jpg", "png", "bmp"):
            paths.append(folder / f"{name}.{kind}")
            Image.open(PHOTO).resize(size).save(paths[-1])
    return paths


@pytest.mark.parametrize(
    ("size", "jpeg"),
    [  # and how much a JPEG may differ on average, and in one value
        ((500, 700), (0.2, 1)),  # larger than the photo, or than its height
        ((500, 320), (0.2, 1)),
        ((400, 600), (3, 48)),  # averaged over areas
        ((200, 280), (3, 48)),
        ((128, 128), (0.2, 1)),
        ((60, 90), (2, 32)),  # decoded at a half, a quarter and an eighth
        ((32, 32), (2, 32)),
        ((14, 20), (2, 32)),
    ],
)
@pytest.mark.parametrize("channels", [1, 3])
def test_every_kind_is_resized_as_pillow_resizes_the_full_picture(photos, size, jpeg, channels):
    images = read(ImageReader(files(*photos), size, channels)).astype(int)
    for path, image in zip(photos, images, strict=True):
        with Image.open(path) as original:
            original.draft("L" if channels == 1 else None, original.size)
            whole = original.convert("L" if channels == 1 else "RGB")
        expected = np.asarray(whole.resize(size[::-1], Image.Resampling.BILINEAR))
        difference = np.abs(image - expected.reshape(image.shape))
        # To grey, the decoders of other kinds round a little differently.
        others = (0.2, 1) if channels == 3 else (0.7, 2)
        mean, most = jpeg if path.suffix == ".jpg" else others
        assert difference.mean() <= mean, path
        assert difference.max() <= most, path


@pytest.mark.parametrize("channels", [1, 3])
def test_a_grey_png_of_more_than_8_bits_keeps_its_levels(tmp_path, channels):
    levels = np.arange(4096, dtype=np.uint16).reshape(64, 64)  # of a camera of 12 bits
    Image.fromarray(levels).save(tmp_path / "deep.png")
    Image.fromarray((levels >> 4).astype(np.uint8)).save(tmp_path / "shallow.png")
    Image.fromarray((levels >> 4).astype(np.uint8)).save(tmp_path / "shallow.bmp")
    paths = [tmp_path / name for name in ("deep.png", "shallow.png", "shallow.bmp")]
    reader = ImageReader(files(*paths), (64, 64), channels)
    assert reader.spec.dtype == "int32"
    images = read(reader)
    for image, expected in zip(images, [levels, *[(levels >> 4) * 257] * 2], strict=True):
        grey = np.broadcast_to(expected[..., np.newaxis], image.shape)
        assert np.abs(image - grey).max() <= (257 if channels == 1 else 0)
    np.testing.assert_array_equal(images[0][..., 0], levels)
    small = read(ImageReader(files(paths[0]), (20, 20), channels))[0, ..., 0]
    expected = Image.fromarray(levels).resize((20, 20), Image.Resampling.BILINEAR)
    assert np.abs(small - np.asarray(expected, int)).max() <= 1
    assert ImageReader(files(*paths[1:]), (64, 64), channels).spec.dtype == "uint8"


@pytest.mark.parametrize("size", [SIZE, (9, 9)])
def test_a_jpeg_for_print_is_read_in_grey(tmp_path, size):
    """Four colours, of which the decoder makes three and not one."""
    Image.open(PHOTO).crop((300, 100, 330, 120)).convert("CMYK").save(tmp_path / "a.jpg")
    with Image.open(tmp_path / "a.jpg") as original:
        for channels, mode in ((1, "L"), (3, "RGB")):
            image = read(ImageReader(files(tmp_path / "a.jpg"), size, channels))[0]
            whole = original.convert(mode).resize(size[::-1], Image.Resampling.BILINEAR)
            difference = image.astype(int) - np.asarray(whole).reshape(image.shape)
            assert np.abs(difference).max() <= (1 if size == SIZE else 24)
