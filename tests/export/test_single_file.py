import os
import pathlib

import pytest

from dlkit.errors import InputError
from dlkit.export import single_file


@pytest.mark.parametrize(
    ("path", "message"),
    [
        (None, "path must be that of a local file. Received: path=None"),
        (3, "path must be that of a local file. Received: path=3"),
        ("s3://bucket/m.onnx", "local file. Received: path='s3://bucket/m.onnx'"),
        ("exports/digits", r"path must end in \.onnx. Received: path='exports/digits'"),
        ("exports/digits.tflite", r"end in \.onnx. Received: path='exports/digits.tflite'"),
    ],
)
def test_paths_that_are_none(path, message):
    with pytest.raises(InputError, match=message):
        single_file.check_file_path(path, ".onnx")


def test_a_directory_is_no_file_to_write(tmp_path):
    (tmp_path / "m.onnx").mkdir()
    with pytest.raises(InputError, match=r"Received a directory: path='.*m.onnx'"):
        single_file.check_file_path(tmp_path / "m.onnx", ".onnx")


def test_a_file_appears_whole_and_replaces_an_old_one(tmp_path):
    path = tmp_path / "new" / "below" / "m.onnx"
    for content in ("first", "second"):

        def write(staging, content=content):
            assert staging.name.startswith(".") and staging.suffix == ".onnx"
            assert not path.exists() or path.read_text() == "first"
            staging.write_text(content)

        assert single_file.publish_file(path, write) == path
        assert path.read_text() == content
    assert os.listdir(path.parent) == ["m.onnx"]


@pytest.mark.parametrize("error", [ValueError("in between"), KeyboardInterrupt()])
def test_an_interruption_leaves_nothing_and_takes_nothing(error, tmp_path):
    def write(staging):
        staging.write_text("half")
        raise error

    with pytest.raises(type(error)):
        single_file.publish_file(tmp_path / "a" / "b" / "m.onnx", write)
    assert not list(tmp_path.iterdir())
    (tmp_path / "m.onnx").write_text("old")
    with pytest.raises(type(error)):
        single_file.publish_file(tmp_path / "m.onnx", write)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"m.onnx": "old"}


def unwritten(staging):
    pytest.fail("nothing may be written before the directory is known to be good")


def test_a_path_below_a_file(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"can be written\. Received: path='.*file/m.onnx'"):
        single_file.publish_file(tmp_path / "file" / "m.onnx", unwritten)
    assert [path.name for path in tmp_path.rglob("*")] == ["file"]


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="needs Linux's /proc")
def test_a_path_where_even_root_cannot_write():
    with pytest.raises(InputError, match=r"can be written\. Received: path='/proc/x/m.onnx'"):
        single_file.publish_file(pathlib.Path("/proc/x/m.onnx"), unwritten)
