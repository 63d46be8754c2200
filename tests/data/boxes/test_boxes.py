"""Boxes against the pixels that they are painted around."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from dlkit.data.boxes import boxes
from dlkit.data.image import geometry
from dlkit.errors import InputError

HEIGHT, WIDTH = 60, 90
SEED = tf.constant([2, 9])


def painted(count, seed=0):
    """Return images with one rectangle of ones each, and their targets with room for 3 boxes."""
    rng = np.random.default_rng(seed)
    images, edges = np.zeros((count, HEIGHT, WIDTH, 1), np.float32), []
    for image in images:
        left, upper = rng.integers(3, WIDTH - 35), rng.integers(3, HEIGHT - 30)
        right, lower = left + rng.integers(8, 32), upper + rng.integers(8, 27)
        image[upper:lower, left:right] = 1
        edges.append([(left / WIDTH, upper / HEIGHT, right / WIDTH, lower / HEIGHT)])
    return images, boxes.pad(edges, [[i % 2] for i in range(count)], 3)


def bounds(image):
    """Return the edges of what is painted, in pixels."""
    rows, columns = np.nonzero(image[..., 0] > 0.3)
    return np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1])


@pytest.mark.parametrize(
    "steps",
    [
        {"flip": 1.0},
        {"shift": 0.3},
        {"rotate": 40},
        {"zoom": 0.5},
        {"crop": 0.6},
        {"flip": 0.5, "shift": 0.1, "rotate": 25, "zoom": 0.3, "crop": 0.3, "contrast": 0.01},
    ],
)
def test_a_box_stays_around_what_it_was_painted_around(steps):
    images, targets = painted(60)
    batch = boxes.resolve_box_augmentation(steps).change((images, targets), SEED)
    moved, found = batch[0].numpy(), batch[1]["boxes"].numpy()
    classes = batch[1]["classes"].numpy()
    kept = classes[:, 0] >= 0
    assert kept.sum() >= 30 and np.abs(moved - images).max() > 0.5
    np.testing.assert_array_equal(classes[kept, 0], targets["classes"][kept, 0])
    for image, box in zip(moved[kept], found[kept, 0], strict=True):
        edges = box * [WIDTH, HEIGHT, WIDTH, HEIGHT]
        seen = bounds(image)
        if ((box > 0) & (box < 1)).all():
            # Turned, a corner is a tip of less than half a pixel.
            np.testing.assert_allclose(edges, seen, atol=1.01)
        # The corner that a turned one lost outside is still within its box.
        assert (edges[:2] <= seen[:2] + 1.01).all() and (edges[2:] >= seen[2:] - 1.01).all()


def test_what_is_hardly_left_is_dropped_and_the_others_close_up():
    """Moved to the left by 45 pixels, half the width: by hand."""
    edges = [
        [(0.0, 0.0, 0.4, 0.5), (0.5, 0.25, 1.0, 0.75), (0.2, 0.0, 0.62, 1.0), (0.1, 0, 0.9, 1)]
    ]
    targets = boxes.pad(edges, [[1, 2, 0, 1]], 5)
    matrices = np.eye(3, dtype=np.float32)[np.newaxis].copy()
    matrices[0, 0, 2] = WIDTH / 2
    moved = boxes.move(targets, tf.constant(matrices), tf.constant([1, HEIGHT, WIDTH, 1]))
    # The first leaves; of the third a little more than a quarter stays, of the fourth a half.
    assert moved["classes"].numpy().tolist() == [[2, 0, 1, -1, -1]]
    expected = [(0, 0.25, 0.5, 0.75), (0, 0, 0.12, 1), (0, 0, 0.4, 1), (0, 0, 0, 0), (0, 0, 0, 0)]
    np.testing.assert_allclose(moved["boxes"][0], expected, atol=1e-6)
    matrices[0, 0, 2] = 0.53 * WIDTH
    moved = boxes.move(targets, tf.constant(matrices), tf.constant([1, HEIGHT, WIDTH, 1]))
    assert moved["classes"].numpy().tolist() == [[2, 1, -1, -1, -1]]


def test_less_than_a_pixel_is_no_box():
    targets = boxes.pad([[(0.5, 0.5, 0.52, 0.9)]], [[0]], 1)  # 1.8 pixels wide
    shape = tf.constant([1, HEIGHT, WIDTH, 1])
    out = np.diag([2.0, 2.0, 1.0]).astype(np.float32)[np.newaxis]  # half as large
    assert boxes.move(targets, tf.constant(out), shape)["classes"].numpy() == [[-1]]
    still = np.eye(3, dtype=np.float32)[np.newaxis]
    np.testing.assert_allclose(
        boxes.move(targets, tf.constant(still), shape)["boxes"], targets["boxes"], atol=1e-6
    )


def test_colours_leave_boxes_alone_and_weights_go_along():
    images, targets = painted(8)
    weights = tf.range(8)
    changed, same, beside = boxes.resolve_box_augmentation(["brightness", "noise"]).change(
        (images, targets, weights), SEED
    )
    assert np.abs(changed - images).max() > 0.05
    np.testing.assert_array_equal(same["boxes"], targets["boxes"])
    np.testing.assert_array_equal(beside, weights)


def test_padding_keeps_the_first_boxes():
    two = [(0.1, 0.1, 0.2, 0.2), (0.3, 0.3, 0.4, 0.4)]
    padded = boxes.pad([two, [], two[:1]], [[5, 6], [], [7]], 1)
    np.testing.assert_allclose(padded["boxes"][:, 0], [two[0], (0, 0, 0, 0), two[0]])
    assert padded["classes"].tolist() == [[5], [-1], [7]]


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"flip": 0.5, "mixup": 0.2}, "'mixup' cannot be used where there are boxes; leave"),
        ("randaugment", "'randaugment' cannot be used where there are boxes"),
        (lambda images, seed: images, "recipes by name where there are boxes.*<function"),
        (keras.layers.RandomFlip(), "recipes by name where there are boxes.*RandomFlip"),
        ("flop", "Did you mean 'flip'"),
    ],
)
def test_what_would_leave_boxes_behind_is_refused(given, sentence):
    with pytest.raises(InputError, match=sentence):
        boxes.resolve_box_augmentation(given)
    assert (
        boxes.resolve_box_augmentation(None) is None
        and boxes.resolve_box_augmentation(False) is None
    )


def test_the_matrices_are_those_of_the_warp():
    """Independent of any recipe: a shear, which no recipe does."""
    images, targets = painted(12, seed=4)
    shear = np.eye(3, dtype=np.float32)
    shear[0, 1] = 0.3
    matrices = tf.constant(np.repeat(shear[np.newaxis], 12, axis=0))
    moved = geometry.warp(images, matrices).numpy()
    found = boxes.move(targets, matrices, tf.shape(images))
    for image, box, kind in zip(moved, found["boxes"], found["classes"], strict=True):
        edges = box[0].numpy() * [WIDTH, HEIGHT, WIDTH, HEIGHT]
        assert kind[0] >= 0
        np.testing.assert_allclose(edges, bounds(image), atol=1.6)  # thin tips
