import json
import os
import re
import subprocess
import sys

import pytest

import dlkit
from dlkit.errors import InputError
from dlkit.training import run_directory, set_seed


def record(run):
    return json.loads((run / "config.json").read_text())


def test_it_records_what_was_run(tmp_path):
    set_seed(5)
    run = run_directory("first", base=tmp_path / "new", config={"units": (64, 32), "task": None})
    assert run == tmp_path / "new" / "first"
    held = record(run)
    assert held["config"] == {"units": [64, 32], "task": None}
    assert held["seed"] == 5
    assert held["command"] == sys.argv
    assert held["versions"]["dlkit"] == dlkit.__version__
    assert held["versions"]["python"].startswith(f"3.{sys.version_info.minor}.")
    for library in ("tensorflow", "keras", "numpy"):
        assert held["versions"][library] == __import__(library).__version__
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", held["created"])
    assert os.listdir(run) == ["config.json"]


def test_it_names_the_git_commit_where_there_is_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert record(run_directory("without"))["git_commit"] is None
    identity = ["-c", "user.name=n", "-c", "user.email=n@example.org"]
    subprocess.run(["git", "init", "-q"], check=True)
    subprocess.run(["git", *identity, "commit", "-q", "--allow-empty", "-m", "m"], check=True)
    head = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
    assert record(run_directory("with"))["git_commit"] == head.stdout.strip()


def test_the_same_run_is_found_again_and_keeps_its_record(tmp_path):
    config = {"units": [64], "rate": 0.1}
    run = run_directory("a", base=tmp_path, config=config)
    before = (run / "config.json").read_bytes()
    assert run_directory("a", base=tmp_path, config={"rate": 0.1, "units": (64,)}) == run
    assert run_directory("a", base=tmp_path) == run
    assert (run / "config.json").read_bytes() == before


def test_another_configuration_is_refused_by_its_keys(tmp_path):
    run_directory("a", base=tmp_path, config={"units": 64, "rate": 0.1, "same": 1})
    with pytest.raises(InputError) as error:
        run_directory("a", base=tmp_path, config={"units": 32, "same": 1, "depth": 2})
    assert "depth (nothing there, 2 now)" in str(error.value)
    assert "rate (0.1 there, nothing now)" in str(error.value)
    assert "units (64 there, 32 now)" in str(error.value)
    assert "same" not in str(error.value)


def test_another_seed_is_another_configuration(tmp_path):
    set_seed(5)
    run_directory("a", base=tmp_path, config={})
    set_seed(6)
    with pytest.raises(InputError, match=r"seed \(5 there, 6 now\)"):
        run_directory("a", base=tmp_path, config={})


def test_fresh_names_differ(tmp_path):
    names = {run_directory(None, base=tmp_path).name for _ in range(5)}
    assert len(names) == 5
    assert all(re.fullmatch(r"\d{8}-\d{6}-[0-9a-f]{4}", name) for name in names)


def test_a_directory_left_empty_by_a_kill_is_taken(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / ".config.json.partial").write_text("{")
    assert record(run_directory("a", base=tmp_path, config={"x": 1}))["config"] == {"x": 1}


def test_a_directory_of_something_else_is_left_alone(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "thesis.txt").write_text("mine")
    with pytest.raises(InputError, match=r"a exists and is not the directory of a run"):
        run_directory("a", base=tmp_path)
    assert os.listdir(tmp_path / "a") == ["thesis.txt"]


@pytest.mark.parametrize("content", ["", "[]", '{"versions": {}}'])
def test_a_broken_record_is_named(tmp_path, content):
    run = run_directory("a", base=tmp_path)
    (run / "config.json").write_text(content)
    with pytest.raises(InputError, match=r"config\.json cannot be read"):
        run_directory("a", base=tmp_path, config={})


def test_a_base_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"Received: base='.*file'"):
        run_directory("a", base=tmp_path / "file")


@pytest.mark.parametrize("name", ["", "..", "a/b", "-x", ".hidden", "a b", 3])
def test_a_name_that_is_no_file_name_is_refused(tmp_path, name):
    with pytest.raises(InputError, match=re.escape(f"Received: name={name!r}")):
        run_directory(name, base=tmp_path)
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("value", [{1, 2}, float("nan"), object])
def test_a_configuration_that_is_no_json_is_refused(tmp_path, value):
    message = re.escape(f"Received: config['bad']={value!r}")
    with pytest.raises(InputError, match=message):
        run_directory("a", base=tmp_path, config={"good": 1, "bad": value})
    with pytest.raises(InputError, match=r"Received: config=\[\]"):
        run_directory("a", base=tmp_path, config=[])
    assert not any(tmp_path.iterdir())
