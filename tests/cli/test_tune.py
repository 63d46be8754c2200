"""`dlkit tune`, in this process where nothing else is asked for, and as processes."""

import os
import shlex

import pytest

from tests.cli.command_line import call, run

SEARCH = ["tune", "mlp", "--data", "iris", "--trials", "3", "--epochs", "2"]
SEARCH += ["--space", "units=8|16,8", "--space", "learning_rate=0.001..0.1:log"]
SEARCH += ["--space", "dropout=0.25"]


@pytest.fixture(autouse=True)
def no_role(monkeypatch):
    for name in ("KERASTUNER_TUNER_ID", "KERASTUNER_ORACLE_IP", "KERASTUNER_ORACLE_PORT"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)


def test_it_says_what_was_best_and_how_to_train_with_it(monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert not call(monkeypatch, *SEARCH, "--report", "search.html")
    told = capsys.readouterr().out.splitlines()
    assert told[0].split()[:3] == ["trial", "units", "learning_rate"]
    assert [line.split()[0] for line in told[1:4]] == ["1", "2", "3"]
    assert told[-1] == "search.html" and (tmp_path / "search.html").stat().st_size > 10_000
    assert told[-2].startswith("Next: dlkit train mlp --data iris --schedule constant")
    words = shlex.split(told[-2].removeprefix("Next: dlkit "))
    assert "dropout=0.25" in words
    assert not call(monkeypatch, *words)
    assert "Test: " in capsys.readouterr().out


def test_a_search_may_be_on_own_data(monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)
    rows = "".join(f"{place};{place % 7};{place % 2}\n" for place in range(60))
    (tmp_path / "own.csv").write_text(f"size;day;sold\n{rows}")
    own = ["mlp", "--data", "own.csv", "--target", "sold", "--delimiter", ";"]
    small = ["--trials", "1", "--epochs", "1", "--space", "units=4|8"]
    assert not call(monkeypatch, "tune", *own, *small)
    told = capsys.readouterr().out.splitlines()[-1]
    words = shlex.split(told.removeprefix("Next: dlkit "))
    assert words[: len(own) + 1] == ["train", *own]
    assert not call(monkeypatch, *words)
    assert (tmp_path / "searches" / "mlp-own-bayesian").is_dir()


def test_workers_run_the_same_command(tmp_path):
    finished = run(*SEARCH, "--workers", "2", "--strategy", "random", cwd=tmp_path)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert finished.stdout.count("\n") >= 6
    project = tmp_path / "searches" / "mlp-iris-random"
    assert len(list(project.glob("trial_*/checkpoint.weights.h5"))) == 3


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("mpl", "There is no model named 'mpl'"),
        ("mlp --data irs", "irs"),
        ("mlp --trials 0", "max_trials"),
        ("mlp --space unit=8|16", "units"),
        ("mlp --space units=8", "nothing to search"),
        ("mlp --strategy baysian", "bayesian"),
        ("mlp --objective val_acc --data iris", "val_accuracy"),
        ("mlp --chief 1.2.3.4:1 --worker 1.2.3.4:1", "a chief or a worker"),
        ("mlp --worker nowhere", "--worker takes HOST:PORT, as 10.0.0.1:8000"),
        ("mlp --chief 10.0.0.1:http", "--chief takes HOST:PORT"),
    ],
)
def test_a_wrong_input_is_one_sentence(arguments, words, monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert call(monkeypatch, "tune", *arguments.split()) == 2
    (told,) = capsys.readouterr().err.splitlines()
    assert told.startswith("dlkit: ") and words in told
    assert not any(tmp_path.iterdir())


def test_a_worker_without_its_chief_says_so(monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("dlkit.tuning.running._REMOTE_WAIT", 0.5)
    assert call(monkeypatch, *SEARCH, "--worker", "127.0.0.1:9") == 2
    told = capsys.readouterr().err
    assert "No chief answers at 127.0.0.1:9" in told and "dlkit tune --chief" in told
    assert os.listdir(tmp_path) == []
