"""From the bytes of one image file to whole numbers of one size: in training and in an export.

    bytes -> its kind's decoder -> resized, antialiased -> rounded -> upright, as its camera noted

The result is Pillow's bilinear resize of the full picture to 1 of 255, but for two kinds of JPEGs:

- Of at least six times the wanted size, a picture is decoded at a half, a quarter or an eighth,
  which the format does at less cost: photos differ by 1 on average, and by up to 32.
- At less than three times, each pixel is the mean of the area that it covers, since TensorFlow's
  antialiased resize takes twice as long as decoding: photos differ by 1.5 to 3, and by up to 48.
"""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from dlkit.data.image.formats import KINDS, MAGIC
from dlkit.data.image.jpeg_scale import EXACT_FROM, FITS, LOOK, NEAR, SCALES

# A camera notes how it was held as entry 0x0112 of Exif's first directory: 2 bytes of tag, type 3
# (a short number), 1 of them, and that number from 1 to 8, in little or in big endian. Cameras
# write it near the beginning of the file.
_EXIF_BYTES = 1024
_ORIENTATION = (
    r"(?s)^\C*?Exif\x00\x00(?:"
    r"II\*\x00\C*?\x12\x01\x03\x00\x01\x00\x00\x00([\x01-\x08])\x00|"
    r"MM\x00\*\C*?\x01\x12\x00\x03\x00\x00\x00\x01\x00([\x01-\x08])"
    r")\C*$"
)
_MIRRORED, _UPSIDE_DOWN, _LYING = (2, 3, 6, 7), (3, 4, 7, 8), 5  # once lying ones are transposed


def read_image(
    content: tf.Tensor,
    kind: str,
    size: tuple[int, int],
    channels: int,
    *,
    scale: int = LOOK,
    deep: bool = False,
) -> tf.Tensor:
    """Return the image (height, width, channels) in a file's bytes, as uint8.

    Args:
        content: The bytes, a string of shape ().
        kind: One of `formats.KINDS`.
        size: Height and width.
        channels: 1 or 3.
        scale: How many times smaller an upright JPEG is decoded, as `jpeg_scale.scales` tells;
            `LOOK` finds out scale and way up from the bytes. Defaults to LOOK.
        deep: Whether to return int32 from 0 to 65,535, of which files of 8 bits have 256 values.
            Defaults to False.
    """
    if scale == FITS:
        image = _decode_jpeg(content, channels, 1)
    elif scale == NEAR:
        image = _averaged(_decode_jpeg(content, channels, 1), size)
    elif scale != LOOK:
        image = _resized(_decode_jpeg(content, channels, scale), size)
    elif kind == "jpeg":
        image = _jpeg(content, channels, size)
    elif kind == "png":
        depth = tf.uint16 if deep else tf.uint8
        image = _resized(tf.io.decode_png(content, channels, depth), size)
    else:
        image = _resized(_DECODERS[kind](content, channels), size)
    if deep:
        # 255 becomes 65,535, as TensorFlow reads a PNG of 8 bits as one of 16.
        image = tf.cast(image, tf.int32) * (1 if kind == "png" else 257)
    return tf.ensure_shape(image, (*size, channels))


