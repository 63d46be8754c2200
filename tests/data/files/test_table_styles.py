"""Numbers as countries write them, held to pandas."""

import io

import numpy as np
import pandas as pd
import pytest

from dlkit.data.files.cells import as_numbers
from dlkit.data.files.table_styles import Style, number_pattern
from dlkit.errors import InputError


def read(cells, decimal, thousands, texts=()):
    return Style(("", "?"), decimal, thousands, None).read({"x": cells}, texts)["x"]


@pytest.mark.parametrize(
    ("cells", "decimal", "thousands"),
    [
        (["-0,37", "1,5e3", "7", "", ",5"], ",", None),
        (["1.250,50", "-12", "1.000.000", "0,375"], ",", "."),
        (["1,250.50", "+3", "12,345", "1e5"], ".", ","),
        (["1 250,5", "3"], ",", " "),
        (["1'250.5", "12'000"], ".", "'"),
    ],
)
def test_numbers_are_what_pandas_reads(cells, decimal, thousands):
    file = io.StringIO("\n".join(["x|y", *(f"{cell}|a" for cell in cells)]))
    theirs = pd.read_csv(file, sep="|", decimal=decimal, thousands=thousands)["x"]
    found = read(cells, decimal, thousands)
    np.testing.assert_array_equal(as_numbers(found), theirs.to_numpy(float))


def test_codes_keep_their_zeros_and_texts_stay_as_they_are():
    assert read(["02116", "2116"], ",", ".").tolist() == ["02116", "2116"]
    assert read(["1,5", "two"], ",", None).tolist() == ["1,5", "two"]
    assert read(["1,5", "2,5"], ",", None, ["x"]).tolist() == ["1,5", "2,5"]
    assert read([1.5, 2.5], ",", None).tolist() == [1.5, 2.5]
    assert read(["true", "false"], ",", None).tolist() == ["true", "false"]


def test_groups_are_of_three_digits_or_two_as_in_india():
    pattern = number_pattern(".", ",")
    for text in ("1,234", "12,34,567", "1,234,567.89"):
        assert pattern.fullmatch(text), text
    for text in ("1,2", "1,23,45", ",123", "0,375", "1,,234", "1,234,", "1234,567"):
        assert not pattern.fullmatch(text), text


def test_a_point_that_is_no_decimal_is_refused():
    """It would be read as 1.25, where the table means 1250."""
    with pytest.raises(InputError, match=r"'x' holds '1\.250' in row 2, .* decimal=',', thous"):
        read(["3", "1.250"], ",", None)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((",", ","), r"decimal and thousands must differ\. Received: ',' for both"),
        (("", None), r"decimal must be one character .* Received: decimal=''"),
        (("e", None), r"Received: decimal='e'"),
        ((None, None), r"Received: decimal=None"),
        ((".", "--"), r"thousands must be one .* Received: thousands='--'"),
        ((".", "-"), r"Received: thousands='-'"),
    ],
)
def test_marks_that_cannot_be_are_refused(options, message):
    with pytest.raises(InputError, match=message):
        Style((), *options, None)
    with pytest.raises(InputError, match=r"Received: dayfirst='yes'"):
        Style((), ".", None, "yes")
