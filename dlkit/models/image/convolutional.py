"""Convolutional networks for images: the same small filters at every place.

    lenet5: 32x32 -> conv 6 -> pool -> conv 16 -> pool -> conv 120 -> dense 84 -> predictions
    cnn:    [conv x n -> pool -> normalization -> activation] per block -> dropout
            -> [dense -> dropout] x n -> predictions

References: LeCun et al. 1998 (LeNet-5), Simonyan & Zisserman 2014 (VGG: small filters, deeper).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import keras
from keras import layers

from dlkit.argument_validation import check_choice, check_integer
from dlkit.models import blocks
from dlkit.models.hyperparameters import Choice, Float, Int
from dlkit.models.registry import builder
from dlkit.tasks import Task
from dlkit.training.compiling import BuilderOptions, compile_model

if TYPE_CHECKING:
    from typing_extensions import Unpack

POOLS = ("max", "average", "stride", "none")
ORDERS = ("pool-norm-act", "act-pool-norm", "norm-act-pool")
GLOBAL_POOLS = ("none", "max", "average")


@builder(
    tasks=("binary", "multiclass", "multilabel", "regression"),
    inputs=("image",),
    reference="Simonyan & Zisserman 2014, arXiv:1409.1556",
    options={"optimizer": "adamw", "weight_decay": 0.01, "label_smoothing": 0.1},
    cpu={"jit_compile": False, "steps_per_execution": 4},
    test_config={"input_shape": (8, 8, 1), "filters": (4, 8), "units": (16,)},
    space={
        "learning_rate": Float(1e-4, 1e-2, sampling="log", default=1e-3),
        "batch_size": Choice((32, 64, 128), default=64),
        "weight_decay": Float(1e-4, 1e-1, sampling="log", default=1e-2),
        "filters": Choice(((32, 64, 64), (16, 32, 32), (32, 64), (64, 128, 128))),
        "convs_per_block": Int(1, 2),
        "kernel_size": Choice((3, 5)),
        "units": Choice(((64,), (), (128,), (256,))),
        "dropout": Float(0.0, 0.5, step=0.1, default=0.2),
    },
)
def cnn(
    input_shape: Sequence[int],
    num_classes: int,
    *,
    task: Task = "multiclass",
    filters: Sequence[int] = (32, 64, 64),
    convs_per_block: int = 1,
    kernel_size: int = 3,
    pool: str = "max",
    order: str = "pool-norm-act",
    global_pool: str = "none",
    units: Sequence[int] = (64,),
    activation: str = "relu",
    normalization: str = "batch",
    kernel_initializer: str = "he",
    l1: float = 0.0,
    l2: float = 0.0,
    dropout: float = 0.2,
    **compile_options: Unpack[BuilderOptions],
) -> keras.Model:
    """Convolutional network in VGG style: blocks of small filters, each halving the image.

    The first choice for images when there is no pretrained network to start from. It trains with
    AdamW and label smoothing unless another optimizer or loss is named.

    Reference:
        Simonyan & Zisserman 2014, Very Deep Convolutional Networks, arXiv:1409.1556.

    Args:
        input_shape: (height, width, channels).
        num_classes: Classes, labels, or numbers to predict.
        task: `"binary"`, `"multiclass"`, `"multilabel"` or `"regression"`.
            Defaults to `"multiclass"`.
        filters: Output channels of each block. Defaults to `(32, 64, 64)`.
        convs_per_block: Convolutions in each block. Defaults to 1.
        kernel_size: Height and width of the filters. Defaults to 3.
        pool: How a block halves the image: `"max"`, `"average"`, `"stride"` (its last convolution
            does) or `"none"`. A side of one pixel is left as it is. Defaults to `"max"`.
        order: Where a block normalizes: `"pool-norm-act"`, once, on the halved map, which is four
            times cheaper; or `"norm-act-pool"`, after every convolution, as batch normalization's
            paper has it. Defaults to `"pool-norm-act"`.
        global_pool: What turns the last map into features: `"max"` or `"average"` over all
            positions, or `"none"` to flatten. Defaults to `"none"`.
        units: Width of each dense layer before the predictions. Defaults to `(64,)`.
        activation: One of `blocks.ACTIVATIONS`. Defaults to `"relu"`.
        normalization: One of `blocks.NORMALIZATIONS`; `"instance"` leaves the dense layers without.
            Defaults to `"batch"`.
        kernel_initializer: One of `blocks.INITIALIZERS`. Defaults to `"he"`.
        l1: Penalty on the absolute weights of every layer. Defaults to 0.0.
        l2: Penalty on the squared weights of every layer. Defaults to 0.0.
        dropout: Share of what goes into each dense layer and the predictions set to 0 in training,
            in [0, 1). Defaults to 0.2.
        **compile_options: See `dlkit.training.CompileOptions`.

    Returns:
        A compiled model.

    Raises:
        InputError: for an option or a value that cannot be used.

    Example:
        >>> cnn((28, 28, 1), 10, filters=(8, 16)).output_shape
        (None, 10)
    """
    check_choice("global_pool", global_pool, GLOBAL_POOLS)
    kernel: dict[str, Any] = {"kernel_initializer": kernel_initializer, "l1": l1, "l2": l2}
    inputs = x = keras.Input(input_shape, name="image")
    for width in blocks.check_sizes("filters", filters):
        x = convolution_block(
            x,
            width,
            convs=convs_per_block,
            kernel_size=kernel_size,
            pool=pool,
            order=order,
            activation=activation,
            normalization=normalization,
            **kernel,
        )
    x = _to_features(x, global_pool)  # (B, h, w, C) -> (B, features)
    x = blocks.drop(x, dropout)  # in the dense part only, as in the paper
    dense: dict[str, Any] = {"activation": activation, "dropout": dropout, **kernel}
    dense["normalization"] = "none" if normalization == "instance" else normalization
    for width in blocks.check_sizes("units", units):
        x = blocks.dense(x, width, **dense)
    model = keras.Model(inputs, blocks.head(x, num_classes, task, **kernel), name="cnn")
    return compile_model(model, task=task, **compile_options)


def convolution_block(
    x: Any,
    filters: int,
    *,
    convs: int = 1,
    kernel_size: int = 3,
    pool: str = "max",
    order: str = "pool-norm-act",
    activation: str = "relu",
    normalization: str = "batch",
    **kernel: Any,
) -> Any:
    """Convolve a few times, and halve the map at the end.

    Args:
        x: A tensor (batch, height, width, channels).
        filters: Output channels.
        convs: Convolutions, each followed by the activation. Defaults to 1.
        kernel_size: Height and width of the filters. Defaults to 3.
        pool: One of `POOLS`. Defaults to `"max"`.
        order: One of `ORDERS`: what follows the last convolution. Convolutions before it have the
            steps that come before the pooling, and the activation always. Defaults to
            `"pool-norm-act"`.
        activation: One of `blocks.ACTIVATIONS`. Defaults to `"relu"`.
        normalization: One of `blocks.NORMALIZATIONS`. Defaults to `"batch"`.
        **kernel: `kernel_initializer`, `l1` and `l2` as in `blocks.convolution`.

    Returns:
        A tensor (batch, height / 2, width / 2, filters), or of the same size for `pool="none"`.

    Raises:
        InputError: for a choice or a value that cannot be used.

    Example:
        >>> convolution_block(keras.Input((8, 8, 1)), 4).shape
        (None, 4, 4, 4)
    """
    check_choice("pool", pool, POOLS)
    steps = check_choice("order", order, ORDERS).split("-")
    before_pool = steps[: steps.index("pool")] or ["act"]
    convs = check_integer("convs_per_block", convs)
    for index in range(convs):
        last = index == convs - 1
        applied = steps if last else before_pool
        follows = normalization if "norm" in applied or normalization == "weight" else "none"
        strides = 2 if last and pool == "stride" else 1
        settings = {"kernel_size": kernel_size, "strides": strides, **kernel}
        x = blocks.convolution(x, filters, normalization=follows, **settings)
        for step in applied:
            if step == "norm":
                x = blocks.normalize(x, normalization)
            elif step == "act":
                x = blocks.activate(x, activation)
            else:
                x = _halve(x, pool)
    return x


def _halve(x: Any, pool: str) -> Any:
    """Pool windows of 2 x 2; a side of one pixel is left as it is."""
    if pool in ("none", "stride"):
        return x
    layer = layers.MaxPooling2D if pool == "max" else layers.AveragePooling2D
    padding = "same" if 1 in x.shape[1:3] else "valid"
    return layer(2, padding=padding)(x)  # (B, h, w, C) -> (B, h/2, w/2, C)


def _to_features(x: Any, global_pool: str) -> Any:
    if global_pool == "none":
        return blocks.flatten(x)
    layer = layers.GlobalMaxPooling2D if global_pool == "max" else layers.GlobalAveragePooling2D
    return layer()(x)  # (B, h, w, C) -> (B, C)


@builder(
    tasks=("binary", "multiclass", "multilabel", "regression"),
    inputs=("image",),
    reference="LeCun, Bottou, Bengio & Haffner 1998, Proceedings of the IEEE 86(11)",
    cpu={"jit_compile": False, "steps_per_execution": 4},
    test_config={"input_shape": (8, 8, 1), "activation": "relu"},
    space={
        "learning_rate": Float(1e-4, 1e-2, sampling="log", default=1e-3),
        "batch_size": Choice((32, 64, 128), default=64),
        "activation": Choice(("tanh", "relu")),
        "dropout": Float(0.0, 0.5, step=0.1),
    },
)
def lenet5(
    input_shape: Sequence[int],
    num_classes: int,
    *,
    task: Task = "multiclass",
    activation: str = "tanh",
    kernel_initializer: str = "lecun",
    dropout: float = 0.0,
    **compile_options: Unpack[BuilderOptions],
) -> keras.Model:
    """LeNet-5: the network that read handwritten digits on bank cheques.

    The layers are those of the paper's table, with two changes that are usual now: every map of C3
    sees all maps of S2 (the paper leaves some out to save work), and the pooling layers have no
    weights. With 10 classes on 32 x 32 x 1 that makes 61,706 weights: C1 156, C3 2,416, C5 48,120,
    F6 10,164, output 850. The paper's outputs are distances to drawn digits; here they are the
    task's usual head.

    Reference:
        LeCun, Bottou, Bengio & Haffner 1998, Gradient-Based Learning Applied to Document
        Recognition, Proceedings of the IEEE 86(11), section II.B.

    Args:
        input_shape: (height, width, channels). Sides below 32 pixels are padded with zeros to 32,
            as the paper does with its 28 x 28 digits.
        num_classes: Classes, labels, or numbers to predict.
        task: `"binary"`, `"multiclass"`, `"multilabel"` or `"regression"`.
            Defaults to `"multiclass"`.
        activation: One of `blocks.ACTIVATIONS`. Defaults to `"tanh"`.
        kernel_initializer: One of `blocks.INITIALIZERS`. Defaults to `"lecun"`.
        dropout: Share of F6's outputs set to 0 in training, in [0, 1). Defaults to 0.0.
        **compile_options: See `dlkit.training.CompileOptions`.

    Returns:
        A compiled model.

    Raises:
        InputError: for an option or a value that cannot be used.

    Example:
        >>> lenet5((28, 28, 1), 10).count_params()
        61706
    """
    inputs = keras.Input(input_shape, name="image")
    x = _pad_to(inputs, 32)
    kernel: dict[str, Any] = {"kernel_initializer": kernel_initializer}
    for filters, pooled in ((6, True), (16, True), (120, False)):  # C1 S2, C3 S4, C5
        x = blocks.convolution(x, filters, kernel_size=5, padding="valid", **kernel)
        x = blocks.activate(x, activation)
        if pooled:
            x = layers.AveragePooling2D(2)(x)  # (B, h, w, C) -> (B, h/2, w/2, C)
    x = blocks.flatten(x)  # (B, 1, 1, 120) -> (B, 120) for 32 x 32
    x = blocks.dense(x, 84, activation=activation, dropout=dropout, **kernel)  # F6
    model = keras.Model(inputs, blocks.head(x, num_classes, task, **kernel), name="lenet5")
    return compile_model(model, task=task, **compile_options)


def _pad_to(x: Any, side: int) -> Any:
    """Pad images with zeros around them up to `side` x `side`; larger ones stay as they are."""
    missing = [max(0, side - size) for size in x.shape[1:3]]
    if not any(missing):
        return x
    return layers.ZeroPadding2D([(n // 2, n - n // 2) for n in missing])(x)
