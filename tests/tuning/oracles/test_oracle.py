import json
import math

import keras_tuner
import pytest

from dlkit.errors import InputError
from dlkit.tuning.oracles import oracle as oracles
from dlkit.tuning.oracles.strategies import STRATEGIES
from tests.tuning.driving import declared, drive, make, run, score, told


class KilledError(BaseException):
    """Stands for the end of a process."""


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_search_that_is_killed_at_any_write_ends_as_if_it_had_not_been(
    strategy, tmp_path, monkeypatch
):
    options = {"max_trials": 7, **({"max_epochs": 3} if strategy == "hyperband" else {})}
    whole = drive(make(strategy, tmp_path / "whole", **options), epochs=1)
    write, deaths = oracles.write_json, []

    def write_and_die(path, content):
        if len(deaths) and deaths[0] == 0:
            raise KilledError
        deaths[0] -= 1
        write(path, content)

    monkeypatch.setattr(oracles, "write_json", write_and_die)
    # Where each proposal takes a while, every third moment.
    for moment in range(0, 200, 3 if strategy in ("bayesian", "tpe") else 1):
        folder, deaths = tmp_path / str(moment), [moment]
        try:
            drive(make(strategy, folder, **options), epochs=1)
            break  # it has ended before that many writes
        except KilledError:
            deaths = [math.inf]
            assert drive(make(strategy, folder, **options), epochs=1) == whole, moment
    assert moment > 30


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_the_same_seed_tries_the_same_and_another_one_other_values(strategy, tmp_path):
    first, again = (drive(make(strategy, tmp_path / name, seed=0)) for name in "ab")
    other = drive(make(strategy, tmp_path / "c", seed=1))
    assert first == again
    if strategy != "grid":
        near = [values for *_, values in first if values in [v for *_, v in other]]
        assert len(near) <= 2  # the defaults, and at most one by chance


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_the_defaults_come_first_and_no_values_twice(strategy, tmp_path):
    trials = drive(make(strategy, tmp_path))
    assert len(trials) == 12
    own = [{k: v for k, v in values.items() if "/" not in k} for *_, values in trials]
    assert own[0] == {"rate": 1e-3, "units": 4, "optimizer": "adam"}
    assert all(("momentum" in v) == (v["optimizer"] == "sgd") for v in own)
    if strategy != "hyperband":  # which trains some on
        assert len({json.dumps(v, sort_keys=True) for v in own}) == 12


def test_all_of_a_small_space_is_found_by_chance(tmp_path):
    hp = keras_tuner.HyperParameters()
    hp.Int("units", 1, 6)
    hp.Boolean("bias")
    trials = drive(make("random", tmp_path, hp=hp, max_trials=50), score=lambda v, e: v["units"])
    assert len(trials) == 12


def test_a_larger_budget_goes_on(tmp_path):
    small = drive(make("random", tmp_path, max_trials=5))
    assert drive(make("random", tmp_path, max_trials=9))[:5] == small
    assert drive(make("random", tmp_path / "whole", max_trials=9)) == told(
        make("random", tmp_path, max_trials=9)
    )


def test_a_trial_whose_process_has_died_twice_has_failed(tmp_path):
    oracle = make("random", tmp_path)
    drive(oracle, most=2)
    trial = oracle.create_trial("tuner0")
    oracle.update_trial(trial.trial_id, {"val_accuracy": 0.9})
    again = make("random", tmp_path)
    retried = again.create_trial("tuner0")
    assert (retried.trial_id, retried.hyperparameters.values) == (
        trial.trial_id,
        trial.hyperparameters.values,
    )
    assert not retried.metrics.exists("val_accuracy")  # it starts over
    third = make("random", tmp_path)
    assert third.trials[trial.trial_id].status == "FAILED"
    assert "died twice" in third.trials[trial.trial_id].message
    assert len(drive(third)) == 12
    assert sorted(third.end_order) == sorted(third.trials)


def test_an_interrupt_is_no_death(tmp_path):
    oracle = make("random", tmp_path)
    for _ in range(3):
        trial = oracle.create_trial("tuner0")
        oracle.interrupt()
        oracle = make("random", tmp_path)
    assert trial.trial_id == "00" and not oracle.deaths
    assert [status for _, status, *_ in drive(oracle)] == ["COMPLETED"] * 12


def test_a_worker_that_dies_loses_only_its_trial(tmp_path):
    oracle = make("random", tmp_path)
    lost, kept = (oracle.create_trial(name) for name in ("a", "b"))
    oracle.release("a", "the worker has died")
    run(oracle, kept)
    retried = oracle.create_trial("c")
    assert retried.trial_id == lost.trial_id
    oracle.release("c", "the worker has died")
    assert oracle.trials[lost.trial_id].message == "the worker has died"
    assert oracle.trials[kept.trial_id].status == "COMPLETED"
    oracle.release("unknown", "no such worker")


def test_a_worker_that_was_taken_for_dead_may_end_its_trial(tmp_path):
    oracle = make("random", tmp_path)
    trial = oracle.create_trial("a")
    oracle.release("a", "silent")
    run(oracle, trial)
    assert oracle.trials[trial.trial_id].status == "COMPLETED"
    run(oracle, trial)  # once more, which is not counted
    assert oracle.end_order == [trial.trial_id]
    assert oracle.create_trial("a").trial_id != trial.trial_id


