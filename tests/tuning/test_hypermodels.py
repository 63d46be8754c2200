import keras
import keras_tuner
import pytest

import dlkit as dk
from dlkit.errors import InputError
from dlkit.tuning import Choice, Float
from dlkit.tuning.hypermodels import make_hypermodel
from dlkit.tuning.trial_data import TrialData


@pytest.fixture(scope="module")
def iris():
    return TrialData(dk.data.load("iris"))


def small(hp):
    model = keras.Sequential([keras.Input((4,))])
    model.add(keras.layers.Dense(hp.Int("units", 2, 8), hp.Choice("activation", ["relu", "tanh"])))
    model.add(keras.layers.Dense(3, "softmax"))
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


class Small(keras_tuner.HyperModel):
    def build(self, hp):
        return small(hp)

    def fit(self, hp, model, *args, **options):
        return model.fit(
            *args, **options, class_weight={0: hp.Float("weight", 1.0, 2.0), 1: 1.0, 2: 1.0}
        )


def test_a_builder_is_built_with_its_space(iris):
    space = {"units": Choice([(8, 4), (16,)]), "dropout": 0.25, "batch_size": Choice([8, 16])}
    model = make_hypermodel("mlp", iris, space)
    hp = keras_tuner.HyperParameters()
    built = model.build(hp)
    widths = [layer.units for layer in built.layers if isinstance(layer, keras.layers.Dense)]
    assert widths == [8, 4, 3]
    assert {layer.rate for layer in built.layers if isinstance(layer, keras.layers.Dropout)} == {
        0.25
    }
    assert hp.values == {"units": "(8, 4)", "batch_size": 8}
    hp.values["units"] = "(16,)"
    assert model.build(hp).layers[1].units == 16
    assert make_hypermodel("mlp", iris, None).options.keys() == dk.tuning.space("mlp").keys()


@pytest.mark.parametrize("model", [small, Small(), lambda hp: small(hp)])
def test_a_model_of_ones_own_is_asked_for_its_space(model, iris):
    made = make_hypermodel(model, iris, {"units": Choice([3, 5])})
    hp = keras_tuner.HyperParameters()
    assert made.build(hp).layers[0].units == 3
    made.check_overrides()
    assert [type(p).__name__ for p in hp.space] == ["Choice", "Choice"]
    assert made.name in ("small", "Small", "<lambda>", "function")


def test_a_fit_of_ones_own_is_called_with_its_hyperparameters(iris):
    made = make_hypermodel(Small(), iris, {"weight": Float(1.5, 1.8)})
    hp = keras_tuner.HyperParameters()
    model = made.build(hp)
    train, held = iris.splits(hp, 0)
    made.fit(hp, model, train, validation_data=held, epochs=1, verbose=0)
    assert hp.get("weight") == 1.5
    made.check_overrides()


def test_a_space_that_no_model_asks_for_is_refused(iris):
    made = make_hypermodel(small, iris, {"unit": Choice([3, 5])})
    made.build(keras_tuner.HyperParameters())
    with pytest.raises(InputError, match=r"'unit', and small asks for no such.*conditional_scope"):
        made.check_overrides()


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ("mpl", "no model named 'mpl'.*'mlp'"),
        (3, "model must be a builder's name.*Received: int"),
        (Small, "is the class Small: give an object of it"),
        (keras.Sequential(), "a function of hp.*Received: Sequential"),
    ],
)
def test_what_no_model_can_be_made_of_is_refused(model, words, iris):
    with pytest.raises(InputError, match=words):
        make_hypermodel(model, iris, None)


def test_what_the_data_asks_for_is_not_asked_for_twice():
    def loaded(hp):
        return dk.data.load("iris", batch_size=hp.Choice("batch_size", [7, 9]))

    data = TrialData(loaded)
    hp = keras_tuner.HyperParameters()
    make_hypermodel("perceptron", data, None).build(hp)
    assert [p.values for p in hp.space if p.name == "batch_size"] == [[7, 9]]

    def penalised(hp):
        return dk.data.load("iris", seed=hp.Choice("l2", [1, 2]))

    with pytest.raises(InputError, match="Both the data and the space of perceptron declare l2"):
        make_hypermodel("perceptron", TrialData(penalised), None).build(
            keras_tuner.HyperParameters()
        )


def test_data_that_fails_has_told_what_it_asked_for():
    def broken(hp):
        hp.Choice("rows", [1, 2])
        raise ValueError("no rows")

    hp = keras_tuner.HyperParameters()
    with pytest.raises(ValueError, match="no rows"):
        make_hypermodel("perceptron", TrialData(broken), None).build(hp)
    assert [p.name for p in hp.space] == ["rows"]
