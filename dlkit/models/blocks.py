"""The blocks that families share: activations, initializers, penalties, normalizations, heads.

    x = dense(x, 64, normalization="batch", activation="gelu")
    x = convolution(x, 32, kernel_size=3, kernel_initializer="he")
    y = head(x, num_classes, task)

Each choice is declared once, here, and checked by the block that uses it.
"""

from collections.abc import Iterable
from typing import Any

import keras
from keras import layers

from dlkit.argument_validation import check_choice, check_fraction, check_integer
from dlkit.errors import InputError
from dlkit.layers import WeightNormalization
from dlkit.tasks import PLACE_TASKS

# Keras's own, but glu, which halves the channels, threshold, which needs to be told one, and
# sparsemax, whose shares do not sum to 1 in Keras 3.15 where there is more than one.
_OTHERS = ("deserialize", "get", "glu", "serialize", "sparsemax", "threshold")
ACTIVATIONS = tuple(
    name for name in sorted(vars(keras.activations)) if name[0] != "_" and name not in _OTHERS
)

# The short names follow the papers: glorot and lecun draw uniformly (Glorot & Bengio 2010, LeCun et
# al. 1998), he draws from a normal distribution (He et al. 2015), random from N(0, 0.05^2) as Keras
# does. Two methods go by their authors' first names as well.
_SHORT = {
    "random": "random_normal",
    "glorot": "glorot_uniform",
    "he": "he_normal",
    "lecun": "lecun_uniform",
}
_FIRST_NAMES = {"xavier": "glorot", "kaiming": "he"}
INITIALIZERS = (
    *("zeros", "ones", "random", "glorot", "he", "lecun", "orthogonal", "identity"),
    *("random_normal", "random_uniform", "truncated_normal", "variance_scaling"),
    *("glorot_normal", "glorot_uniform", "he_normal", "he_uniform"),
    *("lecun_normal", "lecun_uniform"),
)

NORMALIZATIONS = ("none", "batch", "layer", "group", "instance", "weight")


def initializer(name: str) -> keras.initializers.Initializer:
    """Return the kernel initializer of that name.

    Args:
        name: One of `INITIALIZERS`; `"xavier"` is glorot and `"kaiming"` is he.

    Returns:
        Keras's initializer.

    Raises:
        InputError: for another name.

    Example:
        >>> initializer("he").__class__.__name__
        'HeNormal'
    """
    known = name
    for first, last in _FIRST_NAMES.items():
        known = known.replace(first, last) if isinstance(known, str) else known
    if known not in INITIALIZERS:
        check_choice("kernel_initializer", name, INITIALIZERS)
    return keras.initializers.get(_SHORT.get(known, known))


def regularizer(l1: float = 0.0, l2: float = 0.0) -> keras.regularizers.Regularizer | None:
    """Return the penalty `l1 * sum(|w|) + l2 * sum(w^2)`, or None where both are 0.

    Args:
        l1: Weight of the absolute values, at least 0. Defaults to 0.0.
        l2: Weight of the squares, at least 0. Defaults to 0.0.

    Returns:
        Keras's regularizer.

    Raises:
        InputError: for a negative weight.

    Example:
        >>> float(regularizer(l1=0.5, l2=0.25)(keras.ops.array([1.0, -2.0])))
        2.75
    """
    l1 = check_fraction("l1", l1, high=float("inf"))
    l2 = check_fraction("l2", l2, high=float("inf"))
    return keras.regularizers.L1L2(l1, l2) if l1 or l2 else None


def check_sizes(argument: str, sizes: Any) -> tuple[int, ...]:
    """Return the widths of a network's layers as a tuple; one number stands for one layer.

    Args:
        argument: The option's name, for the message.
        sizes: Whole numbers of at least 1.

    Returns:
        The widths.

    Raises:
        InputError: for something else.

    Example:
        >>> check_sizes("units", [128, 64])
        (128, 64)
    """
    if isinstance(sizes, int):
        sizes = (sizes,)
    if isinstance(sizes, str) or not isinstance(sizes, Iterable):
        raise InputError(
            f"{argument} must be whole numbers, one a layer, as (64, 32)."
            f" Received: {argument}={sizes!r}."
        )
    return tuple(check_integer(f"{argument}[{i}]", size) for i, size in enumerate(sizes))


