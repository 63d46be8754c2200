"""Drawings of sounds: what stands on their axes."""

import numpy as np
import pytest

import dlkit as dk
from tests.data.audio.test_from_files import OPTIONS, tones  # noqa: F401


@pytest.fixture
def show(tones):  # noqa: F811
    return lambda count, drawn=None, **options: dk.data.from_audio_folder(
        tones, **OPTIONS, **options
    ).show(count=count, **(drawn or {}))


def test_a_spectrogram_shows_seconds_and_hertz(show):
    axes = show(2).axes
    for axis in axes:
        assert axis.get_xlabel() == "seconds" and axis.get_ylabel() == "Hz"
        np.testing.assert_allclose(axis.get_xlim(), (0, 0.1))
        (picture,) = axis.images
        assert picture.get_array().shape == (40, 5) and picture.origin == "lower"
        assert axis.get_title() in ("low", "high")
        labels = [int(label.get_text()) for label in axis.get_yticklabels()]
        assert labels == sorted(labels) and labels[-1] < 4000


def test_coefficients_and_waveforms_have_axes_of_their_own(show):
    (axis,) = show(1, features="mfcc").axes
    assert axis.get_ylabel() == "coefficient" and axis.images[0].get_array().shape == (20, 5)
    (axis,) = show(1, features="waveform").axes
    (line,) = axis.lines
    assert len(line.get_ydata()) == 800 and line.get_xdata()[-1] == pytest.approx(0.1)


def test_each_sound_is_drawn_beside_its_augmented_self(show):
    plain, changed = show(1, {"augmented": True}, augment={"noise": 0.5}).axes
    assert changed.get_title() == "augmented"
    difference = changed.images[0].get_array() - plain.images[0].get_array()
    assert difference.mean() > 0.5  # noise fills the bands in which nothing was
