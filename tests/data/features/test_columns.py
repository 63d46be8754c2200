"""What a column is taken for, by hand."""

import numpy as np
import pytest

from dlkit.data.features import columns
from dlkit.errors import InputError


def array(*texts):
    made = np.empty(len(texts), object)
    made[:] = texts
    return made


def inferred(values, *, train=None, kinds=None, max_categories=3):
    rows = np.arange(len(values)) if train is None else np.array(train)
    (column,) = columns.infer_columns({"x": values}, rows, kinds or {}, max_categories)
    return column.kind, column.note


@pytest.mark.parametrize(
    ("values", "kind", "note"),
    [
        (array("1", "2", "", "6"), "numeric", "mean 3, 1 missing"),
        (np.array([1.0, 2.0, np.nan]), "numeric", "mean 1.5, 1 missing"),
        (array("a", "b", "a", ""), "category", "2 values, 1 missing"),
        (array("1", "2", "few"), "category", "3 values"),
        (array("a", "b", "c", "d", "a"), "hash", "4 values"),
        (array("a", "b", "c", "d"), "drop", "every value is different"),
        (array("", "", ""), "drop", "all values are missing"),
        (
            array("2020-01-31", "", "2021-05-01 12:00"),
            "date",
            "2020-01-31 to 2021-05-01 12:00, 1 m",
        ),
        (array("2020-01-31", "soon", "soon"), "category", "2 values"),
        (array("true", "FALSE", "true"), "boolean", "mean 0.6667"),
        (np.array([True, False]), "boolean", "mean 0.5"),
        (array("true", "", "false"), "numeric", "mean 0.5, 1 missing"),
        (array("true", "1", "true"), "category", "2 values"),
        (array("02116", "2116", "2116"), "category", "2 values"),
        (np.array([2**53, 2**53 + 1]), "numeric", "mean 9.007e+15"),
    ],
)
def test_the_kind_of_a_column(values, kind, note):
    found = inferred(values)
    assert found[0] == kind
    assert found[1].startswith(note)


def test_only_training_rows_are_counted():
    values = array("a", "a", "b", "c", "d", "")
    assert inferred(values) == ("hash", "4 values, 1 missing")
    assert inferred(values, train=[0, 1, 2]) == ("category", "2 values")
    assert inferred(array("", "", "5"), train=[0, 1]) == ("drop", "all values are missing")
    assert inferred(np.array([1.0, 3.0, 500.0]), train=[0, 1]) == ("numeric", "mean 2")


def test_a_kind_can_be_given():
    assert inferred(array("1", "2", "2"), kinds={"x": "category"}) == ("category", "2 values")
    assert inferred(array("1", "2", "2"), kinds={"x": "drop"}) == ("drop", "as told")
    assert inferred(array("a", "b"), kinds={"x": "hash"}) == ("hash", "2 values")
    assert inferred(array("02", "2"), kinds={"x": "numeric"}) == ("numeric", "mean 2")
    assert inferred(array("20240301", "20240201"), kinds={"x": "date"}) == (
        *("date", "2024-02-01 to 2024-03-01"),
    )
    long = np.array([2**53, 2**53 + 1])
    assert inferred(long, kinds={"x": "category"}) == ("category", "2 values")
    (column,) = columns.infer_columns({"x": long}, np.arange(2), {"x": "category"}, 3)
    assert columns.raw_columns([column], {"x": long})["x"].tolist() == [
        str(value) for value in long
    ]


@pytest.mark.parametrize(
    ("kinds", "message"),
    [
        ({"y": "numeric"}, r"kinds names the column 'y', which the table lacks\. Its columns: x"),
        ({"x": "number"}, r"kinds\['x'\] must be one of: numeric, .* Did you mean 'numeric'"),
        ({"x": "numeric"}, r"Column 'x' is of kind 'numeric', and its value 'two' in row 2 is not"),
        ({"x": "date"}, r"'date', and its value '1' in row 1 is not like 2026-11-21"),
        (
            {"x": "boolean"},
            r"'boolean', and its value '1' in row 1 is not true or false \(a 'numeri",
        ),
    ],
)
def test_a_kind_that_does_not_fit_is_said(kinds, message):
    with pytest.raises(InputError, match=message):
        inferred(array("1", "two"), kinds=kinds)


def test_numbers_must_be_finite():
    with pytest.raises(InputError, match=r"value 'inf' in row 2 is not finite"):
        columns.to_numbers("x", array("1", "inf"))
    with pytest.raises(InputError, match=r"value 'x' in row 1 of the test rows is not a number"):
        columns.to_numbers("x", array("x"), " of the test rows")


def test_a_number_that_float32_cannot_hold_is_named():
    with pytest.raises(InputError, match=r"its value '1e39' in row 2 is not finite as float32"):
        columns.to_numbers("size", array("1", "1e39"))
