"""`Data.check` as a whole: clean data stays clean, and a beginner can read the table."""

import dataclasses

import numpy as np
import pytest

import dlkit as dk
from tests.data.findings import found, levels, of_cancer


@pytest.mark.parametrize("name", ["breast_cancer", "digits"])
def test_clean_data_stays_clean(name):
    assert levels(dk.data.load(name)) == {"ok"}


def test_the_table_is_printed_for_a_beginner(cancer, capsys):
    x, y = cancer
    x = np.hstack([x, np.ones((len(x), 1))])
    findings = of_cancer(x, y).check()
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].strip() == "Check of arrays"
    assert max(map(len, lines)) <= 100
    row = next(line for line in lines if "constant columns" in line)
    assert row.split()[0] == "warning"
    assert "feature 30" in row and "leave them out" in row
    assert any(f.level == "warning" and "feature 30" in f.detail for f in findings)


def test_a_record_made_by_hand_is_checked_by_its_batches(cancer):
    data = dataclasses.replace(of_cancer(*cancer), origin=None, test=None)
    by_name = found(data)
    assert by_name["examples"].level == "note" and "no test" in by_name["examples"].detail
    assert by_name["class balance"].detail.endswith("153 of 409 (37%) in training")
