"""MixUp and CutMix by NumPy's formulas, and trained on."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

import dlkit as dk
from dlkit.data.image import mixup_cutmix
from tests.data.arrays.test_from_arrays import batches

SEED = tf.constant([5, 6])
IMAGES = np.random.default_rng(0).normal(size=(40, 12, 16, 3)).astype(np.float32)
CLASSES = np.arange(40) % 4


def neighbours(values):
    return np.concatenate([values[-1:], values[:-1]])


def test_mixup_is_the_formula_with_the_drawn_shares():
    shares = mixup_cutmix.mixup_shares(tf.shape(IMAGES), tf.random.split(SEED, 3)[0], 0.4).numpy()
    images, targets = mixup_cutmix.mix((IMAGES, CLASSES), SEED, {"mixup": 0.4}, 4)
    np.testing.assert_allclose(
        images, (1 - shares) * IMAGES + shares * neighbours(IMAGES), atol=1e-6
    )
    one_hot, column = np.eye(4)[CLASSES], shares.reshape(40, 1)
    np.testing.assert_allclose(
        targets, (1 - column) * one_hot + column * neighbours(one_hot), atol=1e-6
    )
    np.testing.assert_allclose(np.sum(targets, axis=1), 1, rtol=1e-6)


@pytest.mark.parametrize("amount", [0.2, 0.4, 1.0, 3.0])
def test_the_shares_are_of_the_beta_distribution(amount):
    shares = mixup_cutmix.mixup_shares(tf.constant([4000, 1, 1, 1]), SEED, amount).numpy().ravel()
    assert stats.kstest(shares, stats.beta(amount, amount).cdf).pvalue > 0.001


def test_cutmix_cuts_one_rectangle_whose_area_is_the_partners_weight():
    images, targets = mixup_cutmix.mix((IMAGES, CLASSES), SEED, {"cutmix": 1.0}, 4)
    partners, areas = neighbours(IMAGES), []
    for index, image in enumerate(images.numpy()):
        inside = (image == partners[index]).all(axis=-1)
        assert ((image == IMAGES[index]).all(axis=-1) == ~inside).all()
        rows, columns = np.nonzero(inside)
        if len(rows):
            assert inside.sum() == (np.ptp(rows) + 1) * (np.ptp(columns) + 1)  # a rectangle
        areas.append(inside.mean())
        expected = (1 - areas[-1]) * np.eye(4)[CLASSES[index]]
        expected += areas[-1] * np.eye(4)[CLASSES[index - 1]]
        np.testing.assert_allclose(targets[index], expected, atol=1e-6)
    assert min(areas) < 0.1 and max(areas) > 0.5


def test_cutmix_rectangles_keep_the_images_proportions_where_they_fit():
    """Area drawn is 1 - lambda; both sides are its root's part of the image's (Yun et al. 2019)."""
    shape = tf.constant([3000, 100, 200, 3])
    inside = mixup_cutmix.cutmix_shares(shape, SEED, 1.0).numpy()[..., 0]
    high, wide = inside.any(axis=2).sum(axis=1), inside.any(axis=1).sum(axis=1)
    rows, columns = inside.any(axis=2), inside.any(axis=1)
    whole = ~(rows[:, 0] | rows[:, -1] | columns[:, 0] | columns[:, -1])
    np.testing.assert_allclose(wide[whole], 2 * high[whole], atol=2)
    assert 300 < whole.sum() < 1500


def test_both_share_out_the_images_between_them():
    images, _ = mixup_cutmix.mix((IMAGES, CLASSES), SEED, {"mixup": 1.0, "cutmix": 1.0}, 4)
    cut = (images.numpy() == IMAGES).any(axis=(1, 2, 3))
    assert 8 <= cut.sum() <= 32


@pytest.mark.parametrize(
    "targets", [np.arange(40) % 2, np.random.default_rng(0).normal(size=(40, 3))]
)
def test_labels_and_numbers_are_mixed_as_they_are(targets):
    shares = mixup_cutmix.mixup_shares(tf.shape(IMAGES), tf.random.split(SEED, 3)[0], 1.0).numpy()
    shares = shares.reshape(40, *[1] * (targets.ndim - 1))
    _, mixed = mixup_cutmix.mix((IMAGES, targets), SEED, {"mixup": 1.0})
    expected = (1 - shares) * targets + shares * neighbours(targets)
    np.testing.assert_allclose(mixed, expected, atol=1e-6)
    assert mixed.dtype == tf.float32


def test_a_weighted_loss_is_that_of_both_parts():
    weights = np.random.default_rng(1).uniform(0, 2, 40).astype(np.float32)
    weights[3:5] = 0
    _, targets, mixed = mixup_cutmix.mix((IMAGES, CLASSES, weights), SEED, {"mixup": 1.0}, 4)
    shares = (
        mixup_cutmix.mixup_shares(tf.shape(IMAGES), tf.random.split(SEED, 3)[0], 1.0)
        .numpy()
        .ravel()
    )
    predicted = np.random.default_rng(2).dirichlet(np.ones(4), 40)
    losses = -np.log(predicted)
    own = weights * losses[np.arange(40), CLASSES]
    others = neighbours(weights) * losses[np.arange(40), neighbours(CLASSES)]
    expected = (1 - shares) * own + shares * others
    got = mixed * (targets * losses).numpy().sum(axis=1)
    np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("classes", [2, 3])
def test_a_network_learns_from_mixed_batches_and_is_validated_on_plain_ones(classes):
    """Two or three brightnesses; the compile options are those of any other training."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, classes, 240)
    x = rng.normal(size=(240, 6, 6, 1)) + 2.0 * y[:, None, None, None]
    options = {"val_fraction": 0.2, "batch_size": 32}
    steps = {"flip": 0.5, "mixup": 0.2, "cutmix": 1.0}
    data = dk.data.from_arrays(x, y, augment=steps, **options)
    _, targets = batches(data.train)
    assert targets.dtype == np.float32
    assert targets.shape == ((153,) if classes == 2 else (153, 3))
    assert ((targets > 0.01) & (targets < 0.99)).any()
    assert batches(data.val)[1].dtype == np.int64 and batches(data.test)[1].ndim == 1
    model = dk.models.build("perceptron", data, seed=0, learning_rate=0.02, metrics=["accuracy"])
    history = model.fit(data.train, validation_data=data.val, epochs=8, verbose=0).history
    assert history["loss"][-1] < history["loss"][0]
    accuracy = model.evaluate(data.test, verbose=0, return_dict=True)["accuracy"]
    exact = np.mean(_classes(model.predict(data.test, verbose=0)) == batches(data.test)[1])
    assert accuracy == pytest.approx(exact) and accuracy > 0.9
    plain = dk.data.from_arrays(x, y, **options)
    again = dk.models.build("perceptron", plain, seed=0)
    assert isinstance(again.loss, keras.losses.Loss)
    again.fit(plain.train, verbose=0)


def _classes(predicted):
    return predicted.argmax(axis=1) if predicted.shape[1] > 1 else (predicted > 0.5).ravel()
