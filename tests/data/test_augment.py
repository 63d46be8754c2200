"""Augmentation against plain NumPy."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from dlkit.data import augment, geometry
from dlkit.errors import InputError

IMAGES = np.random.default_rng(0).normal(size=(64, 10, 20, 2)).astype(np.float32)
SEED = tf.constant([3, 4])


def test_flip_mirrors_about_half_and_leaves_the_rest():
    flipped = augment.flip(IMAGES, SEED).numpy()
    mirrored = [np.array_equal(new, old[:, ::-1]) for new, old in zip(flipped, IMAGES, strict=True)]
    kept = [np.array_equal(new, old) for new, old in zip(flipped, IMAGES, strict=True)]
    assert all(a != b for a, b in zip(mirrored, kept, strict=True))
    assert 16 <= sum(mirrored) <= 48


def test_shift_moves_each_image_by_up_to_a_tenth_and_repeats_the_edge():
    moves = set()
    for new, old in zip(augment.shift(IMAGES, SEED).numpy(), IMAGES, strict=True):
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


def test_a_keras_layer_and_a_function_can_augment():
    layer = keras.layers.RandomFlip("horizontal", seed=1)
    assert augment.resolve(layer, 4)(IMAGES, SEED).shape == IMAGES.shape
    doubled = augment.resolve(lambda images, seed: images * 2, 4)(IMAGES, SEED)
    np.testing.assert_array_equal(doubled, IMAGES * 2)


def test_rotate_and_zoom_are_the_warps_of_their_matrices():
    for name, amount in (("rotate", 15.0), ("zoom", 0.15)):
        matrices = geometry.MOVES[name](tf.shape(IMAGES), SEED, amount)
        moved = augment.resolve(name, 4)(IMAGES, SEED)
        np.testing.assert_allclose(moved, geometry.warp(IMAGES, matrices), atol=1e-5)
        assert np.abs(moved - IMAGES).max() > 0.1


def test_brightness_and_contrast_change_one_number_an_image():
    lighter = augment.brightness(IMAGES, SEED, 0.3).numpy() - IMAGES
    np.testing.assert_allclose(lighter.std(axis=(1, 2, 3)), 0, atol=1e-6)
    added = lighter.mean(axis=(1, 2, 3))
    assert -0.3 <= added.min() < -0.2 and 0.2 < added.max() <= 0.3
    scaled = augment.contrast(IMAGES, SEED, 0.3).numpy()
    axes = (1, 2, 3)
    np.testing.assert_allclose(scaled.mean(axes), IMAGES.mean(axes), atol=1e-6)
    factors = scaled.std(axes) / IMAGES.std(axes)
    assert 0.7 <= factors.min() < 0.8 and 1.2 < factors.max() <= 1.3


def test_cutout_sets_one_square_to_zero():
    cut = augment.cutout(IMAGES, SEED, 0.4).numpy()
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


def test_flip_and_shift_together_keep_whole_pixels():
    moved = augment.resolve("light", 4)(IMAGES, SEED).numpy()
    for new, old in zip(moved, IMAGES, strict=True):
        assert np.isin(new, old).all()


def test_with_a_rotation_the_moves_are_fused_and_the_colours_follow():
    steps = {"flip": 0.5, "brightness": 0.2, "rotate": 20, "shift": 0.1}
    seeds = tf.random.split(SEED, 4)
    moves = {"flip": 0.5, "rotate": 20, "shift": 0.1}
    expected = augment.brightness(geometry.move(IMAGES, seeds, moves), seeds[3], 0.2)
    np.testing.assert_allclose(augment.resolve(steps, 4)(IMAGES, SEED), expected, atol=1e-6)


@pytest.mark.parametrize("level", augment.LEVELS)
def test_each_level_repeats_itself_and_follows_its_seed(level):
    change = augment.resolve(level, 4)
    first, again = change(IMAGES, SEED), change(IMAGES, SEED)
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - change(IMAGES, tf.constant([3, 5]))).max() > 0.1


def test_a_list_of_names_takes_their_usual_amounts():
    by_list = augment.resolve(["zoom", "contrast"], 4)(IMAGES, SEED)
    by_dict = augment.resolve({"zoom": 0.15, "contrast": 0.2}, 4)(IMAGES, SEED)
    np.testing.assert_array_equal(by_list, by_dict)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ("flipp", r"one of: flip, shift.*strong\..*Did you mean 'flip'"),
        (["flip", "rotat"], "Each step of augment must be one of: flip.* Did you mean 'rotate'"),
        ({"rotate": -5}, "amount of 'rotate' must be a number of at least 0. .*-5"),
        ({"zoom": 1}, "amount of 'zoom' must be a number of at least 0 and below 1"),
        ({"flip": "often"}, "amount of 'flip' must be a number.*often"),
        ([], r"augment=\[\] names no step"),
        (3, "Each step of augment must be one of: .* Received: .*=3"),
    ],
)
def test_a_wrong_recipe_is_told_in_one_sentence(given, sentence):
    with pytest.raises(InputError, match=sentence):
        augment.resolve(given, 4)
