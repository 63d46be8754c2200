"""Boxes and the detector's loss against NumPy, one place and one box at a time."""

import keras
import numpy as np
import pytest

from dlkit.errors import InputError
from dlkit.training.detection import DetectionLoss, overlap, read_boxes, to_rows


def test_rows_hold_edges_and_a_number_a_class():
    boxes = {
        "boxes": np.arange(12, dtype="float64").reshape(1, 3, 4),
        "classes": np.array([[1, -1, 0]]),
    }
    rows = np.asarray(to_rows(boxes, 2))
    np.testing.assert_array_equal(rows[0, :, :4], np.arange(12).reshape(3, 4))
    np.testing.assert_array_equal(rows[0, :, 4:], [[0, 1], [0, 0], [1, 0]])
    rows = np.asarray(to_rows({**boxes, "scores": np.array([[0.5, 0.0, 0.25]])}, 2))
    np.testing.assert_array_equal(rows[0, :, 4:], [[0, 0.5], [0, 0], [0.25, 0]])


def test_a_class_that_there_is_not_makes_the_loss_nan():
    """And with it ends a training under dlkit's callbacks, instead of leaving it out unseen."""
    targets = {"boxes": np.array([[[0, 0, 1, 1.0]]]), "classes": np.array([[2]])}
    maps = np.zeros((1, 4, 4, 6), "float32")
    assert np.isnan(float(DetectionLoss()(to_rows(targets, 2), maps)))
    assert np.isfinite(float(DetectionLoss()(to_rows(targets, 3), np.zeros((1, 4, 4, 7)))))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (np.zeros(3), "Received: ndarray"),
        ({"boxes": np.zeros((1, 1, 4)), "labels": 0}, r"Received: \['boxes', 'labels'\]"),
    ],
)
def test_targets_without_boxes_are_refused(given, words):
    with pytest.raises(InputError, match=f"A detector learns from targets .*{words}"):
        to_rows(given, 2)


def test_a_place_tells_of_a_box_by_the_ways_to_its_edges():
    """On a map of 2 x 4 places of an image 16 pixels high and 32 wide: a place is 8 pixels."""
    maps = np.zeros((1, 2, 4, 6), "float32")
    maps[0, 1, 2, :4] = np.log([12 / 8, 4 / 8, 6 / 8, 2 / 8])
    box = np.asarray(read_boxes(maps))[0, 1, 2] * [32, 16, 32, 16]
    middle = np.array([20, 12])
    np.testing.assert_allclose(box, [20 - 12, 12 - 4, 20 + 6, 12 + 2], rtol=1e-6)
    assert (box[:2] < middle).all() and (middle < box[2:]).all()


def test_ways_do_not_overflow():
    maps = np.full((1, 2, 2, 5), 1e30, "float32")
    assert np.isfinite(np.asarray(read_boxes(maps))).all()


def giou(one, other):
    """Follow the paper's algorithm 1."""
    low, high = np.maximum(one[:2], other[:2]), np.minimum(one[2:], other[2:])
    shared = np.prod(np.maximum(high - low, 0))
    union = np.prod(one[2:] - one[:2]) + np.prod(other[2:] - other[:2]) - shared
    around = np.prod(np.maximum(one[2:], other[2:]) - np.minimum(one[:2], other[:2]))
    return shared / union, shared / union - (around - union) / around


def test_overlaps_are_keras_and_the_papers():
    rng = np.random.default_rng(0)
    low = rng.uniform(0, 0.6, (2, 40, 2))
    one, other = np.concatenate([low, low + rng.uniform(0.05, 0.4, low.shape)], axis=-1)
    expected = np.array([giou(a, b) for a, b in zip(one, other, strict=True)])
    assert (expected[:, 0] == 0).any() and (expected[:, 0] > 0.2).any()
    np.testing.assert_allclose(overlap(one, other), expected[:, 0], atol=1e-6)
    np.testing.assert_allclose(overlap(one, other, generalized=True), expected[:, 1], atol=1e-6)
    theirs = keras.utils.bounding_boxes.compute_iou(one, other, "xyxy")
    np.testing.assert_allclose(overlap(one[:, None], other[None]), theirs, atol=1e-5)


def loss_by_hand(boxes, classes, maps, num_classes):
    """Compute the loss of one image, in loops and float64."""
    height, width = maps.shape[:2]
    near = np.zeros((height, width, len(boxes)))
    for m, box in enumerate(boxes * [width, height, width, height]):
        x, y = (int((box[i] + box[i + 2]) / 2) for i in (0, 1))
        spread = [(0.54 * (box[i + 2] - box[i]) + 1) / 6 for i in (0, 1)]
        for row in range(height):
            for column in range(width):
                away = ((column - x) / spread[0]) ** 2 + ((row - y) / spread[1]) ** 2
                near[row, column, m] = np.exp(-away / 2)
    heat = 0.0
    for row in range(height):
        for column in range(width):
            for k in range(num_classes):
                of_class = near[row, column][classes == k]
                target = of_class.max() if len(of_class) else 0.0
                p = 1 / (1 + np.exp(-maps[row, column, 4 + k]))
                if target == 1:
                    heat -= (1 - p) ** 2 * np.log(p)
                else:
                    heat -= (1 - target) ** 4 * p**2 * np.log(1 - p)
    far = 0.0
    for m, box in enumerate(boxes):
        mine = (near.argmax(axis=-1) == m) & (near[..., m] > 0.01)
        for row, column in np.argwhere(mine):
            ways = np.exp(maps[row, column, :4]) * [-1, -1, 1, 1]
            middle = np.array([column, row, column, row]) + 0.5
            told = (middle + ways) / [width, height, width, height]
            share = near[row, column, m] / near[..., m][mine].sum()
            far += share * (1 - giou(told, box)[1])
    return (heat + 5 * far) / max(1, len(boxes))


def test_the_loss_is_the_papers_place_by_place():
    rng = np.random.default_rng(3)
    boxes = np.array([[0.05, 0.1, 0.45, 0.6], [0.3, 0.2, 0.8, 0.9], [0.7, 0.1, 0.95, 0.3]])
    classes = np.array([0, 2, 0])
    maps = rng.normal(0, 0.7, (2, 6, 8, 7))
    padded = {"boxes": np.zeros((2, 4, 4)), "classes": np.full((2, 4), -1)}
    padded["boxes"][0, :3], padded["classes"][0, :3] = boxes, classes
    expected = [
        loss_by_hand(boxes, classes, maps[0], 3),
        loss_by_hand(boxes[:0], classes[:0], maps[1], 3),  # an image without any
    ]
    loss = DetectionLoss(reduction="none")
    got = loss(to_rows(padded, 3), maps.astype("float32"))
    np.testing.assert_allclose(got, expected, rtol=1e-4)
    mean = DetectionLoss()(to_rows(padded, 3), maps.astype("float32"))
    assert float(mean) == pytest.approx(np.mean(expected), rel=1e-4)


def test_the_loss_is_made_again_from_what_is_saved():
    loss = DetectionLoss(name="mine")
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(loss))
    assert (type(again), again.name) == (DetectionLoss, "mine")
