"""The target column of tables, as `from_csv` and `from_dataframe` read it."""

import numpy as np
import pytest

import dlkit as dk
from dlkit.data.core.targets import read_targets
from dlkit.data.features import targets
from dlkit.data.files.table_styles import Style
from dlkit.errors import InputError
from tests.data.features.test_from_tables import people


def test_rows_without_a_target_are_dropped_from_the_file_and_the_test_file(tmp_path, capsys):
    lines = [f"{i % 7},{'NA' if i in (5, 9) else i % 2}" for i in range(60)]
    (tmp_path / "a.csv").write_text("\n".join(["size,good", *lines]))
    (tmp_path / "b.csv").write_text("size,good\n1,0\n2,\n3,1\n")
    with pytest.raises(InputError, match=r"2 of 60 rows have no target 'good', .* row 6; .*'drop'"):
        dk.data.from_csv(tmp_path / "a.csv", "good")
    options = {"missing_targets": "drop", "test": tmp_path / "b.csv", "batch_size": 8}
    data = dk.data.from_csv(tmp_path / "a.csv", "good", **options)
    told = capsys.readouterr().out
    assert "Dropped 2 of 60 rows of the table, which have no target." in told
    assert "Dropped 1 of 3 rows of the test table, which has no target." in told
    assert data.origin.raw(data.origin.split.test)["size"].tolist() == [1, 3]
    # The types of the columns, and whole numbers as classes, are those of the rows that stay.
    assert data.class_names == ("0", "1") and data.origin.count == 60


def test_a_table_of_numbers_keeps_its_task():
    whole = people(rich=[1.0, 0.0, np.nan, 1.0] * 50)
    data = dk.data.from_dataframe(whole, "rich", missing_targets="drop")
    assert data.task == "binary" and data.origin.count == 150


def test_the_targets_of_the_test_table_stand_behind():
    read = read_targets(["a", "b"], None, None)
    joined = targets.join_test_targets(read, np.array(["b", "b"], object), "y")
    assert joined.values.tolist() == [0, 1, 1, 1]
    with pytest.raises(InputError, match=r"The test table has no column 'x'"):
        targets.read_test_table(
            {"y": [1]}, "y", {"x": np.zeros(1)}, Style(("",), ".", None, None), "error"
        )
