"""Our losses on class indices against NumPy and Keras; test_compiling has them by name."""

import keras
import numpy as np
import pytest

from dlkit.errors import InputError
from dlkit.training.losses import (
    ClassCrossentropy,
    ClassLoss,
    MarginLoss,
    ScaledLoss,
    SparseFocalLoss,
    SparseSmoothedCrossentropy,
)

PROBABILITIES = np.array([[0.7, 0.2, 0.1], [0.1, 0.3, 0.6]], "float32")
CLASSES = np.array([0, 1])


def test_each_sample_has_the_loss_of_the_formula():
    labels = 0.7 * np.eye(3)[CLASSES] + 0.1
    smoothed = SparseSmoothedCrossentropy(0.3, reduction=None)(CLASSES, PROBABILITIES)
    np.testing.assert_allclose(smoothed, -(labels * np.log(PROBABILITIES)).sum(-1), rtol=1e-5)
    focal = SparseFocalLoss(gamma=3.0, reduction=None)(CLASSES, PROBABILITIES)
    expected = [-(0.3**3) * np.log(0.7), -(0.7**3) * np.log(0.3)]
    np.testing.assert_allclose(focal, expected, rtol=1e-5)


def test_a_sure_mistake_and_a_sure_success_stay_finite():
    sure = np.array([[1.0, 0.0], [1.0, 0.0]], "float32")
    for loss in (SparseSmoothedCrossentropy(0.1), SparseFocalLoss()):
        assert np.isfinite(float(loss(np.array([0, 1]), sure)))


@pytest.mark.parametrize(
    "loss",
    [
        ClassCrossentropy(),
        SparseSmoothedCrossentropy(0.3),
        SparseFocalLoss(3.0, 0.1),
        MarginLoss(),
    ],
)
def test_mixed_targets_have_the_mixed_loss_of_their_classes(loss):
    """Cross-entropy and margin loss are linear in the targets, the focal one without smoothing."""
    loss.reduction = None
    if isinstance(loss, SparseFocalLoss):
        loss.label_smoothing = 0.0
    mixed = np.array([[0.75, 0.25, 0], [0, 0.4, 0.6]], "float32")
    parts = [loss(np.full(2, k), PROBABILITIES) * mixed[:, k] for k in range(3)]
    np.testing.assert_allclose(loss(mixed, PROBABILITIES), sum(parts), rtol=1e-5)
    one_hot = np.eye(3, dtype="float32")[CLASSES]
    np.testing.assert_allclose(loss(one_hot, PROBABILITIES), loss(CLASSES, PROBABILITIES))


@pytest.mark.parametrize(
    "loss", [ClassCrossentropy(), SparseSmoothedCrossentropy(0.0), SparseFocalLoss(gamma=0.0)]
)
def test_our_losses_without_their_extra_are_keras_cross_entropy(loss):
    plain = keras.losses.SparseCategoricalCrossentropy()
    column = CLASSES[:, None]
    expected = pytest.approx(float(plain(CLASSES, PROBABILITIES)), rel=1e-6)
    assert float(loss(CLASSES, PROBABILITIES)) == expected
    assert float(loss(column, PROBABILITIES)) == expected


@pytest.mark.parametrize(
    "loss",
    [
        ClassCrossentropy(),
        SparseSmoothedCrossentropy(0.2),
        SparseFocalLoss(3.0, 0.1),
        ClassLoss(keras.losses.CategoricalFocalCrossentropy(gamma=3.0)),
        MarginLoss(reduction="sum"),
        ScaledLoss(keras.losses.Huber(delta=2.0), [10.0, 0.1]),
    ],
)
def test_our_losses_come_back_from_their_config(loss):
    config = keras.saving.serialize_keras_object(loss)
    again = keras.saving.deserialize_keras_object(config)
    assert type(again) is type(loss)
    assert again.get_config() == loss.get_config()


def test_a_scaled_loss_is_that_of_standard_scores():
    targets, guesses = np.array([100.0, 300.0]), np.array([[150.0], [280.0]], "float32")
    loss = ScaledLoss(keras.losses.MeanSquaredError(), 50.0)
    assert float(loss(targets, guesses)) == pytest.approx((1 + 0.4**2) / 2)
    weighted = loss(targets, guesses, sample_weight=np.array([0.0, 2.0]))
    assert float(weighted) == pytest.approx(0.4**2)


def test_a_bad_gamma_is_refused():
    with pytest.raises(InputError, match=r"gamma must be .* Received: gamma=-1"):
        SparseFocalLoss(gamma=-1)


def test_a_bad_smoothing_is_refused():
    with pytest.raises(InputError, match="label_smoothing=1"):
        SparseSmoothedCrossentropy(1)
