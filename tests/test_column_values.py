"""What the cells of tables say, held to what pandas makes of them."""

import io
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from dlkit.column_values import NA_VALUES, as_booleans, as_text, is_missing


@pytest.mark.parametrize("cell", ["True", "TRUE", "true", "False", "FALSE", "false"])
def test_booleans_are_what_pandas_reads_as_such(cell):
    column = pd.read_csv(io.StringIO(f"x\n{cell}\n"))["x"]
    assert column.dtype == bool
    assert as_booleans([cell]) == column.tolist()
    assert as_booleans(column) == column.tolist()


@pytest.mark.parametrize("cell", ["tRUE", "T", "yes", "1", "1.0", "on", " true", "None"])
def test_nothing_else_is_a_boolean(cell):
    assert as_booleans([cell, "true"]) is None


def test_numbers_as_text_keep_their_digits():
    whole = [2**53 + 1, 2**70, -(2**63)]
    assert [as_text(value) for value in whole] == [str(value) for value in whole]
    assert [as_text(value) for value in (1e22, 0.1, b"x", None)] == [
        *("10000000000000000000000", "0.1", b"x", None),
    ]


@pytest.mark.parametrize(
    "value",
    [
        None,
        float("nan"),
        np.float32("nan"),
        np.datetime64("NaT"),
        pd.NA,
        pd.NaT,
        *NA_VALUES,
    ],
)
def test_there_is_nothing(value):
    assert is_missing(value)


@pytest.mark.parametrize(
    "value",
    [0, 0.0, False, "0", "na", " ", b"", np.zeros(3), [], pd.Timestamp("2024-01-02"), "None"],
)
def test_there_is_something(value):
    assert not is_missing(value)


def test_the_rule_needs_neither_tensorflow_nor_numpy():
    found = "import sys, dlkit.column_values; print({'tensorflow', 'numpy'} & {*sys.modules})"
    done = subprocess.run([sys.executable, "-c", found], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
