"""Augmentation of sounds: measured on tones, and stateless."""

import numpy as np
import pytest
import tensorflow as tf

from dlkit.data.audio import augment
from dlkit.errors import InputError

RATE = 8000
SEED = tf.constant([1, 2])


def tones(*hertz, seconds=0.5):
    """Return a second of a tone of each pitch that ends after `seconds`."""
    time = np.arange(RATE) / RATE
    rows = [np.sin(2 * np.pi * pitch * time) * (time < seconds) for pitch in hertz]
    return tf.constant(np.stack(rows), tf.float32)


def measured(waveforms):
    """Return the pitch in Hz and the end in seconds of each sound."""
    found = []
    for row in np.asarray(waveforms):
        spectrum = np.abs(np.fft.rfft(row * np.hanning(len(row)), 1 << 16))
        loud = np.flatnonzero(np.abs(row) > 0.3)
        found.append((spectrum.argmax() * RATE / (1 << 16), (loud[-1] + 1) / RATE))
    return np.array(found).T


def test_a_stretched_tone_keeps_its_pitch_and_lasts_as_told():
    rates = tf.constant([1.0, 0.8, 1.25])
    changed = augment.stretch_by(tones(440, 440, 1000), rates, 0.8)
    assert changed.shape == (3, RATE)
    np.testing.assert_allclose(changed[0], tones(440)[0], atol=1e-5)
    pitches, ends = measured(changed)
    np.testing.assert_allclose(pitches, [440, 440, 1000], atol=2)
    np.testing.assert_allclose(ends, [0.5, 0.5 / 0.8, 0.5 / 1.25], atol=0.03)


def test_a_raised_tone_keeps_its_length():
    factors = np.array([2 ** (2 / 12), 2 ** (-3 / 12), 1.0], np.float32)
    changed = augment.pitch_by(tones(440, 1000, 700), tf.constant(factors), 2 ** (-3 / 12))
    assert changed.shape == (3, RATE)
    pitches, ends = measured(changed)
    np.testing.assert_allclose(pitches, factors * [440, 1000, 700], atol=3)
    np.testing.assert_allclose(ends, 0.5, atol=0.03)


def test_the_recipes_stay_within_their_amounts():
    waveforms = tones(*[500] * 40)
    pitches, ends = measured(augment.stretch(waveforms, SEED, 0.2))
    np.testing.assert_allclose(pitches, 500, atol=3)
    assert 0.5 / 1.2 - 0.03 < ends.min() < 0.45 and 0.55 < ends.max() < 0.5 / 0.8 + 0.03
    pitches, _ = measured(augment.pitch(waveforms, SEED, 2.0))
    semitones = 12 * np.log2(pitches / 500)
    assert -2.1 < semitones.min() < -1 and 1 < semitones.max() < 2.1
    moved = augment.shift(waveforms, SEED, 0.1).numpy()
    starts = (np.abs(moved) > 0).argmax(axis=1) / RATE
    assert 0.05 < starts.max() <= 0.101 and 0.39 < measured(moved)[1].min() < 0.5
    added = (augment.noise(waveforms, SEED, 0.5) - waveforms).numpy().std(axis=1)
    assert added.min() < 0.05 and 0.2 < added.max() < 0.26  # a tone of half a second has 0.5


def test_masks_hide_one_piece_of_frames_or_bands():
    ones = tf.ones([200, 20, 10, 1])
    for recipe, axis in ((augment.time_mask, 1), (augment.frequency_mask, 2)):
        masked = recipe(ones, SEED, 0.3).numpy()[..., 0]
        np.testing.assert_array_equal(masked.min(axis=3 - axis), masked.max(axis=3 - axis))
        hidden = masked.min(axis=3 - axis) == 0  # (rows, frames or bands)
        assert set(hidden.sum(axis=1)) == set(range(int(0.3 * ones.shape[axis]) + 1))
        pieces = np.abs(np.diff(np.pad(hidden, [(0, 0), (1, 1)]).astype(int), axis=1)).sum(axis=1)
        assert pieces.max() == 2  # where it begins and where it ends
        assert hidden.any(axis=0).all()


def test_the_same_seed_does_the_same_and_another_another():
    raw, spectral = augment.resolve_sound_augmentation("strong", "log_mel")
    for apply, inputs in ((raw, tones(300, 600)), (spectral, tf.ones([2, 20, 10, 1]))):
        once, again = apply(inputs, SEED), apply(inputs, SEED)
        np.testing.assert_array_equal(once, again)
        assert np.any(once != apply(inputs, SEED + 1))


def test_levels_do_what_fits_the_features():
    assert augment.resolve_sound_augmentation(None, "log_mel") == (None, None)
    raw, spectral = augment.resolve_sound_augmentation("light", "waveform")
    assert raw is not None and spectral is None
    raw, spectral = augment.resolve_sound_augmentation(["time_mask"], "mfcc")
    assert raw is None and spectral is not None
    own = augment.resolve_sound_augmentation(lambda x, seed: x, "waveform")
    assert own[0] is None and own[1](3, SEED) == 3


def test_a_mask_on_waveforms_is_refused():
    with pytest.raises(InputError, match=r"\['time_mask'\] masks spectrograms, and features='wav"):
        augment.resolve_sound_augmentation(["time_mask"], "waveform")
