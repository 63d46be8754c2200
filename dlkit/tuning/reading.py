"""What a search has found: a table of its trials, and its best model."""

from __future__ import annotations

import dataclasses
import pathlib
import statistics
import warnings
from typing import TYPE_CHECKING, Any

import keras
import keras_tuner
import numpy as np
from keras_tuner.engine.trial import Trial

from dlkit.argument_validation import require
from dlkit.errors import InputError
from dlkit.models.hyperparameters import HyperParameter
from dlkit.tuning.oracles.curves import best_epochs, curves
from dlkit.tuning.spaces import decode
from dlkit.tuning.trials_table import reason
from dlkit.tuning.tuner import SECONDS, SIZE, without_retracing_notes

if TYPE_CHECKING:
    import pandas as pd

    from dlkit.data.data import Data


# What every table has.
_COLUMNS = (
    *("trial", "status", "score", "deviation", "best_epoch", "epochs"),
    *("parameters", "seconds", "reason"),
)


def results(tuner: keras_tuner.Tuner) -> pd.DataFrame:
    """Return the trials of a search as a table, the best first, those that failed last.

    Args:
        tuner: What `search` returned.

    Returns:
        A `pandas.DataFrame`, a row a trial, with `trial` (its number), `status` (`"COMPLETED"`,
        `"FAILED"` or `"RUNNING"`), `score`, `deviation` (the standard deviation over executions or
        folds, NaN for one), `best_epoch` and `epochs` (the first is 1), `parameters`, `seconds`,
        `reason` (why it failed) and a column a hyperparameter; None where a trial has no value.

    Raises:
        MissingExtraError: when pandas is not installed.

    Example:
        >>> import dlkit as dk
        >>> space = {"learning_rate": dk.tuning.Choice([0.01, 0.1])}
        >>> tuner = dk.tuning.search(
        ...     "perceptron", dk.data.load("iris"), space=space, name="two", epochs=2, verbose=False
        ... )
        >>> results(tuner)[["trial", "status"]].to_dict("list")["status"]
        ['COMPLETED', 'COMPLETED']
    """
    pandas = require("pandas", "tune")
    trials = [_facts(tuner, number, t) for number, t in enumerate(tuner.oracle.trials.values(), 1)]
    names = [hp.name for hp in tuner.oracle.get_space().space]
    table = pandas.DataFrame(trials, columns=[*_COLUMNS, *map(_column, dict.fromkeys(names))])
    rising = tuner.oracle.objective.direction == "min"
    return table.sort_values("score", ascending=rising, kind="stable", ignore_index=True)


def best_trial(tuner: keras_tuner.Tuner) -> Trial:
    """Return the trial with the best score.

    Raises:
        InputError: when there is none; KerasTuner's own returns one that failed.
    """
    best = tuner.oracle.get_best_trials(1)
    if not best or best[0].status != "COMPLETED":
        count = len(tuner.oracle.trials)
        raise InputError(
            f"No trial of this search has a score: results(tuner) tells why. Received: {count}"
            " trials."
        )
    return best[0]


