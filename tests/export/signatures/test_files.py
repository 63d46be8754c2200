import io
import types

import keras
import numpy as np
import PIL.Image
import pytest
import tensorflow as tf

from dlkit.errors import InputError
from dlkit.export import saved_model
from dlkit.export.signatures.files import _picture, _sound
from tests.export.asking import answer
from tests.export.conftest import Decode


def png(pixels):
    content = io.BytesIO()
    PIL.Image.fromarray(pixels).save(content, "PNG")
    return content.getvalue()


def test_files_of_digits_give_what_their_pixels_give(digits):
    raw, _ = digits.data.examples
    files = np.array([png(pixels) for pixels in raw], object)
    pixels = answer(digits.version, image=raw)["predictions"]
    np.testing.assert_allclose(
        answer(digits.version, "image_bytes", image_bytes=files)["predictions"], pixels, atol=1e-6
    )
    best = answer(digits.version, "image_bytes_labels", image_bytes=files)["classes"][:, 0]
    assert best.tolist() == answer(digits.version, "labels", image=raw)["classes"][:, 0].tolist()


class Wave(keras.layers.Layer):
    """WAV files -> a second of samples."""

    def call(self, files):
        return tf.map_fn(self.decode, files, fn_output_signature=tf.float32)

    def decode(self, file):
        samples, _ = tf.audio.decode_wav(file, 1, 800)
        return tf.ensure_shape(samples[:, 0], (800,))

    def compute_output_shape(self, shape):
        return (*shape, 800)


def test_sounds_too(tmp_path):
    files = keras.Input((), dtype="string", name="audio_bytes")
    wave = keras.Input((800,), name="wave")
    energy = keras.Model(wave, keras.layers.Dot(1, name="energy")([wave, wave]))
    decoding = keras.Model(files, Wave()(files))
    version = saved_model(energy, tmp_path / "sound", types.SimpleNamespace(decoding=decoding))
    tone = 0.5 * np.sin(np.arange(800) / 7)
    file = tf.audio.encode_wav(tone.reshape(-1, 1).astype("float32"), 16_000).numpy()
    got = answer(version, "audio_bytes", audio_bytes=np.array([file], object))["energy"]
    np.testing.assert_allclose(got, [[np.square(tone).sum()]], rtol=1e-3)  # 16 bits a sample


def test_pictures_are_made_up_where_there_are_none():
    made = _picture(np.zeros(4, "float32"), 0)
    assert PIL.Image.open(io.BytesIO(made)).format == "JPEG"
    grey = np.arange(12, dtype="uint8").reshape(3, 4)
    picture = PIL.Image.open(io.BytesIO(_picture(grey, 1)))
    assert picture.format == "PNG"
    np.testing.assert_array_equal(np.asarray(picture), grey)
    sound = tf.audio.decode_wav(_sound(np.zeros((2, 2, 2)), 0))
    assert sound.audio.shape == (16_000, 1)


def number():
    taken = keras.Input((), name="image_bytes")
    return keras.Model(taken, keras.layers.Identity()(taken))


def other_names():
    taken = keras.Input((), dtype="string", name="image_bytes")
    return keras.Model(taken, {"left": Decode((2, 2), dtype="uint8")(taken)})


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: np.log1p, "must be a functional keras.Model with one input. Received: ufunc"),
        (number, r"must take a string a row: .* Received: 'image_bytes' float32 \(None,\)"),
        (other_names, "must give what the preprocessing takes, row. Received: left"),
    ],
)
def test_what_is_no_decoding(make, message, tiny, tmp_path):
    with pytest.raises(InputError, match=message):
        saved_model(tiny, tmp_path / "tiny", types.SimpleNamespace(decoding=make()))
    assert not list(tmp_path.iterdir())
