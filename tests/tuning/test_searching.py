import json
import pathlib
import subprocess
import sys
import threading

import keras
import keras_tuner
import numpy as np
import pytest

import dlkit as dk
from dlkit.errors import InputError
from dlkit.tuning import Choice, Float, best_model, results, search
from dlkit.tuning.oracles.strategies import STRATEGIES
from tests.tuning import searches

ROOT = pathlib.Path(__file__).parents[2]
RATES = {"learning_rate": Choice([0.01, 0.1])}


@pytest.fixture(scope="module")
def iris():
    return dk.data.load("iris")


def run(*arguments):
    command = [sys.executable, "-m", "tests.tuning.searches", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=200)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_killed_search_goes_on_and_ends_as_one_that_was_left_alone(strategy, tmp_path, capsys):
    kills = ["2:0", "5:1" if strategy == "hyperband" else "6:1"]
    for _ in kills:
        killed = run(strategy, tmp_path / "killed", *kills)
        assert killed.returncode == -9, killed.stdout + killed.stderr
    resumed = run(strategy, tmp_path / "killed", *kills)
    assert resumed.returncode == 0, resumed.stderr
    searches.main(strategy, tmp_path / "whole")
    whole = capsys.readouterr().out
    trials = json.loads(whole.splitlines()[-1])
    assert json.loads(resumed.stdout.splitlines()[-1]) == trials
    assert [status for _, status, *_ in trials] == ["COMPLETED"] * 6
    if strategy == "grid":
        assert len({str(values) for *_, values in trials}) == 6


def test_a_search_that_is_done_returns_at_once(iris, tmp_path, capsys):
    options = {"space": RATES, "epochs": 1, "directory": tmp_path, "name": "again"}
    first = search("perceptron", iris, **options)
    assert len(capsys.readouterr().out.splitlines()) == 3
    files = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("checkpoint*")}
    again = search("perceptron", iris, **options)
    assert again.oracle.get_best_trials()[0].score == first.oracle.get_best_trials()[0].score
    assert files == {path: path.stat().st_mtime_ns for path in tmp_path.rglob("checkpoint*")}
    assert isinstance(again, keras_tuner.Tuner)
    assert capsys.readouterr().out.count("\n") == 0


def test_another_search_under_the_name_is_refused(iris, tmp_path):
    options = {"space": RATES, "epochs": 1, "directory": tmp_path, "name": "mine", "max_trials": 1}
    search("perceptron", iris, **options, verbose=False)
    for change, words in [
        ({"epochs": 2}, "epochs=1, and now epochs=2"),
        ({"strategy": "grid"}, "strategy='bayesian', and now strategy='grid'"),
        ({"space": {"learning_rate": Choice([0.01, 0.2])}}, "space.learning_rate="),
    ]:
        with pytest.raises(InputError, match=words):
            search("perceptron", iris, **options | change)
    with pytest.raises(InputError, match="model='perceptron', and now model='mlp'"):
        search("mlp", iris, **options)
    with pytest.raises(InputError, match=r"data\.examples="):
        search("perceptron", iris.resplit(seed=5), **options)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"strategy": "baysian"}, "strategy.*'bayesian'"),
        ({"max_trials": 0}, "max_trials"),
        ({"epochs": 1.5}, "epochs"),
        ({"executions": 0}, "executions"),
        ({"folds": 1}, "folds"),
        ({"folds": 3, "executions": 2}, "folds=3, executions=2"),
        ({"patience": -1}, "patience"),
        ({"pruning": "mean"}, "pruning.*median"),
        ({"max_minutes": 0}, "max_minutes must be a number above 0"),
        ({"seed": -1}, "seed"),
        ({"space": {}}, "nothing to search"),
        ({"space": {"learning_rat": Float(0.1, 1)}}, "learning_rate"),
        ({"objective": "val_acuracy"}, "val_accuracy"),
        ({"name": "../up"}, "name is one of a directory"),
    ],
)
def test_what_cannot_be_searched_is_refused_before_the_first_trial(change, words, iris, tmp_path):
    with pytest.raises(InputError, match=words):
        search("perceptron", iris, **{"space": RATES, "directory": tmp_path} | change)
    assert list(tmp_path.iterdir()) == []


