"""What scores to expect of values that were not tried, by a Gaussian process of those that were."""

import warnings
from collections.abc import Sequence

import numpy as np
import threadpoolctl


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
