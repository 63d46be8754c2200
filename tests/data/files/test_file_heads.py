"""What is told of a file before its bytes are looked at; each kind's tests have the rest."""

import pytest

from dlkit.data.files.file_heads import find_format, inspect_file


def whole(head, file):
    return "some", f"begins with {head[:2]!r} and is at {file.tell()}"


def test_the_first_bytes_are_handed_over(tmp_path):
    path = tmp_path / "long"
    path.write_bytes(b"ab" * 50)
    assert inspect_file(path, whole) == ("some", "begins with b'ab' and is at 64")
    path.write_bytes(b"ab")
    assert inspect_file(path, whole) == ("some", "begins with b'ab' and is at 2")


def test_what_cannot_be_looked_at_is_told(tmp_path):
    empty = tmp_path / "empty"
    empty.touch()
    assert inspect_file(empty, whole) == ("", "is empty")
    assert inspect_file(tmp_path / "none", whole) == ("", "does not exist")
    assert inspect_file(tmp_path, whole) == ("", "cannot be read (Is a directory)")


@pytest.mark.parametrize(
    ("head", "name"),
    [(b"OggS\0\0", "Ogg"), (b"1234ftypheic", "HEIC"), (b"ftypOggS", ""), (b"Og", "")],
)
def test_a_format_is_told_by_the_place_of_its_mark(head, name):
    assert find_format(head, {(0, b"OggS"): "Ogg", (4, b"ftyp"): "HEIC"}) == name
