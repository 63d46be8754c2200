import keras_tuner
import numpy as np
import pytest

import dlkit as dk
from dlkit.errors import InputError
from dlkit.tuning.trial_data import TrialData


def order(batches):
    return np.concatenate([np.asarray(x) for x, _ in batches])


def test_an_execution_has_the_order_of_a_fresh_process():
    data = dk.data.load("iris", seed=3)
    fresh = order(dk.data.load("iris", seed=3).train)
    source = TrialData(data)
    hp = keras_tuner.HyperParameters()
    for _ in range(2):
        train, held = source.splits(hp, 0)
        np.testing.assert_array_equal(order(train), fresh)
        order(train)
    assert held is data.val


@pytest.mark.parametrize("kind", ["fed", "cached", "plain"])
def test_batches_have_the_size_that_is_searched(kind, tmp_path):
    data = dk.data.load("iris")
    if kind == "cached":
        data = data.cache_to(tmp_path)
    if kind == "plain":
        import dataclasses

        data = dataclasses.replace(data, origin=None)
    hp = keras_tuner.HyperParameters()
    hp.Choice("batch_size", [16, 50])
    source = TrialData(data)
    for size in (16, 50, 16):
        hp.values["batch_size"] = size
        lengths = [len(y) for _, y in source.splits(hp, 0)[0]]
        assert lengths[0] == size and sum(lengths) == 108


def test_data_may_be_made_of_hyperparameters():
    calls = []

    def make(hp):
        calls.append(dict(hp.values))
        return dk.data.load("iris", val_fraction=hp.Choice("share", [0.1, 0.3]))

    source = TrialData(make)
    hp = keras_tuner.HyperParameters()
    assert source.record(hp).origin.split.val.size == 12
    assert hp.values == {"share": 0.1}
    hp.values["share"] = 0.3
    hp.Int("units", 1, 5)
    assert source.record(hp).origin.split.val.size == 36
    assert hp.values == {"share": 0.3, "units": 1}
    hp.values["units"] = 2  # which the data does not ask for
    source.record(hp)
    assert len(calls) == 2
    other = keras_tuner.HyperParameters()
    other.values = {"share": 0.3}
    source.record(other)
    assert [p.name for p in other.space] == ["share"] and len(calls) == 2
    # What is not given yet is a default, not what other values were made with.
    assert source.record(keras_tuner.HyperParameters()).origin.split.val.size == 12


def test_folds_take_the_place_of_the_validation_split():
    data = dk.data.load("iris", val_fraction=0.0)
    source = TrialData(data, folds=4)
    hp = keras_tuner.HyperParameters()
    held = [len(order(source.splits(hp, i)[1])) for i in range(4)]
    assert held == [30] * 4
    rows = [set(map(bytes, order(source.splits(hp, i)[1]))) for i in range(4)]
    tested = set(map(bytes, order(data.test)))
    assert all(len(part & tested) <= 1 for part in rows)  # iris has a flower twice


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (lambda: dk.data.load("iris", val_fraction=0.0), "no validation split.*val_fraction"),
        (lambda: np.ones((3, 4)), "must be a dlkit Data record.*Received: ndarray"),
    ],
)
def test_data_that_nothing_can_be_compared_on_is_refused(data, words):
    with pytest.raises(InputError, match=words):
        TrialData(data()).record(keras_tuner.HyperParameters())
    with pytest.raises(InputError, match=words):
        TrialData(lambda hp: data()).record(keras_tuner.HyperParameters())
