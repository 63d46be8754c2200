"""Stacking: a meta learner learns how to weigh members, from examples that they do not learn from.

    example -> a number in [0, 1) of its inputs -> below holdout: the meta learner's, else members'
    prediction: x -> each member -> meta learner

Out-of-fold predictions, the alternative to this blending, train members on every example too, for
as many more trainings as there are folds.

Reference: Wolpert 1992, "Stacked Generalization", Neural Networks 5.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers, ops

from dlkit.models.ensembles import draws
from dlkit.models.ensembles.methods import AveragingEnsemble, weighed
from dlkit.models.registry import dtype_policy
from dlkit.training.names import as_loss


@keras.saving.register_keras_serializable(package="dlkit")
class StackingEnsemble(AveragingEnsemble):
    """Members, and a model that learns how to weigh them on examples that they do not learn from.

    Which examples those are is decided by `draws.uniform` of their inputs: the same in each epoch.

    Args:
        members: As in `AveragingEnsemble`.
        combine: The meta learner, a model from the list of the members' predictions to one.
        holdout: The share of the examples that is kept from the members, in (0, 1).
        seed: A whole number that decides which. Defaults to 0.
        **kwargs: `name` and `trainable`.
    """

    def __init__(
        self, members: Sequence[Any], combine: Any, holdout: float, seed: int = 0, **kwargs: Any
    ) -> None:
        super().__init__(members, combine, **kwargs)
        self.holdout = holdout
        self.seed = seed

    def join(self, outputs: Sequence[Any]) -> Any:
        """Return the prediction in a training step, whose gradient is the meta learner's alone."""
        return self.combine([ops.stop_gradient(out) for out in outputs])

    def own_losses(self, x: Any, y: Any, y_pred: Any, sample_weight: Any, outputs: Any) -> Any:
        """Return the losses of members and meta learner, each on its examples."""
        held = ops.cast(draws.uniform(x, self.seed) < self.holdout, "float32")
        # Divided by the share, so that both losses keep the size of one over all examples.
        weights = weighed(sample_weight, (1 - held) / (1 - self.holdout))
        members = super().own_losses(x, y, y_pred, weights, outputs)
        return members + as_loss(self.loss)(y, y_pred, weighed(sample_weight, held / self.holdout))

    def get_config(self) -> dict[str, Any]:
        """Return what the ensemble is made again from."""
        return {**super().get_config(), "holdout": self.holdout, "seed": self.seed}


def meta_learner(count: int, units: int, task: str, scale: Any) -> keras.Model:
    """Return a linear model of what members predict, at first their mean.

    Classes are weighed by the logarithms of their probabilities, or of their odds, numbers in
    deviations of the targets.

    Args:
        count: How many members there are.
        units: Numbers that each predicts.
        task: The ensemble's task.
        scale: The mean and deviation of a regression's targets, or None.

    Returns:
        A model from a list of tensors (batch, units) to one.

    Example:
        >>> model = meta_learner(2, 1, "binary", None)
        >>> odd = ops.array([[0.2]]), ops.array([[0.8]])
        >>> round(float(model(list(odd))[0, 0]), 4)
        0.5
    """
    with dtype_policy("float32"):
        inputs = [keras.Input((units,)) for _ in range(count)]
        scores = [_score(said, task, scale) for said in inputs]
        joined = layers.Concatenate()(scores)  # members of (B, units) -> (B, members * units)
        change = layers.Dense(units, kernel_initializer="zeros", name="weights")(joined)
        total = layers.Add()([layers.Average()(scores), change])
        if task == "regression":
            outputs = layers.Rescaling(scale[1], scale[0])(total) if scale else total
        else:
            outputs = layers.Activation("softmax" if task == "multiclass" else "sigmoid")(total)
        return keras.Model(inputs, outputs, name="predictions")


def _score(said: Any, task: str, scale: Any) -> Any:
    """Return what is linear in a member's evidence, of its prediction."""
    if task == "regression":
        if scale is None:
            return said
        offset, deviation = (part if isinstance(part, list) else [part] for part in scale)
        shift = [-one / other for one, other in zip(offset, deviation, strict=True)]
        return layers.Rescaling([1 / one for one in deviation], shift)(said)
    sure = ops.clip(said, keras.config.epsilon(), 1 - keras.config.epsilon())
    log = ops.log(sure)
    return log if task == "multiclass" else log - ops.log(1 - sure)
