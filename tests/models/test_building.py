"""From data to a model: what `build` reads, and what it refuses."""

import types

import numpy as np
import pytest
import tensorflow as tf

import dlkit as dk
from dlkit.errors import InputError
from dlkit.models.building import check_fits
from dlkit.models.catalogue import BuilderInfo


def record(shape, dtype="float32", *, task="multiclass", num_classes=5, inputs=("x",)):
    """Data as far as `build` looks at it."""
    spec = {name: tf.TensorSpec(shape, dtype) for name in inputs}
    return types.SimpleNamespace(
        name="some_data", input_spec=spec, task=task, num_classes=num_classes
    )


@pytest.mark.parametrize(
    ("task", "num_classes", "units", "activation"),
    [
        ("binary", 2, 1, "sigmoid"),
        ("multiclass", 5, 5, "softmax"),
        ("multilabel", 4, 4, "sigmoid"),
        ("regression", 3, 3, "linear"),
    ],
)
def test_shape_classes_and_task_come_from_the_data(task, num_classes, units, activation):
    model = dk.models.build("mlp", record((7, 3), task=task, num_classes=num_classes), units=(4,))
    assert model.input_shape == (None, 7, 3)
    head = model.get_layer("predictions")
    assert (head.units, head.activation.__name__) == (units, activation)


def test_options_reach_the_builder():
    model = dk.models.build("cnn", record((8, 8, 1)), filters=(4, 6), units=(), optimizer="sgd")
    assert [layer.filters for layer in model.layers if hasattr(layer, "filters")] == [4, 6]
    assert type(model.optimizer).__name__ == "SGD"


def test_it_learns_what_the_data_record_of_dlkit_holds():
    data = dk.data.load("iris", seed=0)
    model = dk.models.build("mlp", data, units=(16,), learning_rate=0.02, seed=0)
    model.fit(data.train, epochs=30, verbose=0)
    assert model.evaluate(data.test, verbose=0, return_dict=True)["accuracy"] > 0.85


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "nesterov", "adam"])
def test_a_regression_in_hundreds_learns_with_every_optimizer(optimizer):
    """Disease scores of 25 to 346, whose squared errors make gradients of thousands."""
    data = dk.data.load("diabetes", batch_size=32)
    model = dk.models.build("mlp", data, units=(16,), seed=0, optimizer=optimizer)
    model.fit(data.train, epochs=12, verbose=0)
    mean, _ = data.target_scale
    targets = np.concatenate([y for _, y in data.test.as_numpy_iterator()])
    assert model.evaluate(data.test, verbose=0)[1] < 0.85 * np.abs(targets - mean).mean()


def test_a_script_may_leave_the_scale_or_give_its_own():
    data = dk.data.load("diabetes")
    options = {"units": (4,), "seed": 0}
    plain = dk.models.build("mlp", data, target_scale=None, **options)
    assert plain.layers[-1].name == "predictions"
    scaled = dk.models.build("mlp", data, target_scale=(100, 2), **options)
    x = np.ones((3, 10), "float32")
    np.testing.assert_allclose(scaled(x), plain(x) * 2 + 100, rtol=1e-5)
    by_hand = record((10,), task="regression", num_classes=1)
    assert dk.models.build("mlp", by_hand).layers[-1].name == "predictions"


BAD = [
    (
        "cnnn",
        record((8, 8, 1)),
        {},
        "no model named 'cnnn'. Did you mean 'cnn'.* The models: cnn, ",
    ),
    (3, record((8, 8, 1)), {}, "no model named 3"),
    ("cnn", record((8, 8, 1)), {"filter": 3}, "cnn has no option 'filter'. Did you mean 'filters'"),
    (
        "cnn",
        record((9,)),
        {},
        r"cnn needs images .*; 'some_data' holds features: try mlp, perceptron",
    ),
    ("cnn", record((9,), "int32"), {}, "cnn needs images .* holds tokens: "),
    ("mlp", record((9,), "int64"), {}, "mlp needs features .* holds tokens: "),
    ("mlp", record((2, 3, 4, 5)), {}, r"'some_data' holds inputs of shape \(2, 3, 4, 5\)"),
    ("mlp", record((4,), inputs=("a", "b")), {}, r"'some_data' has 2 inputs \(a, b\)"),
    ("mlp", record((4,)), {"task": "rank"}, "task must be one of: .*'rank'"),
]


@pytest.mark.parametrize(("name", "data", "options", "message"), BAD)
def test_what_cannot_be_built_is_said(name, data, options, message):
    with pytest.raises(InputError, match=message):
        dk.models.build(name, data, **options)


def test_a_task_that_a_model_lacks_names_the_models_that_do_it():
    info = BuilderInfo("gan", "nets", "", ("binary",), ("image",), "")
    with pytest.raises(InputError, match="gan does binary; 'photos' is a regression task: try cnn"):
        check_fits(info, "photos", "image", "regression")


def test_tokens_that_nothing_takes_are_said(monkeypatch):
    monkeypatch.setattr("dlkit.models.catalogue.list", lambda: ())
    info = BuilderInfo("gan", "nets", "", ("binary",), ("image",), "")
    with pytest.raises(InputError, match="'imdb' holds tokens: no model of dlkit takes it yet"):
        check_fits(info, "imdb", "tokens", "binary")


def test_whole_numbers_of_any_library_are_tokens():
    spec = types.SimpleNamespace(shape=(9,), dtype=np.dtype("uint16"))
    data = types.SimpleNamespace(name="words", input_spec={"x": spec}, task="binary", num_classes=2)
    with pytest.raises(InputError, match="'words' holds tokens"):
        dk.models.build("cnn", data)
