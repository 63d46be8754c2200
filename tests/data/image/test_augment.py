"""Augmentation against plain NumPy."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from dlkit.data.core.targets import Targets
from dlkit.data.image import augment, geometry, recipes
from dlkit.errors import InputError

IMAGES = np.random.default_rng(0).normal(size=(64, 10, 20, 2)).astype(np.float32)
SEED = tf.constant([3, 4])


def test_a_keras_layer_and_a_function_can_augment():
    layer = keras.layers.RandomFlip("horizontal", seed=1)
    assert augment.resolve_image_augmentation(layer)(IMAGES, SEED).shape == IMAGES.shape
    doubled = augment.resolve_image_augmentation(lambda images, seed: images * 2)(IMAGES, SEED)
    np.testing.assert_array_equal(doubled, IMAGES * 2)


def test_rotate_and_zoom_are_the_warps_of_their_matrices():
    for name, amount in (("rotate", 15.0), ("zoom", 0.15)):
        matrices = geometry.MOVES[name](tf.shape(IMAGES), SEED, amount)
        moved = augment.resolve_image_augmentation(name)(IMAGES, SEED)
        np.testing.assert_allclose(moved, geometry.warp(IMAGES, matrices), atol=1e-5)
        assert np.abs(moved - IMAGES).max() > 0.1


def test_flip_and_shift_together_keep_whole_pixels():
    moved = augment.resolve_image_augmentation("light")(IMAGES, SEED).numpy()
    for new, old in zip(moved, IMAGES, strict=True):
        assert np.isin(new, old).all()


def test_with_a_rotation_the_moves_are_fused_and_the_colours_follow():
    steps = {"flip": 0.5, "brightness": 0.2, "rotate": 20, "shift": 0.1}
    seeds = tf.random.split(SEED, 4)
    moves = {"flip": 0.5, "rotate": 20, "shift": 0.1}
    expected = recipes.brightness(geometry.move(IMAGES, seeds, moves), seeds[3], 0.2)
    np.testing.assert_allclose(
        augment.resolve_image_augmentation(steps)(IMAGES, SEED), expected, atol=1e-6
    )


@pytest.mark.parametrize("level", augment.LEVELS)
def test_each_level_repeats_itself_and_follows_its_seed(level):
    change = augment.resolve_image_augmentation(level)
    first, again = change(IMAGES, SEED), change(IMAGES, SEED)
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - change(IMAGES, tf.constant([3, 5]))).max() > 0.1


def test_a_list_of_names_takes_their_usual_amounts():
    by_list = augment.resolve_image_augmentation(["zoom", "contrast"])(IMAGES, SEED)
    by_dict = augment.resolve_image_augmentation({"zoom": 0.15, "contrast": 0.2})(IMAGES, SEED)
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
        ({"crop": 1.0}, "amount of 'crop' must be a number of at least 0 and below 1. .*1.0"),
        ({"mixup": 0}, "amount of 'mixup' must be a number above 0. .*'mixup': 0"),
        ({"randaugment": 1.5}, r"magnitude from 0 to 1, or \(n, magnitude\).* Received: 1.5"),
        ({"randaugment": (9, 0.5)}, r"for n of its 8 recipes. Received: \(9, 0.5\)"),
        (3, "Each step of augment must be one of: .* Received: augment=3"),
    ],
)
def test_a_wrong_recipe_is_told_in_one_sentence(given, sentence):
    with pytest.raises(InputError, match=sentence):
        augment.resolve_image_augmentation(given)


def test_mixing_is_refused_where_targets_cannot_be_mixed():
    with pytest.raises(InputError, match=r"'cutmix' mixes .* task='detection' cannot be; leave"):
        augment.resolve_image_augmentation("cutmix", Targets(np.zeros(3), "detection", 3, None))


def test_randaugment_does_n_of_its_recipes_to_each_image(monkeypatch):
    """By their amounts: n are above 0 in each image, all at the magnitude, and none is favoured."""
    seen = {}

    def note(name, back):
        return lambda images, seed, amount: (seen.update({name: amount.numpy()}), back)[1]

    for name in augment.STRONGEST:
        monkeypatch.setitem(augment.RECIPES, name, note(name, IMAGES))
    moves = lambda images, seeds, amounts: (  # noqa: E731 - one expression, as above
        seen.update({name: amount.numpy() for name, amount in amounts.items()}),
        images,
    )[1]
    monkeypatch.setattr(geometry, "move", moves)
    images = np.repeat(IMAGES[..., :1], 3, axis=-1)
    augment.randaugment(images, SEED, (3, 0.25))
    assert set(seen) == set(augment.STRONGEST)
    table = np.stack([seen[name] / augment.STRONGEST[name] for name in seen])
    np.testing.assert_allclose(np.sort(table, axis=0)[-3:], 0.25, rtol=1e-6)
    assert (np.sort(table, axis=0)[:-3] == 0).all()
    assert (np.count_nonzero(table, axis=1) > 10).all()  # of 64 images, 24 expected
    seen.clear()
    augment.randaugment(IMAGES[..., :1], SEED, (8, 1.0))
    assert "hue" not in seen


def test_randaugment_of_magnitude_0_leaves_images_as_they_are():
    images = np.repeat(IMAGES[..., :1], 3, axis=-1)
    np.testing.assert_allclose(
        augment.resolve_image_augmentation({"randaugment": 0})(images, SEED), images, atol=1e-5
    )
    changed = augment.resolve_image_augmentation("randaugment")(images, SEED) - images
    assert (np.abs(changed).max(axis=(1, 2, 3)) > 0.05).mean() > 0.9
