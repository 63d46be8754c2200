"""Which steps an `augment` argument names."""

import keras
import numpy as np
import pytest

from dlkit.data.core.augmentation import (
    default_amounts,
    own_augmentation,
    read_steps,
    refuse_augmentation,
    without_recipes,
)
from dlkit.errors import InputError

AMOUNTS = {"noise": 0.1, "pitch": 2.0}
LEVELS = {"light": {"noise": 0.05}, "strong": {"noise": 0.2, "pitch": 3.0}}


def read(augment):
    return read_steps(augment, AMOUNTS, LEVELS)


def test_levels_names_lists_and_dicts_are_read():
    assert read(None) == read(False) == {}
    assert read("strong") == LEVELS["strong"]
    assert read("noise") == {"noise": 0.1}
    assert read(["pitch", "noise"]) == {"pitch": 2.0, "noise": 0.1}
    assert read({"pitch": 11}) == {"pitch": 11}


@pytest.mark.parametrize(
    ("augment", "message"),
    [
        ("nois", "Did you mean 'noise'"),
        (["noise", 3], "Each step of augment must be one of: noise, pitch, light, strong.*3"),
        (["noise", "light"], r"one level \(light, strong\), or some of: noise, pitch"),
        ([], r"augment=\[\] must be one level"),
        ({"noise": 1}, r"The amount of 'noise' must be in \[0, 1\)\. Received:.*1"),
        ({"pitch": -1}, r"The amount of 'pitch' must be in \[0, 12\)"),
        ({"noise": True}, "Received: augment={'noise': True}"),
    ],
)
def test_what_cannot_be_meant_is_refused(augment, message):
    with pytest.raises(InputError, match=message):
        read(augment)


def test_own_functions_and_layers_are_called_for_training():
    assert own_augmentation("light") is None
    assert own_augmentation(lambda x, seed: x + seed)(1, 2) == 3
    dropped = own_augmentation(keras.layers.Dropout(0.5, seed=1))(np.ones((1, 100), "f"), None)
    assert set(np.unique(dropped)) == {0, 2}


def test_inputs_without_recipes_take_functions_alone_and_others_nothing():
    assert without_recipes(None, 2) is without_recipes(False, 2) is None
    assert without_recipes(max, 2) is max
    with pytest.raises(InputError, match=r"augment='flip' moves pixels and needs images .* 1 axes"):
        without_recipes("flip", 2)
    refuse_augmentation("Nodes", False)
    with pytest.raises(InputError, match="Nodes are not augmented: augment must be None or False"):
        refuse_augmentation("Nodes", max)


def test_a_recipe_is_as_strong_as_its_default_says():
    def blur(inputs, seed, amount=0.25):
        return inputs

    assert default_amounts({"blur": blur}) == {"blur": 0.25}
