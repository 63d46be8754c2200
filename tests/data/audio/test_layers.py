"""Log-mel spectrograms and MFCCs against SciPy's transforms and TensorFlow's mel bands."""

import keras
import numpy as np
import pytest
import scipy.fft
import scipy.signal

from dlkit.data.audio import layers

WAVEFORMS = (np.random.default_rng(0).normal(size=(2, 2000)) * 0.2).astype(np.float32)


def mel(frequency):
    return 2595 * np.log10(1 + frequency / 700)


@pytest.mark.parametrize(
    ("mels", "bins", "rate"), [(32, 129, 8000), (40, 257, 16_000), (64, 129, 8000)]
)
def test_mel_bands_are_triangles_on_the_mel_scale(mels, bins, rate):
    """To a float32's precision of what NumPy gives, whichever library makes them."""
    places = mel(np.linspace(0, rate / 2, bins))[:, np.newaxis]
    edges = np.linspace(mel(20), mel(rate / 2), mels + 2)
    low, centre, high = edges[:-2], edges[1:-1], edges[2:]
    rising, falling = (places - low) / (centre - low), (high - places) / (high - centre)
    expected = np.maximum(0, np.minimum(rising, falling))
    found = layers.mel_filters(mels, bins, rate)
    np.testing.assert_allclose(found, expected, rtol=1e-7, atol=1e-12)


def test_the_centre_of_a_band_is_where_its_triangle_has_its_top():
    peaks = np.linspace(0, 4000, 4097)[layers.mel_filters(32, 4097, 8000).argmax(axis=0)]
    np.testing.assert_allclose(peaks, layers.mel_centres(32, 8000), atol=1)


def test_a_log_mel_spectrogram_is_the_power_of_scipys_spectrum_in_bands():
    got = layers.LogMel(8000, 200, 80, 24)(WAVEFORMS)
    window = scipy.signal.get_window("hann", 200)  # periodic
    starts = range(0, 2000 - 200 + 1, 80)
    frames = np.stack([WAVEFORMS[:, start : start + 200] * window for start in starts], axis=1)
    power = np.abs(scipy.fft.rfft(frames, 256)) ** 2
    bands = power @ layers.mel_filters(24, 129, 8000)
    np.testing.assert_allclose(got, np.log(bands + 1e-6), atol=1e-4)


def test_the_cepstrum_is_scipys_cosine_transform():
    spectrograms = np.random.default_rng(0).normal(size=(2, 5, 24)).astype(np.float32)
    got = layers.Cepstrum(13)(spectrograms)
    expected = scipy.fft.dct(spectrograms, type=2, norm="ortho")[..., :13]
    np.testing.assert_allclose(got, expected, atol=1e-5)


def test_the_layers_are_saved_and_loaded_and_stay_in_full_precision(tmp_path):
    raw = keras.Input((2000,), name="waveform")
    keras.config.set_dtype_policy("mixed_float16")
    try:
        heard = layers.Cepstrum(13)(layers.LogMel(8000, 200, 80, 24)(raw))
    finally:
        keras.config.set_dtype_policy("float32")
    assert heard.dtype == "float32" and heard.shape == (None, 23, 13)
    model = keras.Model(raw, heard)
    model.save(tmp_path / "heard.keras")
    again = keras.saving.load_model(tmp_path / "heard.keras")
    np.testing.assert_array_equal(again(WAVEFORMS), model(WAVEFORMS))
