"""What a prompt and a notebook show of records, beside the table that was printed."""

import copy
import sys

import pytest

import dlkit as dk
from dlkit.records import Records


def shown(records, capsys):
    """Return what Python's prompt writes of a value."""
    capsys.readouterr()
    sys.displayhook(records)
    return capsys.readouterr().out


@pytest.fixture(scope="module")
def data():
    return dk.data.load("iris")


def test_the_findings_are_shown_once(data, capsys):
    found = data.check()
    printed = capsys.readouterr().out
    assert "Check of iris" in printed and "class balance" in printed
    assert shown(found, capsys) == f"<{len(found)} records; print() shows their table>\n"
    assert found._repr_html_() is None
    print(found)
    assert capsys.readouterr().out.split() == printed.split()


def test_findings_that_were_not_printed_are_a_table_in_a_notebook(data, capsys, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    found = data.check(show=False)
    assert capsys.readouterr().out == ""
    page = found._repr_html_()
    assert page.startswith("<pre>") and "class balance" in page and "\x1b" not in page


def test_records_stay_a_tuple():
    records = Records([1, 2], "a & b")
    assert records == (1, 2) and records[:1] == (1,)
    assert records._repr_html_() == "<pre>a &amp; b</pre>"
    copied = copy.deepcopy(records)
    assert copied == records and str(copied) == "a & b"


def test_a_notebook_shows_data_as_its_summary(data, capsys):
    data.summary()
    assert data._repr_html_() == f"<pre>{capsys.readouterr().out.rstrip()}</pre>"
    names = dk.data.from_arrays([[0.0], [1.0]] * 20, ["<a>", "b"] * 20)._repr_html_()
    assert "(&lt;a&gt;, b)" in names
    assert len(repr(dk.data.load("digits"))) < 800
