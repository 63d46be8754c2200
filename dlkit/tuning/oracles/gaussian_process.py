"""What scores to expect of values that were not tried, by a Gaussian process of those that were."""

from __future__ import annotations

import itertools
import math
import statistics
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import threadpoolctl
from keras_tuner.engine.hyperparameters import Choice
from keras_tuner.engine.trial import Trial

from dlkit.tuning.oracles.oracle import FINISHED, SearchOracle
from dlkit.tuning.oracles.sampling import place_of

_CANDIDATES = 500
_TRIALS = 100  # the latest that a process learns from; its time grows with their cube


class GaussianProcessOracle(SearchOracle):
    """Mixed into an oracle of KerasTuner that proposes what a Gaussian process promises most of.

    Args:
        beta: How much of the deviation is promise. KerasTuner's 2.6 goes on exploring for longer
            than searches last (`benchmarks/search_regret.py`). Defaults to 1.0.
        **options: As `SearchOracle` takes them.
    """

    def __init__(self, *, beta: float = 1.0, **options: Any) -> None:
        super().__init__(**options)
        self.beta = beta

    def _promising_values(self) -> dict[str, Any] | None:
        """Return the values with the lowest confidence bound of the loss, of those not tried.

        The first few are drawn at random. Of the scores their order counts alone, so that one that
        is far off does not hide how the good ones differ; a trial that failed is the worst. `None`
        where nothing is left to try.
        """
        finished = [trial for trial in self.trials.values() if trial.status in FINISHED]
        if len(finished) <= len(self._searched_space()):
            return super()._random_values()
        candidates = list(itertools.islice(self._draw_values(), _CANDIDATES))
        if not candidates:
            return None
        finished = finished[-_TRIALS:]
        sign = -1.0 if self.objective.direction == "max" else 1.0
        mean, deviation = expect_losses(
            self._vectors([trial.hyperparameters.values for trial in finished]),
            normal_scores([_loss(trial, sign) for trial in finished]),
            self._vectors(candidates),
            running=self._vectors([t.hyperparameters.values for t in self.ongoing_trials.values()]),
            seed=self.seed,
        )
        return candidates[int(np.argmin(mean - self.beta * deviation))]

    def _vectors(self, rows: list[dict[str, Any]]) -> np.ndarray:
        return np.array(self._columns(rows), float).T

    def _columns(self, rows: list[dict[str, Any]]) -> list[list[float]]:
        """Return values as numbers: a place in [0, 1], or one a value where there is no order."""
        columns = []
        for hp in self._searched_space():
            values = [row.get(hp.name, hp.default) for row in rows]
            if isinstance(hp, Choice) and not hp.ordered:
                columns += [[(v == other) / math.sqrt(2) for v in values] for other in hp.values]
            else:
                columns.append([place_of(hp, value) for value in values])
        return columns


def _loss(trial: Trial, sign: float) -> float:
    return sign * trial.score if trial.status == "COMPLETED" else math.inf


def normal_scores(losses: Sequence[float]) -> np.ndarray:
    """Return where each loss would lie if they were normally distributed, in the same order.

    Example:
        >>> [round(float(score), 2) for score in normal_scores([0.1, 300.0, 0.2])]
        [-0.97, 0.97, 0.0]
    """
    from scipy.stats import rankdata

    normal = statistics.NormalDist()
    places = (rankdata(losses) - 0.5) / len(losses)
    return np.array([normal.inv_cdf(place) for place in places])


def expect_losses(
    tried: np.ndarray,
    losses: np.ndarray,
    candidates: np.ndarray,
    *,
    running: np.ndarray | Sequence[Sequence[float]] = (),
    seed: int = 0,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean and the standard deviation of each candidate's loss.

    Each axis has a length scale of its own, and scores are taken to be noisy. A trial that still
    runs is taken to end as expected, which makes its surroundings certain, so that two workers do
    not try the same.

    Reference: Rasmussen & Williams 2006, Gaussian Processes for Machine Learning, chapter 2.

    Args:
        tried: Finished trials (trials, axes), each axis in [0, 1].
        losses: Their losses (trials,), lower is better.
        candidates: What could be tried (candidates, axes).
        running: Trials that have no loss yet. Defaults to none.
        seed: Of the search for the kernel's scales. Defaults to 0.

    Example:
        >>> tried = np.array([[0.0], [0.5], [1.0]])
        >>> mean, deviation = expect_losses(tried, np.array([1.0, 0.0, 1.0]), tried)
        >>> int(np.argmin(mean))
        1
    """
    from sklearn.gaussian_process import GaussianProcessRegressor, kernels

    axes = tried.shape[1]
    kernel = kernels.ConstantKernel(1.0, (1e-2, 1e2)) * kernels.Matern(
        np.full(axes, 0.5), (5e-2, 2e1), nu=2.5
    ) + kernels.WhiteKernel(1e-2, (1e-5, 1.0))
    process = GaussianProcessRegressor(
        kernel, normalize_y=True, n_restarts_optimizer=2, random_state=seed
    )
    # Of matrices this small, two threads make ten times the work.
    with threadpoolctl.threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a scale at its bound is an axis that does not matter
        process.fit(tried, losses)
        if len(running):
            expected = process.predict(np.array(running))
            process.set_params(kernel=process.kernel_, optimizer=None)
            process.fit(np.concatenate([tried, running]), np.concatenate([losses, expected]))
        return process.predict(candidates, return_std=True)
