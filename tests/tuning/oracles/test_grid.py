import contextlib
import itertools
import json

import keras_tuner
import pytest

from tests.tuning.driving import declared, drive, make, run


def plain_if(hp):
    """Ask as many people write it: by a plain `if`, and some for each of a number of layers."""
    if hp.Choice("optimizer", ["adam", "sgd"]) == "sgd":
        hp.Boolean("nesterov")
    for index in range(hp.Int("layers", 1, 2)):
        hp.Choice(f"units_{index}", [8, 16, 32])


def wanted():
    found = []
    for optimizer, layers in itertools.product(["adam", "sgd"], [1, 2]):
        for nesterov in [False, True] if optimizer == "sgd" else [None]:
            for units in itertools.product([8, 16, 32], repeat=layers):
                values = {"optimizer": optimizer, "layers": layers}
                values |= {} if nesterov is None else {"nesterov": nesterov}
                found.append(values | {f"units_{i}": n for i, n in enumerate(units)})
    return found


def grid(folder, declare, **options):
    hp = keras_tuner.HyperParameters()
    declare(hp)
    return make("grid", folder, hp=hp, declare=declare, max_trials=1000, **options)


def as_set(trials):
    return {json.dumps(values, sort_keys=True) for *_, values in trials}


def in_order(found):
    return sorted(json.dumps(values, sort_keys=True) for values in found)


def asked(oracle):
    """Return the values that each trial's model has asked for."""
    found = []
    for trial in oracle.trials.values():
        hp = keras_tuner.HyperParameters()
        hp.values = dict(trial.hyperparameters.values)
        with contextlib.suppress(ValueError):
            oracle.declare(hp)
        found.append({p.name: hp.get(p.name) for p in hp.space if p.name in hp})
    return found


def test_a_plain_if_gives_each_combination_once(tmp_path):
    oracle = grid(tmp_path, plain_if)
    drive(oracle, score=lambda values, epoch: values["layers"])
    assert len(wanted()) == 36
    assert in_order(asked(oracle)) == in_order(wanted())


def test_conditional_scopes_give_each_combination_once(tmp_path):
    trials = drive(make("grid", tmp_path, max_trials=1000))
    # 10 rates, 5 widths, adam or sgd with 3 momenta
    assert len(trials) == len(as_set(trials)) == 10 * 5 * (1 + 3)


@pytest.mark.parametrize("stop", [1, 17, 35])
def test_a_grid_that_was_stopped_goes_on(stop, tmp_path):
    options = {"score": lambda values, epoch: 1.0}
    drive(grid(tmp_path, plain_if), most=stop, **options)
    lost = grid(tmp_path, plain_if)
    lost.create_trial("tuner0")  # which is never ended
    oracle = grid(tmp_path, plain_if)
    drive(oracle, **options)
    assert in_order(asked(oracle)) == in_order(wanted())


def test_several_workers_share_a_grid(tmp_path):
    oracle = grid(tmp_path, plain_if)
    running, done = {}, 0
    while True:
        name = f"worker{done % 3}"
        if name in running:
            run(oracle, running.pop(name), score=lambda values, epoch: 1.0)
        trial = oracle.create_trial(name)
        if trial.status == "RUNNING":
            running[name] = trial
        elif not running:
            break
        done += 1
    assert in_order(asked(oracle)) == in_order(wanted())


def test_what_is_asked_for_in_training_belongs_to_the_grid(tmp_path):
    oracle = grid(tmp_path, lambda hp: hp.Choice("units", [8, 16]))
    while (trial := oracle.create_trial("a")).status == "RUNNING":
        trial.hyperparameters.Choice("batch_size", [32, 64])
        run(oracle, trial, score=lambda values, epoch: 1.0)
        oracle = grid(tmp_path, lambda hp: hp.Choice("units", [8, 16]))  # and is remembered
    values = [tuple(trial.hyperparameters.values.values()) for trial in oracle.trials.values()]
    assert sorted(values) == [(8, 32), (8, 64), (16, 32), (16, 64)]


def test_values_that_do_not_go_together_are_tried_so_that_they_tell(tmp_path):
    def declare(hp):
        if hp.Choice("pool", ["max", "none"]) == "none" and hp.Choice("size", [3, 5]) == 5:
            raise ValueError("too large")
        hp.Boolean("bias")

    oracle = grid(tmp_path, declare)
    drive(oracle, score=lambda values, epoch: 1.0)
    assert asked(oracle) == [
        {"pool": "max", "bias": False},
        {"pool": "max", "bias": True},
        {"pool": "none", "size": 3, "bias": False},
        {"pool": "none", "size": 3, "bias": True},
        {"pool": "none", "size": 5},
    ]


def test_every_end_of_every_range_is_tried(tmp_path):
    trials = drive(make("grid", tmp_path, hp=declared(), max_trials=1000))
    rates = {values["rate"] for *_, values in trials}
    momenta = {values["momentum"] for *_, values in trials if "momentum" in values}
    assert {1e-4, 1e-1} <= rates and momenta == {0.1, 0.4, 0.7}


def test_what_fails_before_it_has_asked_for_all_is_one_combination_and_the_same_each_time(tmp_path):
    def declare(hp):
        size = hp.Choice("size", [100, 170, 240])
        if size == 170:
            raise ValueError("no data")
        hp.Choice("rate", [0.1, 0.2])

    found = [
        [v for *_, v in drive(grid(tmp_path / name, declare), score=lambda values, epoch: 1.0)]
        for name in ("a", "b")
    ]
    assert found[0] == found[1]
    assert [(v["size"], v["rate"]) for v in found[0]] == [
        *((100, 0.1), (100, 0.2), (170, 0.1)),
        *((240, 0.1), (240, 0.2)),
    ]
