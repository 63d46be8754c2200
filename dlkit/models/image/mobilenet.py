"""MobileNet: a convolution in two steps, over places and then over channels, nine times cheaper.

    conv 3x3/2 -> [depthwise 3x3 -> norm -> act -> conv 1x1 -> norm -> act] x 13 -> mean
    -> [dropout] -> predictions            5 of these 14 halve the map; the filters double with it

Reference: Howard et al. 2017, arXiv:1704.04861.
"""

from __future__ import annotations

import functools
import pathlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import keras
from keras import layers

from dlkit.argument_validation import check_fraction
from dlkit.errors import InputError
from dlkit.models import blocks
from dlkit.models.hyperparameters import Choice, Float
from dlkit.models.image.sizes import halving_strides
from dlkit.models.registry import builder
from dlkit.tasks import Task
from dlkit.training.compiling import BuilderOptions, compile_model

if TYPE_CHECKING:
    from typing_extensions import Unpack

# Filters of each block and whether it halves the map, from the paper's table 1.
BLOCKS = (
    *((64, False), (128, True), (128, False), (256, True), (256, False), (512, True)),
    *((512, False),) * 5,
    *((1024, True), (1024, False)),
)
_HALVINGS = 1 + sum(halves for _, halves in BLOCKS)
_CLASSES = 1000  # of ImageNet


@builder(
    tasks=("binary", "multiclass", "multilabel", "regression"),
    inputs=("image",),
    reference="Howard et al. 2017, arXiv:1704.04861",
    options={"optimizer": "adamw", "weight_decay": 0.05, "label_smoothing": 0.1},
    cpu={"jit_compile": False},
    test_config={"input_shape": (8, 8, 1), "alpha": 0.0625},
    space={
        "learning_rate": Float(1e-4, 1e-2, sampling="log", default=1e-3),
        "batch_size": Choice((32, 64, 128), default=64),
        "weight_decay": Float(1e-3, 1e-1, sampling="log", default=0.05),
        "alpha": Choice((1.0, 0.25, 0.5, 0.75), default=1.0),
        "dropout": Float(0.0, 0.5, step=0.1),
    },
)
def mobilenet(
    input_shape: Sequence[int],
    num_classes: int,
    *,
    task: Task = "multiclass",
    alpha: float = 1.0,
    halvings: int | None = None,
    weights: str | pathlib.Path | None = None,
    activation: str = "relu6",
    normalization: str = "batch",
    kernel_initializer: str = "he",
    l1: float = 0.0,
    l2: float = 0.0,
    dropout: float = 0.0,
    **compile_options: Unpack[BuilderOptions],
) -> keras.Model:
    """MobileNet: depthwise separable convolutions, for small devices and quick predictions.

    At 224 pixels and with 1,000 classes it has 4.25 million weights, those of
    `keras.applications.MobileNet` under the names that they have there.

    Reference:
        Howard et al. 2017, MobileNets: Efficient Convolutional Neural Networks for Mobile Vision
        Applications, arXiv:1704.04861.

    Args:
        input_shape: (height, width, channels).
        num_classes: Classes, labels, or numbers to predict.
        task: `"binary"`, `"multiclass"`, `"multilabel"` or `"regression"`.
            Defaults to `"multiclass"`.
        alpha: What each layer's filters are multiplied by, above 0. Defaults to 1.0.
        halvings: How often the map is halved, 0 to 5; where it is less than 5, the first layers
            keep it. Defaults to `None`: 5, or for sides below 96 pixels as often as leaves 3.
        weights: `"imagenet"`, which Keras downloads, or a file of weights of Keras's MobileNet,
            with its head or without; the head is taken over where it has as many classes. They
            were trained on pixels in [-1, 1]. Defaults to `None`: drawn at random.
        activation: One of `blocks.ACTIVATIONS`. Defaults to `"relu6"`.
        normalization: One of `blocks.NORMALIZATIONS`. Defaults to `"batch"`.
        kernel_initializer: One of `blocks.INITIALIZERS`. Defaults to `"he"`.
        l1: Penalty on the absolute weights of the convolutions. Defaults to 0.0.
        l2: Penalty on the squared weights of the convolutions. Defaults to 0.0.
        dropout: Share of what goes into the predictions set to 0 in training, in [0, 1).
            Defaults to 0.0.
        **compile_options: See `dlkit.training.CompileOptions`.

    Returns:
        A compiled model.

    Raises:
        InputError: for an option or a value that cannot be used, or weights of another network.

    Example:
        >>> mobilenet((224, 224, 3), 1000).count_params()
        4253864
    """
    alpha = check_fraction("alpha", alpha, low=2**-6, high=float("inf"))
    steps = halving_strides(input_shape, halvings, _HALVINGS)
    kernel: dict[str, Any] = {"kernel_initializer": kernel_initializer, "l1": l1, "l2": l2}
    kernel["normalization"] = normalization

    def follow(x: Any, name: str) -> Any:
        x = blocks.normalize(x, normalization, momentum=0.9, name=f"{name}_bn")
        return blocks.activate(x, activation)

    inputs = keras.Input(input_shape, name="image")
    x = blocks.convolution(inputs, int(32 * alpha), strides=next(steps), name="conv1", **kernel)
    x = follow(x, "conv1")
    for number, (filters, halves) in enumerate(BLOCKS, 1):  # (B, h, w, C) -> (B, h/2, w/2, 2C)
        name, width = f"conv_pw_{number}", int(filters * alpha)
        x = _depthwise(x, next(steps) if halves else 1, f"conv_dw_{number}", kernel)
        x = follow(x, f"conv_dw_{number}")
        x = blocks.convolution(x, width, kernel_size=1, name=name, **kernel)
        x = follow(x, name)
    x = blocks.drop(layers.GlobalAveragePooling2D()(x), dropout)  # (B, h, w, C) -> (B, C)
    model = keras.Model(inputs, blocks.head(x, num_classes, task), name="mobilenet")
    if weights is not None:
        _take_over(model, weights, alpha)
    return compile_model(model, task=task, **compile_options)


