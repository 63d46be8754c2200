"""Bytes to pixels: Pillow's, the same in training and in a signature, photos upright."""

import io
import pathlib

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, ImageOps

import dlkit as dk
from dlkit.data.image import decoding, sources
from tests.data.image.test_reader import PHOTO

SIZE = (20, 30)


def content(image, kind, **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def photo():
    return Image.open(PHOTO).crop((300, 100, 330, 120))


def test_what_is_served_for_a_file_is_what_was_trained(shared_data):
    """Photos of many sizes and both ways of reading, byte for byte."""
    folder = sources.folder("flowers")
    data = dk.data.from_image_folder(folder, image_size=(48, 64), batch_size=16)
    labels = [name for name in sorted(path.name for path in folder.iterdir())]
    assert data.class_names == tuple(labels)
    rows = data.origin.split.test[:16]
    everything = [path for name in labels for path in sorted((folder / name).iterdir())]
    contents = [everything[row].read_bytes() for row in rows]
    images, targets = next(data.test.as_numpy_iterator())
    assert [labels.index(everything[row].parent.name) for row in rows] == targets.tolist()
    raw = data.decoding.predict(tf.constant(contents), verbose=0)
    np.testing.assert_array_equal(raw, data.origin.raw(rows))
    np.testing.assert_array_equal(data.preprocessing(raw), images)


def test_the_signature_loads_in_safe_mode_and_takes_kinds_together(tmp_path):
    model = decoding.decoding_model(SIZE, 3)
    assert [(i.name, i.dtype, i.shape) for i in model.inputs] == [
        ("image_bytes", "string", (None,))
    ]
    model.save(tmp_path / "decoding.keras")
    loaded = keras.models.load_model(tmp_path / "decoding.keras", safe_mode=True)
    contents = [content(photo(), kind) for kind in ("PNG", "BMP", "JPEG", "PNG")]
    contents.append(content(photo().convert("L"), "GIF"))
    images = loaded(tf.constant(contents)).numpy()
    assert images.dtype == np.uint8
    for image, file in zip(images, contents, strict=True):
        expected = np.asarray(Image.open(io.BytesIO(file)).convert("RGB"))
        np.testing.assert_array_equal(image, expected)
    assert loaded(tf.constant([], tf.string)).shape == (0, *SIZE, 3)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photo_is_upright_as_its_camera_noted(orientation, channels):
    exif = Image.Exif()
    exif[0x010F], exif[0x0112] = "a camera of some name", orientation
    options = {"exif": exif, "quality": 95}
    file = content(photo() if channels == 3 else photo().convert("L"), "JPEG", **options)
    expected = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(file))))
    size = expected.shape[:2]
    assert size == (SIZE if orientation < 5 else SIZE[::-1])
    image = decoding.read_image(tf.constant(file), "jpeg", size, channels).numpy()
    np.testing.assert_array_equal(image, expected.reshape(image.shape))


def test_orientation_is_read_in_either_byte_order_and_only_where_it_is_one():
    entries = {
        b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0": 6,
        b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x08\0\0\0": 8,
        b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x09\0\0\0": 1,  # no such number
        b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x08\0\0\0": 1,  # not Exif's
        b"\xff\xd8": 1,
    }
    for head, expected in entries.items():
        assert decoding._orientation(tf.constant(b"\xff\xd8\xff\xe1\xfe\x80" + head)) == expected


def test_a_large_photo_lying_on_its_side_is_the_same_picture():
    """Decoded at a half, for which the wanted size has to be turned as well."""
    exif = Image.Exif()
    exif[0x0112] = 6
    file = content(Image.open(PHOTO), "JPEG", exif=exif)
    image = decoding.read_image(tf.constant(file), "jpeg", (80, 50), 3).numpy()
    upright = ImageOps.exif_transpose(Image.open(io.BytesIO(file)))
    expected = np.asarray(upright.resize((50, 80), Image.Resampling.BILINEAR)).astype(int)
    assert np.abs(image - expected).mean() < 2


@pytest.mark.parametrize("colours", [7, 256])
def test_a_palette_is_looked_up(colours):
    """8 bits a pixel: indices into the file's own colours, here of a picture with some of them."""
    shown = photo().quantize(colours)
    shown.putpalette(shown.getpalette() + [9] * (768 - len(shown.getpalette())))  # 8 bits each
    for kind in ("BMP", "PNG"):
        image = decoding.read_image(tf.constant(content(shown, kind)), kind.lower(), SIZE, 3)
        np.testing.assert_array_equal(image, np.asarray(shown.convert("RGB")))


@pytest.mark.parametrize("mode", ["LA", "1", "RGBA"])
def test_transparency_is_left_out_and_black_and_white_is_grey(mode):
    shown = photo().convert(mode)
    for channels, pillows in ((3, "RGB"), (1, "L")):
        image = decoding.read_image(tf.constant(content(shown, "PNG")), "png", SIZE, channels)
        expected = np.asarray(shown.convert(pillows)).reshape(image.shape).astype(int)
        assert np.abs(image.numpy() - expected).max() <= (2 if channels == 1 else 0)


@pytest.mark.parametrize("wrong", [b"", b"a letter", b"RIFF\0\0\0\0WEBPVP8 "])
def test_what_is_no_image_is_refused_in_one_sentence(wrong):
    model = decoding.decoding_model(SIZE, 3)
    with pytest.raises(tf.errors.InvalidArgumentError, match="image_bytes must be the bytes of a"):
        tf.function(model)(tf.constant([content(photo(), "PNG"), wrong]))


def test_a_signature_for_16_bits_takes_all_kinds(tmp_path):
    """What is served for a file of more levels is what training reads of it."""
    levels = np.arange(4096, dtype=np.uint16).reshape(64, 64)
    for row in range(20):
        folder = tmp_path / "ab"[row % 2]
        folder.mkdir(exist_ok=True)
        Image.fromarray(levels + row).save(folder / f"{row}.png")
    photo().resize((64, 64)).save(tmp_path / "a" / "photo.jpg")
    data = dk.data.from_image_folder(tmp_path, image_size=(64, 64), channels=1, batch_size=4)
    rows = np.arange(21)
    contents = [pathlib.Path(path).read_bytes() for path in data.origin.paths]
    data.decoding.save(tmp_path / "decoding.keras")
    loaded = keras.models.load_model(tmp_path / "decoding.keras", safe_mode=True)
    raw = loaded(tf.constant(contents)).numpy()
    np.testing.assert_array_equal(raw, data.origin.raw(rows))
    assert raw.dtype == np.int32
    assert len(np.unique(raw[0])) == 4096
    assert data.preprocessing.inputs[0].dtype == "int32"
