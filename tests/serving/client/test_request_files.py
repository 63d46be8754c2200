"""`read_inputs`: what `dlkit predict` sends, from a file or standard input."""

import gzip
import io
import json
import re

import numpy as np
import pytest

from dlkit.data.files import csv_tables
from dlkit.errors import InputError
from dlkit.serving import read_inputs
from dlkit.serving.client.request_files import signature_for


def read(text):
    return read_inputs(io.BytesIO(text.encode()))


@pytest.mark.parametrize(
    ("text", "inputs"),
    [
        ("[[1, 2.5], [3, 4]]", [[1, 2.5], [3, 4]]),
        ('{"instances": [[1.0]]}', [[1.0]]),
        ('{"inputs": [[1.0]]}', [[1.0]]),
        ('{"inputs": {"a": [1], "b": [2]}}', {"a": [1], "b": [2]}),
        ('{"a": [1, 3], "b": [2, 4]}', {"a": [1, 3], "b": [2, 4]}),
        ('{"instances": [{"a": 1, "b": [2]}, {"b": [4], "a": 3}]}', {"a": [1, 3], "b": [[2], [4]]}),
        ('{"instances": [{"b64": "AP8="}]}', [b"\x00\xff"]),
        ('[{"image": {"b64": "AP8="}}]', {"image": [b"\x00\xff"]}),
        ('["a", "b"]', ["a", "b"]),
        ('{"signature_name": [1.0]}', {"signature_name": [1.0]}),  # an input of that name
    ],
)
def test_json_is_read_as_a_request_writes_it(text, inputs, tmp_path):
    assert read(text) == inputs
    (tmp_path / "rows.json").write_text(text)
    assert read_inputs(tmp_path / "rows.json") == inputs


@pytest.mark.parametrize("dtype", ["uint8", "float32", "int64", "S3"])
def test_npy_keeps_its_dtype_whatever_the_file_is_called(tmp_path, dtype):
    array = np.arange(12).reshape(3, 4).astype(dtype)
    np.save(tmp_path / "rows.npy", array)
    (tmp_path / "rows.npy").rename(tmp_path / "rows")
    for source in (tmp_path / "rows", io.BytesIO((tmp_path / "rows").read_bytes())):
        found = read_inputs(source)
        assert found.dtype == array.dtype
        np.testing.assert_array_equal(found, array)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"instances": [[1]', "Expecting ',' delimiter: line 1 column 19"),
        ("", "Expecting value: line 1 column 1"),
        ("1.0, 2.0", "Extra data: line 1 column 4"),
        ('[{"b64": "%"}]', "Only base64 data is allowed"),
    ],
)
def test_what_is_no_json_is_named_with_its_place(text, reason):
    with pytest.raises(InputError) as error:
        read(text)
    assert str(error.value).startswith(f"standard input is neither JSON nor a .npy file ({reason}")
    assert str(error.value).endswith("give a list of rows, as [[1.0, 2.0], [3.0, 4.0]].")


@pytest.mark.parametrize("content", [b"\xff\xd8\xff\xe0 a photograph", b"\x93NUMPY\x01\x00 half"])
def test_another_kind_of_file_is_named(tmp_path, content):
    (tmp_path / "photo.tif").write_bytes(content)
    wanted = rf"{re.escape(str(tmp_path))}/photo\.tif is neither JSON nor a \.npy file \("
    with pytest.raises(InputError, match=wanted):
        read_inputs(tmp_path / "photo.tif")


