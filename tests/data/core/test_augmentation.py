"""Which steps an `augment` argument names."""

import keras
import numpy as np
import pytest

from dlkit.data.core import augmentation
from dlkit.errors import InputError

AMOUNTS = {"noise": 0.1, "pitch": 2.0}
LEVELS = {"light": {"noise": 0.05}, "strong": {"noise": 0.2, "pitch": 3.0}}


def read(augment):
    return augmentation.read(augment, AMOUNTS, LEVELS)


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
    assert augmentation.own("light") is None
    assert augmentation.own(lambda x, seed: x + seed)(1, 2) == 3
    dropped = augmentation.own(keras.layers.Dropout(0.5, seed=1))(np.ones((1, 100), "f"), None)
    assert set(np.unique(dropped)) == {0, 2}
