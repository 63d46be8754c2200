import os
import sys
import types

import pytest

from dlkit.errors import InputError
from dlkit.tuning.parallel import workers as staffs
from dlkit.tuning.parallel.chief import Chief
from dlkit.tuning.parallel.roles import Role
from dlkit.tuning.parallel.workers import Workers, command, thread_limits
from tests.tuning.driving import make


class Ended:
    """A worker that runs until it is told to have ended."""

    def __init__(self, status=None):
        self.status, self.told = status, False

    def poll(self):
        return self.status

    def terminate(self):
        self.told = True


@pytest.fixture
def staff(tmp_path, monkeypatch):
    chief = Chief(make("random", tmp_path, max_trials=4))
    found = Workers(chief, Role("", "127.0.0.1", 5000), tmp_path, 2, 0)
    found.started = []

    def start(name, environment):
        found.log(name).write_text("Traceback\nModuleNotFoundError: No module named 'mine'\n")
        found.started.append((name, environment))
        return Ended()

    monkeypatch.setattr(found, "start", start)
    return found


def test_as_many_run_as_were_asked_for(staff):
    for _ in range(3):
        staff.look()
    assert [name for name, _ in staff.started] == ["worker0", "worker1"]
    told = staff.started[1][1]
    assert told["KERASTUNER_TUNER_ID"] == "worker1"
    assert told["TF_NUM_INTRAOP_THREADS"] if "TF_NUM_INTRAOP_THREADS" not in os.environ else True


def test_another_takes_the_place_of_one_that_died_and_its_trial(staff):
    staff.look()
    trial = staff.chief.oracle.create_trial("worker0")
    staff.running["worker0"].status = -9
    staff.look()
    assert list(staff.running) == ["worker1", "worker2"]
    assert staff.chief.oracle.create_trial("worker2").trial_id == trial.trial_id
    staff.running["worker2"].status = -9
    staff.look()
    failed = staff.chief.oracle.trials[trial.trial_id]
    assert failed.status == "FAILED" and "ended with status -9" in failed.message


def test_workers_that_cannot_begin_end_the_search_with_their_words(staff):
    with pytest.raises(InputError, match=r"before their first trial: ModuleNotFound.*worker2\.log"):
        for _ in range(10):
            staff.look()
            next(iter(staff.running.values())).status = 1


def test_none_is_started_when_all_is_done_but_for_what_was_lost(staff):
    staff.look()
    trial = staff.chief.oracle.create_trial("worker0")
    staff.chief.stop_triggered = True
    staff.running["worker1"].status = 0
    staff.look()
    assert list(staff.running) == ["worker0"]
    staff.running["worker0"].status = 1
    staff.look()
    assert len(staff.running) == 2  # for the trial that was lost
    assert staff.chief.oracle.create_trial("worker2").trial_id == trial.trial_id


def test_all_are_ended_at_the_end(staff):
    staff.look()
    running = list(staff.running.values())
    running[0].status = 0
    staff.stop()
    assert [process.told for process in running] == [False, True]


def test_each_gets_its_share_of_gpus(staff):
    staff.gpus, staff.count = 2, 3
    staff.look()
    assert [told["CUDA_VISIBLE_DEVICES"] for _, told in staff.started] == ["0", "1", "0"]


def test_threads_are_shared_unless_they_were_told(monkeypatch):
    monkeypatch.setattr(staffs.os, "cpu_count", lambda: 8)
    for name in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)
    assert set(thread_limits(3).values()) == {"2"} and len(thread_limits(3)) == 3
    monkeypatch.setenv("OMP_NUM_THREADS", "5")
    assert "OMP_NUM_THREADS" not in thread_limits(20)
    assert set(thread_limits(20).values()) == {"1"}


def test_a_script_is_run_again_and_a_session_is_refused(monkeypatch):
    monkeypatch.setitem(sys.modules, "__main__", types.SimpleNamespace(__file__="train.py"))
    monkeypatch.setattr(sys, "orig_argv", ["python", "-X", "dev", "train.py", "--fast"])
    assert command() == [sys.executable, "-X", "dev", "train.py", "--fast"]
    monkeypatch.setattr(sys, "orig_argv", ["python"])
    with pytest.raises(InputError, match=r"runs the script that calls it.*workers=1"):
        command()