@keras.saving.register_keras_serializable(package="dlkit")
class DecodeImages(keras.layers.Layer):
    """Bytes of image files (B,) -> images (B, height, width, channels) of whole numbers.

    Kinds are told apart by the first bytes; a row that is no image fails the batch. A `.keras` file
    that holds this layer loads after `import dlkit.data.image.decoding`; an export needs nothing.

    Args:
        image_size: Height and width that each image is resized to.
        channels: 3 for colour, 1 for grey.
        deep: Whether images are int32 from 0 to 65,535, not uint8. Defaults to False.
    """

    def __init__(
        self, image_size: tuple[int, int], channels: int, deep: bool = False, **options: Any
    ) -> None:
        super().__init__(**options)
        height, width = image_size
        self.image_size, self.channels, self.deep = (height, width), channels, deep

    def call(self, contents: Any) -> tf.Tensor:
        """Return the images in `contents`."""
        spec = image_spec(self.image_size, self.channels, self.deep)
        return tf.map_fn(self._read, contents, fn_output_signature=spec)

    def _read(self, content: tf.Tensor) -> tf.Tensor:
        calls = [
            lambda kind=kind: read_image(
                content, kind, self.image_size, self.channels, deep=self.deep
            )
            for kind in KINDS
        ]
        return tf.switch_case(_kind(content), [*calls, self._refuse])

    def _refuse(self) -> tf.Tensor:
        kinds = "a JPEG, PNG, BMP or GIF file"
        sentence = f"image_bytes must be the bytes of {kinds}, and are not; convert them."
        with tf.control_dependencies([tf.Assert(False, [sentence])]):
            spec = image_spec(self.image_size, self.channels, self.deep)
            return tf.zeros(spec.shape, spec.dtype)

    def compute_output_spec(self, contents: Any) -> keras.KerasTensor:
        """Return the shape and type of `call`'s result."""
        spec = image_spec(self.image_size, self.channels, self.deep)
        return keras.KerasTensor((*contents.shape, *spec.shape), dtype=spec.dtype.name)

    def get_config(self) -> dict[str, Any]:
        """Return what Keras needs to make this layer again."""
        own = {"image_size": list(self.image_size), "channels": self.channels, "deep": self.deep}
        return {**super().get_config(), **own}


def image_spec(size: tuple[int, int], channels: int, deep: bool) -> tf.TensorSpec:
    """Return shape and type of a decoded image; `deep` ones have more levels than 8 bits hold."""
    # Not uint16, which the JSON of TensorFlow Serving cannot carry.
    return tf.TensorSpec((*size, channels), tf.int32 if deep else tf.uint8)


def decoding_model(size: tuple[int, int], channels: int, deep: bool = False) -> keras.Model:
    """Return the model from image files' bytes to what an image data set's preprocessing takes."""
    contents = keras.Input((), dtype="string", name="image_bytes")
    return keras.Model(contents, DecodeImages(size, channels, deep)(contents), name="decoding")


def _kind(content: tf.Tensor) -> tf.Tensor:
    """Return the index into `KINDS` that the first bytes tell, or their number for none of them."""
    starts = [tf.strings.substr(content, 0, len(magic)) == magic for magic in MAGIC]
    kinds = tf.constant([*map(KINDS.index, MAGIC.values()), len(KINDS)])
    return kinds[tf.argmax(tf.cast([*starts, True], tf.int32))]


def _resized(whole: tf.Tensor, size: Any) -> tf.Tensor:
    """Return an image of whole numbers at another size, as Pillow's bilinear resize gives it."""
    image = tf.image.resize(whole, size, antialias=True)
    return tf.saturate_cast(tf.round(image), whole.dtype)


def _averaged(whole: tf.Tensor, size: Any) -> tf.Tensor:
    """Return an image of whole numbers at another size: of each pixel's area, the mean."""
    image = tf.image.resize(whole, size, method="area")
    return tf.saturate_cast(tf.round(image), whole.dtype)


def _shrunk(whole: tf.Tensor, size: tf.Tensor) -> tf.Tensor:
    """Return a JPEG's image at another size, in the way that `jpeg_scale` tells for its file."""
    times = tf.reduce_min(tf.shape(whole)[:2] / size)
    near = (times >= 1) & (times < EXACT_FROM)
    return tf.cond(near, lambda: _averaged(whole, size), lambda: _resized(whole, size))


