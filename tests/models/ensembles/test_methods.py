"""Averaging, bagging and boosting against members that are trained alone, and against NumPy."""

import functools

import keras
import numpy as np
import pytest

import dlkit as dk
from dlkit.models.building import builder_function, find_builder
from dlkit.models.ensembles.draws import poisson
from dlkit.models.ensembles.methods import weighed
from dlkit.models.image.inception import AuxiliaryHeads, AuxiliaryModel
from tests.models import checks

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(24, 6)).astype("float32"), np.arange(24) % 3
IMAGES = RNG.normal(size=(24, 8, 8, 1)).astype("float32")
BATCHES = (slice(0, 8), slice(8, 16), slice(16, 24))
METHODS = ("averaging", "bagging", "boosting", "stacking", "snapshot")


def tiny(name, **options):
    """Return a member of a builder's test_config."""
    config = {k: v for k, v in find_builder(name).test_config.items() if k != "input_shape"}
    return name, {**config, **options}


# With a penalty, with dropout; with batch normalization and label smoothing, with a loss and a
# decoder of its own.
MEMBERS = {
    "features": [tiny("mlp", l2=0.01, seed=5), tiny("mlp", dropout=0.2, seed=6)],
    "images": [tiny("cnn", seed=5), tiny("capsnet", seed=6)],
}


def plain(**options):
    return {"jit_compile": False, "steps_per_execution": 1, **options}


def train_together_and_alone(kind, weights, **options):
    """Train an ensemble and its members by themselves on the same batches, and return both."""
    x = X if kind == "features" else IMAGES
    training = plain(**{"optimizer": "sgd", "learning_rate": 0.1, "clipnorm": 0.5, **options})
    method = training.pop("method", "averaging")
    model = dk.models.ensemble(
        x.shape[1:], 3, members=MEMBERS[kind], method=method, seed=0, **training
    )
    singles = [
        builder_function(find_builder(name))(x.shape[1:], 3, **training, **own)
        for name, own in MEMBERS[kind]
    ]
    given = np.linspace(0, 2, 24).astype("float32")
    for batch in BATCHES:
        model.train_on_batch(x[batch], Y[batch], sample_weight=given[batch])
        for number, single in enumerate(singles):
            counts = np.asarray(weights(model, number, x[batch]))
            single.train_on_batch(x[batch], Y[batch], sample_weight=given[batch] * counts)
    return model, singles


def assert_same_weights(model, singles):
    for member, single in zip(model.members, singles, strict=True):
        for one, other in zip(member.weights, single.weights, strict=True):
            np.testing.assert_allclose(one.numpy(), other.numpy(), atol=2e-6, err_msg=one.path)


@pytest.mark.parametrize(
    ("kind", "optimizer"), [("features", "sgd"), ("features", "adam"), ("images", "sgd")]
)
def test_members_are_trained_as_they_would_be_alone(kind, optimizer):
    rate = {"sgd": 0.1, "adam": 0.001}[optimizer]
    found = train_together_and_alone(kind, lambda *_: 1.0, optimizer=optimizer, learning_rate=rate)
    assert_same_weights(*found)


def test_a_member_with_heads_that_are_trained_along_trains_them_along():
    def auxiliary():
        inputs = keras.Input((6,))
        heads = [
            keras.layers.Dense(3, "softmax", kernel_initializer=keras.initializers.HeNormal(seed))(
                inputs
            )
            for seed in (1, 2)
        ]
        model = AuxiliaryModel(inputs, AuxiliaryHeads()(heads), name="auxiliary")
        model.compile(keras.optimizers.SGD(0.1), "sparse_categorical_crossentropy")
        return model

    alone = auxiliary()
    members = [auxiliary(), "perceptron"]
    model = dk.models.ensemble(
        (6,), 3, members=members, seed=0, **plain(optimizer="sgd", learning_rate=0.1)
    )
    for _ in range(2):
        model.train_on_batch(X, Y)
        alone.train_on_batch(X, Y)
    for one, other in zip(model.members[0].weights, alone.weights, strict=True):
        np.testing.assert_allclose(one.numpy(), other.numpy(), atol=1e-6)


def test_bagged_members_are_trained_as_alone_with_the_counts_for_weights():
    def counts(model, number, x):
        return poisson(x, model.seed + number)

    model, singles = train_together_and_alone("features", counts, method="bagging")
    assert_same_weights(model, singles)
    drawn = [np.asarray(counts(model, number, X)) for number in (0, 1)]
    assert np.any(drawn[0] != drawn[1])


def test_the_prediction_is_the_mean_and_its_loss_is_the_one_that_is_told():
    model = dk.models.ensemble((6,), 3, members="mlp,perceptron,mlp", seed=0, **plain())
    said = np.stack([member.predict(X, verbose=0) for member in model.members])
    assert np.ptp(said, axis=0).min() > 0  # each member says something else
    np.testing.assert_allclose(model.predict(X, verbose=0), said.mean(axis=0), atol=1e-6)
    expected = -np.log(said.mean(axis=0)[np.arange(24), Y]).mean()
    np.testing.assert_allclose(model.evaluate(X, Y, verbose=0)[0], expected, rtol=1e-5)
    np.testing.assert_allclose(model.train_on_batch(X, Y)[0], expected, rtol=1e-5)


