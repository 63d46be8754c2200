"""How an ensemble is trained and what it predicts: a class for each method.

    averaging: each member learns as if it were alone; the prediction is the mean of theirs
    bagging:   the same, but each member counts each example as often as a bootstrap sample has it
    boosting:  each member learns what those before it leave; the prediction is made of their sum

Stacking and snapshots have files of their own. All are functional models from the inputs to the
prediction, whose members are layers. One `fit` trains every member: `compute_loss` returns the loss
of the prediction, so that an ensemble's curves compare with any model's, and its gradient is that
of the members' own losses.

References: Lakshminarayanan et al. 2017, arXiv:1612.01474 (averaging); Breiman 1996, Machine
Learning 24, with the counts of Oza & Russell 2001 (bagging); Friedman 2001, Annals of Statistics 29
(boosting).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from dlkit.models.ensembles import draws
from dlkit.training.names import as_loss


@keras.saving.register_keras_serializable(package="dlkit")
class AveragingEnsemble(keras.Model):
    """Members that learn side by side, each by its own loss, and a prediction made of theirs.

    What is given to `compile` is for the prediction: each member keeps the loss that `lone` gave
    it.

    Args:
        members: Models of the same inputs and outputs, each named otherwise, from `lone`.
        combine: A layer or a model from the list of their predictions to one.
        **kwargs: `name` and `trainable`.

    Example:
        >>> members = [keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)]) for _ in "ab"]
        >>> members = [lone(member, "mse") for member in members]
        >>> AveragingEnsemble(members, keras.layers.Average()).output_shape
        (None, 1)
    """

    def __init__(self, members: Sequence[Any], combine: Any, **kwargs: Any) -> None:
        inputs = _inputs_of(members[0])
        super().__init__(inputs, combine([member(inputs) for member in members]), **kwargs)
        self.members = list(members)
        self.combine = combine
        self._latest: Any = (None, ())

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """Return the prediction of all members together."""
        if not training:
            return super().call(inputs, training=training, mask=mask)
        outputs = [member(inputs, training=True) for member in self.members]
        predicted = self.join(outputs)
        # Keras gives `compute_loss` the prediction alone, which needs those that it is made of.
        self._latest = predicted, tuple(outputs)
        return predicted

    def join(self, outputs: Sequence[Any]) -> Any:
        """Return the prediction in a training step, of those of the members."""
        return self.combine(outputs)

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        """Return the loss of the prediction; its gradient is that of `own_losses`."""
        loss = super().compute_loss(x, y, y_pred, sample_weight, training)
        if not training:
            return loss
        if self._latest[0] is not y_pred:  # of another batch
            y_pred = self(x, training=True)
        (_, outputs), self._latest = self._latest, (None, ())
        own = self.own_losses(x, y, y_pred, sample_weight, outputs)
        return ops.stop_gradient(loss) + (own - ops.stop_gradient(own))

    def own_losses(self, x: Any, y: Any, y_pred: Any, sample_weight: Any, outputs: Any) -> Any:
        """Return what training makes small: the sum of the losses of the members.

        Args:
            x: The inputs.
            y: The labels.
            y_pred: The prediction.
            sample_weight: The weight of each example, or None.
            outputs: The prediction of each member.
        """
        pairs = zip(self.members, outputs, strict=True)
        return sum(member.compute_loss(x, y, out, sample_weight) for member, out in pairs)

    def get_config(self) -> dict[str, Any]:
        """Return what the ensemble is made again from."""
        # Keras 3.15 cannot load a model that was compiled without an optimizer.
        losses = [member.loss if member.compiled else None for member in self.members]
        saved = [keras.saving.serialize_keras_object(member) for member in self.members]
        return {
            "name": self.name,
            "trainable": self.trainable,
            "members": [{**one, "compile_config": None} for one in saved],
            "losses": [keras.saving.serialize_keras_object(loss) for loss in losses],
            "combine": keras.saving.serialize_keras_object(self.combine),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> AveragingEnsemble:
        """Make the ensemble of what `get_config` returned."""

        def made(saved: Any) -> Any:
            return keras.saving.deserialize_keras_object(saved, custom_objects)

        parts = {name: made(config[name]) for name in ("members", "losses", "combine")}
        pairs = zip(parts["members"], parts.pop("losses"), strict=True)
        parts["members"] = [lone(member, loss) for member, loss in pairs]
        return cls(**{**{k: v for k, v in config.items() if k != "losses"}, **parts})


@keras.saving.register_keras_serializable(package="dlkit")
class BaggingEnsemble(AveragingEnsemble):
    """Members that learn side by side, each from a bootstrap sample of the examples.

    How often an example counts for a member is `draws.poisson` of its inputs: the same in each
    epoch.

    Args:
        members: As in `AveragingEnsemble`.
        combine: As in `AveragingEnsemble`.
        seed: A whole number that decides the samples. Defaults to 0.
        **kwargs: `name` and `trainable`.
    """

    def __init__(self, members: Sequence[Any], combine: Any, seed: int = 0, **kwargs: Any) -> None:
        super().__init__(members, combine, **kwargs)
        self.seed = seed

    def own_losses(self, x: Any, y: Any, y_pred: Any, sample_weight: Any, outputs: Any) -> Any:
        """Return the sum of the members' losses, each with its counts for weights."""
        return sum(
            member.compute_loss(
                x, y, out, weighed(sample_weight, draws.poisson(x, self.seed + number))
            )
            for number, (member, out) in enumerate(zip(self.members, outputs, strict=True))
        )

    def get_config(self) -> dict[str, Any]:
        """Return what the ensemble is made again from."""
        return {**super().get_config(), "seed": self.seed}


