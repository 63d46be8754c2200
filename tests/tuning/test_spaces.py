import keras_tuner
import pytest

from dlkit.errors import InputError
from dlkit.tuning import Boolean, Choice, Float, Int, space
from dlkit.tuning.spaces import Overridden, ask, check_space, decode, encode


def test_a_space_is_asked_and_comes_back_as_it_was_declared():
    declared = {
        "units": Choice([(8,), (16, 8), ()]),
        "clipnorm": Choice([None, 1.0]),
        "normalization": Choice(["none", "batch"]),
        "kernel_size": Choice([3, 5]),
        "dropout": Float(0.0, 0.5, step=0.1, default=0.2),
        "convs_per_block": Int(1, 3),
        "jit_compile": Boolean(),
        "activation": "relu",
    }
    hp = keras_tuner.HyperParameters()
    first = {"units": (8,), "clipnorm": None, "normalization": "none", "kernel_size": 3}
    first |= {"dropout": 0.2, "convs_per_block": 1, "jit_compile": False, "activation": "relu"}
    assert ask(hp, declared) == first
    assert [p.name for p in hp.space] == [name for name in declared if name != "activation"]
    hp.values |= {"units": "()", "clipnorm": "1.0", "kernel_size": 5}
    assert ask(hp, declared) == first | {"units": (), "clipnorm": 1.0, "kernel_size": 5}
    sent = keras_tuner.HyperParameters.from_proto(hp.to_proto())  # as to another process
    assert ask(sent, declared) == ask(hp, declared)


def test_a_hyperparameter_may_depend_on_another():
    declared = {
        "optimizer": Choice(["adam", "nesterov"]),
        "weight_decay": Float(1e-4, 1e-1, sampling="log", when={"optimizer": ["adam"]}),
    }
    hp = keras_tuner.HyperParameters()
    assert ask(hp, declared) == {"optimizer": "adam", "weight_decay": 1e-4}
    hp = keras_tuner.HyperParameters()
    hp.values = {"optimizer": "nesterov"}
    assert ask(hp, declared) == {"optimizer": "nesterov"}


@pytest.mark.parametrize("value", [1, 1.5, "a", (1,), None, True, (1, (2,))])
def test_values_are_decoded_to_what_they_were(value):
    for kind in (Choice([value]), Choice([value, "other"]), Choice(["other", value])):
        assert decode(kind, encode(kind, value)) == value
        assert type(decode(kind, encode(kind, value))) is type(value)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"filter": Choice([(8,)])}, "filter"),
        ({"seed": Int(0, 5)}, "seed cannot be searched: give the search's seed"),
        ({"vocab_size": Choice([9])}, "vocab_size cannot be searched: it comes from the data"),
        ({"metrics": Choice([["auc"]])}, "metrics are what trials are compared by"),
        ({}, "nothing to search"),
        ({"dropout": 0.5}, r"nothing to search.*dropout.*0\.5"),
        ([("dropout", Float(0, 0.5))], "space must be a dict"),
        ({"dropout": Float(0, 0.5, when={"units": [(8,)]})}, "units must stand before it"),
    ],
)
def test_what_is_no_space_of_a_builder_is_refused(given, words):
    with pytest.raises(InputError, match=words):
        check_space("cnn", given)


def test_a_builders_space_is_a_copy():
    space("cnn").clear()
    assert "filters" in space("cnn")
    with pytest.raises(InputError, match="no model named 'cnnn'"):
        space("cnnn")


def test_a_function_is_asked_with_other_ranges():
    met = set()
    hp = keras_tuner.HyperParameters()
    other = Overridden(hp, {"units": Choice([(8,), (4, 2)]), "rate": 0.5, "unmet": Int(1, 2)}, met)
    assert other.Int("units", 1, 100) == (8,)
    assert other.Float("rate", 0.0, 0.1) == 0.5
    assert other.Boolean("bias") is False
    assert met == {"units", "rate"}
    assert [p.name for p in hp.space] == ["units", "bias"]  # what is fixed is not searched
    hp.values["units"] = "(4, 2)"
    assert other.Int("units", 1, 100) == (4, 2)
    with other.conditional_scope("bias", [True]):
        assert other.Int("units", 1, 100) is None