def test_a_function_without_hyperparameters_or_a_compiled_model_is_refused(iris, tmp_path):
    def fixed(hp):
        return dk.models.perceptron((4,), 3)

    def bare(hp):
        hp.Int("units", 1, 3)
        return keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, "softmax")])

    for model, words in [
        (fixed, "fixed asks for no hyperparameter.*hp.Float"),
        (bare, "must return a compiled keras.Model. Received: Sequential, not compiled"),
        (lambda hp: hp.Int("units", 1, 3), "Received: int"),
    ]:
        with pytest.raises(InputError, match=words):
            search(model, iris, directory=tmp_path)


def test_callbacks_that_cannot_be_copied_are_refused_before_the_first_trial(iris, tmp_path):
    class Locked(keras.callbacks.Callback):
        def __init__(self):
            super().__init__()
            self.lock = threading.Lock()

    for callback, words in [
        (Locked(), "The callback Locked cannot be copied for each training .*pickle"),
        (3, "callbacks are keras.callbacks.Callback objects. Received: int"),
    ]:
        with pytest.raises(InputError, match=words):
            search("perceptron", iris, callbacks=[callback], directory=tmp_path)
    assert not list(tmp_path.iterdir())


def test_the_test_split_is_never_looked_at(iris, tmp_path):
    import dataclasses

    class NeverError(Exception):
        pass

    class Guarded(type(iris)):
        @property
        def test(self):
            raise NeverError

    fields = {f.name: getattr(iris, f.name) for f in dataclasses.fields(iris) if f.name != "test"}
    guarded = object.__new__(Guarded)
    for name, value in fields.items():
        object.__setattr__(guarded, name, value)
    with pytest.raises(NeverError):
        guarded.test.take(1)
    tuner = search("perceptron", guarded, space=RATES, epochs=1, directory=tmp_path, verbose=False)
    assert len(tuner.oracle.trials) == 2


def test_a_fit_of_ones_own_may_return_the_score_itself(iris, tmp_path):
    class Odd(keras_tuner.HyperModel):
        def build(self, hp):
            return dk.models.perceptron((4,), 3, learning_rate=hp.Choice("rate", [0.1, 0.2, 0.3]))

        def fit(self, hp, model, x, validation_data, **options):
            return {"odd": abs(hp.get("rate") - 0.2)}

    goal = keras_tuner.Objective("odd", "min")
    tuner = search(Odd(), iris, objective=goal, directory=tmp_path, verbose=False)
    assert tuner.get_best_hyperparameters()[0].get("rate") == 0.2
    assert [round(t.score, 3) for t in tuner.oracle.trials.values()].count(0.1) == 2


@pytest.mark.parametrize("returned", [0.123, {"val_accuracy": 0.123}, "nothing"])
def test_what_a_fit_of_ones_own_returns_counts_before_its_epochs(returned, iris, tmp_path):
    class Own(keras_tuner.HyperModel):
        def build(self, hp):
            return dk.models.build("perceptron", iris)

        def fit(self, hp, model, *args, **options):
            hp.Choice("rate", [0.1])  # asked for in training alone
            model.fit(*args, **options)
            return None if returned == "nothing" else returned

    goal = keras_tuner.Objective("val_accuracy", "max")
    options = {"objective": goal, "epochs": 1, "max_trials": 1, "directory": tmp_path}
    if returned == "nothing":
        with pytest.raises(InputError, match=r"The search cannot go on: .*None"):
            search(Own(), iris, **options, verbose=False)
        return
    tuner = search(Own(), iris, **options, verbose=False)
    assert [t.score for t in tuner.oracle.trials.values()] == [0.123]