def _depthwise(x: Any, strides: int, name: str, kernel: dict[str, Any]) -> Any:
    """Convolve each channel by itself."""
    layer = layers.DepthwiseConv2D(
        3,
        strides,
        padding="same",
        use_bias=blocks.keeps_bias(kernel["normalization"]),
        depthwise_initializer=_of_each_channel(kernel["kernel_initializer"], x.shape[-1]),
        depthwise_regularizer=blocks.regularizer(kernel["l1"], kernel["l2"]),
        name=name,
    )
    return layer(x)


def _of_each_channel(name: str, channels: int) -> keras.initializers.Initializer:
    """Return the initializer of that name for kernels whose outputs see one channel each.

    Keras takes all channels for a depthwise output's inputs, and draws kernels that are too small
    by the square root of their number.
    """
    found = blocks.initializer(name)
    if not isinstance(found, keras.initializers.VarianceScaling):
        return found
    scale = found.scale * channels
    return keras.initializers.VarianceScaling(scale, found.mode, found.distribution, found.seed)


def _take_over(model: keras.Model, weights: str | pathlib.Path, alpha: float) -> None:
    """Give a model the weights of Keras's MobileNet; its own head stays where theirs is another."""
    head = model.get_layer("predictions")
    theirs = _load(weights, alpha, head.units)
    try:
        for layer in theirs.layers:
            if layer.name == "conv_preds":
                kernel, bias = layer.get_weights()
                if head.activation is keras.activations.softmax and len(bias) == head.units:
                    head.set_weights([kernel[0, 0], bias])
            elif layer.weights:
                model.get_layer(layer.name).set_weights(layer.get_weights())
    except ValueError:
        raise InputError(
            "Weights are for images of 3 channels and normalization='batch'. Received: input_shape="
            f"{model.input_shape[1:]}, weights={str(weights)!r}."
        ) from None


def _load(weights: str | pathlib.Path, alpha: float, classes: int) -> keras.Model:
    """Return Keras's MobileNet with the weights of a file, or with those that it downloads."""
    make = functools.partial(keras.applications.MobileNet, (224, 224, 3), alpha)
    if weights == "imagenet":
        return make(include_top=classes == _CLASSES)
    if not pathlib.Path(weights).is_file():
        raise InputError(f"There is no file of weights. Received: weights={str(weights)!r}.")
    for top in (True, False):
        try:
            return make(include_top=top, weights=str(weights))
        except ValueError as error:
            reason = str(error).splitlines()[0]
    raise InputError(
        f"The file of weights is for another network than MobileNet with alpha={alpha:g}: {reason}"
        f" Received: weights={str(weights)!r}."
    )
