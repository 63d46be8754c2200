"""The columns of a table by name, and the one of the targets."""

import numpy as np
import pytest

from dlkit.data.files.table_columns import check_columns, check_target, read_target
from dlkit.errors import InputError


def array(*texts):
    return np.array(texts, object)


def test_a_column_that_the_table_lacks_is_named():
    with pytest.raises(InputError, match=r"drop names the column 'agee', .* Did you mean 'age'"):
        check_columns("drop", ["age", "agee"], ["age", "city"])


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (["a;b"], r"no column 'y' to predict.* another delimiter"),
        (["x", "yy"], r"no column 'y' to predict\. Did you mean 'yy'"),
        (["y"], r"no column besides the target 'y'"),
    ],
)
def test_a_table_without_the_target_is_refused(columns, message):
    with pytest.raises(InputError, match=message):
        check_target(columns, "y", "The table")


@pytest.mark.parametrize(
    ("values", "task", "expected"),
    [
        (array("yes", "no"), None, ["yes", "no"]),
        (array("10", "9"), None, [10, 9]),
        (array("0010", "10"), None, ["0010", "10"]),
        (array("0", "10"), None, [0, 10]),
        (array("007", "7"), "regression", [7.0, 7.0]),
        (array(*(f"{i:03}" for i in range(21))), None, list(map(float, range(21)))),
        (array("1.0", "2.0"), None, [1.0, 2.0]),
        (np.array([1.0, 2.0]), None, [1, 2]),
        (array("1", "2"), "regression", [1.0, 2.0]),
        (np.arange(21.0), None, list(map(float, range(21)))),
        (np.arange(21.0), "multiclass", list(range(21))),
        (array("9007199254740992", "9007199254740993"), None, [2**53, 2**53 + 1]),
        (np.array([2**53, 2**53 + 1, -(2**63)]), None, [2**53, 2**53 + 1, -(2**63)]),
        (np.array([2**64 - 1, 0], np.uint64), None, ["18446744073709551615", "0"]),
        (array("1E5", "100000"), None, ["1E5", "100000"]),
        (array("1e5", "100000"), "regression", [1e5, 1e5]),
        (array("true", "False", "True"), None, ["True", "False", "True"]),
        (array("TRUE", "FALSE"), None, ["TRUE", "FALSE"]),
        (np.array([True, False]), None, ["True", "False"]),
        (np.array([True, False]), "regression", [1.0, 0.0]),
    ],
)
def test_the_target_is_read(values, task, expected):
    read = read_target(values, "y", task)
    assert read.tolist() == expected
    assert [type(value) for value in read.tolist()] == [type(value) for value in expected]


def test_a_row_without_a_target_is_named():
    with pytest.raises(InputError, match=r"1 of 3 rows have no target 'y', the first is row 2"):
        read_target(array("a", "", "b"), "y", None)