@pytest.mark.parametrize("targets", [1, 2])
def test_boosting_a_regression_is_the_loop_over_what_is_left(targets):
    """Linear stages by gradient descent, each on the residuals of the sum before it."""
    weight = RNG.normal(size=(6, targets))
    y = (3.0 + X @ weight + 0.1 * RNG.normal(size=(24, targets))).astype("float32")
    scale = (y.mean(axis=0).tolist(), y.std(axis=0).tolist()) if targets > 1 else (3.0, 2.0)
    model = dk.models.ensemble(
        *((6,), targets),
        task="regression",
        members=["perceptron"] * 3,
        method="boosting",
        shrinkage=0.4,
        target_scale=scale,
        seed=0,
        **plain(optimizer="sgd", learning_rate=0.1),
    )
    stages = [[part.astype("float64") for part in m.get_weights()] for m in model.members]
    offset, deviation = (np.asarray(part) for part in scale)
    for _ in range(5):
        model.train_on_batch(X, y)
        total, gradients = np.zeros_like(y, "float64"), []
        for kernel, bias in stages:
            said = X @ kernel + bias
            left = (y - offset) / deviation - total
            slope = 2 * (said - left) / y.size
            gradients.append((X.T @ slope, slope.sum(axis=0)))
            total = total + 0.4 * said
        for stage, found in zip(stages, gradients, strict=True):
            for part, gradient in zip(stage, found, strict=True):
                part -= 0.1 * gradient
    for member, stage in zip(model.members, stages, strict=True):
        for found, expected in zip(member.get_weights(), stage, strict=True):
            np.testing.assert_allclose(found, expected, atol=1e-4)
    total = sum(X @ kernel + bias for kernel, bias in stages)
    expected = offset + deviation * 0.4 * total
    np.testing.assert_allclose(model.predict(X, verbose=0), expected, atol=1e-3)


def test_boosting_two_classes_adds_logits():
    y = (X[:, 0] > 0).astype(int)
    model = dk.models.ensemble(
        *((6,), 2),
        task="binary",
        members=["perceptron"] * 2,
        method="boosting",
        shrinkage=1.0,
        seed=0,
        **plain(optimizer="sgd", learning_rate=0.5),
    )
    (first, _), (second, _) = stages = [
        [part.astype("float64") for part in member.get_weights()] for member in model.members
    ]
    model.train_on_batch(X, y)
    before = 1 / (1 + np.exp(-(X @ first)))
    after = 1 / (1 + np.exp(-(X @ first + X @ second)))
    for (kernel, bias), member, said in zip(stages, model.members, (before, after), strict=True):
        slope = (said - y[:, None]) / len(y)
        found = member.get_weights()
        np.testing.assert_allclose(found[0], kernel - 0.5 * X.T @ slope, atol=1e-5)
        np.testing.assert_allclose(found[1], bias - 0.5 * slope.sum(axis=0), atol=1e-5)


def test_boosted_stages_keep_their_penalties():
    def penalty(l2):
        model = dk.models.ensemble(
            *((6,), 3),
            members=[("perceptron", {"l2": l2, "seed": 1}), ("perceptron", {"seed": 2})],
            method="boosting",
            **plain(optimizer="sgd", learning_rate=0.1, seed=0),
        )
        before = model.members[0].get_weights()[0]
        model.train_on_batch(X, Y)
        return before, model.members[0].get_weights()[0]

    (start, without), (_, within) = penalty(0.0), penalty(0.5)
    np.testing.assert_allclose(without - within, 0.1 * 2 * 0.5 * start, atol=1e-6)


@pytest.mark.parametrize("shape", [(4,), (4, 1)])
def test_counts_go_with_the_weights_of_examples(shape):
    weight = np.arange(4, dtype="float64").reshape(shape)
    found = np.asarray(weighed(weight, keras.ops.array([1.0, 0.0, 2.0, 1.0])))
    np.testing.assert_array_equal(found, np.array([0.0, 0.0, 4.0, 3.0]).reshape(shape))


# ------------------------------------------------------------------ what every builder has to pass


@pytest.fixture(params=METHODS[1:])
def by_method(request, monkeypatch):
    """Let the shared checks build ensembles by a method; averaging they have by themselves."""
    alike = {"members": [("mlp", {"units": (8,)})] * 2} if request.param == "snapshot" else {}
    made = functools.partial(checks.make, method=request.param, **alike)
    monkeypatch.setattr(checks, "make", made)


@pytest.mark.parametrize("task", ["binary", "multiclass", "multilabel", "regression"])
@pytest.mark.usefixtures("by_method")
def test_every_method_does_every_task(task):
    checks.check_outputs("ensemble", task)
    checks.check_gradients("ensemble", task)


@pytest.mark.usefixtures("by_method")
def test_every_method_is_saved_seeded_and_computes_in_other_precisions(tmp_path):
    checks.check_round_trip("ensemble", "multiclass", tmp_path / "model.keras")
    checks.check_seed("ensemble", "multiclass")
    checks.check_mixed_precision("ensemble", "multiclass")
    checks.check_xla("ensemble", "multiclass")


@pytest.mark.parametrize("method", ["boosting", "stacking"])
def test_a_loss_by_name_is_the_loss_of_that_name(method):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(32, 4)).astype("float32"), rng.integers(0, 3, 32)
    moved = []
    for loss in ("sparse_categorical_crossentropy", keras.losses.SparseCategoricalCrossentropy()):
        members = [("mlp", {"units": (8,), "dropout": 0.0})] * 2
        model = dk.models.ensemble((4,), 3, members=members, method=method, seed=0)
        model.compile(keras.optimizers.SGD(0.1), loss=loss)
        model.fit(x, y, batch_size=32, shuffle=False, verbose=0)
        moved.append(model.get_weights())
    for one, other in zip(*moved, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)
