"""What a trial has reported: the values of a metric by epoch, a curve an execution.

KerasTuner keeps a value a step; step `execution * STRIDE + epoch` says of which execution it is.
"""

import math
import statistics

import keras_tuner
from keras_tuner.engine.trial import Trial

STRIDE = 1_000_000

Curve = dict[int, float]  # epoch -> value


def curves(trial: Trial, name: str) -> list[Curve]:
    """Return the values of a metric by epoch, for each execution that has reported it.

    Example:
        >>> import keras_tuner
        >>> trial = Trial(keras_tuner.HyperParameters())
        >>> for step, value in ((0, 0.5), (1, 0.7), (STRIDE, 0.6)):
        ...     _ = trial.metrics.update("val_accuracy", value, step=step)
        >>> curves(trial, "val_accuracy")
        [{0: 0.5, 1: 0.7}, {0: 0.6}]
    """
    found: dict[int, Curve] = {}
    for observation in trial.metrics.get_history(name) if trial.metrics.exists(name) else ():
        execution, epoch = divmod(observation.step, STRIDE)
        found.setdefault(execution, {})[epoch] = statistics.fmean(observation.value)
    return list(found.values())


def best_epochs(trial: Trial, objective: keras_tuner.Objective) -> list[tuple[float, int]]:
    """Return the best value and its epoch of each execution that has reported the objective."""
    found = curves(trial, objective.name)
    return [best_epoch(curve, objective.direction) for curve in found]


def best_epoch(curve: Curve, direction: str) -> tuple[float, int]:
    """Return the best value of a curve and its epoch; NaN where no value is finite.

    Args:
        curve: Epoch -> value.
        direction: `"min"` or `"max"`.

    Example:
        >>> best_epoch({0: 0.5, 1: 0.7, 2: float("nan")}, "max")
        (0.7, 1)
    """
    finite = {epoch: value for epoch, value in curve.items() if math.isfinite(value)}
    if not finite:
        return math.nan, 0
    sign = -1 if direction == "max" else 1
    epoch = min(finite, key=lambda e: sign * finite[e])
    return finite[epoch], epoch
