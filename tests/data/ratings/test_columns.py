"""Columns of ratings: identifiers as they stand, and each wrong cell with its sentence."""

import numpy as np
import pandas as pd
import pytest

from dlkit.data.ratings import columns
from dlkit.errors import InputError


def test_whole_numbers_stay_numbers_and_anything_else_is_a_text():
    """2**60 + 1 has no float64, so no way may lead over one."""
    big = 2**60 + 1
    for values in ([big, 3], pd.Series([big, 3]), [str(big), "3"]):
        found = columns.identifiers({"id": values}, "id", "user")
        assert found.dtype == np.int64 and found.tolist() == [big, 3]
    for texts in (["007", "8"], ["tt1", "3"], ["9" * 30, "1"]):
        assert columns.identifiers({"id": texts}, "id", "item").tolist() == texts
    assert columns.identifiers({"id": [1.0, 2.0]}, "id", "item").tolist() == [1, 2]


def test_a_file_gives_the_same_as_its_frame(tmp_path):
    path = tmp_path / "ratings.tsv"
    path.write_text("1\t10\t4.5\n2\tNA\t3\n")
    table = columns.read_ratings_table(path, columns=("user", "film", "stars"), delimiter="\t")
    assert columns.identifiers(table, "film", "item").tolist() == ["10", "NA"]  # a name
    assert columns.numbers(table, "stars").tolist() == [4.5, 3.0]


def test_times_are_numbers_or_dates():
    dates = ["2020-01-01", "2019-05-05 10:00:00", "2019-05-05 09:59:59"]
    for values in (dates, pd.to_datetime(dates, format="mixed"), [30, 20, 10]):
        assert columns.read_times({"t": values}, "t", 3).argsort().tolist() == [2, 1, 0]


@pytest.mark.parametrize("missing", [None, float("nan"), "", " ", pd.NaT, pd.NA])
def test_a_missing_identifier_is_told_with_its_row(missing):
    with pytest.raises(InputError, match=r"Row 1 has no user: the cell in column 'id' is"):
        columns.identifiers({"id": np.array(["ann", missing], object)}, "id", "user")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([4, "good"], r"Row 1 has a rating that is not a number: .* 'stars' is 'good'"),
        ([4, None], r"Row 1 has a rating that is not a number: .* is None"),
        ([4, float("inf")], r"Row 1 has a rating that is not a number: .* is inf"),
        ([True, 4], r"Row 0 has a rating that is not a number"),
        ([4, 4.0, 4], r"All 3 ratings in column 'stars' are 4"),
        ([], r"Column 'stars' must hold one rating a row. Received shape \(0,\)"),
    ],
)
def test_a_rating_that_cannot_be_learned_is_told(values, message):
    with pytest.raises(InputError, match=message):
        columns.numbers({"stars": np.array(values, object)}, "stars")


def test_other_wrong_tables_are_told():
    with pytest.raises(InputError, match=r"Row 1 has no time: .* 'when' is 'soon'"):
        columns.read_times({"when": ["2020-01-01", "soon"]}, "when", 2)
    with pytest.raises(InputError, match=r"'when' must hold a time for each of 3 .* Received: 1"):
        columns.read_times({"when": ["2020-01-01"]}, "when", 3)
    with pytest.raises(InputError, match=r"must be two columns. Received: 'who' for both"):
        columns.read_ratings({"who": ["ann"]}, "who", "who", "stars")
    with pytest.raises(InputError, match=r"Ratings must be a pandas DataFrame.* Received: list"):
        columns.numbers([1, 2], "stars")
    with pytest.raises(
        InputError, match=r"same length. Received: {'who': 2, 'film': 2, 'stars': 3}"
    ):
        table = {"who": [1, 2], "film": [1, 2], "stars": [1, 2, 3]}
        columns.read_ratings(table, "who", "film", "stars")