def test_executions_count_by_the_mean_of_their_best_epochs(tmp_path):
    oracle = make("random", tmp_path)
    trial = oracle.create_trial("a")
    for step, value in [(0, 0.5), (1, 0.9), (2, 0.6), (oracles.STRIDE, 0.7)]:
        oracle.update_trial(trial.trial_id, {"val_accuracy": value}, step=step)
    trial.status = "COMPLETED"
    oracle.end_trial(trial)
    assert trial.score == pytest.approx(0.8)
    assert trial.best_step == 0  # the mean of epochs 1 and 0, rounded to even


def test_no_number_is_a_failure_with_its_reason(tmp_path):
    oracle = make("random", tmp_path)
    trial = oracle.create_trial("a")
    run(oracle, trial, score=lambda values, epoch: math.nan)
    assert oracle.trials["00"].status == "FAILED"
    assert "val_accuracy was no number" in oracle.trials["00"].message
    assert "val_accuracy was no number" in make("random", tmp_path).trials["00"].message


def test_failures_end_no_search(tmp_path):
    trials = drive(make("random", tmp_path), score=lambda values, epoch: math.nan)
    assert [status for _, status, *_ in trials] == ["FAILED"] * 12


def test_a_metric_that_keras_cannot_make_of_its_name_is_recorded(tmp_path):
    oracle = make("random", tmp_path)
    trial = oracle.create_trial("a")
    oracle.update_trial("00", {"val_accuracy": 0.5, "val_mean_io_u": 0.4, "odd name": 1.0})
    assert trial.metrics.get_best_value("val_mean_io_u") == 0.4


@pytest.mark.parametrize("pruning", [None, "median"])
def test_a_trial_below_the_median_ends_early(pruning, tmp_path):
    oracle = make("random", tmp_path, pruning=pruning, max_trials=7)
    places = iter([0.5, 0.6, 0.7, 0.8, 0.9, 0.1, 0.95])
    reached = []
    for place in places:
        trial = oracle.create_trial("a")
        run(oracle, trial, score=lambda values, epoch, place=place: place + 0.01 * epoch)
        reached.append(len(trial.metrics.get_history("val_accuracy")))
    assert reached == [4, 4, 4, 4, 4, 2 if pruning else 4, 4]
    assert [trial.status for trial in oracle.trials.values()] == ["COMPLETED"] * 7


def test_time_is_counted_over_all_processes(tmp_path, monkeypatch):
    clock = [1000.0]
    monkeypatch.setattr(oracles.time, "monotonic", lambda: clock[0])
    oracle = make("random", tmp_path, max_minutes=1)
    clock[0] += 40
    run(oracle, oracle.create_trial("a"))
    clock[0] += 1000  # nothing runs
    oracle = make("random", tmp_path, max_minutes=1)
    clock[0] += 15
    running = oracle.create_trial("a")
    clock[0] += 10
    answer = oracle.update_trial(running.trial_id, {"val_accuracy": 0.5})
    assert answer.status == "STOPPED"
    running.status = "COMPLETED"
    oracle.end_trial(running)
    assert oracle.create_trial("a").status == "STOPPED"
    assert len(oracle.trials) == 2 and oracle.trials["01"].score == 0.5


def test_what_another_process_says_of_a_trial_is_read(tmp_path):
    oracle = make("random", tmp_path)
    trial = type(oracle.create_trial("a")).from_proto(oracle.trials["00"].to_proto())
    trial.hyperparameters.Choice("batch_size", [32, 64])  # asked for while it trained
    trial.hyperparameters.values[oracles.MESSAGE] = "ValueError: odd"
    trial.status = "INVALID"
    oracle.end_trial(trial)
    own = oracle.trials["00"]
    assert (own.status, own.message) == ("FAILED", "ValueError: odd")
    assert own.hyperparameters.values == declared().values | {"batch_size": 32}
    assert "batch_size" in [hp.name for hp in oracle.get_space().space]


def test_those_that_watch_are_told_once(tmp_path):
    oracle = make("random", tmp_path, max_trials=2)
    seen = []
    oracle.watch = lambda trial: seen.append((trial.trial_id, trial.status))
    drive(oracle, score=score)
    assert seen == [("0", "RUNNING"), ("0", "COMPLETED"), ("1", "RUNNING"), ("1", "COMPLETED")]


@pytest.mark.parametrize("content", ["", "{}", '{"start_order": ["0'])
@pytest.mark.parametrize("name", ["oracle.json", "trial_0/trial.json"])
def test_a_search_whose_files_are_damaged_is_told(name, content, tmp_path):
    drive(make("random", tmp_path, max_trials=2), epochs=1)
    (tmp_path / "search" / name).write_text(content)
    with pytest.raises(InputError, match=r"search holds a search that cannot be read .*; delete"):
        make("random", tmp_path, max_trials=2)


def test_nothing_is_printed_but_what_watches(tmp_path, capsys):
    drive(make("random", tmp_path, max_trials=2), epochs=1)
    assert capsys.readouterr().out == ""
