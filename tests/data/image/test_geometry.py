"""Moves of images: against SciPy, TensorFlow's own kernel, and pixels by hand."""

import math

import numpy as np
import pytest
import tensorflow as tf
from scipy import ndimage

from dlkit.data.image import geometry

SEED = tf.constant([3, 4])
IMAGES = np.random.default_rng(0).normal(size=(6, 9, 14, 3)).astype(np.float32)


def by_scipy(images, matrices):
    """Warp as `scipy.ndimage.affine_transform` does, which takes (row, column) coordinates."""
    height, width = images.shape[1:3]
    centre = np.array([(height - 1) / 2, (width - 1) / 2])
    result = np.empty_like(images)
    for image, matrix, out in zip(images, matrices, result, strict=True):
        linear = matrix[:2, :2][::-1, ::-1]
        offset = centre + matrix[:2, 2][::-1] - linear @ centre
        for channel in range(images.shape[3]):
            out[..., channel] = ndimage.affine_transform(
                image[..., channel], linear, offset, order=1, mode="nearest"
            )
    return result


@pytest.mark.parametrize(
    ("name", "amount"),
    [("flip", 0.5), ("shift", 0.3), ("rotate", 50.0), ("zoom", 0.4), ("crop", 0.7)],
)
def test_each_move_is_scipys(name, amount):
    matrices = geometry.MOVES[name](tf.shape(IMAGES), SEED, amount)
    np.testing.assert_allclose(
        geometry.warp(IMAGES, matrices), by_scipy(IMAGES, matrices.numpy()), atol=2e-5
    )


def test_several_moves_in_one_warp_are_the_product_of_their_matrices():
    amounts = {"flip": 0.5, "shift": 0.2, "rotate": 30.0, "zoom": 0.3}
    seeds = tf.random.split(SEED, 4)
    shape = tf.shape(IMAGES)
    product = np.eye(3)
    for (name, amount), seed in zip(amounts.items(), seeds, strict=True):
        product = product @ geometry.MOVES[name](shape, seed, amount).numpy().astype(np.float64)
    moved = geometry.move(IMAGES, seeds, amounts)
    np.testing.assert_allclose(moved, by_scipy(IMAGES, product), atol=5e-5)


def test_the_warp_is_that_of_tensorflows_kernel():
    matrices = geometry.rotate_matrices(tf.shape(IMAGES), SEED, 40.0).numpy()
    centre = np.array([[1, 0, 6.5], [0, 1, 4], [0, 0, 1]])
    moved = centre @ matrices @ np.linalg.inv(centre)
    kernels = tf.raw_ops.ImageProjectiveTransformV3(
        images=IMAGES,
        transforms=moved.reshape(-1, 9)[:, :8].astype(np.float32),
        output_shape=[9, 14],
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode="NEAREST",
    )
    np.testing.assert_allclose(geometry.warp(IMAGES, matrices), kernels, atol=2e-5)


def test_quarter_turn_and_half_pixel_by_hand():
    image = np.array([[1, 2], [3, 4]], np.float32).reshape(1, 2, 2, 1)
    turn = np.array([[[0, -1, 0], [1, 0, 0], [0, 0, 1]]], np.float32)
    np.testing.assert_allclose(geometry.warp(image, turn)[0, :, :, 0], [[2, 4], [1, 3]])
    half = np.array([[[1, 0, 0.5], [0, 1, 0], [0, 0, 1]]], np.float32)
    np.testing.assert_allclose(geometry.warp(image, half)[0, :, :, 0], [[1.5, 2], [3.5, 4]])


def test_the_drawn_amounts_fill_their_ranges():
    shape = tf.constant([4000, 10, 20, 1])
    turned = geometry.rotate_matrices(shape, SEED, 15.0).numpy()
    angles = np.degrees(np.arctan2(turned[:, 1, 0], turned[:, 0, 0]))
    np.testing.assert_allclose([angles.min(), angles.max()], [-15, 15], atol=0.1)
    np.testing.assert_allclose(np.linalg.det(turned), 1, atol=1e-5)
    parts = geometry.zoom_matrices(shape, SEED, 0.2).numpy()[:, 0, 0]
    np.testing.assert_allclose([parts.min(), parts.max()], [0.8, 1.2], atol=0.01)
    moves = geometry.shift_matrices(shape, SEED, 0.1).numpy()[:, :2, 2]
    np.testing.assert_allclose(np.abs(moves).max(0), [2, 1], atol=0.01)
    mirrors = geometry.flip_matrices(shape, SEED, 0.25).numpy()[:, 0, 0]
    assert math.isclose((mirrors == -1).mean(), 0.25, abs_tol=0.03)


def test_crops_lie_inside_the_image_and_fill_their_range_of_areas_and_shapes():
    shape = tf.constant([4000, 10, 20, 1])
    crops = geometry.crop_matrices(shape, SEED, 0.8).numpy()
    wide, high, right, down = crops[:, 0, 0], crops[:, 1, 1], crops[:, 0, 2], crops[:, 1, 2]
    areas, ratios = wide * high, wide / high
    np.testing.assert_allclose([areas.min(), areas.max(), areas.mean()], [0.2, 1, 0.6], atol=0.01)
    np.testing.assert_allclose([ratios.min(), ratios.max()], [3 / 4, 4 / 3], atol=0.01)
    for part, move, size in ((wide, right, 20), (high, down, 10)):
        edges = np.stack([move - part * size / 2, move + part * size / 2])
        assert np.abs(edges).max() <= size / 2 + 1e-5
        assert np.abs(edges[:, areas < 0.3]).max() > 0.49 * size  # up to the edge
    unchanged = geometry.crop_matrices(shape, SEED, 0.0).numpy()
    np.testing.assert_allclose(unchanged, np.broadcast_to(np.eye(3), (4000, 3, 3)), atol=1e-6)


def test_an_image_of_one_pixel_stays_what_it_is():
    image = np.full((1, 1, 1, 2), 7, np.uint8)
    matrices = geometry.rotate_matrices(tf.shape(image), SEED, 90.0)
    result = geometry.warp(image, matrices)
    assert result.dtype == tf.uint8
    np.testing.assert_array_equal(result, image)
