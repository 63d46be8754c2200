import os

import pytest

from dlkit.training.files import write_atomically


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
