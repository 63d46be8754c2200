"""Feed-forward networks: layers of units, each connected to every unit of the layer before.

    perceptron: features -> predictions
    mlp:        features -> [dense -> normalization -> activation -> dropout] x n -> predictions

Images and sequences are flattened first. References: Rosenblatt 1958 (the perceptron), Rumelhart,
Hinton & Williams 1986 (training through hidden layers).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import keras

from dlkit.models import blocks
from dlkit.models.hyperparameters import Choice, Float
from dlkit.models.registry import builder
from dlkit.tasks import Task
from dlkit.training.compiling import BuilderOptions, compile_model

if TYPE_CHECKING:
    from typing_extensions import Unpack


@builder(
    tasks=("binary", "multiclass", "multilabel", "regression"),
    inputs=("features", "image", "sequence"),
    reference="Rosenblatt 1958, The Perceptron, Psychological Review 65(6)",
    options={"learning_rate": 0.01},
    cpu={"jit_compile": False, "steps_per_execution": 16},
    test_config={"input_shape": (6,)},
    space={
        "learning_rate": Float(1e-4, 1e-1, sampling="log", default=1e-2),
        "batch_size": Choice((32, 64, 128), default=64),
        "l1": Choice((0.0, 1e-5, 1e-4, 1e-3)),
        "l2": Choice((0.0, 1e-5, 1e-4, 1e-3)),
    },
)
def perceptron(
    input_shape: Sequence[int],
    num_classes: int,
    *,
    task: Task = "multiclass",
    kernel_initializer: str = "glorot",
    l1: float = 0.0,
    l2: float = 0.0,
    **compile_options: Unpack[BuilderOptions],
) -> keras.Model:
    """One layer of units that weigh all inputs: the oldest network, and the baseline to beat.

    Rosenblatt's threshold is a sigmoid or a softmax here, so that gradient descent can train it:
    this is logistic regression, and linear regression for `task="regression"`. One layer bears a
    larger learning rate than a deep network: 0.01 for adam, unless another is given.

    Reference:
        Rosenblatt 1958, The Perceptron, Psychological Review 65(6), 386-408.

    Args:
        input_shape: Shape of one input; more axes than one are flattened.
        num_classes: Classes, labels, or numbers to predict.
        task: `"binary"`, `"multiclass"`, `"multilabel"` or `"regression"`.
            Defaults to `"multiclass"`.
        kernel_initializer: One of `blocks.INITIALIZERS`. Defaults to `"glorot"`.
        l1: Penalty on the absolute weights, which sets many to 0. Defaults to 0.0.
        l2: Penalty on the squared weights. Defaults to 0.0.
        **compile_options: See `dlkit.training.CompileOptions`.

    Returns:
        A compiled model.

    Raises:
        InputError: for an option or a value that cannot be used.

    Example:
        >>> perceptron((4,), 3).count_params()
        15
    """
    inputs = keras.Input(input_shape, name="features")
    x = blocks.flatten(inputs)
    outputs = blocks.head(x, num_classes, task, kernel_initializer=kernel_initializer, l1=l1, l2=l2)
    model = keras.Model(inputs, outputs, name="perceptron")
    return compile_model(model, task=task, **compile_options)


@builder(
    tasks=("binary", "multiclass", "multilabel", "regression"),
    inputs=("features", "image", "sequence"),
    reference="Rumelhart, Hinton & Williams 1986, Nature 323",
    cpu={"jit_compile": False, "steps_per_execution": 16},
    test_config={"input_shape": (6,), "units": (16, 8)},
    space={
        "learning_rate": Float(1e-4, 1e-2, sampling="log", default=1e-3),
        "batch_size": Choice((32, 64, 128), default=64),
        "units": Choice(((128, 64), (64,), (256,), (256, 128), (128, 128, 128))),
        "activation": Choice(("relu", "gelu", "tanh")),
        "normalization": Choice(("none", "batch", "layer")),
        "dropout": Float(0.0, 0.5, step=0.1),
        "l2": Choice((0.0, 1e-5, 1e-4, 1e-3)),
    },
)
def mlp(
    input_shape: Sequence[int],
    num_classes: int,
    *,
    task: Task = "multiclass",
    units: Sequence[int] = (128, 64),
    activation: str = "relu",
    normalization: str = "none",
    kernel_initializer: str = "glorot",
    l1: float = 0.0,
    l2: float = 0.0,
    dropout: float = 0.0,
    **compile_options: Unpack[BuilderOptions],
) -> keras.Model:
    """Multilayer perceptron: hidden layers between the inputs and the predictions.

    Use it for tables, and as the first network on small images.

    Reference:
        Rumelhart, Hinton & Williams 1986, Learning representations by back-propagating errors,
        Nature 323, 533-536.

    Args:
        input_shape: Shape of one input; more axes than one are flattened.
        num_classes: Classes, labels, or numbers to predict.
        task: `"binary"`, `"multiclass"`, `"multilabel"` or `"regression"`.
            Defaults to `"multiclass"`.
        units: Width of each hidden layer. Defaults to `(128, 64)`.
        activation: One of `blocks.ACTIVATIONS`. Defaults to `"relu"`.
        normalization: `"none"`, `"batch"`, `"layer"`, `"group"` or `"weight"`. Defaults to
            `"none"`.
        kernel_initializer: One of `blocks.INITIALIZERS`. Defaults to `"glorot"`.
        l1: Penalty on the absolute weights of every layer. Defaults to 0.0.
        l2: Penalty on the squared weights of every layer. Defaults to 0.0.
        dropout: Share of each hidden layer set to 0 in training, in [0, 1). Defaults to 0.0.
        **compile_options: See `dlkit.training.CompileOptions`.

    Returns:
        A compiled model.

    Raises:
        InputError: for an option or a value that cannot be used.

    Example:
        >>> mlp((4,), 3, units=(8,), task="multiclass", optimizer="nesterov").count_params()
        67
    """
    inputs = keras.Input(input_shape, name="features")
    x = blocks.flatten(inputs)
    for width in blocks.check_sizes("units", units):
        x = blocks.dense(
            x,
            width,
            activation=activation,
            normalization=normalization,
            kernel_initializer=kernel_initializer,
            l1=l1,
            l2=l2,
            dropout=dropout,
        )
    outputs = blocks.head(x, num_classes, task, kernel_initializer=kernel_initializer, l1=l1, l2=l2)
    model = keras.Model(inputs, outputs, name="mlp")
    return compile_model(model, task=task, **compile_options)
