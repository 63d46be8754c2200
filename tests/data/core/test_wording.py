"""Shares and lists in words."""

import pytest

from dlkit.data.core.wording import listed, share_of


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [(3, 1200, "3 of 1,200 (0.2%)"), (1, 4, "1 of 4 (25%)"), (0, 0, "0 of 0 (0.0%)")],
)
def test_a_share_has_a_decimal_where_it_is_small(part, whole, text):
    assert share_of(part, whole) == text


def test_of_many_names_the_first_are_listed():
    assert listed(["a", "b"]) == "a, b"
    assert listed(["a"] * 1500, 2) == "a, a and 1,498 more"