def test_epochs_of_a_second_training_count_on(iris, tmp_path):
    class Twice(keras_tuner.HyperModel):
        def build(self, hp):
            rate = hp.Choice("rate", [0.01, 0.1])
            return dk.models.build("perceptron", iris, learning_rate=rate)

        def fit(self, hp, model, *args, **options):
            model.fit(*args, **options)
            model.optimizer.learning_rate = 1.0
            return model.fit(*args, **options)

    options = {"objective": "val_loss", "epochs": 2, "max_trials": 1, "verbose": False}
    tuner = search(Twice(), iris, directory=tmp_path, **options)
    (trial,) = tuner.oracle.trials.values()
    assert results(tuner)["epochs"].tolist() == [4]
    model, data = best_model(tuner)
    assert trial.score == pytest.approx(model.evaluate(data.val, return_dict=True)["loss"])


def test_a_search_whose_trials_all_fail_says_why(iris, tmp_path, capsys):
    def fails(hp):
        if hp.Choice("rate", [0.1, 0.2]) and len(built) > 1:
            raise ValueError("no such layer")
        built.append(1)
        return dk.models.perceptron((4,), 3)

    built = []
    with pytest.raises(InputError, match="None of the 2 trials has a score: ValueError: no such l"):
        search(fails, iris, directory=tmp_path, verbose=False)
    shown = capsys.readouterr()
    assert "Traceback" not in shown.out + shown.err


def test_data_and_batch_size_are_searched(tmp_path):
    def data(hp):
        return dk.data.load("iris", batch_size=hp.Choice("size", [16, 32]))

    tuner = search("perceptron", data, space=RATES, strategy="grid", epochs=1, directory=tmp_path)
    found = [t.hyperparameters.values for t in tuner.oracle.trials.values()]
    assert sorted((v["size"], v["learning_rate"]) for v in found) == [
        (16, 0.01),
        (16, 0.1),
        (32, 0.01),
        (32, 0.1),
    ]


def test_tensorboard_shows_the_hyperparameters(iris, tmp_path):
    board = keras.callbacks.TensorBoard(tmp_path / "board", write_graph=False)
    search(
        "perceptron", iris, space=RATES, epochs=1, directory=tmp_path, callbacks=[board], verbose=0
    )
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    found = []
    for path in (tmp_path / "board").rglob("execution0"):
        events = EventAccumulator(str(path))
        events.Reload()
        found += events.summary_metadata.keys()
    assert "_hparams_/session_start_info" in found


def test_a_full_disk_is_one_sentence(iris, tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("dlkit.tuning.oracles.oracle.write_atomically", full)
    with pytest.raises(InputError, match=r"no room left to write.*trials that have ended are kept"):
        search("perceptron", iris, space=RATES, epochs=1, directory=tmp_path, verbose=False)


def test_an_interrupted_search_counts_no_death(iris, tmp_path):
    class Interrupt(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            raise KeyboardInterrupt

    options = {"space": RATES, "epochs": 1, "directory": tmp_path, "verbose": False}
    for _ in range(3):
        with pytest.raises(KeyboardInterrupt):
            search("perceptron", iris, callbacks=[Interrupt()], **options)
    tuner = search("perceptron", iris, **options)
    assert [t.status for t in tuner.oracle.trials.values()] == ["COMPLETED"] * 2


def test_seed_nought_is_a_seed(iris, tmp_path):
    space = {"learning_rate": Float(0.01, 0.2)}
    options = {"space": space, "epochs": 1, "max_trials": 3, "strategy": "random", "verbose": False}
    one, two = (search("perceptron", iris, directory=tmp_path / n, **options) for n in "ab")
    rates = [
        [t.hyperparameters.get("learning_rate") for t in tuner.oracle.trials.values()]
        for tuner in (one, two)
    ]
    assert rates[0] == rates[1] and len(np.unique(rates[0])) == 3
