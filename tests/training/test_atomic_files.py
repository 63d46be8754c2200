import os

import pytest

from dlkit.training.atomic_files import write_atomically
from tests.cli.command_line import room


@pytest.mark.parametrize("durable", [False, True])
def test_a_file_is_replaced_whole(tmp_path, durable):
    path = tmp_path / "file"
    path.write_bytes(b"former and longer")
    seen = []

    def write(file):
        file.write(b"half")
        file.flush()
        seen.append(path.read_bytes())
        file.write(b" and half")

    write_atomically(path, write, durable=durable)
    assert seen == [b"former and longer"]
    assert path.read_bytes() == b"half and half"
    assert os.listdir(tmp_path) == ["file"]


def test_two_that_write_at_once_both_write_whole_files(tmp_path):
    path = tmp_path / "file"

    def write(file):
        file.write(b"the first")
        write_atomically(path, lambda other: other.write(b"the other, longer"))

    write_atomically(path, write)
    assert path.read_bytes() == b"the first"
    assert os.listdir(tmp_path) == ["file"]


def test_a_full_disk_leaves_the_former_file(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"former")
    with room(50_000), pytest.raises(OSError, match="File too large"):
        write_atomically(path, lambda file: file.write(bytes(100_000)))
    assert path.read_bytes() == b"former"
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_a_failed_write_keeps_the_former_file(tmp_path, error):
    path = tmp_path / "file"
    path.write_bytes(b"former")

    def fail(file):
        file.write(b"half")
        raise error

    with pytest.raises(error):
        write_atomically(path, fail)
    assert path.read_bytes() == b"former"
    assert os.listdir(tmp_path) == ["file"]