def best_model(tuner: keras_tuner.Tuner, *, retrain: bool = False) -> tuple[keras.Model, Data]:
    """Return the best trial's model and the data that it was trained on, both as an export needs.

    Args:
        tuner: What `search` returned.
        retrain: Train a model of the best values anew, on the training and the validation split,
            for as many epochs as were best, or, where it has a `fit` of its own, as the search
            gave it. Defaults to False: the best epoch's weights, which for
            several executions or folds are the best of them.

    Returns:
        A compiled model, and the `Data` that it was trained on: for folds the one whose weights
        were best, with `retrain` one whose preprocessing has learned from both splits, and which
        has no validation split.

    Raises:
        InputError: when no trial has a score or the best has no weights, or data that cannot be
            made again is to be retrained.

    Example:
        >>> import dlkit as dk
        >>> tuner = dk.tuning.search(
        ...     "perceptron", dk.data.load("iris"), max_trials=2, epochs=2, verbose=False
        ... )
        >>> model, data = best_model(tuner)
        >>> model.evaluate(data.test, return_dict=True, verbose=0)["accuracy"] > 0.2
        True
    """
    trial = best_trial(tuner)
    hp = trial.hyperparameters.copy()
    data = tuner.data.record(hp)
    if not retrain:
        weights = pathlib.Path(tuner._get_checkpoint_fname(trial.trial_id))
        if not weights.exists():
            raise InputError(
                f"The best trial has no weights in {weights}: they were deleted, or a `fit` of your"
                " own did not give its callbacks to model.fit. Use retrain=True."
            )
        with warnings.catch_warnings():
            # A `fit` of the user's may have compiled it anew; predictions need its weights alone.
            warnings.filterwarnings("ignore", "Skipping variable loading for optimizer")
            model = tuner.load_model(trial)
        return model, tuner.data.part(hp, _best_execution(tuner, trial))
    if data.origin is None:
        raise InputError(
            f"'{data.name}' cannot be made again from its rows, so it cannot be retrained on both"
            " splits: use retrain=False."
        )
    split = data.origin.split
    both = np.concatenate([split.train, split.val])
    whole = data.origin.remake(dataclasses.replace(split, train=both, val=both[:0]))
    keras.utils.set_random_seed(tuner.seed)
    model = tuner.hypermodel.build_for(hp, whole)
    own = tuner.hypermodel.trains_itself  # which tells its best epoch, or not
    options: dict[str, Any] = {"epochs": tuner.epochs if own else trial.best_step + 1}
    options |= {"validation_data": None, "callbacks": [], "verbose": 0}
    try:
        with without_retracing_notes():
            tuner.hypermodel.fit(hp, model, tuner.data.begin(whole, hp), **options)
    except Exception as error:
        if not own:
            raise
        raise InputError(
            f"{tuner.hypermodel.name}.fit cannot train on both splits ({error}): let it take"
            f" validation_data=None and epochs={tuner.epochs}, or use retrain=False."
        ) from error
    return model, whole


def _best_execution(tuner: keras_tuner.Tuner, trial: Trial) -> int:
    """Return whose weights were kept: the first execution with the best epoch of all."""
    objective = tuner.oracle.objective
    best = [value for value, _ in best_epochs(trial, objective)]
    order = max if objective.direction == "max" else min
    return best.index(order(best)) if best else 0


def values_of(tuner: keras_tuner.Tuner, trial: Trial) -> dict[str, Any]:
    """Return a trial's values as they were declared."""
    declared = getattr(tuner.hypermodel, "options", {})
    values = trial.hyperparameters.values
    return {
        name: decode(declared[name], value)
        if isinstance(declared.get(name), HyperParameter)
        else value
        for name, value in values.items()
    }


def _column(name: str) -> str:
    """Return the column of a hyperparameter, which may be called as a column of every table."""
    return f"{name} (hyperparameter)" if name in _COLUMNS else name


def _facts(tuner: keras_tuner.Tuner, number: int, trial: Trial) -> dict[str, Any]:
    objective = tuner.oracle.objective
    best = [value for value, _ in best_epochs(trial, objective)]
    scored = trial.status == "COMPLETED"
    return {
        "trial": number,
        "status": trial.status,
        "score": trial.score if scored else None,
        "deviation": statistics.stdev(best) if len(best) > 1 else None,
        "best_epoch": trial.best_step + 1 if scored else None,
        "epochs": sum(map(len, curves(trial, objective.name))),
        "parameters": _last(trial, SIZE),
        "seconds": _last(trial, SECONDS),
        "reason": reason(trial) if trial.status == "FAILED" else "",
        **{_column(name): value for name, value in values_of(tuner, trial).items()},
    }


def _last(trial: Trial, name: str) -> float | None:
    return trial.metrics.get_last_value(name) if trial.metrics.exists(name) else None
