import os
import time

import numpy as np
import pytest

from dlkit.errors import InputError
from dlkit.export import prune, rollback, saved_model, versions
from dlkit.export.versioning import directories


def make(base, *names):
    for name in names:
        (base / name / "variables").mkdir(parents=True)
        (base / name / "saved_model.pb").write_text(name)


def test_prune_keeps_the_newest_and_what_is_no_version(tmp_path):
    make(tmp_path, "1", "9", "10", "00000011", "latest", ".rolled-back-12-abc")
    assert prune(tmp_path, keep=2) == (1, 9)
    assert versions(tmp_path) == (10, 11)
    kept = {"10", "00000011", "latest", ".rolled-back-12-abc"}
    assert set(os.listdir(tmp_path)) == kept
    assert prune(str(tmp_path), keep=5) == ()
    assert set(os.listdir(tmp_path)) == kept


def test_prune_removes_a_link_and_not_what_it_points_to(tmp_path):
    make(tmp_path / "elsewhere", "model")
    make(tmp_path / "base", "2")
    (tmp_path / "base" / "1").symlink_to(tmp_path / "elsewhere" / "model")
    assert prune(tmp_path / "base", keep=1) == (1,)
    assert os.listdir(tmp_path / "base") == ["2"]
    assert (tmp_path / "elsewhere" / "model" / "saved_model.pb").exists()


@pytest.mark.parametrize("keep", [0, -1, 1.5, True, "2"])
def test_prune_never_removes_all(keep, tmp_path):
    make(tmp_path, "1", "2")
    with pytest.raises(InputError, match=f"keep must be .* at least 1. Received: keep={keep!r}"):
        prune(tmp_path, keep=keep)
    assert versions(tmp_path) == (1, 2)


def test_rollback_puts_the_newest_aside_whole(tmp_path):
    make(tmp_path, "3", "07")
    assert rollback(tmp_path) == 3
    assert versions(tmp_path) == (3,)
    (aside,) = tmp_path.glob(".rolled-back-7-*")
    assert (aside / "saved_model.pb").read_text() == "07"
    aside.rename(tmp_path / "7")
    assert versions(tmp_path) == (3, 7)


def test_the_number_of_a_version_taken_back_is_not_used_again(tmp_path):
    make(tmp_path, "1", "2")
    rollback(tmp_path)
    assert directories.publish_version(tmp_path, lambda staging: None) == tmp_path / "3"


def test_there_must_be_one_to_go_back_to(tmp_path):
    make(tmp_path, "4")
    with pytest.raises(InputError, match=r"at least two .* base='.*', which holds version 4 alone"):
        rollback(tmp_path)
    assert versions(tmp_path) == (4,)
    for call in (rollback, lambda base: prune(base, keep=1)):
        with pytest.raises(InputError, match=r"Received: base='.*missing', which holds none"):
            call(tmp_path / "missing")


def test_a_running_server_follows(tiny, tmp_path):
    from dlkit.serving import Client, Server

    base, row = tmp_path / "tiny", np.ones((1, 4), "float32")
    for total in (4.0, 8.0):
        tiny.layers[0].set_weights([np.full((4, 3), total / 4), np.zeros(3)])
        saved_model(tiny, base)
    with Server(base, rest_port=0) as server, Client(server.url) as client:
        np.testing.assert_allclose(client.predict(row), [[8, 8, 8]])
        assert rollback(base) == 1
        deadline = time.monotonic() + 60
        while client.predict(row)[0, 0] != 4:
            assert time.monotonic() < deadline, "the server still answers with version 2"
            time.sleep(0.05)
