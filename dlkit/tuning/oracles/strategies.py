"""The strategies by name: random, grid, bayesian, hyperband, tpe."""

from __future__ import annotations

import itertools
import math
from typing import Any

import keras_tuner
import numpy as np
from keras_tuner.engine.hyperparameters import Choice

from dlkit.tuning.oracles.gaussian_process import expect_losses
from dlkit.tuning.oracles.grid import GridOracle
from dlkit.tuning.oracles.oracle import SearchOracle
from dlkit.tuning.oracles.sampling import place_of
from dlkit.tuning.oracles.tpe import TPEOracle

_CANDIDATES = 500


class RandomOracle(SearchOracle, keras_tuner.oracles.RandomSearchOracle):
    """Values drawn at random: Bergstra & Bengio 2012, JMLR 13."""


class BayesianOracle(SearchOracle, keras_tuner.oracles.BayesianOptimizationOracle):
    """Where a Gaussian process of the scores promises most: Srinivas et al. 2010, ICML.

    The lowest confidence bound is looked for among values that can be tried and were not.
    KerasTuner descends through the numbers between them, and may end at values that were tried.

    Args:
        beta: How much of the deviation is promise. KerasTuner's 2.6 goes on exploring for longer
            than searches last (`benchmarks/search_regret.py`). Defaults to 1.0.
        **options: As `SearchOracle` takes them.
    """

    def __init__(self, *, beta: float = 1.0, **options: Any) -> None:
        super().__init__(beta=beta, **options)

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """Return the values with the lowest confidence bound of the loss."""
        finished = [trial for trial in self.trials.values() if trial.status == "COMPLETED"]
        if len(finished) < (self.num_initial_points or 1 + len(self._nonfixed_space())):
            return self._random_populate_space()
        candidates = list(itertools.islice(self._draw_values(), _CANDIDATES))
        if not candidates:
            return {"status": "STOPPED", "values": None}
        sign = -1.0 if self.objective.direction == "max" else 1.0
        mean, deviation = expect_losses(
            self._vectors([trial.hyperparameters.values for trial in finished]),
            np.array([sign * trial.score for trial in finished]),
            self._vectors(candidates),
            running=self._vectors([t.hyperparameters.values for t in self.ongoing_trials.values()]),
            seed=self.seed,
        )
        return {
            "status": "RUNNING",
            "values": candidates[int(np.argmin(mean - self.beta * deviation))],
        }

    def _vectors(self, rows: list[dict[str, Any]]) -> np.ndarray:
        """Return values as numbers: a place in [0, 1], or one a value where there is no order."""
        columns = []
        for hp in self._nonfixed_space():
            values = [row.get(hp.name, hp.default) for row in rows]
            if isinstance(hp, Choice) and not hp.ordered:
                columns += [[(v == other) / math.sqrt(2) for v in values] for other in hp.values]
            else:
                columns.append([place_of(hp, value) for value in values])
        return np.array(columns, float).T


class HyperbandOracle(SearchOracle, keras_tuner.oracles.HyperbandOracle):
    """Many for a few epochs, and the best of them for more: Li et al. 2018, JMLR 18.

    Args:
        max_trials: Trials at most; one that trains a configuration on is a trial of its own.
        max_epochs: Epochs of the longest.
        **options: As `SearchOracle` takes them.
    """

    _brackets: list[dict[str, Any]]
    _current_bracket: int
    _current_iteration: int

    def __init__(self, *, max_trials: int, max_epochs: int, **options: Any) -> None:
        super().__init__(max_epochs=max_epochs, hyperband_iterations=None, **options)
        self.max_trials = max_trials

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """Return values to begin with or to go on with."""
        before = self._current_bracket, self._current_iteration
        answer = super().populate_space(trial_id)
        if answer["status"] != "RUNNING":  # KerasTuner has begun a bracket for it, each time
            self._brackets = [bracket for bracket in self._brackets if bracket["rounds"][0]]
            self._current_bracket, self._current_iteration = before
        return answer

    def _random_trial(self, trial_id: str, bracket: dict[str, Any]) -> dict[str, Any]:
        """Return values to begin with; when there are no others, the best of those go on."""
        answer = super()._random_trial(trial_id, bracket)
        if answer["status"] == "RUNNING" or not bracket["rounds"][0] or "size" in bracket:
            return answer
        bracket["size"] = len(bracket["rounds"][0])
        return super().populate_space(trial_id)

    def _get_size(self, bracket_num: int, round_num: int) -> int:
        """Return how many trials a round has; fewer where the space has no more."""
        size = super()._get_size(bracket_num, round_num)
        for bracket in self._brackets:
            if bracket["bracket_num"] == bracket_num and "size" in bracket:
                return min(size, math.ceil(bracket["size"] / self.factor**round_num))
        return size

    def get_state(self) -> dict[str, Any]:
        """Return what `oracle.json` holds."""
        return super().get_state() | {"hyperband_iterations": None}  # infinity is no JSON

    def set_state(self, state: dict[str, Any]) -> None:
        """Take over what `oracle.json` holds."""
        super().set_state(state)
        self.hyperband_iterations = math.inf


STRATEGIES: dict[str, type[SearchOracle]] = {
    "random": RandomOracle,
    "grid": GridOracle,
    "bayesian": BayesianOracle,
    "hyperband": HyperbandOracle,
    "tpe": TPEOracle,
}
