"""The strategies by name: random, grid, bayesian, hyperband, tpe."""

from __future__ import annotations

import math
from typing import Any

import keras_tuner
from keras_tuner.engine.trial import Trial

from dlkit.tuning.oracles.gaussian_process import GaussianProcessOracle
from dlkit.tuning.oracles.grid import GridOracle
from dlkit.tuning.oracles.oracle import SearchOracle
from dlkit.tuning.oracles.tpe import TPEOracle


class RandomOracle(SearchOracle, keras_tuner.oracles.RandomSearchOracle):
    """Values drawn at random: Bergstra & Bengio 2012, JMLR 13."""


class BayesianOracle(GaussianProcessOracle, keras_tuner.oracles.BayesianOptimizationOracle):
    """Where a Gaussian process of the scores promises most: Srinivas et al. 2010, ICML.

    The lowest confidence bound is looked for among values that can be tried and were not.
    KerasTuner descends through the numbers between them, and may end at values that were tried.
    """

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """Return the values with the lowest confidence bound of the loss."""
        values = self._promising_values()
        return {"status": "STOPPED" if values is None else "RUNNING", "values": values}


class HyperbandOracle(GaussianProcessOracle, keras_tuner.oracles.HyperbandOracle):
    """Many for a few epochs, and the best of them for more: Li et al. 2018, JMLR 18.

    What is begun is not drawn at random: a Gaussian process learns from all trials what their
    values and epochs lead to, as in BOHB (Falkner et al. 2018, ICML).

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

    def _random_values(self) -> dict[str, Any] | None:
        """Return values to begin with; KerasTuner draws them at random."""
        return self._promising_values()

    def _columns(self, rows: list[dict[str, Any]]) -> list[list[float]]:
        """Return values and epochs as numbers; values that were not tried are for all epochs."""
        epochs = [row.get("tuner/epochs") or self.max_epochs for row in rows]
        places = [math.log1p(count) / math.log1p(self.max_epochs) for count in epochs]
        return [*super()._columns(rows), places]

    def _random_trial(self, trial_id: str, bracket: dict[str, Any]) -> dict[str, Any]:
        """Return values to begin with; when there are no others, the best of those go on."""
        answer = super()._random_trial(trial_id, bracket)
        if answer["status"] == "RUNNING" or not bracket["rounds"][0] or "size" in bracket:
            return answer
        bracket["size"] = len(bracket["rounds"][0])
        return super().populate_space(trial_id)

    def forget(self, trial: Trial) -> None:
        """Take the values of a failed trial out of their bracket, which begins others for them.

        KerasTuner waits for as many as have begun, and lets fewer or none go on.
        """
        lost = {trial.trial_id}
        for bracket in self._brackets:
            for rounds in reversed(bracket["rounds"]):
                lost |= {info["past_id"] for info in rounds if info["id"] in lost}
                rounds[:] = [info for info in rounds if info["id"] not in lost]
            if "size" in bracket:
                bracket["size"] = len(bracket["rounds"][0])

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
