"""Every name of Keras's is taken, and stands for what Keras makes of it."""

import inspect
import types

import keras
import numpy as np
import pytest

import dlkit as dk
from dlkit.models import blocks
from dlkit.tasks import PLACE_TASKS, TASKS
from dlkit.training.compiling import check_compile_options, compile_model
from dlkit.training.fit_callbacks import metric_direction
from dlkit.training.names import LOSSES, METRICS, OPTIMIZERS, canonical_name

RNG = np.random.default_rng(1)
ROWS = 41  # no batch size divides it
X = RNG.normal(size=(ROWS, 3)).astype("float32")
LABELS = {
    "binary": RNG.integers(0, 2, ROWS),
    "multiclass": RNG.integers(0, 6, ROWS),
    "multilabel": RNG.integers(0, 2, (ROWS, 4)).astype("float32"),
    "regression": RNG.uniform(1, 3, (ROWS, 2)).astype("float32"),
}
HEADS = {
    "binary": (1, "sigmoid"),
    "multiclass": (6, "softmax"),
    "multilabel": (4, "sigmoid"),
    "regression": (2, "softplus"),
}


def network(task):
    return keras.Sequential([keras.Input((3,)), keras.layers.Dense(*HEADS[task])])


def known_to(module, base):
    """The classes that a module of Keras's makes by their names."""
    made = []
    for name, thing in vars(module).items():
        if inspect.isclass(thing) and issubclass(thing, base) and thing is not base:
            try:
                module.get(name)
            except (ValueError, TypeError, KeyError):
                continue
            made.append(name)
    return made


def test_every_loss_that_keras_makes_by_name_is_known():
    names = known_to(keras.losses, keras.losses.Loss)
    assert len(names) > 15
    assert {canonical_name(name) for name in names} <= LOSSES.keys()


def test_every_metric_that_keras_makes_by_name_is_known():
    # These count values, and not labels beside predictions.
    names = set(known_to(keras.metrics, keras.metrics.Metric)) - {"Mean", "Sum"}
    assert len(names) > 30
    assert {canonical_name(name) for name in names} <= METRICS.keys()


def test_every_optimizer_that_keras_makes_by_name_is_known():
    names = known_to(keras.optimizers, keras.optimizers.Optimizer)
    assert {"Nadam", "Muon", "Adafactor"} < set(names)
    for name in names:
        assert check_compile_options(optimizer=name)["optimizer"] == name.lower()
    assert (
        check_compile_options(optimizer="schedule_free_adamw")["optimizer"] == "schedulefreeadamw"
    )


OTHERS = ("adafactor", "adamax", "ftrl", "lamb", "muon", "nadam", "schedulefreeadamw")


@pytest.mark.parametrize("name", OTHERS)
def test_an_optimizer_by_name_takes_steps_and_is_saved(name, tmp_path):
    """Those that test_compiling has no formula of; Keras finds lamb in a file, and not by name."""
    model = dk.models.perceptron((3,), 6, optimizer=name, learning_rate=0.05)
    before = model.get_weights()
    model.optimizer.apply([0.1 * weight + 0.1 for weight in before], model.trainable_variables)
    for kept, weight in zip(before, model.get_weights(), strict=True):
        assert np.isfinite(weight).all()
        assert not np.array_equal(kept, weight)
    model.save(tmp_path / "model.keras")
    again = dk.models.load(tmp_path / "model.keras")
    assert type(again.optimizer) is OPTIMIZERS[name][0]
    assert again.optimizer.get_config() == model.optimizer.get_config()


@pytest.mark.parametrize(
    "name", ["mse", "MSE", "mean_squared_error", "MeanSquaredError", "mae", "MeanAbsoluteError"]
)
def test_one_loss_has_many_names(name):
    model = compile_model(network("regression"), task="regression", loss=name)
    assert type(model.loss) is type(keras.losses.get(canonical_class(name)))


def canonical_class(name):
    return {"mse": "MeanSquaredError", "mae": "MeanAbsoluteError"}[canonical_name(name)]


