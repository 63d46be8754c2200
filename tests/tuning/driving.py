"""Oracles without networks: a score for given values, told epoch by epoch as a tuner does."""

import contextlib
import math

import keras_tuner

from dlkit.tuning.oracles.curves import STRIDE
from dlkit.tuning.oracles.strategies import STRATEGIES


def declared():
    """Return a space with an order, without one, with whole numbers, and with a condition."""
    hp = keras_tuner.HyperParameters()
    hp.Float("rate", 1e-4, 1e-1, sampling="log", default=1e-3)
    hp.Int("units", 4, 64, step=2, sampling="log")
    hp.Choice("optimizer", ["adam", "sgd"])
    with hp.conditional_scope("optimizer", ["sgd"]):
        hp.Float("momentum", 0.1, 0.7, step=0.3)
    return hp


def score(values, epoch=3):
    """Return a score with its best where the rate is 0.01, more with epochs."""
    off = abs(math.log10(values["rate"]) + 2)
    return 1 - 0.2 * off - 0.1 / values["units"] + 0.01 * epoch + 0.05 * values.get("momentum", 0)


def make(strategy, folder, *, hp=None, max_trials=12, **options):
    """Return an oracle at a folder, with what is there read."""
    space = hp or declared()
    if strategy == "grid":
        options.setdefault("declare", lambda asked: asked.merge(space, overwrite=False))
    if strategy == "hyperband":
        options.setdefault("max_epochs", 4)
    goal = options.pop("objective", keras_tuner.Objective("val_accuracy", "max"))
    oracle = STRATEGIES[strategy](
        objective=goal, max_trials=max_trials, hyperparameters=space, **options
    )
    oracle._set_project_dir(str(folder), "search")
    if (folder / "search" / "oracle.json").exists():
        oracle.reload()
    else:
        oracle.save()
    return oracle


def drive(oracle, *, score=score, epochs=4, tuner="tuner0", most=1000):
    """Run trials as a tuner does, until there is none; return their values and scores."""
    for _ in range(most):
        trial = oracle.create_trial(tuner)
        if trial.status != "RUNNING":
            break
        run(oracle, trial, score, epochs)
    return told(oracle)


def run(oracle, trial, score=score, epochs=4, execution=0):
    """Run one trial."""
    values = trial.hyperparameters.values
    with contextlib.suppress(ValueError):  # what builds the model registers what it asks for
        getattr(oracle, "declare", id)(trial.hyperparameters)
    for epoch in range(values.get("tuner/initial_epoch", 0), values.get("tuner/epochs", epochs)):
        metrics = {"val_accuracy": score(values, epoch)}
        step = execution * STRIDE + epoch
        if oracle.update_trial(trial.trial_id, metrics, step=step).status == "STOPPED":
            break
    trial.status = "COMPLETED"
    oracle.end_trial(trial)


def told(oracle):
    """Return what a search is compared by with another."""
    return [
        (t.trial_id, t.status, t.score, t.hyperparameters.values) for t in oracle.trials.values()
    ]
