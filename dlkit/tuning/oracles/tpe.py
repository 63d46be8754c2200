"""Optuna's tree-structured Parzen estimator as an oracle of KerasTuner (`dlkit[tune]`)."""

from __future__ import annotations

import zlib
from typing import Any

import keras_tuner
from keras_tuner.engine import hyperparameters as hp_types

from dlkit.argument_validation import require
from dlkit.tuning.oracles.oracle import FINISHED, SearchOracle
from dlkit.tuning.oracles.sampling import place_of, value_at


class TPEOracle(SearchOracle, keras_tuner.oracles.RandomSearchOracle):
    """Values that are frequent among good trials and rare among bad ones: Bergstra et al. 2011.

    Optuna is asked anew for each trial, with the finished ones as it would have seen them, so that
    tables, files and resuming are those of every strategy.
    """

    def __init__(self, **options: Any) -> None:
        require("optuna", "tune")
        super().__init__(**options)

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """Return what Optuna proposes, or drawn values where it repeats what was tried."""
        if not self.trials:
            return {"status": "RUNNING", "values": self._random_values()}
        trial = self._study().ask()
        proposed = self._active(lambda hp: _suggest(trial, hp))
        if self._duplicate(proposed):
            return super().populate_space(trial_id)
        return {"status": "RUNNING", "values": proposed}

    def _study(self) -> Any:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        seed = zlib.crc32(f"{self.seed} {len(self.trials)}".encode())
        study = optuna.create_study(
            sampler=optuna.samplers.TPESampler(seed=seed, multivariate=False),
            direction="maximize" if self.objective.direction == "max" else "minimize",
        )
        for trial in self.trials.values():
            if trial.status in FINISHED:
                study.add_trial(self._as_optuna(trial))
        return study

    def _as_optuna(self, trial: Any) -> Any:
        import optuna

        values = trial.hyperparameters.values
        known = [hp for hp in self._searched_space() if hp.name in values]
        # Optuna leaves trials that failed out, and takes one that was pruned at once for the worst.
        failed = trial.status == "FAILED"
        return optuna.trial.create_trial(
            state=optuna.trial.TrialState.PRUNED if failed else optuna.trial.TrialState.COMPLETE,
            params={hp.name: _code(hp, values[hp.name]) for hp in known},
            distributions={hp.name: _distribution(hp) for hp in known},
            value=None if failed else trial.score,
        )


def _has_order(hp: Any) -> bool:
    unordered = isinstance(hp, hp_types.Boolean) or (
        isinstance(hp, hp_types.Choice) and not hp.ordered
    )
    return not unordered


def _distribution(hp: Any) -> Any:
    """Return what Optuna draws for a hyperparameter: a place in [0, 1], or one of its values."""
    from optuna import distributions

    if _has_order(hp):
        return distributions.FloatDistribution(0.0, 1.0)
    values = [False, True] if isinstance(hp, hp_types.Boolean) else list(hp.values)
    return distributions.CategoricalDistribution(values)


def _code(hp: Any, value: Any) -> Any:
    return place_of(hp, value) if _has_order(hp) else value


def _suggest(trial: Any, hp: Any) -> Any:
    if isinstance(hp, hp_types.Fixed):
        return hp.value
    if _has_order(hp):
        return value_at(hp, trial.suggest_float(hp.name, 0.0, 1.0))
    return trial.suggest_categorical(hp.name, _distribution(hp).choices)
