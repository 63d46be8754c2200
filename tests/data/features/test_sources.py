"""The named tables, held to the counts that their publishers state."""

import numpy as np
import pytest

import dlkit as dk
from dlkit.data.catalogue import loading
from dlkit.data.features import sources
from dlkit.errors import InputError
from tests.data.arrays.test_from_arrays import batches


@pytest.fixture(autouse=True)
def real_data(shared_data):
    """All named tables are read from DLKIT_DATA."""


def test_the_named_tables_are_what_their_description_says():
    """Counts from the data folder's README; the last two are small enough to load whole."""
    for name, gaps in (("titanic", {"Age": 177, "Embarked": 2}), ("penguins", {"sex": 11})):
        info, data = loading.find_info(name), dk.data.load(name, val_fraction=0)
        parts = [batches(split) for split in (data.train, data.test)]
        assert sum(len(labels) for _, labels in parts) == info.examples
        assert data.task == info.task
        features = np.concatenate([x for x, _ in parts])
        for column, count in gaps.items():
            place = data.feature_names.index(f"{column} missing")
            assert features[:, place].sum() == count
    assert len(batches(dk.data.load("auto_mpg").test)[1]) == 80
    assert {c.name: c.note for c in data.columns}["bill_length_mm"].startswith("mean 4")


def test_adult_has_its_published_test_split():
    data = dk.data.load("adult", batch_size=1024, cache=False)
    assert data.class_names == ("<=50K", ">50K")
    labels = np.concatenate([y for _, y in data.test.map(lambda x, y: (0, y)).as_numpy_iterator()])
    assert np.bincount(labels).tolist() == [12_435, 3_846]
    notes = {column.name: column.note for column in data.columns}
    assert notes["sex"] == "2 values"
    assert "missing" in notes["workclass"]
    assert data.examples[0]["workclass"][0] == "Private"  # no blank left, as line 1 of the file


def test_a_named_table_that_is_not_here_says_where_it_may_be_put(tmp_path, monkeypatch):
    monkeypatch.setenv("DLKIT_DATA", str(tmp_path))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    with pytest.raises(
        InputError, match=r"titanic\.csv is not on this machine: put it into one of"
    ):
        dk.data.load("titanic")


def test_auto_mpg_is_read_from_its_own_format():
    """The first line of the file, and the six gaps in horsepower."""
    columns = sources.TABLES["auto_mpg"]().columns
    first = [cells[0] for cells in columns.values()]
    assert first == [
        *("18.0", "8", "307.0", "130.0", "3504.", "12.0", "70", "1"),
        "chevrolet chevelle malibu",
    ]
    assert columns["horsepower"].count("?") == 6


def test_california_is_in_hundred_thousand_dollars():
    data = dk.data.load("california_housing", cache=False)
    _, prices = data.examples
    assert 0.14 < prices.min() < prices.max() < 5.1  # the census cut off at 500,001
    assert {c.name: c.note for c in data.columns}["ocean_proximity"] == "5 values"
