"""Learning rates that change from step to step, and which optimizers have one."""

import math
from typing import Any

import keras
from keras import ops

from dlkit.argument_validation import check_fraction, check_integer, is_number
from dlkit.errors import InputError


@keras.saving.register_keras_serializable(package="dlkit")
class OneCycle(keras.optimizers.schedules.LearningRateSchedule):
    r"""One-cycle schedule: a cosine up to the peak, then a longer cosine down to almost nothing.

    Use it where the number of steps is known beforehand: it trains small networks in few epochs at
    learning rates that would diverge from a cold start. The original cycles momentum the other way
    round; here momentum stays as the optimizer has it.

        warm-up:    (peak/div)  --cosine-->  peak             in the first `pct_start` of the steps
        annealing:  peak        --cosine-->  (peak/final_div) in the rest, and constant after it

    Reference: Smith and Topin 2018, "Super-Convergence", arXiv:1708.07120, in the form of fastai
    (cosines instead of straight lines).

    Args:
        peak: The largest learning rate, above 0.
        total_steps: Training steps (batches) in the whole training: epochs x batches an epoch.
        pct_start: Share of the steps spent on the way up, in [0, 1). Defaults to 0.25.
        div: The first learning rate is `peak / div`; at least 1. Defaults to 25.0.
        final_div: The last learning rate is `peak / final_div`; at least 1. Defaults to 1e5.
        name: Name of the schedule. Defaults to "OneCycle".

    Raises:
        InputError: when a value is out of its range.

    Example:
        >>> schedule = OneCycle(0.01, total_steps=100)
        >>> [round(float(schedule(step)), 5) for step in (0, 25, 100)]
        [0.0004, 0.01, 0.0]
    """

    def __init__(
        self,
        peak: float,
        total_steps: int,
        *,
        pct_start: float = 0.25,
        div: float = 25.0,
        final_div: float = 1e5,
        name: str = "OneCycle",
    ) -> None:
        super().__init__()
        self.peak = _check_at_least("peak", peak, 0.0, exclusive=True)
        self.total_steps = check_integer("total_steps", total_steps)
        self.pct_start = check_fraction("pct_start", pct_start)
        self.div = _check_at_least("div", div, 1.0)
        self.final_div = _check_at_least("final_div", final_div, 1.0)
        self.name = name

    def __call__(self, step: Any) -> Any:
        """Return the learning rate of `step`, counted from 0."""
        warm_steps = self.pct_start * self.total_steps
        step = ops.minimum(ops.cast(step, "float32"), float(self.total_steps))
        down = _cosine(
            self.peak,
            self.peak / self.final_div,
            (step - warm_steps),
            self.total_steps - warm_steps,
        )
        if not warm_steps:
            return down
        up = _cosine(self.peak / self.div, self.peak, step, warm_steps)
        return ops.where(step < warm_steps, up, down)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments, for saving."""
        return {
            "peak": self.peak,
            "total_steps": self.total_steps,
            "pct_start": self.pct_start,
            "div": self.div,
            "final_div": self.final_div,
            "name": self.name,
        }


@keras.saving.register_keras_serializable(package="dlkit")
class ScaledSchedule(keras.optimizers.schedules.LearningRateSchedule):
    """Another schedule, at a share of its rates: for layers that learn more slowly.

    Args:
        schedule: A `keras.optimizers.schedules.LearningRateSchedule`.
        factor: What its rates are multiplied by.

    Example:
        >>> slower = ScaledSchedule(OneCycle(0.01, total_steps=100), 0.1)
        >>> round(float(slower(25)), 5)
        0.001
    """

    def __init__(
        self, schedule: keras.optimizers.schedules.LearningRateSchedule, factor: float
    ) -> None:
        super().__init__()
        self.schedule = schedule
        self.factor = factor

    def __call__(self, step: Any) -> Any:
        """Return the learning rate of `step`, counted from 0."""
        return self.factor * self.schedule(step)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments, for saving."""
        schedule = keras.saving.serialize_keras_object(self.schedule)
        return {"schedule": schedule, "factor": self.factor}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "ScaledSchedule":
        """Return the schedule of a config."""
        schedule = keras.saving.deserialize_keras_object(config["schedule"])
        return cls(schedule, config["factor"])


def each_optimizer(optimizer: keras.optimizers.Optimizer) -> list[keras.optimizers.Optimizer]:
    """Return the optimizers that have a learning rate: those inside a `MultiOptimizer`, or one.

    Example:
        >>> [type(each).__name__ for each in each_optimizer(keras.optimizers.SGD())]
        ['SGD']
    """
    inner = getattr(optimizer, "inner_optimizer", optimizer)  # of a LossScaleOptimizer
    return list(getattr(inner, "optimizers", [inner]))


def _cosine(start: float, end: float, step: Any, steps: float) -> Any:
    """Half a cosine wave from `start` at step 0 to `end` at `steps`."""
    return end + (start - end) * 0.5 * (1.0 + ops.cos(math.pi * step / steps))


def _check_at_least(argument: str, value: Any, low: float, *, exclusive: bool = False) -> float:
    number = is_number(value)
    if not number or not (low < value if exclusive else low <= value) or not math.isfinite(value):
        wanted = f"above {low:g}" if exclusive else f"at least {low:g}"
        raise InputError(
            f"{argument} must be a finite number {wanted}. Received: {argument}={value!r}."
        )
    return float(value)
