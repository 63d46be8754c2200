"""U-Net: a class for each pixel, from what is around it, near and far.

    image -> [block -> max pool/2] per stage -> block, the widest, with dropout
          -> [up-convolution x 2 -> beside the map of that size -> block] per stage, back up
          -> predictions of each pixel
    block: [convolution -> normalization -> activation] x 2; a time is added after the first

Reference: Ronneberger et al. 2015, arXiv:1505.04597. The time: Ho et al. 2020, arXiv:2006.11239.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import keras
from keras import layers

from dlkit.argument_validation import check_integer
from dlkit.models import blocks
from dlkit.models.hyperparameters import Choice, Float
from dlkit.models.image.sizes import check_multiple
from dlkit.models.registry import builder
from dlkit.training.compiling import BuilderOptions, compile_model

if TYPE_CHECKING:
    from typing_extensions import Unpack


@builder(
    tasks=("segmentation",),
    inputs=("image",),
    reference="Ronneberger, Fischer & Brox 2015, arXiv:1505.04597",
    cpu={"jit_compile": False},
    test_config={"input_shape": (8, 12, 1), "filters": (8, 16)},
    space={
        "learning_rate": Float(1e-4, 1e-2, sampling="log", default=1e-3),
        "batch_size": Choice((8, 16, 32), default=16),
        "filters": Choice(((64, 128, 256, 512, 1024), (16, 32, 64, 128), (32, 64, 128, 256))),
        "dropout": Float(0.0, 0.5, step=0.1),
    },
)
def unet(
    input_shape: Sequence[int],
    num_classes: int,
    *,
    task: str = "segmentation",
    filters: Sequence[int] = (64, 128, 256, 512, 1024),
    convs_per_block: int = 2,
    activation: str = "relu",
    normalization: str = "batch",
    kernel_initializer: str = "he",
    l1: float = 0.0,
    l2: float = 0.0,
    dropout: float = 0.0,
    **compile_options: Unpack[BuilderOptions],
) -> keras.Model:
    """U-Net: the usual choice where each pixel of an image has a class.

    The paper's network has 31 million weights; `filters=(16, 32, 64, 128)` has half a million, and
    suits a CPU and some hundred images. Targets are class indices (B, height, width). Two things
    differ from the paper, as is usual now: convolutions are padded, so that the predictions are as
    large as the image, and batch normalization follows them.

    Reference:
        Ronneberger, Fischer & Brox 2015, U-Net: Convolutional Networks for Biomedical Image
        Segmentation, arXiv:1505.04597.

    Args:
        input_shape: (height, width, channels); both sides multiples of `2 ** (len(filters) - 1)`
            pixels, 16 by default.
        num_classes: Classes that a pixel can have; background is one.
        task: `"segmentation"`. Defaults to `"segmentation"`.
        filters: Output channels of each stage; between two of them the map is halved. Defaults to
            `(64, 128, 256, 512, 1024)`.
        convs_per_block: Convolutions of each stage, on the way down and on the way up.
            Defaults to 2.
        activation: One of `blocks.ACTIVATIONS`. Defaults to `"relu"`.
        normalization: One of `blocks.NORMALIZATIONS`. Defaults to `"batch"`.
        kernel_initializer: One of `blocks.INITIALIZERS`. Defaults to `"he"`.
        l1: Penalty on the absolute weights of every layer. Defaults to 0.0.
        l2: Penalty on the squared weights of every layer. Defaults to 0.0.
        dropout: Share of the smallest map's values set to 0 in training, in [0, 1); the paper has
            it there, and does not say how much. Defaults to 0.0.
        **compile_options: See `dlkit.training.CompileOptions`.

    Returns:
        A compiled model, from images to probabilities (batch, height, width, num_classes).

    Raises:
        InputError: for images that the stages cannot halve, or an option or a value that cannot be
            used.

    Example:
        >>> unet((64, 96, 3), 2, filters=(8, 16, 32)).output_shape
        (None, 64, 96, 2)
    """
    stages = blocks.check_sizes("filters", filters)
    check_multiple(input_shape, 2 ** (len(stages) - 1), filters=stages)
    inputs = keras.Input(input_shape, name="image")
    x = unet_body(
        inputs,
        stages,
        convs=check_integer("convs_per_block", convs_per_block),
        activation=activation,
        normalization=normalization,
        dropout=dropout,
        kernel_initializer=kernel_initializer,
        l1=l1,
        l2=l2,
    )
    model = keras.Model(inputs, blocks.head(x, num_classes, task, l1=l1, l2=l2), name="unet")
    return compile_model(model, task=task, **compile_options)


def unet_body(
    x: Any,
    filters: Sequence[int],
    *,
    time: Any = None,
    convs: int = 2,
    activation: str = "relu",
    normalization: str = "batch",
    dropout: float = 0.0,
    **kernel: Any,
) -> Any:
    """Apply a U-Net without its predictions.

    Args:
        x: A tensor (batch, height, width, channels).
        filters: Output channels of each stage.
        time: A tensor (batch, features) that every block is told, as a diffusion's step. Defaults
            to None.
        convs: Convolutions of each block. Defaults to 2.
        activation: One of `blocks.ACTIVATIONS`. Defaults to `"relu"`.
        normalization: One of `blocks.NORMALIZATIONS`. Defaults to `"batch"`.
        dropout: Share of the smallest map's values set to 0 in training. Defaults to 0.0.
        **kernel: `kernel_initializer`, `l1` and `l2` as in `blocks.convolution`.

    Returns:
        A tensor (batch, height, width, filters[0]).

    Example:
        >>> unet_body(keras.Input((8, 8, 1)), (4, 8), time=keras.Input((3,))).shape
        (None, 8, 8, 4)
    """
    block: dict[str, Any] = {"time": time, "convs": convs, "activation": activation}
    block |= {"normalization": normalization, **kernel}
    maps = []
    for width in filters[:-1]:
        maps.append(convolution_block(x, width, **block))
        x = layers.MaxPooling2D(2)(maps[-1])  # (B, h, w, C) -> (B, h/2, w/2, C)
    x = blocks.drop(convolution_block(x, filters[-1], **block), dropout)
    for larger in reversed(maps):
        x = _up(x, larger.shape[-1], **kernel)  # (B, h, w, 2C) -> (B, 2h, 2w, C)
        x = convolution_block(layers.Concatenate()([larger, x]), larger.shape[-1], **block)
    return x


def convolution_block(
    x: Any,
    filters: int,
    *,
    time: Any,
    convs: int,
    activation: str,
    normalization: str,
    **kernel: Any,
) -> Any:
    """Convolve, normalize and activate a few times; a time is added to the first map.

    Args:
        x: A tensor (batch, height, width, channels).
        filters: Output channels.
        time: A tensor (batch, features), or None.
        convs: Convolutions.
        activation: One of `blocks.ACTIVATIONS`.
        normalization: One of `blocks.NORMALIZATIONS`.
        **kernel: `kernel_initializer`, `l1` and `l2` as in `blocks.convolution`.

    Returns:
        A tensor (batch, height, width, filters).
    """
    for index in range(convs):
        x = blocks.convolution(x, filters, normalization=normalization, **kernel)
        x = blocks.normalize(x, normalization, momentum=0.9)
        if time is not None and index == 0:
            told = blocks.dense(time, filters, activation="linear", **kernel)
            x = layers.Add()([x, layers.Reshape((1, 1, filters))(told)])  # the same for each pixel
        x = blocks.activate(x, activation)
    return x


def _up(
    x: Any, filters: int, *, kernel_initializer: str = "glorot", l1: float = 0.0, l2: float = 0.0
) -> Any:
    """Make a map twice as large: each place becomes four by weights of its own."""
    return layers.Conv2DTranspose(
        filters,
        2,
        strides=2,
        kernel_initializer=blocks.initializer(kernel_initializer),
        kernel_regularizer=blocks.regularizer(l1, l2),
    )(x)
