"""Columns that say nothing."""

import numpy as np
import pytest

import dlkit as dk
from dlkit.data.files import csv_tables
from tests.data.findings import found


def test_constant_and_missing_columns_of_a_table_are_told(shared_data):
    table = csv_tables.read_csv(shared_data / "tabular/penguins.csv")
    table["planet"] = np.array(["Earth"] * 344)
    table["depth"] = np.array(["", "2.5"] * 172)
    table["depth"][:150] = ""
    with pytest.warns(UserWarning, match="'ring' is dropped"):
        table["ring"] = np.array([f"ring {i}" for i in range(344)])
        by_name = found(dk.data.from_dataframe(table, "species", max_categories=50))
    constant = by_name["constant columns"]
    assert constant.level == "warning"
    assert "planet" in constant.detail and "depth" in constant.detail  # 2.5 is its one value
    missing = by_name["missing values"]
    assert missing.level == "warning" and missing.detail.startswith("depth: 7")
    assert "ring" in by_name["dropped columns"].detail
    assert found(dk.data.load("penguins"))["missing values"].level == "note"