def test_a_pickle_inside_npy_is_not_opened(tmp_path):
    np.save(tmp_path / "x.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(InputError, match="Object arrays cannot be loaded"):
        read_inputs(tmp_path / "x.npy")


@pytest.mark.parametrize("value", [3, "text", None, True, [], {}, {"instances": []}])
def test_what_holds_no_rows_is_shown(value):
    held = value["instances"] if value == {"instances": []} else value
    message = f"standard input should hold a list of rows, and not {held!r}."
    with pytest.raises(InputError, match=re.escape(message)):
        read(json.dumps(value))


def test_a_long_wrong_value_is_cut():
    with pytest.raises(InputError) as error:
        read(json.dumps("x" * 1000))
    assert len(str(error.value)) < 120


@pytest.mark.parametrize("rows", [[{"a": 1}, {"b": 1}], [{"a": 1}, 2], [2, {"a": 1}]])
def test_rows_must_have_the_same_names(rows):
    with pytest.raises(InputError, match="standard input holds rows with different names"):
        read(json.dumps(rows))


def test_another_signature_is_not_silently_left_out():
    with pytest.raises(InputError, match="asks for the signature 'other'"):
        read('{"signature_name": "other", "instances": [[1.0]]}')


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(InputError, match=r"rows\.json cannot be read: No such file or directory"):
        read_inputs(tmp_path / "rows.json")
    with pytest.raises(InputError, match="cannot be read: Is a directory"):
        read_inputs(tmp_path)


def test_a_table_is_named_columns(tmp_path):
    path = tmp_path / "people.csv"
    path.write_text('\ufeffage,wage,job,note\n31,1.5,"cook, chef",\n\n40,,clerk,7\n', "utf-8")
    found = read_inputs(path)
    assert (found["age"], found["job"]) == ([31, 40], ["cook, chef", "clerk"])
    assert found["wage"][0] == 1.5 and np.isnan(found["wage"][1])
    assert np.isnan(found["note"][0]) and found["note"][1] == 7.0


@pytest.mark.parametrize(
    "text", ["age,job\n31,cook\n40,clerk\n", '"age","job"\r\n31,cook\r\n40,clerk']
)
def test_a_table_comes_over_standard_input_too(text):
    assert read(text) == {"age": [31, 40], "job": ["cook", "clerk"]}
    with pytest.raises(InputError, match=r"standard input must have .*2 lines of \[1, 2\] values"):
        read("age,job\n1\n")


def test_json_over_several_lines_is_no_table():
    with pytest.raises(InputError, match="standard input is neither JSON"):
        read("[[1, 2],\n [3, 4],\n")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", r"Received: 0 lines of \[\] values"),
        (b"a,b\n", r"Received: 1 lines of \[2\] values"),
        (b"a,b\n1\n", r"Received: 2 lines of \[1, 2\] values"),
        (b"\xff\xfea\n1\n", "is no table in CSV"),
    ],
)
def test_what_is_no_table(tmp_path, content, reason):
    (tmp_path / "people.csv").write_bytes(content)
    with pytest.raises(InputError, match=reason):
        read_inputs(tmp_path / "people.csv")


@pytest.mark.parametrize(
    ("name", "signature"),
    [("a.png", "image_bytes"), ("a.JPEG", "image_bytes"), ("a.wav", "audio_bytes")],
)
def test_images_and_sounds_go_as_they_are(tmp_path, name, signature):
    (tmp_path / name).write_bytes(b"\x89PNG\x00")
    assert read_inputs(tmp_path / name) == [b"\x89PNG\x00"]
    assert signature_for(name) == signature


def test_a_table_is_read_as_from_csv_reads_it(tmp_path):
    """Gaps, blanks, a column without a name, long texts, other delimiters, packed or not."""
    lines = ["; age ;Job", "0;39; clerk", "", " ", "1; NA ;", f"2;?;{'x' * 200_000}"]
    content = "\ufeff" + "\r\n".join(lines)
    (tmp_path / "table.csv").write_text(content, newline="")
    (tmp_path / "table.csv.gz").write_bytes(gzip.compress(content.encode()))
    right = csv_tables.read_csv(tmp_path / "table.csv", delimiter=";")
    for name in ("table.csv", "table.csv.gz"):
        found = read_inputs(tmp_path / name, delimiter=";")
        assert list(found) == list(right) == ["column_1", "age", "Job"]
        np.testing.assert_equal(found["age"], [39, np.nan, np.nan])
        assert list(found["Job"]) == right["Job"].tolist()
    (tmp_path / "table.csv.gz").write_bytes(b"no archive")
    with pytest.raises(InputError, match=r"table\.csv\.gz cannot be unpacked"):
        read_inputs(tmp_path / "table.csv.gz")


def test_a_table_with_two_columns_of_one_name():
    with pytest.raises(InputError, match=r"standard input has several columns named 'a'; rename"):
        read("a,b, a\n1,2,3\n")


def test_a_wrong_delimiter_is_said():
    with pytest.raises(InputError, match=r"divided by ','\. Received: 2 lines of \[1, 2\] values"):
        read("a;b\n1,5;2\n")
    with pytest.raises(InputError, match=r"is no table in CSV \(.*delimiter"):
        read_inputs(io.BytesIO(b"a\n1\n"), delimiter="ab")