def mlp_dim(mlp_ratio: Any, hidden_dim: int) -> int:
    """Return the width of the dense layer inside a Transformer's block.

    Args:
        mlp_ratio: The width in `hidden_dim`, above 0.
        hidden_dim: Length of a token's vector.

    Raises:
        InputError: for a ratio that leaves the layer no unit.

    Example:
        >>> mlp_dim(2.0, 64)
        128
    """
    ratio = check_fraction("mlp_ratio", mlp_ratio, high=float("inf"))
    if ratio * hidden_dim < 1:
        raise InputError(
            f"mlp_ratio must leave the dense layer a unit. Received: mlp_ratio={mlp_ratio!r},"
            f" hidden_dim={hidden_dim}."
        )
    return round(ratio * hidden_dim)


def activate(x: Any, activation: str) -> Any:
    """Apply the activation of that name.

    Args:
        x: A tensor.
        activation: One of `ACTIVATIONS`.

    Returns:
        A tensor of the same shape.

    Raises:
        InputError: for another name.

    Example:
        >>> float(activate(keras.ops.array([-1.0, 2.0]), "relu")[0])
        0.0
    """
    check_choice("activation", activation, ACTIVATIONS)
    return x if activation == "linear" else layers.Activation(activation)(x)


def normalize(
    x: Any,
    normalization: str,
    *,
    momentum: float = 0.99,
    epsilon: float = 1e-3,
    name: str | None = None,
    mask: Any = None,
) -> Any:
    """Apply the normalization of that name over the channels, the last axis.

    `"weight"` changes nothing here: it acts on the kernel, in `dense` and `convolution`.

    Reference:
        batch: Ioffe & Szegedy 2015, arXiv:1502.03167. layer: Ba et al. 2016, arXiv:1607.06450.
        group: Wu & He 2018, arXiv:1803.08494. instance: Ulyanov et al. 2016, arXiv:1607.08022.

    Args:
        x: A tensor (batch, ..., channels).
        normalization: One of `NORMALIZATIONS`.
        momentum: How much of its running mean and variance batch normalization keeps a step.
            Defaults to 0.99.
        epsilon: What is added to a variance that is divided by. Defaults to 0.001.
        name: The layer's. Defaults to `None`: Keras's choice.
        mask: Of a sequence (batch, length): the steps that batch normalization's mean and variance
            are taken over, the others being padding. Defaults to `None`: all.

    Returns:
        A tensor of the same shape.

    Raises:
        InputError: for another name, or `"instance"` where each channel is one number.

    Example:
        >>> normalize(keras.Input((8, 8, 6)), "instance").shape
        (None, 8, 8, 6)
    """
    check_choice("normalization", normalization, NORMALIZATIONS)
    if normalization == "batch":
        layer = layers.BatchNormalization(momentum=momentum, epsilon=epsilon, name=name)
        return layer(x, mask=mask)
    if normalization == "layer":
        return layers.LayerNormalization(epsilon=epsilon, name=name)(x)
    if normalization == "group":
        groups = _groups(x.shape[-1])
        return layers.GroupNormalization(groups, epsilon=epsilon, name=name)(x)
    if normalization == "instance":
        if len(x.shape) < 3:
            raise InputError(
                "normalization='instance' normalizes each channel over its positions, which erases"
                f" features of shape {tuple(x.shape[1:])}: use it on images, or 'layer' here."
            )
        return layers.GroupNormalization(groups=-1, epsilon=epsilon, name=name)(x)
    return x


