"""Reading files and frames, held to pandas and to cells written by hand."""

import datetime
import gzip
import re

import numpy as np
import pandas as pd
import pytest

from dlkit.data.files.cells import as_numbers, as_texts
from dlkit.data.files.csv_tables import read_csv, read_frame, read_head
from dlkit.errors import InputError


def write(path, text):
    path.write_text(text, encoding="utf-8")
    return path


def lists(table):
    return {name: values.tolist() for name, values in table.items()}


def test_cells_are_stripped_quotes_are_kept_and_gaps_are_empty(tmp_path):
    text = '\ufeffage, city\n39 , "Bern, old town"\n\n?,  Rome\nNA,NA\n"4""2",NULL\n'
    assert lists(read_csv(write(tmp_path / "people.csv", text))) == {
        "age": ["39", "", "", '4"2'],
        "city": ["Bern, old town", "Rome", "", ""],
    }


def test_names_gzip_delimiter_and_other_gaps(tmp_path):
    path = tmp_path / "people.csv.gz"
    path.write_bytes(gzip.compress("39;Zürich\n-;NA\n".encode()))
    table = read_csv(path, columns=["age", "city"], delimiter=";", na_values=["-"])
    assert lists(table) == {"age": ["39", ""], "city": ["Zürich", "NA"]}


@pytest.mark.parametrize("file", ["titanic.csv", "penguins.csv", "california_housing.csv.gz"])
def test_real_files_are_read_as_pandas_reads_them(shared_data, file):
    path = shared_data / "tabular" / file
    ours, theirs = read_csv(path), pd.read_csv(path)
    assert list(ours) == list(theirs.columns)
    for name, column in theirs.items():
        if column.dtype.kind in "if":
            np.testing.assert_array_equal(as_numbers(ours[name]), column.to_numpy(float))
        else:
            assert as_numbers(ours[name]) is None
            assert ours[name].tolist() == column.fillna("").str.strip().tolist()


def test_a_dataframe_gives_the_same_columns_as_its_file(tmp_path):
    frame = pd.DataFrame(
        {
            "whole": [1, 2, 3],
            "gap": [1.5, np.nan, 2.0],
            "nullable": pd.array([1, None, 3], dtype="Int64"),
            "city": ["Bern ", None, "?"],
            "kind": pd.Categorical(["a", "b", None]),
            "day": pd.to_datetime(["2020-02-29", None, "2021-01-01 13:00"], format="ISO8601"),
            "yes": [True, False, True],
        }
    )
    table = read_frame(frame)
    assert lists({k: as_texts(v) for k, v in table.items()}) == {
        "whole": ["1", "2", "3"],
        "gap": ["1.5", "", "2"],
        "nullable": ["1", "", "3"],
        "city": ["Bern", "", ""],
        "kind": ["a", "b", ""],
        "day": ["2020-02-29T00:00:00", "", "2021-01-01T13:00:00"],
        "yes": ["True", "False", "True"],
    }
    kinds = {name: values.dtype.kind for name, values in table.items()}
    assert kinds == {
        **{"whole": "i", "gap": "f", "nullable": "f", "city": "O", "kind": "O", "day": "O"},
        "yes": "b",
    }


def test_columns_keep_their_names(tmp_path):
    frame = pd.DataFrame({"km/h": [100, 120], "a b": [1, 2]})
    frame.to_csv(tmp_path / "with_index.csv")
    assert list(read_csv(tmp_path / "with_index.csv")) == ["column_1", "km/h", "a b"]
    assert list(read_frame(frame)) == ["km/h", "a b"]


def test_numbers_are_what_tables_mean_by_them():
    texts = np.array(["1e3", "", " 2".strip(), "-.5"], object)
    np.testing.assert_array_equal(as_numbers(texts), [1000, np.nan, 2, -0.5])
    for text in ("1_000", "1,5", "12 km", "0x1F"):
        assert as_numbers(np.array([text], object)) is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"bad\.csv is empty; give a file with a header line and rows"),
        ("\n\n", r"bad\.csv is empty"),
        ("age,city\n", r"bad\.csv holds no rows; give a file with at least one line"),
        ("age,city,age\n1,a,2\n", r"bad\.csv has two columns named 'age' \(the 1\. and the 3\.\)"),
        ("age,city\n1,a\n2\n", r"Line 3 of .*bad\.csv has 1 fields where 2 are expected \(age, ci"),
        ("age,city\n1,\0\n", r"Line 2 of .*bad\.csv holds a zero byte, .*iconv -f utf-16 -t utf-8"),
        ('age,city\n1,"a\nb"\n2,c,d\n', r"Line 4 of .*bad\.csv has 3 fields where 2 are expected"),
    ],
)
def test_a_file_that_is_no_table_is_named(tmp_path, text, message):
    with pytest.raises(InputError, match=message):
        read_csv(write(tmp_path / "bad.csv", text))


