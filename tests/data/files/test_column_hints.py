"""What columns look like, each planted by hand."""

import numpy as np
import pytest

from dlkit.data.files import column_hints
from dlkit.data.files.cells import text_array


def hint(cells, kind):
    values = cells if isinstance(cells, np.ndarray) else text_array(cells, ("",))
    found = column_hints.look_at_column("x", kind, values)
    return found and (found.level, found.detail, found.advice)


@pytest.mark.parametrize(
    ("cells", "advice"),
    [
        (["-0,37", "1,5", "2"], "give decimal=','"),
        (["1.250,50", "3,5", "12.000"], "give decimal=',', give thousands='.'"),
        (["1,250", "12,000,000", "7"], "give thousands=','"),
        (["0,375", "1,250"], "give decimal=','"),
        (["$1,250.50", "-$3.00"], "give thousands=',', leave $ out of its cells"),
        (["12 %", "3.5 %"], "leave % out of its cells"),
        (["€ 1,50", "3,00 €"], "give decimal=',', leave € out of its cells"),
        (["1'250", "3'000.5"], 'give thousands="\'"'),
        (["1\u202f250,5", "3,5"], "give decimal=',', give thousands='\\u202f'"),
        (["7"] * 30 + ["-"], "name '-' in na_values if that means missing"),
        (["1", "2"] * 30 + ["none", "-"], "name 'none', '-' in na_values if that means missing"),
    ],
)
def test_texts_that_look_like_numbers(cells, advice):
    level, detail, told = hint(cells, "hash")
    assert (level, told) == ("warning", advice)
    assert detail == f"looks like numbers, as {cells[0]!r}, and is read as texts"


@pytest.mark.parametrize(
    ("cells", "advice"),
    [
        (["28.03.2024", "1.4.2024"], "give dayfirst=True"),
        (["03/28/2024", "4/1/2024 13:00"], "give dayfirst=False"),
        (["01-02-2024", "03-04-2024"], "give dayfirst=True or dayfirst=False"),
        (["28.03.24"], "write them like 2026-11-21"),
        (["2024-3-8", "2024-12-01"], "write them like 2026-11-21"),
        (["28 Mar 2024", "1 April 2024"], "write them like 2026-11-21"),
        (["Mar 28, 2024"], "write them like 2026-11-21"),
    ],
)
def test_texts_that_look_like_dates(cells, advice):
    assert hint(cells, "drop") == (
        *("warning", f"looks like dates, as {cells[0]!r}, and is read as texts", advice),
    )


@pytest.mark.parametrize(
    ("cells", "pair"),
    [
        (["9007199254740992", "9007199254740993"], "9007199254740992 and 9007199254740993"),
        (np.array([2**53, 7, 2**53 + 1]), "9007199254740992 and 9007199254740993"),
        (["100000", "1E5"], "100000 and 1E5"),
    ],
)
def test_codes_that_are_one_number(cells, pair):
    assert hint(cells, "numeric") == (
        *("warning", f"holds {pair}, which are one number"),
        "give kinds={'x': 'category'} to keep them apart",
    )


def test_numbers_that_look_like_dates():
    for cells in (["20240328", "20240401"], np.array([20240328, 20240401])):
        level, detail, advice = hint(cells, "numeric")
        assert (level, advice) == ("warning", "give kinds={'x': 'date'}")
        assert detail == "looks like dates, as 20240328, and is read as numbers"


def test_names_with_zeros_in_front_are_told():
    assert hint(["2116", "02116"], "category") == (
        *("note", "holds 02116, with zeros in front, and is read as names"),
        "give kinds={'x': 'numeric'} for quantities",
    )


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (["1.0", "1", "1.50"], "numeric"),
        (["1e+05", "100000"], "numeric"),
        (np.array([20240328.5, 1.0]), "numeric"),
        (["20241332", "20240101"], "numeric"),
        (["True", "", "False"], "numeric"),
        (["a", "b", "1"], "category"),
        (["2024-01-02"], "date"),
        (["B12", "C7", "12"], "hash"),
        (["", ""], "drop"),
        (["1.2.3.4", "10.0.0.1"], "hash"),
    ],
)
def test_nothing_is_told_where_nothing_is_odd(cells, kind):
    assert hint(cells, kind) is None
