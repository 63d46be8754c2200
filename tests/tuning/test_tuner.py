import keras
import keras_tuner
import numpy as np
import pytest

import dlkit as dk
from dlkit.tuning import Choice, Float
from dlkit.tuning.hypermodels import make_hypermodel
from dlkit.tuning.oracles.curves import curves
from dlkit.tuning.oracles.strategies import STRATEGIES
from dlkit.tuning.trial_data import TrialData
from dlkit.tuning.tuner import SIZE, FullDiskError, SearchTuner


def tuner(folder, *, name="iris", strategy="random", space=None, folds=None, **options):
    data = TrialData(dk.data.load(name, val_fraction=0.0 if folds else 0.2), folds)
    space = space or {"learning_rate": Choice([0.01, 0.1, 0.5])}
    goal = keras_tuner.Objective("val_accuracy", "max")
    if name == "diabetes":
        goal = keras_tuner.Objective("val_mae", "min")
    own = {"max_epochs": 4} if strategy == "hyperband" else {}
    oracle = STRATEGIES[strategy](objective=goal, max_trials=3, **own)
    model = make_hypermodel("perceptron", data, space)
    if folds:
        options["executions"] = folds
    return SearchTuner(oracle, model, data, directory=str(folder), project_name="search", **options)


def searched(made, epochs=3, **options):
    made.search(epochs=epochs, verbose=0, **options)
    return list(made.oracle.trials.values())


def test_a_trial_comes_out_the_same_whatever_was_trained_before_it(tmp_path):
    first = searched(tuner(tmp_path / "a"))
    again = searched(tuner(tmp_path / "b"))
    scores = [curves(trial, "loss") for trial in first]
    assert scores == [curves(trial, "loss") for trial in again]
    space = {"learning_rate": Choice([first[2].hyperparameters.get("learning_rate")])}
    (alone,) = searched(tuner(tmp_path / "c", space=space))
    assert curves(alone, "loss") == scores[2]
    assert first[0].metrics.get_last_value(SIZE) == 15


def test_each_execution_has_a_seed_of_its_own_and_their_mean_counts(tmp_path):
    trial, *_ = searched(tuner(tmp_path, executions=2))
    one, other = curves(trial, "loss")
    assert one != other
    best = [max(curve.values()) for curve in curves(trial, "val_accuracy")]
    assert trial.score == pytest.approx(np.mean(best))


def test_each_fold_is_an_execution(tmp_path):
    trial, *_ = searched(tuner(tmp_path, folds=3))
    assert len(curves(trial, "val_loss")) == 3


def test_patience_ends_a_training(tmp_path):
    trials = searched(tuner(tmp_path, patience=1), epochs=60)
    assert all(1 < len(curves(trial, "val_accuracy")[0]) < 60 for trial in trials)


def test_what_the_oracle_stops_is_stopped_with_all_its_executions(tmp_path):
    made = tuner(tmp_path, executions=2)
    made.oracle.is_late = lambda: (
        len(made.oracle.trials) > 1
        or bool(made.oracle.trials and made.oracle.trials["0"].metrics.exists("val_accuracy"))
    )
    (trial,) = searched(made)
    assert [len(curve) for curve in curves(trial, "val_accuracy")] == [1]
    assert trial.status == "COMPLETED"


def test_a_loss_that_is_no_number_fails_the_trial_alone(tmp_path):
    space = {"learning_rate": Choice([0.1, 1e30]), "optimizer": "sgd"}
    trials = searched(tuner(tmp_path, name="diabetes", space=space))
    status = {t.hyperparameters.get("learning_rate"): t.status for t in trials}
    assert status == {0.1: "COMPLETED", 1e30: "FAILED"}
    (failed,) = [t for t in trials if t.status == "FAILED"]
    assert "loss became" in failed.message


def test_a_continued_trial_goes_on_where_its_network_was(tmp_path):
    made = tuner(tmp_path, strategy="hyperband", space={"learning_rate": Float(1e-3, 1e-1)})
    made.oracle.max_trials = 6
    trials = searched(made)
    (goes_on, *_) = [t for t in trials if "tuner/trial_id" in t.hyperparameters.values]
    before = made.oracle.trials[goes_on.hyperparameters.values["tuner/trial_id"]]
    (ran,), (went_on,) = curves(before, "loss"), curves(goes_on, "loss")
    assert min(went_on) == max(ran) + 1
    assert went_on[min(went_on)] < ran[max(ran)]
    built = made.load_model(goes_on)
    assert built.optimizer.iterations.numpy() > 0


def test_folds_of_a_continued_trial_start_anew_since_weights_have_seen_other_folds(tmp_path):
    space = {"learning_rate": Float(1e-3, 1e-1)}
    made = tuner(tmp_path, strategy="hyperband", space=space, folds=2)
    made.oracle.max_trials = 6
    trials = searched(made)
    (longer, *_) = [t for t in trials if "tuner/trial_id" in t.hyperparameters.values]
    before = made.oracle.trials[longer.hyperparameters.values["tuner/trial_id"]]
    assert len(curves(longer, "loss")) == 2
    for ran, again in zip(curves(before, "loss"), curves(longer, "loss"), strict=True):
        assert len(again) > len(ran)
        assert {epoch: again[epoch] for epoch in ran} == ran


def test_a_full_disk_ends_the_search_and_not_the_trial_alone(tmp_path, monkeypatch):
    made = tuner(tmp_path)

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(made.oracle, "update_trial", full)
    with pytest.raises(FullDiskError, match="No space left"):
        searched(made)


def test_others_that_run_are_waited_for_without_haste(tmp_path, monkeypatch):
    naps = []
    monkeypatch.setattr("dlkit.tuning.tuner.time.sleep", naps.append)
    made = tuner(tmp_path)
    answers = iter(["IDLE", "IDLE", "STOPPED"])
    trial = keras_tuner.engine.trial.Trial(keras_tuner.HyperParameters())
    monkeypatch.setattr(
        made.oracle, "create_trial", lambda _: (setattr(trial, "status", next(answers)), trial)[1]
    )
    made.search(epochs=1, verbose=0)
    assert len(naps) == 2 and min(naps) > 0


def test_mixed_precision_that_was_set_for_all_models_is_kept(tmp_path):
    seen = []

    def network(hp):
        seen.append(keras.config.dtype_policy().name)
        return dk.models.perceptron((4,), 3, learning_rate=hp.Choice("learning_rate", [0.1, 0.2]))

    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        found = dk.tuning.search(
            network, dk.data.load("iris"), epochs=1, max_trials=2, directory=tmp_path, verbose=False
        )
        dk.tuning.best_model(found)
        assert keras.config.dtype_policy().name == "mixed_bfloat16"
    finally:
        keras.config.set_dtype_policy("float32")
    assert len(seen) >= 4 and set(seen) == {"mixed_bfloat16"}