def _jpeg(content: tf.Tensor, channels: int, size: tuple[int, int]) -> tf.Tensor:
    """Return a JPEG's image, resized as it lies in the file, and then turned upright."""
    orientation = _orientation(content)
    lying = orientation >= _LYING
    wanted = tf.where(lying, size[::-1], size)
    shape = tf.image.extract_jpeg_shape(content)
    times = tf.reduce_min(shape[:2] // wanted)
    image = _shrunk(_near(content, channels, times, shape[2]), wanted)
    return tf.cond(orientation > 1, lambda: _upright(image, orientation, lying), lambda: image)


def _near(content: tf.Tensor, channels: int, times: tf.Tensor, colours: tf.Tensor) -> tf.Tensor:
    """Return a JPEG that is `times` the wanted size decoded at a scale near it."""

    def decoded(channels: int) -> tf.Tensor:
        calls = [lambda ratio=ratio: _decode_jpeg(content, channels, ratio) for ratio in SCALES]
        least = [EXACT_FROM * ratio for ratio in SCALES[1:]]
        return tf.switch_case(tf.reduce_sum(tf.cast(times >= least, tf.int32)), calls)

    if channels == 3:
        return decoded(3)
    # The decoder makes grey of three colours, and not of the four of a picture for print.
    in_grey = lambda: tf.image.rgb_to_grayscale(decoded(3))  # noqa: E731
    return tf.cond(colours == 4, in_grey, lambda: decoded(1))


def _decode_jpeg(content: tf.Tensor, channels: int, ratio: int) -> tf.Tensor:
    # The accurate transform costs the same as the default, and gives the pixels that Pillow and
    # other clients decode.
    return tf.io.decode_jpeg(content, channels, ratio, dct_method="INTEGER_ACCURATE")


def _orientation(content: tf.Tensor) -> tf.Tensor:
    """Return Exif's orientation, 1 to 8, of a JPEG's bytes; 1, upright, where it has none."""
    head = tf.strings.substr(content, 0, _EXIF_BYTES)
    found = tf.strings.regex_replace(head, _ORIENTATION, r"\1\2")  # that byte, or all as it was
    first = tf.io.decode_raw(tf.strings.substr(found, 0, 1), tf.uint8)[0]
    return tf.where(tf.strings.length(found) == 1, tf.cast(first, tf.int32), 1)


def _upright(image: tf.Tensor, orientation: tf.Tensor, lying: tf.Tensor) -> tf.Tensor:
    image = tf.cond(lying, lambda: tf.transpose(image, (1, 0, 2)), lambda: image)
    for held, axis in ((_MIRRORED, 1), (_UPSIDE_DOWN, 0)):
        turned = tf.reduce_any(orientation == held)
        image = tf.where(turned, tf.reverse(image, [axis]), image)
    return image


def _bmp(content: tf.Tensor, channels: int) -> tf.Tensor:
    image = tf.io.decode_bmp(content)[..., :3]  # without transparency; 1 or 3 channels

    def coloured() -> tf.Tensor:
        return tf.gather(_palette(content), tf.cast(image[..., 0], tf.int32))

    colour = tf.cond(tf.shape(image)[2] == 1, coloured, lambda: image)
    return _in_channels(colour, channels)


def _palette(content: tf.Tensor) -> tf.Tensor:
    """Return the 256 colours (256, 3) of a BMP of 8 bits, black for those that it leaves out."""

    def number(place: int) -> tf.Tensor:
        return tf.io.decode_raw(tf.strings.substr(content, place, 4), tf.int32)[0]

    start = 14 + number(14)  # behind the file's header and the image's, which tells its length
    entries = tf.strings.substr(content, start, tf.minimum(number(10) - start, 1024))
    colours = tf.io.decode_raw(entries, tf.uint8)
    filled = tf.pad(colours, [[0, 1024 - tf.size(colours)]])
    return tf.reshape(filled, (256, 4))[:, 2::-1]  # blue, green, red, unused -> red, green, blue


def _gif(content: tf.Tensor, channels: int) -> tf.Tensor:
    image = tf.io.decode_image(content, expand_animations=False)  # the first frame
    return _in_channels(image, channels)


def _in_channels(image: tf.Tensor, channels: int) -> tf.Tensor:
    """Return an image of 1 or 3 channels in `channels`, 1 or 3."""
    shape = tf.shape(image)
    colour = tf.broadcast_to(image, [shape[0], shape[1], 3])
    return colour if channels == 3 else tf.image.rgb_to_grayscale(colour)


_DECODERS = {"bmp": _bmp, "gif": _gif}
