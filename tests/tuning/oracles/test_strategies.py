import collections

import keras_tuner
import numpy as np
import pytest

from dlkit.tuning.oracles.strategies import STRATEGIES
from tests.tuning.driving import drive, make, run, score


def best(strategy, folder, seeds=3, **options):
    found = []
    for seed in range(seeds):
        trials = drive(make(strategy, folder / f"{strategy}{seed}", seed=seed, **options))
        found.append(max(value for _, _, value, _ in trials))
    return np.mean(found)


@pytest.mark.parametrize("strategy", ["bayesian", "tpe"])
def test_what_learns_from_its_trials_finds_better_than_chance(strategy, tmp_path):
    assert best(strategy, tmp_path, max_trials=25) > best("random", tmp_path, max_trials=25) + 0.005


def test_a_loss_is_made_small(tmp_path):
    goal = keras_tuner.Objective("val_accuracy", "min")  # by any name
    for strategy in STRATEGIES:
        oracle = make(strategy, tmp_path / strategy, objective=goal, max_trials=20)
        drive(oracle, score=lambda values, epoch: 1 - score(values, epoch))
        (first,) = oracle.get_best_trials(1)
        assert first.score == min(t.score for t in oracle.trials.values())


def test_several_workers_of_a_bayesian_search_try_different_values(tmp_path):
    oracle = make("bayesian", tmp_path, max_trials=40)
    drive(oracle, most=10)
    running = [oracle.create_trial(f"worker{i}") for i in range(6)]
    rates = [trial.hyperparameters.values["rate"] for trial in running]
    assert len(set(rates)) == 6


def test_hyperband_trains_the_best_on_and_for_longer(tmp_path):
    oracle = make("hyperband", tmp_path, max_trials=100, max_epochs=9)
    drive(oracle)
    rounds = collections.defaultdict(list)
    for trial in oracle.trials.values():
        values = trial.hyperparameters.values
        assert values["tuner/initial_epoch"] < values["tuner/epochs"] <= 9
        rounds[values["tuner/bracket"], values["tuner/round"]].append(trial)
        if before := values.get("tuner/trial_id"):
            own = {k: v for k, v in values.items() if "/" not in k}
            assert own.items() <= oracle.trials[before].hyperparameters.values.items()
    first = rounds[2, 0][:12]
    promoted = {t.hyperparameters.values["tuner/trial_id"] for t in rounds[2, 1]}
    best_of_all = sorted(first, key=lambda t: -t.score)[: len(promoted)]
    assert {t.trial_id for t in best_of_all} & promoted


def test_hyperband_trains_the_best_of_a_small_space_for_long(tmp_path):
    hp = keras_tuner.HyperParameters()
    hp.Choice("rate", [0.001, 0.01])
    hp.Choice("units", [4, 8])
    oracle = make("hyperband", tmp_path, hp=hp, max_trials=100, max_epochs=27)
    drive(oracle)
    assert len(oracle.trials) < 20
    found = [t.hyperparameters.values for t in oracle.trials.values()]
    begun = [values for values in found if "tuner/trial_id" not in values]
    assert len(begun) == 4
    (longest,) = [values for values in found if values["tuner/epochs"] == 27]
    assert (longest["rate"], longest["units"]) == (0.01, 8)


def test_hyperband_ends_after_its_trials_and_goes_on_with_more(tmp_path):
    assert len(drive(make("hyperband", tmp_path, max_trials=7))) == 7
    assert len(drive(make("hyperband", tmp_path, max_trials=40))) == 40


def test_hyperband_begins_what_earlier_trials_promise(tmp_path):
    oracle = make("hyperband", tmp_path, max_trials=60, max_epochs=9)
    drive(oracle)
    values = [t.hyperparameters.values for t in oracle.trials.values()]
    off = [abs(np.log10(v["rate"]) + 2) for v in values if "tuner/trial_id" not in v]
    assert np.mean(off[10:]) < 0.4  # at random it is 0.83, from 1e-4 to 1e-1 with 0.01 the best


def fail_where(oracle, fails, most=1000):
    """Drive an oracle whose trials fail for some values."""
    for _ in range(most):
        trial = oracle.create_trial("tuner0")
        if trial.status != "RUNNING":
            return
        if fails(trial):
            trial.status, trial.message = "FAILED", "MemoryError"
            oracle.end_trial(trial)
        else:
            run(oracle, trial)


def test_a_bracket_begins_others_for_trials_that_fail(tmp_path):
    oracle = make("hyperband", tmp_path, max_trials=16, max_epochs=9)
    failed = {1, 4, 7}
    fail_where(oracle, lambda trial: int(trial.trial_id) in failed)
    kept = [t.hyperparameters.values for t in oracle.trials.values() if t.status == "COMPLETED"]
    assert sorted(v["tuner/epochs"] for v in kept) == [1] * 9 + [3] * 3 + [9]
    assert {int(t.trial_id) for t in oracle.trials.values() if t.status == "FAILED"} == failed


def test_a_trial_that_fails_when_it_goes_on_is_replaced_too(tmp_path):
    oracle = make("hyperband", tmp_path, max_trials=40, max_epochs=9)
    late = []

    def fails(trial):
        if trial.hyperparameters.values["tuner/epochs"] == 3 and not late:
            late.append(trial.trial_id)
        return trial.trial_id in late

    fail_where(oracle, fails, most=15)
    kept = [t.hyperparameters.values for t in oracle.trials.values() if t.status == "COMPLETED"]
    assert sorted(v["tuner/epochs"] for v in kept) == [1] * 10 + [3] * 3 + [9]


@pytest.mark.parametrize("strategy", ["bayesian", "tpe", "hyperband"])
def test_what_fails_is_avoided(strategy, tmp_path):
    """More units are better, until memory ends; the best are beside those that fail."""
    hp = keras_tuner.HyperParameters()
    hp.Int("units", 1, 100)
    hp.Float("rate", 0.0, 1.0)
    options = {"max_epochs": 4} if strategy == "hyperband" else {}
    oracle = make(strategy, tmp_path, hp=hp, max_trials=40, **options)

    for _ in range(40):
        trial = oracle.create_trial("tuner0")
        units = trial.hyperparameters.values["units"]
        if units > 50:
            trial.status, trial.message = "FAILED", "MemoryError"
            oracle.end_trial(trial)
        else:
            run(oracle, trial, lambda values, epoch: values["units"] / 100)
    late = [t.status for t in list(oracle.trials.values())[20:]]
    assert late.count("FAILED") <= 10  # at random half of them fail
    assert oracle.get_best_trials()[0].score >= 0.48
