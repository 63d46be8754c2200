"""Each recipe against plain NumPy, or a property that tells it exactly."""

import numpy as np
import pytest
import tensorflow as tf

from dlkit.data.image import geometry, recipes
from dlkit.errors import InputError

IMAGES = np.random.default_rng(0).normal(size=(64, 10, 20, 2)).astype(np.float32)
COLOUR = np.random.default_rng(1).normal(size=(64, 6, 8, 3)).astype(np.float32)
SEED = tf.constant([3, 4])


def test_flip_mirrors_about_half_and_leaves_the_rest():
    flipped = recipes.flip(IMAGES, SEED).numpy()
    mirrored = [np.array_equal(new, old[:, ::-1]) for new, old in zip(flipped, IMAGES, strict=True)]
    kept = [np.array_equal(new, old) for new, old in zip(flipped, IMAGES, strict=True)]
    assert all(a != b for a, b in zip(mirrored, kept, strict=True))
    assert 16 <= sum(mirrored) <= 48


def test_shift_moves_each_image_by_up_to_a_tenth_and_repeats_the_edge():
    moves = set()
    for new, old in zip(recipes.shift(IMAGES, SEED).numpy(), IMAGES, strict=True):
        padded = np.pad(old, ((1, 1), (2, 2), (0, 0)), mode="edge")
        found = [
            (down, right)
            for down in range(3)
            for right in range(5)
            if np.array_equal(new, padded[down : down + 10, right : right + 20])
        ]
        assert len(found) == 1
        moves.add(found[0])
    assert moves == {(down, right) for down in range(3) for right in range(5)}


def test_brightness_and_contrast_change_one_number_an_image():
    lighter = recipes.brightness(IMAGES, SEED, 0.3).numpy() - IMAGES
    np.testing.assert_allclose(lighter.std(axis=(1, 2, 3)), 0, atol=1e-6)
    added = lighter.mean(axis=(1, 2, 3))
    assert -0.3 <= added.min() < -0.2 and 0.2 < added.max() <= 0.3
    scaled = recipes.contrast(IMAGES, SEED, 0.3).numpy()
    axes = (1, 2, 3)
    np.testing.assert_allclose(scaled.mean(axes), IMAGES.mean(axes), atol=1e-6)
    factors = scaled.std(axes) / IMAGES.std(axes)
    assert 0.7 <= factors.min() < 0.8 and 1.2 < factors.max() <= 1.3


def test_cutout_sets_one_square_to_zero():
    cut = recipes.cutout(IMAGES, SEED, 0.4).numpy()
    centres = set()
    for new, old in zip(cut, IMAGES, strict=True):
        rows, columns = np.nonzero((new == 0).all(axis=-1))
        top, left = rows.min(), columns.min()
        height, width = np.ptp(rows) + 1, np.ptp(columns) + 1
        assert 2 <= height <= 4 and 2 <= width <= 4  # 0.4 of 10, less what lies outside
        expected = old.copy()
        expected[top : top + height, left : left + width] = 0
        np.testing.assert_array_equal(new, expected)
        centres.add((top, left))
    assert len(centres) > 30


def test_crop_is_the_warp_of_its_matrix():
    matrices = geometry.crop_matrices(tf.shape(IMAGES), SEED, 0.6)
    np.testing.assert_allclose(recipes.crop(IMAGES, SEED, 0.6), geometry.warp(IMAGES, matrices))


def test_saturation_scales_the_distance_from_grey():
    grey = COLOUR.mean(axis=3, keepdims=True)
    changed = recipes.saturation(COLOUR, SEED, 0.5).numpy()
    np.testing.assert_allclose(changed.mean(axis=3, keepdims=True), grey, atol=1e-6)
    factors = ((changed - grey) / (COLOUR - grey)).reshape(64, -1)
    np.testing.assert_allclose(
        factors, np.median(factors, 1, keepdims=True) * np.ones(144), rtol=0.01
    )
    assert 0.5 <= factors.min() < 0.6 and 1.4 < factors.max() <= 1.51


def test_hue_turns_about_the_greys_and_a_third_of_a_turn_moves_channels():
    third = recipes._turns(tf.constant([2 * np.pi / 3], tf.float32)).numpy()[0]
    np.testing.assert_allclose(third @ [1, 2, 3], [3, 1, 2], atol=1e-6)  # red is green now
    changed = recipes.hue(COLOUR, SEED, 40.0).numpy()
    np.testing.assert_allclose(changed.mean(axis=3), COLOUR.mean(axis=3), atol=1e-6)
    np.testing.assert_allclose((changed**2).sum(axis=3), (COLOUR**2).sum(axis=3), rtol=1e-4)
    chroma = [values - values.mean(axis=3, keepdims=True) for values in (COLOUR, changed)]
    cosines = (chroma[0] * chroma[1]).sum(axis=3) / (chroma[0] ** 2).sum(axis=3)
    angles = np.degrees(np.arccos(np.clip(np.median(cosines, axis=(1, 2)), -1, 1)))
    assert angles.max() <= 40.1 and angles.max() > 35 and angles.min() < 5


def test_hue_leaves_grey_alone_and_refuses_other_channels():
    grey = COLOUR[..., :1]
    np.testing.assert_array_equal(recipes.hue(grey, SEED), grey)
    with pytest.raises(InputError, match=r"3 channels\. Received 2; leave 'hue' out of augment"):
        recipes.hue(IMAGES, SEED)


def test_noise_has_a_deviation_of_its_own_in_each_image():
    added = recipes.noise(np.zeros((200, 30, 30, 1), np.float32), SEED, 0.4).numpy()
    np.testing.assert_allclose(added.mean(axis=(1, 2, 3)), 0, atol=0.06)
    deviations = np.sort(added.std(axis=(1, 2, 3)))
    np.testing.assert_allclose(deviations, np.linspace(0, 0.4, 200), atol=0.06)  # uniform


@pytest.mark.parametrize("name", ["flip", "brightness", "contrast", "saturation", "hue", "cutout"])
def test_an_amount_for_each_image_is_that_of_the_image(name):
    recipe = recipes.RECIPES[name]
    amount = {"flip": 1.0, "hue": 30.0}.get(name, 0.5)
    amounts = np.where(np.arange(64) % 2, amount, 0).astype(np.float32)
    changed = recipe(COLOUR, SEED, tf.constant(amounts)).numpy()
    np.testing.assert_allclose(changed[::2], COLOUR[::2], atol=1e-5)
    np.testing.assert_allclose(changed[1::2], recipe(COLOUR, SEED, amount)[1::2], atol=1e-6)
