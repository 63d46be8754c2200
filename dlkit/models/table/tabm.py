"""TabM: many small networks in one, which share all but a few weights and vote.

    numbers -> piecewise linear embeddings, flattened --+
    other features as they are -------------------------+-> a copy for each of k members, each place
        times a weight of the member's own -> [dense -> activation -> dropout] x n, the same for all
        -> a head for each member -> k predictions -> their mean

    loss in training = the mean of the members' losses

This is the paper's TabM-mini with its piecewise linear embeddings. The paper's symbols: `k` is
`members`, `R` the member's own weights, the kernel of `MemberScaling`.

Reference: Gorishniy et al. 2025, TabM: Advancing Tabular Deep Learning with Parameter-Efficient
Ensembling, arXiv:2410.24210, section 3.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers, ops

from dlkit.argument_validation import check_integer
from dlkit.models import blocks
from dlkit.models.table.features import embed_numbers, joined


def tabm(
    inputs: Any,
    num_classes: int,
    task: str,
    *,
    bin_edges: Sequence[Sequence[float]],
    feature_columns: Sequence[int],  # which this network has no need of
    members: int,
    units: Sequence[int],
    embedding_dim: int,
    activation: str,
    dropout: float,
) -> keras.Model:
    """Return the network from features to the mean of its members' predictions.

    Args:
        inputs: A Keras input (batch, features).
        num_classes: Classes, labels, or numbers to predict.
        task: `"binary"`, `"multiclass"`, `"multilabel"` or `"regression"`.
        bin_edges: The edges of each feature's bins; those without any are taken as they are.
        feature_columns: Which column each feature is of; a category's are taken one by one here.
        members: Networks in one.
        units: Width of each hidden layer.
        embedding_dim: Length of the vector of a feature with bins.
        activation: One of `blocks.ACTIVATIONS`.
        dropout: Share of each hidden layer set to 0 in training, in [0, 1).
    """
    numbers, others = embed_numbers(inputs, bin_edges, embedding_dim)  # (B, n, d) and (B, rest)
    x = joined(None if numbers is None else blocks.flatten(numbers), others)  # -> (B, D)
    x = MemberScaling(members, name="member_scaling")(x)  # (B, D) -> (B, k, D)
    for width in blocks.check_sizes("units", units):
        x = blocks.dense(x, width, activation=activation, dropout=dropout)
    predict = MemberPredictions(
        1 if task == "binary" else num_classes,
        blocks.output_activation(task),
        dtype="float32",
        name="predictions",
    )
    outputs = predict(x)  # (B, k, units) -> (B, classes)
    return MemberModel(inputs, outputs, name="tabular")


@keras.saving.register_keras_serializable(package="dlkit")
class MemberScaling(layers.Layer):
    """Copy a vector for each member, times a weight of each place that is the member's own.

    The weights are drawn from a normal distribution, so that members see different vectors from
    the first step on.

    Args:
        members: How many there are, k.
        **kwargs: What every Keras layer takes, as `name`.

    Example:
        >>> MemberScaling(4)(ops.ones((2, 3))).shape
        TensorShape([2, 4, 3])
    """

    def __init__(self, members: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.members = check_integer("members", members)

    def build(self, input_shape: Any) -> None:
        """Make the weights."""
        self.kernel = self.add_weight(
            (self.members, input_shape[-1]),
            initializer=keras.initializers.RandomNormal(stddev=1.0),
            name="kernel",
        )

    def call(self, inputs: Any) -> Any:
        """Return (batch, members, features) of (batch, features)."""
        return inputs[:, None] * self.kernel  # (B, D) -> (B, k, D)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the shape with the members' axis."""
        return (input_shape[0], self.members, *input_shape[1:])

    def get_config(self) -> dict[str, Any]:
        """Return what the layer is made again from."""
        return {**super().get_config(), "members": self.members}


@keras.saving.register_keras_serializable(package="dlkit")
class MemberPredictions(layers.Layer):
    """A dense layer for each member, and the mean of what they predict.

    In training it keeps the members' predictions, (batch, members, units), for the loss of the
    step.

    Args:
        units: Numbers that each member predicts.
        activation: What makes predictions of them, a name that Keras knows.
        **kwargs: What every Keras layer takes, as `name`.

    Example:
        >>> MemberPredictions(2, "softmax")(ops.ones((5, 4, 3))).shape
        TensorShape([5, 2])
    """

    kept: Any = None

    def __init__(self, units: int, activation: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units = check_integer("units", units)
        self.activation = keras.activations.get(activation)

    def build(self, input_shape: Any) -> None:
        """Make the weights."""
        _, members, features = input_shape
        limit = (6 / (features + self.units)) ** 0.5
        self.kernel = self.add_weight(
            (members, features, self.units),
            initializer=keras.initializers.RandomUniform(-limit, limit),
            name="kernel",
        )
        self.bias = self.add_weight((members, self.units), initializer="zeros", name="bias")

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Return the mean prediction (batch, units) of vectors (batch, members, features)."""
        x = ops.matmul(ops.transpose(inputs, (1, 0, 2)), self.kernel)  # -> (k, B, units)
        members = self.activation(ops.transpose(x, (1, 0, 2)) + self.bias)  # -> (B, k, units)
        object.__setattr__(self, "kept", members if training else None)
        return ops.mean(members, axis=1)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return (batch, units)."""
        return (input_shape[0], self.units)

    def get_config(self) -> dict[str, Any]:
        """Return what the layer is made again from."""
        activation = keras.activations.serialize(self.activation)
        return {**super().get_config(), "units": self.units, "activation": activation}


@keras.saving.register_keras_serializable(package="dlkit")
class MemberModel(keras.Model):
    """A model that predicts the mean of its members, and trains each of them by itself.

    Example:
        >>> inputs = keras.Input((4,))
        >>> outputs = MemberPredictions(1, "sigmoid")(MemberScaling(8)(inputs))
        >>> MemberModel(inputs, outputs).output_shape
        (None, 1)
    """

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        """Return the mean of the members' losses in training, else the loss of the mean."""
        kept = self.get_layer("predictions").kept
        if training and kept is not None:
            y_pred = kept if self.layers[-1].name == "predictions" else self.layers[-1](kept)
            count = y_pred.shape[1]
            y_pred = ops.reshape(y_pred, (-1, y_pred.shape[-1]))  # (B, k, C) -> (B * k, C)
            y = ops.repeat(y, count, axis=0)
            if sample_weight is not None:
                sample_weight = ops.repeat(sample_weight, count, axis=0)
        return super().compute_loss(x, y, y_pred, sample_weight, training)
