"""WAV decoding in TensorFlow: SciPy's samples and SciPy's resampling, by file and by bytes."""

import io
import math
import struct

import keras
import numpy as np
import pytest
import scipy.io.wavfile
import scipy.signal
import tensorflow as tf

from dlkit.data.audio import wav_decoding
from dlkit.data.files import file_reader
from dlkit.data.files.class_folders import Files
from dlkit.errors import InputError
from tests.data.audio.test_wav_header import GOOD, wav

RNG = np.random.default_rng(0)


def scipys(rate, samples):
    """Return the bytes of the WAV file that SciPy writes."""
    file = io.BytesIO()
    scipy.io.wavfile.write(file, rate, samples)
    return file.getvalue()


@pytest.fixture(scope="module")
def decode():
    """Return a function from bytes to 3000 samples at 8 kHz."""
    model = wav_decoding.decoding_model(8000, 3000)
    return lambda *contents: model(tf.constant(contents)).numpy()


def test_each_encoding_has_the_values_that_were_written(decode):
    values = np.clip(RNG.normal(size=(3000, 2)) * 0.3, -1, 0.99)
    sounds = [
        (scipys(8000, np.round(values * 128 + 128).astype(np.uint8)), 1 / 256),
        (scipys(8000, np.round(values * 2**15).astype(np.int16)), 2**-16),
        (scipys(8000, np.round(values * 2**31).astype(np.int32)), 1e-7),
        (scipys(8000, values.astype(np.float32)), 1e-7),
        (scipys(8000, values), 1e-7),
    ]
    bytes_of_24 = np.round(values * 2**23).astype("<i4").view(np.uint8).reshape(-1, 4)[:, :3]
    guid = struct.pack("<HHIH", 22, 24, 0, 1) + bytes(14)
    packed = {"bits": 24, "channels": 2}
    sounds.append((wav(bytes_of_24.tobytes(), **packed), 2**-24))
    sounds.append((wav(bytes_of_24.tobytes(), code=0xFFFE, form=guid, **packed), 2**-24))
    sounds.append((wav(bytes_of_24.tobytes(), size=0xFFFFFFFF, **packed), 2**-24))
    odd = b"LIST" + struct.pack("<I", 3) + b"abc\0"
    sounds.append((wav(bytes_of_24.tobytes(), extra=odd, **packed), 2**-24))
    decoded = decode(*(content for content, _ in sounds))
    for got, (_, tolerance) in zip(decoded, sounds, strict=True):
        np.testing.assert_allclose(got, values.mean(axis=1), atol=tolerance + 1e-7)


@pytest.mark.parametrize(
    ("rate", "wanted"),
    [(8000, 16000), (44100, 8000), (48000, 8000), (22050, 16000), (8000, 44100), (11025, 48000)],
)
def test_resampling_is_scipys(rate, wanted):
    waveform = (RNG.normal(size=rate // 4) * 0.2).astype(np.float32)
    common = math.gcd(rate, wanted)
    expected = scipy.signal.resample_poly(waveform.astype(float), wanted // common, rate // common)
    samples = wanted // 2  # a quarter of a second of sound, and one of silence
    apart = RNG.normal(size=len(waveform)).astype(np.float32) * 0.1
    both = np.stack([waveform + apart, waveform - apart], axis=1)  # whose mean is what it was
    got = wav_decoding.read_wav(tf.constant(scipys(rate, both)), wanted, samples)
    np.testing.assert_allclose(got[: len(expected)], expected, atol=1e-6)
    assert not np.any(got[len(expected) :])
    cut = wav_decoding.read_wav(tf.constant(scipys(rate, waveform)), wanted, wanted // 10)
    np.testing.assert_allclose(cut, expected[: wanted // 10], atol=1e-6)


def test_what_the_lower_rate_cannot_hold_is_taken_out():
    """A tone of 3 kHz would come back as one of 1 kHz at 4000 samples a second."""
    tone = np.sin(2 * np.pi * 3000 * np.arange(16000) / 16000).astype(np.float32)
    got = wav_decoding.read_wav(tf.constant(scipys(16000, tone)), 4000, 4000)
    assert np.abs(got[100:-100]).max() < 0.01 < np.abs(tone[::4]).max()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"RIFF",
        b"abcd" * 20,
        GOOD[:30],
        wav(b""),
        wav(bytes(9), code=7, bits=8),
        wav(b"abc", rate=1),
        b"abc",
        GOOD[:22] + b"\1\0" + GOOD[24:34] + b"\4\0" + GOOD[36:],  # of half a byte a sample
    ],
)
def test_bytes_that_are_no_wav_file_are_refused(decode, content):
    with pytest.raises(tf.errors.InvalidArgumentError, match="audio_bytes must be the bytes of a"):
        decode(GOOD, content)


def test_the_decoding_model_is_saved_and_loaded(tmp_path, decode):
    path = tmp_path / "decoding.keras"
    wav_decoding.decoding_model(8000, 3000).save(path)
    content = scipys(8000, RNG.integers(-999, 999, 3000).astype(np.int16))
    again = keras.saving.load_model(path)(tf.constant([content]))
    np.testing.assert_array_equal(again, decode(content))


def test_files_are_read_in_order_and_a_damaged_one_is_named(tmp_path):
    for number in range(6):
        scipy.io.wavfile.write(tmp_path / f"{number}.wav", 8000, np.full(10, number, np.int16))
    paths = np.array([str(tmp_path / f"{number}.wav") for number in range(6)])
    reader = wav_decoding.WavReader(Files(paths, np.arange(6)), 8000, 4)
    rows = tf.data.Dataset.from_tensor_slices(np.array([5, 0, 3, 3], np.int64))
    (batch,) = reader.batches(lambda: rows, 4)
    np.testing.assert_array_equal(batch[1][:, 0] * 2**15, [5, 0, 3, 3])
    (tmp_path / "3.wav").write_bytes(b"gone")
    with pytest.raises(InputError, match=rf"{tmp_path}/3\.wav cannot be decoded"):
        file_reader.hold(reader)
