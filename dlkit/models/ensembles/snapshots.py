"""Snapshot ensembles: one network trained in cycles, each of which ends with one more member.

    learning rate: peak -> 0, peak -> 0, peak -> 0     a cosine in each cycle
    members:             1          2          3       copied when the next begins; the last is live

A fit trains one network for as long as any, and the members come free. Training runs the live
network alone; a prediction is the mean of it and of the copies there are.

Reference: Huang et al. 2017, "Snapshot Ensembles: Train 1, get M for free", arXiv:1704.00109.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from dlkit.errors import InputError
from dlkit.models.ensembles.methods import AveragingEnsemble
from dlkit.training.schedules import each_optimizer


@keras.saving.register_keras_serializable(package="dlkit")
class SnapshotEnsemble(AveragingEnsemble):
    """A live network, the first of the members, and copies of it at the ends of `fit`'s cycles.

    Each `fit` has as many cycles as there are members, or as epochs where those are fewer, each of
    whole epochs; a new one drops the copies of the last. The rate begins each cycle at what the
    model was compiled with, or at the peak of a `OneCycle`. Other schedules are refused, and so is
    data of unknown length.

    Args:
        members: The live network, and as many alike as there will be copies.
        combine: A `SnapshotMean`.
        **kwargs: `name` and `trainable`.
    """

    def __init__(self, members: Sequence[Any], combine: Any, **kwargs: Any) -> None:
        for copy in members[1:]:
            copy.trainable = False
        super().__init__(members, combine, **kwargs)

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """Return the mean prediction; in training that of the live network."""
        if not training:
            return super().call(inputs, training=training, mask=mask)
        predicted = self.members[0](inputs, training=True)
        self._latest = predicted, (predicted,)
        return predicted

    def own_losses(self, x: Any, y: Any, y_pred: Any, sample_weight: Any, outputs: Any) -> Any:
        """Return the loss of the live network."""
        return self.members[0].compute_loss(x, y, outputs[0], sample_weight)

    def fit(self, *args: Any, callbacks: Any = None, initial_epoch: int = 0, **kwargs: Any) -> Any:
        """Train in cycles; the arguments are those of `keras.Model.fit`.

        Raises:
            InputError: for a learning rate that changes by itself, or data of unknown length.
        """
        given = callbacks if isinstance(callbacks, list | tuple) else [callbacks]
        cycles = SnapshotCycles(_peak(self.optimizer), initial_epoch)
        self.train_function = None  # the one of the last fit has its rates in it
        return super().fit(
            *args,
            callbacks=[cycles, *(one for one in given if one is not None)],
            initial_epoch=initial_epoch,
            **kwargs,
        )


def _peak(optimizer: keras.optimizers.Optimizer) -> float:
    """Return the rate at which each cycle begins."""
    rate = each_optimizer(optimizer)[0].get_config()["learning_rate"]
    if isinstance(rate, dict):
        rate = getattr(keras.optimizers.schedules.deserialize(rate), "peak", rate)
    if isinstance(rate, dict):
        raise InputError(
            "method='snapshot' changes the learning rate in cycles of its own: give a number, where"
            f" they begin. Received: learning_rate={rate['class_name']}."
        )
    return float(rate)


class SnapshotCycles(keras.callbacks.Callback):
    """Plans the cycles when training begins, and copies the live network where one has ended.

    Args:
        peak: The rate at which each cycle begins.
        initial_epoch: The epoch that `fit` begins with.
    """

    def __init__(self, peak: float, initial_epoch: int) -> None:
        super().__init__()
        self.peak = peak
        self.initial_epoch = initial_epoch
        self.begins: list[int] = []

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Give the optimizer its rates; what resumes a training comes later, and puts copies back.

        Raises:
            InputError: for data of unknown length.
        """
        epochs, steps = self.params["epochs"], self.params["steps"]
        if steps is None:
            raise InputError(
                "method='snapshot' plans its cycles by the batches of an epoch, and this data does"
                f" not tell how many: give fit steps_per_epoch. Received: steps_per_epoch={steps}."
            )
        cycles = max(1, min(len(self.model.members), epochs))
        self.begins = [round(cycle * epochs / cycles) for cycle in range(cycles)]
        optimizer = self.model.optimizer
        first = int(optimizer.iterations) - self.initial_epoch * steps
        ends = [first + epoch * steps for epoch in (*self.begins, epochs)]
        optimizer.learning_rate = CosineCycles(self.peak, ends)
        if not self.initial_epoch:
            self.model.combine.taken.assign(0)

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Copy the live network where its next cycle begins."""
        if epoch in self.begins[1:]:
            live, number = self.model.members[0], self.begins.index(epoch)
            self.model.members[number].set_weights(live.get_weights())
            self.model.combine.taken.assign(number)


@keras.saving.register_keras_serializable(package="dlkit")
class CosineCycles(keras.optimizers.schedules.LearningRateSchedule):
    """A learning rate that falls as half a cosine from the peak to 0, and begins again.

    Args:
        peak: The rate at which each cycle begins.
        ends: The step, counted from 0, at which the first cycle begins, and those at which each
            ends.

    Example:
        >>> rate = CosineCycles(1.0, [0, 10, 30])
        >>> [round(float(rate(step)), 3) for step in (0, 5, 10, 20, 30)]
        [1.0, 0.5, 1.0, 0.5, 0.0]
    """

    def __init__(self, peak: float, ends: Sequence[int]) -> None:
        super().__init__()
        self.peak = peak
        self.ends = list(ends)

    def __call__(self, step: Any) -> Any:
        """Return the learning rate of `step`, counted from 0."""
        step, ends = ops.cast(step, "float32"), ops.cast(self.ends, "float32")
        cycle = ops.sum(ops.cast(step >= ends[1:-1], "int32"))
        begin, end = ops.take(ends, cycle), ops.take(ends, cycle + 1)
        share = ops.clip((step - begin) / ops.maximum(end - begin, 1.0), 0.0, 1.0)
        return self.peak * 0.5 * (1.0 + ops.cos(math.pi * share))

    def get_config(self) -> dict[str, Any]:
        """Return the arguments, for saving."""
        return {"peak": self.peak, "ends": self.ends}


@keras.saving.register_keras_serializable(package="dlkit")
class SnapshotMean(keras.layers.Layer):
    """The mean of the live network's prediction, the first, and of the copies taken so far.

    Example:
        >>> mean = SnapshotMean()
        >>> float(mean([ops.array([[1.0]]), ops.array([[5.0]])])[0, 0])  # no copy has been taken
        1.0
    """

    def build(self, input_shape: Any) -> None:
        """Make the number of copies that were taken."""
        self.taken = self.add_weight((), "zeros", "float32", trainable=False, name="taken")

    def call(self, outputs: Sequence[Any]) -> Any:
        """Return one prediction of several."""
        live, *copies = outputs
        taken = ops.cast(self.taken, live.dtype)
        there = [ops.cast(taken > number, live.dtype) for number in range(len(copies))]
        total = sum((on * copy for on, copy in zip(there, copies, strict=True)), live)
        return total / (taken + 1)
