"""Augmentation of series: against NumPy's interpolation, and stateless."""

import numpy as np
import pytest
import tensorflow as tf

import dlkit as dk
from dlkit.data.sequence import augment
from dlkit.errors import InputError
from tests.data.arrays.test_from_arrays import batches

SEED = tf.constant([1, 2])


def test_a_warped_window_passes_its_part_faster_or_slower():
    inputs = np.random.default_rng(0).normal(size=(2, 41, 1)).astype(np.float32)
    rates, start, amount = np.array([[2.0], [0.5]]), np.array([[0.25], [0.6]]), 0.3
    changed = augment.warp_by(
        tf.constant(inputs), tf.constant(rates, tf.float32), tf.constant(start, tf.float32), amount
    )
    for row in range(2):
        first, rate = start[row, 0], rates[row, 0]
        corners = [0, first, first + amount / rate, 1 - amount + amount / rate]
        times = np.linspace(0, corners[-1], 41)
        places = 40 * np.interp(times, corners, [0, first, first + amount, 1])
        expected = np.interp(places, np.arange(41), inputs[row, :, 0])
        np.testing.assert_allclose(changed[row, :, 0], expected, atol=1e-4)


def test_the_recipes_do_as_much_as_told():
    ones = tf.ones([300, 20, 2])
    noisy = augment.jitter(ones, SEED, 0.2).numpy()
    assert noisy.mean() == pytest.approx(1, abs=0.01) and noisy.std() == pytest.approx(
        0.2, abs=0.01
    )
    scaled = augment.scaling(ones, SEED, 0.3).numpy()
    np.testing.assert_array_equal(scaled.min(axis=1), scaled.max(axis=1))
    assert scaled[:, 0].std() == pytest.approx(0.3, abs=0.03)
    rising = tf.tile(tf.linspace(0.0, 1.0, 50)[tf.newaxis, :, tf.newaxis], [100, 1, 3])
    warped = augment.warp(rising, SEED, 0.4).numpy()
    np.testing.assert_allclose(warped[:, [0, -1]], rising.numpy()[:, [0, -1]], atol=1e-5)
    assert (np.diff(warped, axis=1) >= -1e-6).all()
    middle = warped[:, 25, 0]
    assert middle.min() < 0.45 and middle.max() > 0.55


def test_the_same_seed_does_the_same_and_another_another():
    apply, inputs = (
        augment.resolve_series_augmentation("strong"),
        tf.random.stateless_normal([4, 9, 2], SEED),
    )
    np.testing.assert_array_equal(apply(inputs, SEED), apply(inputs, SEED))
    assert np.any(apply(inputs, SEED) != apply(inputs, SEED + 1))
    assert augment.resolve_series_augmentation(None) is None
    assert augment.resolve_series_augmentation(lambda x, seed: x + 1)(1, SEED) == 2
    with pytest.raises(InputError, match=r"'wrap'\. Did you mean 'warp'"):
        augment.resolve_series_augmentation("wrap")


def test_sequences_with_a_class_each_are_augmented_alike():
    """As sensors that are worn: `from_arrays` on floats (n, steps, features)."""
    x = np.random.default_rng(0).normal(size=(60, 20, 3)) * [1, 10, 100]
    y = np.arange(60) % 2
    options = {"batch_size": 16, "seed": 3}
    plain, scaled = (
        dk.data.from_arrays(x, y, augment=augment, **options) for augment in (None, "scaling")
    )
    (inputs, labels), (changed, same) = batches(plain.train), batches(scaled.train)
    np.testing.assert_array_equal(labels, same)
    factors = changed / inputs
    np.testing.assert_allclose(factors.min(axis=1), factors.max(axis=1), rtol=1e-3)
    assert 0.05 < factors[:, 0].std() < 0.15
    np.testing.assert_array_equal(batches(plain.val)[0], batches(scaled.val)[0])
    with pytest.raises(InputError, match=r"Each step of augment.*'flip'"):
        dk.data.from_arrays(x, y, augment="flip", **options)
