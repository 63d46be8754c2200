"""Text files in UTF-8, and what is wrong with others."""

import gzip

import pytest

from dlkit.data.files.plain_text import read_text
from dlkit.errors import InputError


def write(path, content):
    path.write_bytes(content)
    return path


def refused(sentence):
    return pytest.raises(InputError, match=sentence)


def test_bad_files_are_named(tmp_path):
    (tmp_path / "a").mkdir()
    with refused(r"x\.txt is not UTF-8 text \(byte 3: .*iconv -f latin1 -t utf-8 x\.txt"):
        read_text(write(tmp_path / "a" / "x.txt", "Café".encode("latin-1")))
    with refused(r"There is no file .*y\.txt\. Did you mean 'x\.txt'"):
        read_text(tmp_path / "a" / "y.txt")
    with refused(r"u\.txt is not UTF-8 text \(a zero byte after 1 letters\).*iconv -f utf-16"):
        read_text(write(tmp_path / "a" / "u.txt", "Café".encode("utf-16-le")[:4]))
    with refused(r"a is a folder, and a file is expected"):
        read_text(tmp_path / "a")
    with refused(r"z\.gz cannot be read \(Not a gzipped file"):
        read_text(write(tmp_path / "z.gz", b"plain"))


def test_a_gzipped_file_is_unpacked(tmp_path):
    assert read_text(write(tmp_path / "a.txt.gz", gzip.compress("ü".encode()))) == "ü"
