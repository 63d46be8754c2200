"""Drawings of sounds: spectrograms over time and frequency, or waveforms."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dlkit.data.audio.layers import Cepstrum, mel_centres
from dlkit.data.core.class_names import target_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from dlkit.data.core.record import Record

SIZE = (2.4, 2.0)
_BAND_LABELS = 4


def draw_example(axis: Axes, example: np.ndarray, target: np.ndarray, data: Record) -> None:
    """Draw a spectrogram `(frames, bands, 1)` or a waveform `(samples, 1)` and its class."""
    # Sounds come from files, and are prepared.
    decoder = data.decoding.layers[-1]  # type: ignore[union-attr]
    prepared = data.preprocessing.layers  # type: ignore[union-attr]
    seconds = decoder.samples / decoder.sample_rate
    if example.ndim == 2:
        axis.plot(np.linspace(0, seconds, len(example)), example[:, 0], linewidth=0.5)
        axis.set_ylabel("standard deviations", fontsize=6)
    else:
        # Time goes right and frequency up, as sound is drawn everywhere.
        axis.imshow(
            example[:, :, 0].T,
            origin="lower",
            aspect="auto",
            extent=(0, seconds, -0.5, example.shape[1] - 0.5),
        )
        cepstrum = any(isinstance(layer, Cepstrum) for layer in prepared)
        _label_bands(axis, example.shape[1], None if cepstrum else decoder.sample_rate)
    axis.set_xlabel("seconds", fontsize=6)
    axis.tick_params(labelsize=6)
    axis.set_title(target_text(data, target), fontsize=8)


def _label_bands(axis: Axes, bands: int, sample_rate: int | None) -> None:
    """Label the bands by their frequencies; without a sample rate they are coefficients."""
    if sample_rate is None:
        axis.set_ylabel("coefficient", fontsize=6)
        axis.locator_params(axis="y", integer=True)
        return
    centres = mel_centres(bands, sample_rate)
    shown = np.linspace(0, bands - 1, _BAND_LABELS).round().astype(int)
    axis.set_yticks(shown, [f"{centres[band]:.0f}" for band in shown])
    axis.set_ylabel("Hz", fontsize=6)
