"""The bins of a vector's numbers: from the training rows, and whatever a column holds."""

import numpy as np
import pytest

import dlkit as dk
from dlkit.data.changes.bins import BINS
from tests.data.arrays.test_from_arrays import batches


def table(rows=400):
    """Return columns of the kinds that are hard to cut."""
    random = np.random.default_rng(0)
    columns = {
        "smooth": random.normal(size=rows),
        "steps": random.integers(0, 5, rows) * 10,
        "constant": np.full(rows, 7.0),
        "flag": random.integers(0, 2, rows),
        "huge": 10**15 + random.integers(0, 10**6, rows),
        "mostly_zero": np.where(random.random(rows) < 0.8, 0, random.integers(1, 10**5, rows)),
        "gaps": np.where(random.random(rows) < 0.3, np.nan, random.normal(size=rows)),
        "word": random.choice(["a", "b", "c"], rows),
    }
    columns["target"] = random.integers(0, 2, rows)
    return columns


@pytest.fixture(scope="module")
def data():
    return dk.data.from_dataframe(table(), "target", batch_size=32)


def test_each_kind_of_column_gets_bins_or_none(data):
    edges = dict(zip(data.feature_names, data.bin_edges, strict=True))
    assert {name: len(row) for name, row in edges.items()} == {
        "smooth": BINS + 1,
        "steps": 5,
        "constant": 0,
        "flag": 0,
        "huge": BINS + 1,
        "mostly_zero": BINS + 1,
        "gaps": BINS + 1,
        "gaps missing": 0,
        **dict.fromkeys(("word=a", "word=b", "word=c"), 0),
    }
    for row in edges.values():
        assert (np.diff(np.array(row, "float32")) > 0).all()


def test_a_bin_holds_as_many_rows_as_another(data):
    place = data.feature_names.index("smooth")
    values = batches(data.train)[0][:, place]
    counts, _ = np.histogram(values, data.bin_edges[place])
    assert counts.sum() == len(values) and counts.min() >= 5 and counts.max() <= 9  # 288 rows


def test_only_training_rows_are_looked_at():
    columns = table()
    plain = dk.data.from_dataframe(columns, "target", batch_size=32)
    moved = {name: values.copy() for name, values in columns.items()}
    split = plain.origin.split
    held = np.concatenate([split.val, split.test])
    moved["smooth"][held] += 1000
    again = dk.data.from_dataframe(moved, "target", batch_size=32)
    np.testing.assert_array_equal(again.origin.split.train, split.train)
    assert again.bin_edges == plain.bin_edges
    moved["smooth"][split.train[:40]] += 1000
    assert dk.data.from_dataframe(moved, "target", batch_size=32).bin_edges != plain.bin_edges


def test_other_training_rows_have_other_bins(data):
    first, second, *_ = data.folds(3)
    assert first.bin_edges[0] != second.bin_edges[0]


def test_prepared_anew_or_from_memory_they_are_the_same(data):
    anew = dk.data.from_dataframe(table(), "target", batch_size=32, cache=False)
    held = dk.data.from_dataframe(table(), "target", batch_size=32)
    np.testing.assert_array_equal(
        [len(row) for row in anew.bin_edges], [len(row) for row in held.bin_edges]
    )


def test_what_is_no_vector_has_no_bins():
    images = dk.data.from_arrays(np.zeros((40, 8, 8, 1)), np.arange(40) % 2, batch_size=8)
    assert images.bin_edges is None
    assert dk.data.load("sms_spam", batch_size=32).bin_edges is None  # tokens


def test_the_column_of_each_feature_is_told(data):
    columns = dict(zip(data.feature_names, data.feature_columns, strict=True))
    assert columns["gaps missing"] == columns["gaps"]
    assert columns["word=a"] == columns["word=b"] == columns["word=c"]
    assert len(set(columns.values())) == len(data.columns) == 8


def test_a_cross_is_a_column_of_its_own_whatever_another_is_named():
    words = {"left": list("ab") * 30, "right": list("cddc") * 15, "left x right": list("efg") * 20}
    table = {**words, "target": [0, 1] * 30}
    data = dk.data.from_dataframe(table, "target", crosses=[("left", "right")], hash_bins=4)
    names = [name.partition("=")[0].partition(" #")[0] for name in data.feature_names]
    of_columns = {column for name, column in zip(names, data.feature_columns, strict=True)}
    assert len(of_columns) == 4 and set(names) == set(words)
