"""Augmentation of sounds, stateless: the same sounds and seed give the same result.

    waveforms -> stretched in time -> pitch -> shift -> noise -> the preprocessing
              -> spectrograms -> masks in time and in frequency (SpecAugment)

What a microphone or a speaker changes is done to waveforms, before the preprocessing; masks belong
on standardised spectrograms, where 0 is the mean.

References: Flanagan & Golden 1966 (phase vocoder); Park et al. 2019 (SpecAugment,
arXiv:1904.08779).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import tensorflow as tf

from dlkit.data.core.augmentation import (
    Augmentation,
    chain_recipes,
    default_amounts,
    own_augmentation,
    read_steps,
)
from dlkit.errors import InputError

_FRAME, _HOP = 512, 128  # of the phase vocoder


def stretch(waveforms: tf.Tensor, seed: tf.Tensor, amount: float = 0.15) -> tf.Tensor:
    """Play each waveform (B, samples) up to `amount` faster or slower at its own pitch."""
    rates = tf.random.stateless_uniform([tf.shape(waveforms)[0]], seed, 1 - amount, 1 + amount)
    return stretch_by(waveforms, rates, 1 - amount)


def pitch(waveforms: tf.Tensor, seed: tf.Tensor, amount: float = 2.0) -> tf.Tensor:
    """Raise or lower each waveform (B, samples) by up to `amount` semitones at its own speed."""
    semitones = tf.random.stateless_uniform([tf.shape(waveforms)[0]], seed, -amount, amount)
    factors = tf.pow(2.0, semitones / 12)
    return pitch_by(waveforms, factors, 2 ** (-amount / 12))


def noise(waveforms: tf.Tensor, seed: tf.Tensor, amount: float = 0.1) -> tf.Tensor:
    """Add white noise of up to `amount` of each waveform's own loudness (its root mean square)."""
    seeds = tf.random.split(seed, 2)
    shape = tf.shape(waveforms)
    loudness = tf.sqrt(tf.reduce_mean(tf.square(waveforms), axis=1, keepdims=True))
    part = tf.random.stateless_uniform([shape[0], 1], seeds[0], 0, amount)
    return waveforms + part * loudness * tf.random.stateless_normal(shape, seeds[1])


def shift(waveforms: tf.Tensor, seed: tf.Tensor, amount: float = 0.1) -> tf.Tensor:
    """Move each waveform (B, samples) by up to `amount` of its length; silence moves in."""
    shape = tf.shape(waveforms)
    reach = tf.cast(tf.cast(shape[1], tf.float32) * amount, tf.int32)
    moves = tf.random.stateless_uniform([shape[0], 1], seed, -reach, reach + 1, tf.int32)
    return _at(waveforms, tf.range(shape[1])[tf.newaxis] - moves)


def time_mask(spectrograms: tf.Tensor, seed: tf.Tensor, amount: float = 0.2) -> tf.Tensor:
    """Set up to `amount` of the frames of each (B, frames, bands, 1), in one piece, to 0."""
    return _masked(spectrograms, seed, amount, axis=1)


def frequency_mask(spectrograms: tf.Tensor, seed: tf.Tensor, amount: float = 0.2) -> tf.Tensor:
    """Set up to `amount` of the bands of each (B, frames, bands, 1), in one piece, to 0."""
    return _masked(spectrograms, seed, amount, axis=2)


Recipes = Mapping[str, Callable[..., tf.Tensor]]
RAW: Recipes = {"stretch": stretch, "pitch": pitch, "shift": shift, "noise": noise}
SPECTRAL: Recipes = {"time_mask": time_mask, "frequency_mask": frequency_mask}
AMOUNTS = default_amounts({**RAW, **SPECTRAL})
LEVELS: dict[str, dict[str, float]] = {
    "light": {"shift": 0.05, "time_mask": 0.1, "frequency_mask": 0.1},
    "medium": {"shift": 0.1, "noise": 0.1, "time_mask": 0.2, "frequency_mask": 0.2},
    "strong": {
        **{"stretch": 0.15, "pitch": 2.0, "shift": 0.1, "noise": 0.2},
        **{"time_mask": 0.25, "frequency_mask": 0.25},
    },
}


def resolve_sound_augmentation(
    augment: Any, features: str
) -> tuple[Augmentation | None, Augmentation | None]:
    """Return what is done to waveforms, and what to the network's input; each may be `None`.

    Args:
        augment: A level, a recipe's name, a list of names, a dict of name and amount, or a Keras
            layer or function for the network's input.
        features: What the preprocessing makes of waveforms; masks need `"log_mel"` or `"mfcc"`.

    Raises:
        InputError: for anything else, or a mask on waveforms.
    """
    if function := own_augmentation(augment):
        return None, function
    steps = read_steps(augment, AMOUNTS, LEVELS)
    masks = {name: steps[name] for name in SPECTRAL if name in steps}
    if masks and features == "waveform":
        if not (isinstance(augment, str) and augment in LEVELS):
            raise InputError(
                f"augment={augment!r} masks spectrograms, and features='waveform' makes none; leave"
                f" {', '.join(masks)} out, or give features='log_mel'."
            )
        masks = {}  # a level does what fits
    raw = {name: steps[name] for name in RAW if name in steps}
    return chain_recipes(raw, RAW), chain_recipes(masks, SPECTRAL)