@keras.saving.register_keras_serializable(package="dlkit")
class BoostingEnsemble(AveragingEnsemble):
    """Members that each learn what the sum of those before it leaves: gradient boosting.

    Members give numbers, which are added (logits where the task has classes). Each makes the loss
    of the sum so far plus its own numbers small, by its own weights alone.

    Args:
        members: As in `AveragingEnsemble`.
        combine: A `BoostedSum`.
        **kwargs: `name` and `trainable`.
    """

    def own_losses(self, x: Any, y: Any, y_pred: Any, sample_weight: Any, outputs: Any) -> Any:
        """Return the sum of the losses of the stages, and the penalties on their weights."""
        loss, total, so_far = as_loss(self.loss), sum(self.losses), 0.0
        for out in outputs:
            total += loss(y, self.combine.link(so_far + out), sample_weight)
            so_far += self.combine.shrinkage * ops.stop_gradient(out)
        return total


@keras.saving.register_keras_serializable(package="dlkit")
class BoostedSum(keras.layers.Layer):
    """The prediction of boosted members: `activation(offset + shrinkage * their sum)`.

    Args:
        activation: What makes predictions of sums, one of Keras's activations.
        shrinkage: The share of each member that is added, in (0, 1].
        offset: What the sum begins with: a number, or one a column. Defaults to 0.0.
        **kwargs: `name` and `dtype`.

    Example:
        >>> BoostedSum("linear", 0.5, 1.0)([ops.array([[2.0]]), ops.array([[4.0]])]).numpy()
        array([[4.]], dtype=float32)
    """

    def __init__(
        self,
        activation: str,
        shrinkage: float,
        offset: float | Sequence[float] = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.activation = activation
        self.shrinkage = shrinkage
        self.offset = offset

    def link(self, total: Any) -> Any:
        """Return the prediction of a sum."""
        return keras.activations.get(self.activation)(ops.cast(self.offset, total.dtype) + total)

    def call(self, outputs: Sequence[Any]) -> Any:
        """Return the prediction (batch, units) of the numbers of each member (batch, units)."""
        return self.link(self.shrinkage * sum(outputs))

    def get_config(self) -> dict[str, Any]:
        """Return what Keras needs to make this layer again."""
        own = {name: getattr(self, name) for name in ("activation", "shrinkage", "offset")}
        return {**super().get_config(), **own}


def lone(model: keras.Model, loss: Any) -> keras.Model:
    """Return a model with a loss, which an ensemble trains: an optimizer of its own would idle.

    Args:
        model: A Keras model.
        loss: What `compile` takes; `None` leaves the model as it is.

    Example:
        >>> lone(keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)]), "mse").optimizer
    """
    if loss is not None:
        model.compile(optimizer=None, loss=loss)
    return model


def _inputs_of(member: keras.Model) -> Any:
    """Return new inputs of the same names: one, or a dict of several."""
    made = {
        tensor.name: keras.Input(tensor.shape[1:], dtype=tensor.dtype, name=tensor.name)
        for tensor in member.inputs
    }
    return made if len(made) > 1 else next(iter(made.values()))


def weighed(sample_weight: Any, counts: Any) -> Any:
    """Return the weights of the examples, if there are any, times counts.

    Args:
        sample_weight: (batch,), (batch, 1) or None.
        counts: (batch,).

    Example:
        >>> weighed(ops.array([2.0, 1.0]), ops.array([0.0, 3.0])).numpy().tolist()
        [0.0, 3.0]
    """
    if sample_weight is None:
        return counts
    weight = ops.cast(sample_weight, "float32")
    return weight * ops.reshape(counts, (-1, *(1,) * (len(weight.shape) - 1)))
