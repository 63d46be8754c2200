"""What columns of cells hold; test_csv_tables.py holds whole files to pandas."""

import numpy as np
import pytest

from dlkit.data.files.cells import are_codes, as_numbers, as_texts, first_text, text_array


def array(*texts):
    return text_array(texts, ())


@pytest.mark.parametrize(
    ("values", "texts", "numbers"),
    [
        (np.array([2**53, 2**53 + 1]), ["9007199254740992", "9007199254740993"], [2.0**53] * 2),
        (np.array([2**64 - 1], np.uint64), ["18446744073709551615"], [2.0**64]),
        (np.array([True, False]), ["True", "False"], [1, 0]),
        (array("true", "", "FALSE"), ["true", "", "FALSE"], [1, np.nan, 0]),
        (array("1", "", "-.5"), ["1", "", "-.5"], [1, np.nan, -0.5]),
    ],
)
def test_a_column_as_texts_and_as_numbers(values, texts, numbers):
    assert as_texts(values).tolist() == texts
    np.testing.assert_array_equal(as_numbers(values), numbers)


def test_the_first_text_among_numbers_is_found():
    """A boolean is none among numbers."""
    for values, row in ((array("5", "True"), 1), (array("", "1_000"), 1), (array("1", ""), 2)):
        assert first_text(values) == row
    assert as_numbers(array("5", "True")) is None


@pytest.mark.parametrize("texts", [("1", "10"), ("1.0", "1"), ("1e+05", "1E-5"), ("a0", "01a")])
def test_numbers_as_programs_write_them_are_no_codes(texts):
    assert not are_codes(texts)


@pytest.mark.parametrize("texts", [("02116", "2116"), ("0010", "10"), ("1E5", "100000")])
def test_codes_are_told_from_numbers(texts):
    assert are_codes(texts)