def stretch_by(
    waveforms: tf.Tensor, rates: tf.Tensor, slowest: float, *, whole: bool = False
) -> tf.Tensor:
    """Return waveforms (B, samples) played `rates` (B,) times as fast, at their own pitch.

    A phase vocoder: frames of the spectrum are read off at another speed, and each frequency's
    phase goes on as its own speed says.

    Args:
        waveforms: The sounds.
        rates: Their speeds.
        slowest: The lowest speed that there may be.
        whole: Whether slowed sounds keep their ends, which makes the result longer.
    """
    samples = waveforms.shape[1]
    length = math.ceil(samples / slowest) if whole else samples
    padded = tf.pad(waveforms, [[0, 0], [_FRAME, _FRAME]])
    spectrum = tf.signal.stft(padded, _FRAME, _HOP)  # (B, frames, bins)
    count = tf.shape(spectrum)[1]
    # Read off at `places`, in frames of the sound, once for each frame of the result; sounds start
    # where they start, behind the silence that was put there.
    silence = _FRAME // _HOP
    frames = tf.range((length + 2 * _FRAME - _FRAME) // _HOP + 1, dtype=tf.float32) - silence
    places = frames * rates[:, tf.newaxis] + silence
    first = tf.cast(tf.floor(places), tf.int32)
    one, two = (
        tf.gather(spectrum, tf.clip_by_value(first + step, 0, count - 1), axis=1, batch_dims=1)
        for step in (0, 1)
    )
    part = (places - tf.floor(places))[:, :, tf.newaxis]
    inside = ((first >= 0) & (first < count - 1))[:, :, tf.newaxis]
    magnitude = tf.where(inside, (1 - part) * tf.abs(one) + part * tf.abs(two), 0.0)
    turns = tf.math.angle(two) - tf.math.angle(one)
    phase = tf.math.angle(one[:, :1]) + tf.cumsum(turns, axis=1, exclusive=True)
    changed = tf.complex(magnitude * tf.cos(phase), magnitude * tf.sin(phase))
    window = tf.signal.inverse_stft_window_fn(_HOP)
    sound = tf.signal.inverse_stft(changed, _FRAME, _HOP, window_fn=window)
    return tf.ensure_shape(sound[:, _FRAME : _FRAME + length], (None, length))


def pitch_by(waveforms: tf.Tensor, factors: tf.Tensor, lowest: float) -> tf.Tensor:
    """Return waveforms (B, samples) with all frequencies times `factors` (B,), `lowest` or more.

    They are played slower at their own pitch, and then faster, pitch and all. Between samples lies
    the cubic through the four around (Catmull & Rom 1974).
    """
    slowed = stretch_by(waveforms, 1 / factors, lowest, whole=True)  # the higher, the slower
    places = tf.range(waveforms.shape[1], dtype=tf.float32) * factors[:, tf.newaxis]
    first = tf.cast(tf.floor(places), tf.int32)
    x = places - tf.floor(places)
    a, b, c, d = (_at(slowed, first + step) for step in (-1, 0, 1, 2))
    bend = 2 * a - 5 * b + 4 * c - d + x * (3 * (b - c) + d - a)
    return b + 0.5 * x * (c - a + x * bend)


def _at(waveforms: tf.Tensor, places: tf.Tensor) -> tf.Tensor:
    """Return the samples at `places` (B, n) of waveforms (B, samples), and silence beyond."""
    last = tf.shape(waveforms)[1] - 1
    found = tf.gather(waveforms, tf.clip_by_value(places, 0, last), axis=1, batch_dims=1)
    return tf.where((places >= 0) & (places <= last), found, 0.0)


def _masked(inputs: tf.Tensor, seed: tf.Tensor, amount: float, axis: int) -> tf.Tensor:
    seeds = tf.random.split(seed, 2)
    rows, size = tf.shape(inputs)[0], tf.shape(inputs)[axis]
    widest = tf.cast(tf.cast(size, tf.float32) * amount, tf.int32)
    width = tf.random.stateless_uniform([rows, 1], seeds[0], 0, widest + 1, tf.int32)
    start = tf.random.stateless_uniform([rows, 1], seeds[1])
    first = tf.cast(start * tf.cast(size - width + 1, tf.float32), tf.int32)
    places = tf.range(size)[tf.newaxis]
    hidden = (places >= first) & (places < first + width)  # (B, size)
    shape = [rows, size, 1, 1] if axis == 1 else [rows, 1, size, 1]
    return tf.where(tf.reshape(hidden, shape), tf.zeros([], inputs.dtype), inputs)
