import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time
import types

import pytest

from dlkit.errors import InputError, MissingExtraError
from dlkit.tuning.parallel.link import Link
from dlkit.tuning.parallel.roles import Role
from dlkit.tuning.running import _handing_back, check_launcher, make_link
from tests.tuning.driving import make

ROOT = pathlib.Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "tests.tuning.searches"]


def run(*arguments, **variables):
    return subprocess.run(
        [*COMMAND, *map(str, arguments)],
        cwd=ROOT,
        env=os.environ | variables,
        capture_output=True,
        text=True,
        timeout=250,
    )


def trials(finished):
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return json.loads(finished.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    return trials(run("random", tmp_path_factory.mktemp("alone")))


def test_two_workers_find_what_one_process_finds(alone, tmp_path):
    assert trials(run("random", tmp_path, "workers=2")) == alone
    (project,) = tmp_path.iterdir()
    logs = {path: path.stat().st_mtime_ns for path in project.glob("worker*.log")}
    assert {path.name for path in logs} >= {"worker0.log", "worker1.log"}
    assert trials(run("random", tmp_path, "workers=2")) == alone  # and needs nobody for it
    assert logs == {path: path.stat().st_mtime_ns for path in project.glob("worker*.log")}


def test_a_worker_that_is_killed_loses_only_its_trial(alone, tmp_path):
    assert trials(run("random", tmp_path, "workers=2", "3:1")) == alone
    assert (tmp_path / "3-1").exists()


def test_each_trial_has_a_process_of_its_own(alone, tmp_path):
    assert trials(run("random", tmp_path, "isolate=True", "max_trials=3")) == alone[:3]
    (project,) = tmp_path.iterdir()
    assert len(list(project.glob("worker*.log"))) in (3, 4)  # the last asks in vain


def test_a_chief_that_is_killed_goes_on_and_its_workers_end(alone, tmp_path):
    chief = subprocess.Popen(
        [*COMMAND, "random", str(tmp_path), "workers=2"], cwd=ROOT, stdout=subprocess.DEVNULL
    )
    while not list(tmp_path.glob("*/trial_2")):
        time.sleep(0.05)
        assert chief.poll() is None
    chief.send_signal(signal.SIGKILL)
    chief.wait()
    found = trials(run("random", tmp_path, "workers=2"))
    assert [values for *_, values in found] == [values for *_, values in alone]
    assert [status for _, status, *_ in found] == ["COMPLETED"] * 6
    for path in tmp_path.glob("*/worker*.log"):
        assert "Traceback" not in path.read_text() or "No chief answers" in path.read_text()


def test_chief_and_workers_find_each_other_by_kerastuners_variables(alone, tmp_path):
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = str(found.getsockname()[1])
    told = {"KERASTUNER_ORACLE_IP": "127.0.0.1", "KERASTUNER_ORACLE_PORT": port}
    worker = subprocess.Popen(
        [*COMMAND, "random", str(tmp_path)],
        cwd=ROOT,
        env=os.environ | told | {"KERASTUNER_TUNER_ID": "worker-a"},
        stdout=subprocess.DEVNULL,
    )
    chief = run("random", tmp_path, **told, KERASTUNER_TUNER_ID="chief")
    assert trials(chief) == alone
    assert "The chief listens at 127.0.0.1:" in chief.stdout
    assert worker.wait(60) == 0


def test_a_chief_that_is_told_to_end_goes_on_with_the_worker_that_waits(alone, tmp_path):
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = str(found.getsockname()[1])
    told = {"KERASTUNER_ORACLE_IP": "127.0.0.1", "KERASTUNER_ORACLE_PORT": port}
    command = [*COMMAND, "random", str(tmp_path)]

    def start(name, **where):
        variables = os.environ | told | {"KERASTUNER_TUNER_ID": name}
        return subprocess.Popen(command, cwd=ROOT, env=variables, **where)

    chief = start("chief", stdout=subprocess.PIPE, text=True)
    worker = start("worker-a", stdout=subprocess.DEVNULL)
    while not list(tmp_path.glob("*/trial_2")):
        time.sleep(0.02)
        assert chief.poll() is None
    chief.send_signal(signal.SIGTERM)
    said, _ = chief.communicate(timeout=60)
    assert chief.returncode == 143 and "Search: Running" not in said
    (project,) = tmp_path.glob("*/oracle.json")
    assert json.loads(project.read_text())["deaths"] == {}
    assert trials(run("random", tmp_path, **told, KERASTUNER_TUNER_ID="chief")) == alone
    assert worker.wait(60) == 0


def test_a_search_alone_that_is_told_to_end_counts_no_death(alone, tmp_path):
    process = subprocess.Popen([*COMMAND, "random", str(tmp_path)], cwd=ROOT)
    while not list(tmp_path.glob("*/trial_2")):
        time.sleep(0.02)
        assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 143
    (project,) = tmp_path.glob("*/oracle.json")
    state = json.loads(project.read_text())
    assert (state["deaths"], state["ongoing_trials"]) == ({}, {})
    assert trials(run("random", tmp_path)) == alone


def test_only_workers_of_a_chief_of_their_own_give_up_early(monkeypatch):
    waits = []

    class Reached(Link):
        def __init__(self, role, wait):
            waits.append(wait)

        def reach(self):
            """It is there."""

    monkeypatch.setattr("dlkit.tuning.running.Link", Reached)
    role = Role("worker-a", "127.0.0.1", 1)
    monkeypatch.delenv("DLKIT_SEARCH", raising=False)
    make_link(role)
    monkeypatch.setenv("DLKIT_SEARCH", "searches/mine")
    make_link(role)
    assert waits == [60.0, 10.0]


def test_a_script_that_handles_sigterm_itself_goes_on_doing_so(tmp_path):
    def own(*_):
        """It ends what it has to."""

    oracle = make("random", tmp_path)
    before = signal.signal(signal.SIGTERM, own)
    try:
        with _handing_back(oracle):
            assert signal.getsignal(signal.SIGTERM) is own
    finally:
        signal.signal(signal.SIGTERM, before)


def test_what_no_worker_can_be_started_for_is_refused(monkeypatch):
    monkeypatch.setitem(sys.modules, "__main__", types.SimpleNamespace(__file__="train.py"))
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtraError, match=r'pip install "dlkit\[ray\]"'):
        check_launcher("ray")
    monkeypatch.setattr(sys, "orig_argv", ["python"])
    with pytest.raises(InputError, match="runs the script"):
        check_launcher("process")
