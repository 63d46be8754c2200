"""Stacking: what members and meta learner are trained on, and how they begin."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import dlkit as dk
from dlkit.models.ensembles.draws import uniform
from dlkit.models.ensembles.stacking import meta_learner

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(64, 6)).astype("float32"), np.arange(64) % 3


def stacked(**options):
    settings = {"members": "mlp,perceptron", "seed": 0, "jit_compile": False, "holdout": 0.3}
    return dk.models.ensemble((6,), 3, method="stacking", **{**settings, **options})


def gradients(model, x, y):
    with tf.GradientTape() as tape:
        loss = model.compute_loss(x, y, model(x, training=True))
    found = tape.gradient(loss, [weight.value for weight in model.trainable_weights])
    return dict(zip((w.path for w in model.trainable_weights), map(np.asarray, found), strict=True))


def test_members_learn_nothing_from_what_is_held_out_and_the_meta_learner_from_nothing_else():
    model = stacked()
    held = np.asarray(uniform(X, model.seed)) < 0.3
    assert 10 < held.sum() < 30
    learner = {weight.path for weight in model.combine.trainable_weights}
    for rows, learning in ((held, learner), (~held, None)):
        for path, gradient in gradients(model, X[rows], Y[rows]).items():
            moved = path in learner if learning else path not in learner
            assert np.any(gradient) == moved, path


def test_members_are_trained_as_alone_without_the_held_out():
    options = {"optimizer": "sgd", "learning_rate": 0.1, "steps_per_execution": 1}
    members = [("mlp", {"units": (8,), "seed": 3}), ("perceptron", {"seed": 4})]
    model = stacked(members=members, **options)
    singles = [
        getattr(dk.models, name)((6,), 3, jit_compile=False, **own, **options)
        for name, own in members
    ]
    counts = np.where(np.asarray(uniform(X, model.seed)) < 0.3, 0, 1 / 0.7)
    for _ in range(3):
        model.train_on_batch(X, Y)
        for single in singles:
            single.train_on_batch(X, Y, sample_weight=counts)
    for member, single in zip(model.members, singles, strict=True):
        for one, other in zip(member.weights, single.weights, strict=True):
            np.testing.assert_allclose(one.numpy(), other.numpy(), atol=2e-6)


def test_the_meta_learner_is_the_logistic_regression_on_what_members_say():
    """One step of it by NumPy: softmax of the mean of the logarithms plus a linear change."""
    model = stacked(optimizer="sgd", learning_rate=0.1, steps_per_execution=1)
    logs = [np.log(member.predict(X, verbose=0)) for member in model.members]
    held = np.asarray(uniform(X, model.seed)) < 0.3
    powers = np.exp(np.mean(logs, axis=0))
    begun = powers / powers.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(model.predict(X, verbose=0), begun, atol=1e-6)
    model.train_on_batch(X, Y)
    slope = (begun - np.eye(3)[Y]) * held[:, None] / 0.3 / len(X)
    kernel, bias = model.combine.get_weights()
    np.testing.assert_allclose(kernel, -0.1 * np.concatenate(logs, axis=1).T @ slope, atol=1e-5)
    np.testing.assert_allclose(bias, -0.1 * slope.sum(axis=0), atol=1e-6)


@pytest.mark.parametrize("scale", [None, (50.0, 10.0), ([50.0, -3.0], [10.0, 0.1])])
def test_for_numbers_it_begins_with_the_mean_in_any_unit(scale):
    said = [RNG.normal(size=(5, 2)).astype("float32") + shift for shift in (50, 40)]
    learner = meta_learner(2, 2, "regression", scale)
    np.testing.assert_allclose(learner(said), np.mean(said, axis=0), atol=1e-4)
    kernel, _ = learner.get_weights()
    learner.set_weights([kernel, np.ones(2)])  # one deviation more
    deviation = 1.0 if scale is None else np.asarray(scale[1])
    np.testing.assert_allclose(learner(said), np.mean(said, axis=0) + deviation, atol=1e-4)


def test_members_that_are_certain_give_no_infinite_numbers():
    sure = [np.eye(3, dtype="float32"), np.eye(3, dtype="float32")[::-1]]
    for task in ("multiclass", "multilabel"):
        found = keras.ops.convert_to_numpy(meta_learner(2, 3, task, None)(sure))
        assert np.isfinite(found).all()
