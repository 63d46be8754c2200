import pytest

from dlkit.serving.core import base_path


def test_versions_are_directories_named_by_numbers(tmp_path):
    for name in ("1", "00000012", "x", "1.5"):
        (tmp_path / name).mkdir()
    (tmp_path / "7").write_text("")
    found = base_path.find_versions(tmp_path)
    assert found == {1: tmp_path / "1", 12: tmp_path / "00000012"}


def test_l1_a_number_beyond_int64_is_no_version(tmp_path):
    largest, padded = str(2**63 - 1), "0" * 30 + "5"
    for name in (largest, padded, str(2**63), "20261121225647123456", "9" * 255):
        (tmp_path / name).mkdir()
    found = base_path.find_versions(tmp_path)
    assert found == {2**63 - 1: tmp_path / largest, 5: tmp_path / padded}


def test_l2_of_two_names_of_one_number_the_later_wins(tmp_path):
    (tmp_path / "001").mkdir()
    (tmp_path / "1").mkdir()
    (tmp_path / "2").mkdir()
    (tmp_path / "02").write_text("")
    found = base_path.find_versions(tmp_path)
    assert found == {1: tmp_path / "1", 2: tmp_path / "2"}
    assert base_path.duplicates_text(tmp_path, found) == (
        "Duplicate version directories detected. Version 1 will be loaded from 1, 001 will be"
        " ignored."
    )


def test_l2_names_of_different_numbers_are_no_duplicates(tmp_path):
    for name in ("001", "02", "3"):
        (tmp_path / name).mkdir()
    found = base_path.find_versions(tmp_path)
    assert base_path.duplicates_text(tmp_path, found) == ""


def test_a_base_that_cannot_be_listed(tmp_path):
    """Root may read all that is there, so this is not about permissions, which go the same way."""
    none, file, circle = tmp_path / "none", tmp_path / "file", tmp_path / "circle"
    file.write_text("")
    circle.symlink_to(circle)
    for base, text in (
        (none, f"Could not find base path {none}"),
        (none / "more", f"Could not find base path {none}/more"),
        (file, f"Could not read base path {file} (Not a directory)"),
        (circle, f"Could not read base path {circle} (Too many levels of symbolic links)"),
    ):
        assert base_path.find_versions(base) is None
        assert base_path.unlisted_text(base) == text


@pytest.mark.parametrize(("name", "number"), [("model", 1), ("3", 3)])
@pytest.mark.parametrize("file", ["saved_model.pb", "saved_model.pbtxt"])
def test_a_saved_model_is_its_own_version(tmp_path, name, number, file):
    path = tmp_path / name
    path.mkdir()
    assert base_path.find_versions(path) == {}
    assert not base_path.is_saved_model(path)
    (path / file).write_text("")
    assert base_path.is_saved_model(path)
    assert base_path.find_versions(path) == {number: path}
    (path / "variables").mkdir()
    assert base_path.find_versions(path) == {number: path}


def test_the_sentence_of_l10(tmp_path):
    assert base_path.no_versions_text("m", tmp_path) == (
        f"No versions of servable m found under base path {tmp_path}."
        " Did you forget to name your leaf directory as a number (eg. '/1/')?"
    )
