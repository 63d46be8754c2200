import keras_tuner
import pytest
from keras_tuner.engine.trial import Trial

from dlkit.tuning.trials_table import TrialsTable, reason
from tests.tuning.driving import drive, make, run


def test_a_log_has_a_line_for_each_trial_that_has_ended(tmp_path, capsys):
    oracle = make("random", tmp_path, max_trials=3)
    oracle.watch = TrialsTable(oracle, 3)
    drive(oracle, most=2)
    trial = oracle.create_trial("a")
    trial.status, trial.message = "INVALID", "Traceback\nValueError: too large"
    oracle.end_trial(trial)
    head, first, second, third = capsys.readouterr().out.splitlines()
    columns = ["trial", "rate", "units", "optimizer", "momentum", "val_accuracy", "best", "left"]
    assert head.split() == columns
    assert first.split()[:5] == ["1", "0.001", "4", "adam", "-"]
    best = max(t.score for t in oracle.trials.values() if t.score)
    assert f"{best:.5g}" in second.split()
    assert third.endswith("failed" + " " * 22 + "  ValueError: too large")
    assert third.index("failed") + len("failed") == head.index("val_accuracy") + 12


def test_a_terminal_shows_what_runs_and_how_long_it_will_take(tmp_path, capsys, monkeypatch):
    oracle = make("random", tmp_path, max_trials=2)
    oracle.watch = TrialsTable(oracle, 2)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    run(oracle, oracle.create_trial("a"))
    shown = capsys.readouterr().out.split("\n")[1]
    running, ended = shown.split("\r\033[K")[1:]
    assert "..." in running and running.split()[0] == ended.split()[0] == "1"
    assert ended.split()[-1] == "s"


@pytest.mark.parametrize(
    ("message", "line"),
    [
        (None, ""),
        (
            "Traceback (most recent call last):\n  File 'a', line 1\nValueError: odd\n",
            "ValueError: odd",
        ),
        (
            "Traceback (most recent call last):\n  File 'a', line 1\n    raise Failed\n"
            "keras_tuner.src.errors.FailedTrialError: loss became nan\n",
            "loss became nan",
        ),
        (
            "Traceback (most recent call last):\n  File 'a', line 1\n    call()\n"
            "ValueError: Exception encountered when calling L.call().\n\n"
            "\x1b[1mDimensions must be equal, but are 5 and 6.\x1b[0m\n\n"
            "Arguments received by L.call():\n  • kwargs=<class 'inspect._empty'>\n",
            "ValueError: Exception encountered when calling L.call(). Dimensions must be equal, but"
            " are 5 and 6.",
        ),
        (
            "Traceback (most recent call last):\n  File 'a', line 1\n    ^^^^\n"
            "ValueError: first\nsecond line\n",
            "ValueError: first",
        ),
        ("its process died twice", "its process died twice"),
    ],
)
def test_a_failure_has_its_reason_in_a_line(message, line):
    assert reason(Trial(keras_tuner.HyperParameters(), message=message)) == line
