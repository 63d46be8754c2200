"""From waveforms to what a network hears: log-mel spectrograms and MFCCs, as Keras layers.

    waveform -> overlapping frames -> power of each frequency -> mel bands -> logarithm
             -> cosine transform, for MFCCs

References: Davis & Mermelstein 1980 (MFCC); O'Shaughnessy 1987 (the mel scale, 2595 lg(1 + f/700)).
"""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np
import tensorflow as tf

_FLOOR = 1e-6  # what silence counts as: 60 dB below a band's power of 1
_LOWEST = 20.0  # Hz; nobody hears less


@keras.saving.register_keras_serializable(package="dlkit")
class LogMel(keras.layers.Layer):
    """Waveforms (B, samples) -> natural logarithms of the power in mel bands (B, frames, mels).

    A `.keras` file that holds this layer loads after `import dlkit.data.audio.layers`; an export
    needs nothing.

    Args:
        sample_rate: Samples a second.
        frame: Samples of a frame.
        hop: Samples from the start of a frame to that of the next.
        mels: Bands, equally wide on the mel scale, from 20 Hz to half the sample rate.
    """

    def __init__(self, sample_rate: int, frame: int, hop: int, mels: int, **options: Any) -> None:
        # Half precision cannot hold the range of powers.
        super().__init__(**{**options, "dtype": "float32"})
        self.sample_rate, self.frame, self.hop, self.mels = sample_rate, frame, hop, mels

    def call(self, waveforms: Any) -> tf.Tensor:
        """Return the spectrograms of `waveforms`."""
        length = fft_length(self.frame)
        spectrum = tf.signal.stft(waveforms, self.frame, self.hop, length)  # (B, frames, bins)
        power = tf.square(tf.math.real(spectrum)) + tf.square(tf.math.imag(spectrum))
        filters = mel_filters(self.mels, length // 2 + 1, self.sample_rate)
        bands = tf.tensordot(power, tf.constant(filters, tf.float32), 1)
        spectrogram = tf.math.log(bands + _FLOOR)
        return tf.ensure_shape(spectrogram, self.compute_output_shape(waveforms.shape))

    def compute_output_shape(self, shape: Any) -> tuple[int | None, ...]:
        """Return the shape of `call`'s result."""
        return shape[0], 1 + (shape[1] - self.frame) // self.hop, self.mels

    def get_config(self) -> dict[str, Any]:
        """Return what Keras needs to make this layer again."""
        own = {"sample_rate": self.sample_rate, "frame": self.frame, "hop": self.hop}
        return {**super().get_config(), **own, "mels": self.mels}


@keras.saving.register_keras_serializable(package="dlkit")
class Cepstrum(keras.layers.Layer):
    """Log-mel spectrograms (B, frames, mels) -> MFCCs (B, frames, coefficients).

    The orthonormal cosine transform (DCT-II) along the bands, of which the first coefficients are
    kept: how a spectrum is shaped, without its fine detail.

    Args:
        coefficients: How many are kept.
    """

    def __init__(self, coefficients: int, **options: Any) -> None:
        super().__init__(**{**options, "dtype": "float32"})
        self.coefficients = coefficients

    def call(self, spectrograms: Any) -> tf.Tensor:
        """Return the coefficients of `spectrograms`."""
        mels = spectrograms.shape[-1]
        band, order = np.arange(mels)[:, np.newaxis], np.arange(self.coefficients)
        matrix = np.sqrt(2 / mels) * np.cos(np.pi / mels * (band + 0.5) * order)
        matrix[:, 0] /= math.sqrt(2)
        return tf.tensordot(spectrograms, tf.constant(matrix, tf.float32), 1)

    def compute_output_shape(self, shape: Any) -> tuple[int | None, ...]:
        """Return the shape of `call`'s result."""
        return (*shape[:-1], self.coefficients)

    def get_config(self) -> dict[str, Any]:
        """Return what Keras needs to make this layer again."""
        return {**super().get_config(), "coefficients": self.coefficients}


def fft_length(frame: int) -> int:
    """Return the power of two that holds a frame.

    Example:
        >>> fft_length(200), fft_length(256)
        (256, 256)
    """
    return 1 << (frame - 1).bit_length()


def mel_filters(mels: int, bins: int, sample_rate: int) -> np.ndarray:
    """Return the triangles (bins, mels) that gather the power of frequencies into mel bands.

    Each band's triangle stands on the centres of its two neighbours and is 1 at its own.

    Example:
        >>> mel_filters(2, 129, 8000).shape
        (129, 2)
    """
    # In float32 some weights would be wrong by 5e-4 of their size. As an array, an export holds
    # them and not how they were made.
    with tf.init_scope(), tf.device("CPU"):
        weights = tf.signal.linear_to_mel_weight_matrix(
            mels, bins, sample_rate, _LOWEST, sample_rate / 2, tf.float64
        )
        return weights.numpy()


def mel_centres(mels: int, sample_rate: int) -> np.ndarray:
    """Return the frequency in Hz at the centre of each mel band.

    Example:
        >>> mel_centres(2, 8000).round().tolist()
        [646.0, 1815.0]
    """
    return 700 * (10 ** (_edges(mels, sample_rate)[1:-1] / 2595) - 1)


def _edges(mels: int, sample_rate: int) -> np.ndarray:
    return np.linspace(_mel(_LOWEST), _mel(sample_rate / 2), mels + 2)


def _mel(frequency: Any) -> Any:
    return 2595 * np.log10(1 + frequency / 700)
