"""A data set made again from other rows of its own."""

import dataclasses

import numpy as np
import pytest

import dlkit as dk


def arrays():
    random = np.random.default_rng(0)
    x = random.normal(3.0, 2.0, (90, 4)).astype(np.float32)
    return dk.data.from_arrays(x, random.integers(0, 3, 90), batch_size=8)


def table():
    values = {"a": np.arange(90.0), "b": ["x", "y", "z"] * 30, "c": [0, 1] * 45}
    return dk.data.from_dataframe(values, "c", batch_size=8)


@pytest.mark.parametrize("make", [arrays, table])
def test_other_training_rows_teach_another_preprocessing_of_the_same_rows(make):
    data = make()
    split = data.origin.split
    assert sorted(np.concatenate([split.train, split.val, split.test])) == list(range(90))
    other = data.origin.remake(dataclasses.replace(split, train=split.train[:20]))
    assert sum(len(y) for _, y in other.train) == 20
    before, after = (next(iter(d.test)) for d in (data, other))
    np.testing.assert_array_equal(before[1], after[1])  # the same rows
    assert np.abs(before[0].numpy() - after[0].numpy()).max() > 1e-3  # another mean and variance


@pytest.mark.parametrize("make", [arrays, table])
def test_raw_rows_prepared_are_the_rows_of_the_pipeline(make):
    data = make()
    rows = data.origin.split.val
    prepared = data.preprocessing(data.origin.raw(rows)).numpy()
    served = np.concatenate([x for x, _ in data.val.as_numpy_iterator()])
    np.testing.assert_allclose(prepared, served, atol=1e-6)


def test_a_row_that_stands_twice_is_seen_twice_and_weights_go_to_training_alone():
    data = arrays()
    split = data.origin.split
    twice = np.concatenate([split.train, split.train[:1]])
    weights = np.arange(90.0)
    other = data.origin.remake(dataclasses.replace(split, train=twice, weights=weights))
    seen = np.concatenate([w for *_, w in other.train.as_numpy_iterator()])
    np.testing.assert_array_equal(np.sort(seen), np.sort(weights[twice]))
    assert len(next(iter(other.val))) == 2
    np.testing.assert_array_equal(split.kept, np.union1d(split.train, split.val))


def test_a_record_is_replaced_and_not_changed_and_keeps_its_class():
    data = arrays()
    assert type(data) is type(dataclasses.replace(data, name="other")) is dk.data.Data
    assert type(data.balanced()) is type(next(data.folds(2))) is dk.data.Data
    assert dataclasses.replace(data) == data
    with pytest.raises(dataclasses.FrozenInstanceError):
        data.name = "other"
    assert repr(data).startswith("Data(name='arrays', task='multiclass', train=<")
    assert "origin=" not in repr(data)
    assert "num_classes: Classes" in dk.data.Data.__doc__
    assert set(vars(data)) == {field.name for field in dataclasses.fields(dk.data.Data)}
