"""From data to a model: what `build` reads, and what it refuses."""

import types

import keras
import numpy as np
import pytest
import tensorflow as tf

import dlkit as dk
from dlkit.errors import InputError
from dlkit.models import catalogue
from dlkit.models.building import check_fits
from dlkit.models.catalogue import BuilderInfo
from dlkit.models.registry import builder
from dlkit.training.compiling import compile_model


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
        r"no model named 'cnnn'. Did you mean 'cnn'.* The models: .*cnn, ",
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


# ------------------------------------------------------------------ several inputs


@pytest.fixture
def biases(monkeypatch):
    """A builder of a user's own for two whole numbers."""
    monkeypatch.setattr(catalogue, "REGISTERED", dict(catalogue.REGISTERED))

    @builder(tasks=("regression",), inputs=(("id", "id"),), reference="Koren 2009")
    def biases(input_shape, num_classes, *, task="regression", sizes=(9, 9), **compile_options):
        """A part of the answer for each of two numbers."""
        inputs = {name: keras.Input(shape, name=name) for name, shape in input_shape.items()}
        parts = [
            keras.layers.Embedding(size, num_classes, "zeros", name=f"{name}_part")(inputs[name])
            for name, size in zip(inputs, sizes, strict=True)
        ]
        model = keras.Model(inputs, keras.layers.Add(name="predictions")(parts))
        return compile_model(model, task=task, **compile_options)


@pytest.fixture
def fusion(monkeypatch):
    """A builder of a user's own for an image, alone or with features; it returns its shapes."""
    monkeypatch.setattr(catalogue, "REGISTERED", dict(catalogue.REGISTERED))
    seen = []

    @builder(
        tasks=("multiclass",),
        inputs=("image", ("image", "features"), ("tokens", "features", "tokens")),
        reference="",
    )
    def fusion(input_shape, num_classes, *, task="multiclass", **compile_options):
        """An image and what else is known."""
        seen.append(input_shape)
        shapes = input_shape if isinstance(input_shape, dict) else {"image": input_shape}
        inputs = {name: keras.Input(shape, name=name) for name, shape in shapes.items()}
        flat = [keras.layers.Flatten()(keras.ops.cast(x, "float32")) for x in inputs.values()]
        x = keras.layers.Concatenate()(flat) if len(flat) > 1 else flat[0]
        outputs = keras.layers.Dense(num_classes, "softmax", name="predictions")(x)
        return compile_model(keras.Model(inputs, outputs), task=task, **compile_options)

    return seen, fusion


@pytest.mark.usefixtures("biases", "shared_data")
def test_data_with_two_inputs_is_built_for_and_learned():
    """Ratings of films: what a user and a film add to the mean, by hand from the weights."""
    data = dk.data.load("movielens", batch_size=1024)
    sizes = tuple(len(data.vocabularies[name]) for name in data.input_spec)
    model = dk.models.build("biases", data, sizes=sizes, learning_rate=0.01)
    model.fit(data.train, epochs=2, verbose=0)
    mean, scale = data.target_scale
    inputs, stars = next(iter(data.test))
    parts = [model.get_layer(f"{name}_part").get_weights()[0][inputs[name]] for name in inputs]
    by_hand = (sum(parts) * scale + mean)[:, 0]
    np.testing.assert_allclose(model.predict(inputs, verbose=0)[:, 0], by_hand, rtol=1e-5)
    always = np.abs(stars - mean).mean()
    assert np.abs(stars - by_hand).mean() < 0.95 * always


def several(task="multiclass", **specs):
    spec = {name: tf.TensorSpec(*spec) for name, spec in specs.items()}
    return types.SimpleNamespace(name="cases", input_spec=spec, task=task, num_classes=3)


def test_the_builder_gets_shapes_by_name_in_the_order_that_it_declares(fusion):
    seen, _ = fusion
    model = dk.models.build("fusion", several(age=((4,),), scan=((6, 6, 1),)))
    assert list(seen[-1].items()) == [("scan", (6, 6, 1)), ("age", (4,))]
    # 36 pixels and 4 numbers to 3 classes
    assert model.count_params() == (36 + 4) * 3 + 3
    words = {"question": ((7,), "int32"), "answer": ((9,), "int64")}
    dk.models.build("fusion", several(**words, age=((4,),)))
    assert list(seen[-1]) == ["question", "age", "answer"]
    dk.models.build("fusion", several(scan=((6, 6, 1),)))
    assert seen[-1] == (6, 6, 1)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (
            several(age=((4,),)),
            r"fusion needs images \(.*\) or images \(.*\) and features \(",
        ),
        (several(age=((4,),)), r"'cases' holds features: try mlp, perceptron"),
        (several(a=((4,),), b=((4,),)), r"'cases' holds features and features: no model of dlkit"),
        (several(a=((4,),), b=((6, 6, 1),), c=((2,),)), "holds features and image and features"),
        (several(a=((4,),), b=((2, 3, 4, 5),)), r"'cases' holds inputs of shape \(2, 3, 4, 5\)"),
        (several("binary", a=((4,),), b=((6, 6, 1),)), "fusion does multiclass; 'cases' is a bin"),
    ],
)
@pytest.mark.usefixtures("fusion")
def test_other_inputs_than_a_builder_declares_are_told(data, message):
    with pytest.raises(InputError, match=message):
        dk.models.build("fusion", data)


def test_a_builder_that_fits_several_inputs_is_named(fusion):
    both, info = ("features", "image"), BuilderInfo("gan", "", "", ("binary",), ("image",), "")
    with pytest.raises(InputError, match="'cases' holds features and image: try fusion"):
        check_fits(info, "cases", both, "multiclass")
    with pytest.raises(InputError, match=r"2 inputs \(a, b\), and mlp takes data with one: join"):
        dk.models.build("mlp", several(a=((4,),), b=((6, 6, 1),)))


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ({"a": (4,), "b": (6, 6, 1)}, r"fusion needs .* Received: input_shape=\{'a': \(4,\), 'b'"),
        ({"a": (6, 6, 1)}, r"fusion needs .* Received: input_shape=\{'a': \(6, 6, 1\)\}"),
        ({"a": 6, "b": (4,)}, r"fusion needs .* Received: input_shape=\{'a': 6, 'b': \(4,\)\}"),
        ({"a": (6, 6, None), "b": (4,)}, r"input_shape\['a'\]\[2\] must be a whole number"),
        ({"a": (6, 6, 1), "b": (None,)}, r"input_shape\['b'\]\[0\] must be a whole number"),
        ((4,), r"fusion needs .* Received: input_shape=\(4,\)"),
    ],
)
def test_wrong_shapes_of_several_inputs_are_told(fusion, shape, message):
    _, build = fusion
    with pytest.raises(InputError, match=message):
        build(shape, 3)


def test_several_inputs_are_listed_as_such(fusion):
    (info,) = [info for info in dk.models.list() if info.name == "fusion"]
    assert catalogue.name_inputs(info) == "image, image + features, tokens + features + tokens"