def test_a_missing_file_offers_its_neighbour(tmp_path):
    write(tmp_path / "titanic.csv", "a\n1\n")
    with pytest.raises(InputError, match=r"no file .*titanik\.csv\. Did you mean 'titanic\.csv'"):
        read_csv(tmp_path / "titanik.csv")
    with pytest.raises(InputError, match=rf"{re.escape(str(tmp_path))} is a folder; give the path"):
        read_csv(tmp_path)
    with pytest.raises(InputError, match=r"There is no file nowhere/at\.csv\.$"):
        read_csv("nowhere/at.csv")


def test_bytes_that_are_no_text_are_named(tmp_path):
    path = tmp_path / "old.csv"
    path.write_bytes("city\nZürich\n".encode("latin-1"))
    with pytest.raises(InputError, match=r"old\.csv is not UTF-8 text \(byte 6: .*iconv -f latin1"):
        read_csv(path)
    path.write_text("city\nZürich\n", encoding="utf-16")
    with pytest.raises(InputError, match=r"old\.csv is not UTF-8 .* with: iconv -f utf-16 -t utf"):
        read_csv(path)
    path = tmp_path / "cut.csv.gz"
    path.write_bytes(gzip.compress(b"city\nBern\n" * 100)[:-20])
    with pytest.raises(InputError, match=r"cut\.csv\.gz cannot be read as CSV \(.*\); mend it"):
        read_csv(path)


def test_a_delimiter_is_one_character(tmp_path):
    with pytest.raises(InputError, match=r"Received: delimiter=', '"):
        read_csv(write(tmp_path / "a.csv", "a\n1\n"), delimiter=", ")
    with pytest.raises(InputError, match=r"Received: delimiter=None"):
        read_csv(tmp_path / "a.csv", delimiter=None)


@pytest.mark.parametrize("columns", ["age,city", 3])
def test_columns_are_names(tmp_path, columns):
    path = write(tmp_path / "people.csv", "39,Bern\n")
    with pytest.raises(InputError, match=rf"columns must hold names, .* columns={columns!r}\."):
        read_csv(path, columns=columns)


def test_the_head_is_read_alone(tmp_path):
    path = write(tmp_path / "people.csv", "age, city\n39, Bern\n28\n")  # a cell is missing below
    assert read_head(path) == (["age", "city"], ["39", "Bern"])
    with pytest.raises(InputError, match=r"Line 3 of .* has 1 fields"):
        read_csv(path)
    assert read_head(write(path, "39;Bern\n"), columns=["age", "city"], delimiter=";") == (
        ["age", "city"],
        ["39", "Bern"],
    )
    assert read_head(write(path, "age\n")) == (["age"], [])
    with pytest.raises(InputError, match=r"people\.csv is empty"):
        read_head(write(path, ""))


def test_a_cell_may_be_longer_than_python_would_have_it(tmp_path):
    path = write(tmp_path / "long.csv", f"text\n{'x' * 200_000}\n")
    assert len(read_csv(path)["text"][0]) == 200_000


@pytest.mark.parametrize("na_values", ["NA", [0, "?"]])
def test_missing_values_are_listed_as_texts(tmp_path, na_values):
    path = write(tmp_path / "a.csv", "a\n1\n")
    with pytest.raises(InputError, match=re.escape(f"Received: na_values={na_values!r}.")):
        read_csv(path, na_values=na_values)


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        ([[1, 2]], r"must be a pandas DataFrame or a mapping .* Received: list"),
        ("people.csv", r"Received: str; a file goes through dlkit\.data\.from_csv"),
        ({}, r"holds no rows; give at least one\. Received: {}"),
        ({"age": []}, r"holds no rows; .* Received: {'age': 0}"),
        ({"age": [1, 2], "city": ["a"]}, r"same length\. Received: {'age': 2, 'city': 1}"),
        (
            {"at": [[1, 2], [3, 4]]},
            r"Column 'at' must hold one .* a row\. Received: shape \(2, 2\)",
        ),
        ({"at": np.array([1, 2], "timedelta64[ns]")}, r"'at' holds durations.*total_seconds"),
        ({"at": [None, datetime.timedelta(hours=1)]}, r"'at' holds durations.*total_seconds"),
        ({"at": [[1, 2], [3]]}, r"Column 'at' .* Received: lists that differ in length"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), r"The table has two columns named 'a'"),
    ],
)
def test_what_is_no_frame_is_said(frame, message):
    with pytest.raises(InputError, match=message):
        read_frame(frame)
