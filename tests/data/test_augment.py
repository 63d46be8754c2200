"""Augmentation against plain NumPy."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from dlkit.data import augment
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


def test_an_unknown_recipe_names_the_known_ones():
    with pytest.raises(InputError, match=r"one of: flip, shift.*Did you mean 'flip'"):
        augment.resolve("flipp", 4)