def _groups(channels: int) -> int:
    """Return the most groups, up to the paper's 32, that hold at least four channels each.

    A group of one feature would normalize it to zero, so that a narrow layer has fewer groups.
    """
    fitting = (g for g in range(min(32, channels // 4), 1, -1) if channels % g == 0)
    return next(fitting, 1)


def weighted(layer: layers.Layer, x: Any, normalization: str) -> Any:
    """Call a layer that has a kernel, under weight normalization where that is asked for.

    Args:
        layer: A dense or convolutional layer.
        x: Its input.
        normalization: One of `NORMALIZATIONS`.

    Returns:
        The layer's output.

    Example:
        >>> weighted(layers.Dense(3), keras.Input((2,)), "weight").shape
        (None, 3)
    """
    return (WeightNormalization(layer) if normalization == "weight" else layer)(x)


def dense(
    x: Any,
    units: int,
    *,
    activation: str = "relu",
    normalization: str = "none",
    kernel_initializer: str = "glorot",
    l1: float = 0.0,
    l2: float = 0.0,
    dropout: float = 0.0,
) -> Any:
    """Apply a dense layer, then normalization, activation and dropout.

    Args:
        x: A tensor (batch, ..., features).
        units: Width of the layer.
        activation: One of `ACTIVATIONS`. Defaults to `"relu"`.
        normalization: One of `NORMALIZATIONS`. Defaults to `"none"`.
        kernel_initializer: One of `INITIALIZERS`. Defaults to `"glorot"`.
        l1: Penalty on the absolute weights. Defaults to 0.0.
        l2: Penalty on the squared weights. Defaults to 0.0.
        dropout: Share of the outputs set to 0 in training, in [0, 1). Defaults to 0.0.

    Returns:
        A tensor (batch, ..., units).

    Raises:
        InputError: for a choice or a value that cannot be used.

    Example:
        >>> dense(keras.Input((4,)), 8, dropout=0.5).shape
        (None, 8)
    """
    layer = layers.Dense(
        units,
        # A shift before these normalizations is taken away again by their mean.
        use_bias=keeps_bias(normalization),
        kernel_initializer=initializer(kernel_initializer),
        kernel_regularizer=regularizer(l1, l2),
    )
    x = normalize(weighted(layer, x, normalization), normalization)
    return drop(activate(x, activation), dropout)


def convolution(
    x: Any,
    filters: int,
    *,
    kernel_size: int = 3,
    strides: int = 1,
    padding: str = "same",
    normalization: str = "none",
    kernel_initializer: str = "glorot",
    l1: float = 0.0,
    l2: float = 0.0,
    name: str | None = None,
) -> Any:
    """Apply a 2-D convolution, linear, without a bias where a normalization follows.

    The caller normalizes and activates, since a pooling may come first.

    Args:
        x: A tensor (batch, height, width, channels).
        filters: Output channels.
        kernel_size: Height and width of the kernel. Defaults to 3.
        strides: Step of the kernel. Defaults to 1.
        padding: `"same"` or `"valid"`. Defaults to `"same"`.
        normalization: What follows, one of `NORMALIZATIONS`; `"weight"` acts on the kernel here.
            Defaults to `"none"`.
        kernel_initializer: One of `INITIALIZERS`. Defaults to `"glorot"`.
        l1: Penalty on the absolute weights. Defaults to 0.0.
        l2: Penalty on the squared weights. Defaults to 0.0.
        name: The layer's. Defaults to `None`: Keras's choice.

    Returns:
        A tensor (batch, height / strides, width / strides, filters).

    Raises:
        InputError: for a choice or a value that cannot be used.

    Example:
        >>> convolution(keras.Input((8, 8, 1)), 4, strides=2).shape
        (None, 4, 4, 4)
    """
    if kernel_initializer == "identity":
        raise InputError(
            f"kernel_initializer={kernel_initializer!r} is for dense layers; a convolution can"
            " start with 'orthogonal'."
        )
    layer = layers.Conv2D(
        filters,
        check_integer("kernel_size", kernel_size),
        strides=strides,
        padding=padding,
        use_bias=keeps_bias(normalization),
        kernel_initializer=initializer(kernel_initializer),
        kernel_regularizer=regularizer(l1, l2),
        name=name,
    )
    return weighted(layer, x, normalization)


def keeps_bias(normalization: str) -> bool:
    """Return whether a layer needs its own bias: a normalization with a shift replaces it.

    Args:
        normalization: What follows, one of `NORMALIZATIONS`.

    Example:
        >>> keeps_bias("batch")
        False
    """
    return normalization in ("none", "weight")


def drop(x: Any, dropout: float) -> Any:
    """Apply dropout where there is any.

    Reference:
        Srivastava et al. 2014, Dropout, JMLR 15.

    Args:
        x: A tensor.
        dropout: Share of the values set to 0 in training, in [0, 1).

    Returns:
        A tensor of the same shape.

    Raises:
        InputError: for a share outside [0, 1).

    Example:
        >>> drop(keras.Input((4,)), 0.2).shape
        (None, 4)
    """
    dropout = check_fraction("dropout", dropout)
    return layers.Dropout(dropout)(x) if dropout else x


def drop_channels(x: Any, dropout: float) -> Any:
    """Apply dropout to whole channels of a sequence, the same ones at each of its steps.

    Reference:
        Gal & Ghahramani 2016, Dropout in Recurrent Neural Networks, arXiv:1512.05287.

    Args:
        x: A tensor (batch, length, channels).
        dropout: Share of the channels set to 0 in training, in [0, 1).

    Returns:
        A tensor of the same shape.

    Raises:
        InputError: for a share outside [0, 1).

    Example:
        >>> drop_channels(keras.Input((9, 4)), 0.2).shape
        (None, 9, 4)
    """
    dropout = check_fraction("dropout", dropout)
    return layers.SpatialDropout1D(dropout)(x) if dropout else x


def flatten(x: Any) -> Any:
    """Flatten all axes but the batch into features.

    Args:
        x: A tensor (batch, ...).

    Returns:
        A tensor (batch, features).

    Raises:
        InputError: for a sequence of open length.

    Example:
        >>> flatten(keras.Input((8, 8, 1))).shape
        (None, 64)
    """
    if None in x.shape[1:]:
        raise InputError(
            "A model that flattens its input needs a fixed length."
            f" Received: input_shape={tuple(x.shape[1:])!r}; pad or cut to one length."
        )
    return x if len(x.shape) == 2 else layers.Flatten()(x)  # (B, ..., C) -> (B, features)


def head(
    x: Any,
    num_classes: int,
    task: str,
    *,
    kernel_initializer: str = "glorot",
    l1: float = 0.0,
    l2: float = 0.0,
    name: str | None = "predictions",
) -> Any:
    """Apply the last layer: float32 probabilities, or numbers for regression, as the task has them.

    Args:
        x: A tensor (batch, features); for `"segmentation"` (batch, height, width, features), for
            `"language_model"` (batch, tokens, features).
        num_classes: Classes, labels, or numbers to predict; 2 for `"binary"`, which has one unit.
        task: `"binary"` or `"multilabel"` (sigmoid), `"regression"` (linear), or another of
            `dlkit.tasks.MODEL_TASKS` (softmax).
        kernel_initializer: One of `INITIALIZERS`. Defaults to `"glorot"`.
        l1: Penalty on the absolute weights. Defaults to 0.0.
        l2: Penalty on the squared weights. Defaults to 0.0.
        name: The layer's; `None` is Keras's choice. Defaults to `"predictions"`.

    Returns:
        A tensor (batch, ..., units).

    Raises:
        InputError: for a choice or a value that cannot be used.

    Example:
        >>> head(keras.Input((16,)), 10, "multiclass").shape
        (None, 10)
    """
    return layers.Dense(
        1 if task == "binary" else num_classes,
        activation=output_activation(task),
        kernel_initializer=initializer(kernel_initializer),
        kernel_regularizer=regularizer(l1, l2),
        dtype="float32",  # probabilities and losses keep their digits under mixed precision
        name=name,
    )(x)


def output_activation(task: str) -> str:
    """Return the activation that makes predictions of a task.

    Args:
        task: As `head` takes it.

    Raises:
        InputError: for a task without one.

    Example:
        >>> output_activation("binary")
        'sigmoid'
    """
    activations = {
        "binary": "sigmoid",
        "multiclass": "softmax",
        "multilabel": "sigmoid",
        "regression": "linear",
        **dict.fromkeys(PLACE_TASKS, "softmax"),
    }
    return activations[check_choice("task", task, activations)]