@pytest.mark.parametrize("task", TASKS)
def test_metrics_by_name_count_examples_and_not_batches(task):
    """On the labels as dlkit makes them, and as a column: one batch or many give one number."""
    names = [name for name, tasks in METRICS.items() if task in tasks]
    assert {"regression": "r2_score"}.get(task, "pr_auc") in names
    labels, guesses = LABELS[task], network(task).predict(X, verbose=0)
    for name in names:
        found = []
        for y, size in ((labels, ROWS), (labels, 8), (labels.reshape(ROWS, -1), 8)):
            metric = METRICS[name][task](name=name)
            for rows in np.split(np.arange(ROWS), range(size, ROWS, size)):
                metric.update_state(y[rows], guesses[rows])
            found.append(float(metric.result()))
        assert found == pytest.approx(found[:1] * 3, rel=1e-4, abs=1e-6), name
        again = keras.saving.serialize_keras_object(metric)
        assert keras.saving.deserialize_keras_object(again).get_config() == metric.get_config()


@pytest.mark.parametrize("name", ["binary_crossentropy", "hinge", "mse", "rmse"])
def test_a_metric_of_a_column_has_the_value_of_its_formula(name):
    """Keras's own refuse labels (n,) beside outputs (n, 1), or compare each with each."""
    model = compile_model(network("binary"), task="binary", metrics=[name])
    got = model.evaluate(X, LABELS["binary"], batch_size=8, verbose=0, return_dict=True)[name]
    y, p = LABELS["binary"], model.predict(X, verbose=0)[:, 0].astype("float64")
    expected = {
        "binary_crossentropy": -(y * np.log(p) + (1 - y) * np.log(1 - p)).mean(),
        "hinge": np.maximum(1 - (2 * y - 1) * p, 0).mean(),
        "mse": ((y - p) ** 2).mean(),
        "rmse": np.sqrt(((y - p) ** 2).mean()),
    }
    assert got == pytest.approx(expected[name], rel=1e-4)


@pytest.mark.parametrize(
    ("name", "better"),
    [
        *((name, "max") for name in ("accuracy", "f1_score", "precision", "recall", "mean_io_u")),
        *((name, "max") for name in ("auc", "pr_auc", "top_k_categorical_accuracy", "r2_score")),
        *((name, "min") for name in ("kl_divergence", "binary_crossentropy", "rmse", "hinge")),
    ],
)
def test_a_metric_tells_monitor_what_is_better(name, better):
    for make in METRICS[name].values():
        model = types.SimpleNamespace(metrics=[make(name=name)])
        assert metric_direction(model, f"val_{name}") == better


def test_a_metric_is_called_as_it_was_named():
    metrics = ["Precision", "f1", "roc_auc", "MSE"]
    model = compile_model(network("multiclass"), metrics=metrics)
    results = model.evaluate(X, LABELS["multiclass"], verbose=0, return_dict=True)
    assert results.keys() == {"loss", *metrics}


def test_names_of_activations_and_initializers_are_keras_own():
    for name in ("silu", "mish", "selu", "hard_silu", "relu6"):
        got = blocks.activate(keras.ops.array(X), name)
        np.testing.assert_allclose(got, keras.activations.get(name)(keras.ops.array(X)))
    assert dk.models.mlp((3,), 6, units=(4,), activation="silu", kernel_initializer="xavier").built


@pytest.mark.parametrize("task", PLACE_TASKS)
@pytest.mark.parametrize("known", [LOSSES, METRICS], ids=["losses", "metrics"])
def test_pixels_and_tokens_are_compared_as_examples_are(known, task):
    """Images (3, 4, 5) of classes count as 60 examples do."""
    labels = RNG.integers(0, 4, (3, 4, 5))
    guesses = keras.ops.convert_to_numpy(keras.ops.softmax(RNG.normal(size=(3, 4, 5, 4))))
    names = [name for name, tasks in known.items() if task in tasks]
    assert {"sparse_categorical_crossentropy", "dice"} <= {*names} or "mean_io_u" in names
    for name in names:
        of_pixels, of_rows = known[name][task](), known[name]["multiclass"]()
        expected = float(of_rows(labels.reshape(-1), guesses.reshape(-1, 4)))
        assert float(of_pixels(labels, guesses)) == pytest.approx(expected, rel=1e-4), name
        as_column = of_pixels if known is LOSSES else known[name][task]()
        assert float(as_column(labels[..., None], guesses)) == pytest.approx(expected, rel=1e-4)
