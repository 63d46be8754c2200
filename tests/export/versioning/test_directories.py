import os

import pytest

from dlkit.errors import InputError
from dlkit.export import versions
from dlkit.export.versioning import directories


def test_versions_are_the_integer_directories_in_order(tmp_path):
    for name in ("10", "9", "00000123", "latest", "-1", "1.5", ".exporting-1"):
        (tmp_path / name).mkdir()
    (tmp_path / "77").write_text("a file is no version")
    assert versions(tmp_path) == (9, 10, 123)
    assert versions(str(tmp_path / "missing")) == ()


def test_versions_of_a_file(tmp_path):
    (tmp_path / "model").write_text("")
    with pytest.raises(InputError, match=r"Received a file: base='.*model'"):
        versions(tmp_path / "model")


def test_a_number_that_a_file_has_is_not_used(tmp_path):
    (tmp_path / "4").write_text("")
    assert directories.publish_version(tmp_path, lambda staging: None) == tmp_path / "5"


def test_the_hidden_name_is_no_version(tmp_path):
    seen = []
    directories.publish_version(tmp_path / "m", lambda staging: seen.append(staging.name))
    assert seen[0].startswith(".")
    assert not seen[0].isdecimal()


def test_a_number_taken_meanwhile_is_passed_over(tmp_path, monkeypatch):
    """Another process publishes between the look at the directory and the rename."""
    look = directories._numbered

    def look_then_be_overtaken(base):
        found = look(base)
        if not found:
            (base / "1").mkdir()
            (base / "1" / "saved_model.pb").write_text("theirs")
        return found

    monkeypatch.setattr(directories, "_numbered", look_then_be_overtaken)
    version = directories.publish_version(
        tmp_path, lambda staging: (staging / "ours").write_text("ours")
    )
    assert version == tmp_path / "2"
    assert os.listdir(tmp_path / "1") == ["saved_model.pb"]
    assert os.listdir(tmp_path / "2") == ["ours"]


@pytest.mark.parametrize("error", [ValueError("in between"), KeyboardInterrupt()])
def test_an_interruption_leaves_nothing_and_takes_nothing(error, tmp_path):
    def write(staging):
        (staging / "half").write_text("")
        raise error

    with pytest.raises(type(error)):
        directories.publish_version(tmp_path / "a" / "b", write)
    assert not list(tmp_path.iterdir())

    def write_beside(staging):
        (tmp_path / "a" / "theirs").write_text("")
        write(staging)

    with pytest.raises(type(error)):
        directories.publish_version(tmp_path / "a" / "b", write_beside)
    assert [path.name for path in tmp_path.rglob("*")] == ["a", "theirs"]


def unwritten(staging):
    pytest.fail("nothing may be written before the directory is known to be good")


def test_a_base_below_a_file(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"can be written\. Received: .*file/model.*Not a dir"):
        directories.publish_version(
            directories.check_export_base(tmp_path / "file" / "model"), unwritten
        )
    assert [path.name for path in tmp_path.rglob("*")] == ["file"]


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="needs Linux's /proc")
def test_a_base_where_even_root_cannot_write():
    with pytest.raises(InputError, match=r"can be written\. Received: base='/proc/model'"):
        directories.publish_version(directories.check_export_base("/proc/model"), unwritten)


@pytest.mark.parametrize(
    ("base", "message"),
    [
        (None, "must be the path of a directory. Received: base=None"),
        ("", "must be the path of a directory. Received: base=''"),
        (b"exports", "must be the path of a directory. Received: base=b'exports'"),
        ("gs://bucket/model", "must be a local directory.* Received: base='gs://bucket/model'"),
        ("exports/mnist/1", "'exports/mnist'. Received a version: base='exports/mnist/1'"),
    ],
)
def test_bases_that_are_none(base, message):
    with pytest.raises(InputError, match=message):
        directories.check_export_base(base)


def test_a_base_that_is_a_file_or_a_saved_model(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"Received a file: base='.*file'"):
        directories.check_export_base(tmp_path / "file")
    (tmp_path / "saved_model.pb").write_text("")
    with pytest.raises(InputError, match=r"base='.*' is itself a SavedModel"):
        directories.check_export_base(tmp_path)
