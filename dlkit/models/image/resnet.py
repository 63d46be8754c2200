"""Residual networks: a block adds what it computes to what it was given.

    CIFAR form, depth 20, 32, 44, 56, 110: conv 3x3 -> 3 stages, 16 32 64 filters -> mean
    ImageNet form, 18, 34, 50, 101, 152:   conv 7x7/2 -> max pool/2 -> 4 stages, 64 ... 512 -> mean
    each stage but the first halves the map; then -> [dropout] -> predictions

    version 1: x ---- conv norm act -> conv norm ---- + shortcut -> act
    version 2: x -> norm act ---- conv norm act -> conv ---- + shortcut
    bottleneck: the branch has 1x1, 3x3 and 1x1 convolutions, the last with 4 times the filters

References: He et al. 2015, arXiv:1512.03385 (version 1); He et al. 2016, arXiv:1603.05027 (2).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import keras
from keras import layers

from dlkit.argument_validation import check_choice, check_fraction, check_integer
from dlkit.errors import InputError
from dlkit.layers import StochasticDepth
from dlkit.models import blocks
from dlkit.models.hyperparameters import Choice, Float
from dlkit.models.image.sizes import check_image
from dlkit.models.registry import builder
from dlkit.tasks import Task
from dlkit.training.compiling import BuilderOptions, compile_model

if TYPE_CHECKING:
    from typing_extensions import Unpack

STEMS = ("auto", "3x3", "7x7-pool")
BLOCKS = ("auto", "basic", "bottleneck")
SHORTCUTS = ("auto", "projection", "pad")
# Blocks a stage of the ImageNet form, from the paper's table 1.
STAGES = {
    18: (2, 2, 2, 2),
    34: (3, 4, 6, 3),
    50: (3, 4, 6, 3),
    101: (3, 4, 23, 3),
    152: (3, 8, 36, 3),
}
_EXPANSION = 4  # a bottleneck's output channels, in its filters
_LARGE = 64  # sides from which the 7x7 stem loses nothing


@dataclasses.dataclass(frozen=True)
class _Design:
    """What all blocks of a network have in common."""

    version: int
    bottleneck: bool
    shortcut: str
    activation: str
    normalization: str
    kernel: dict[str, Any]

    def __post_init__(self) -> None:
        if self.version not in (1, 2):
            raise InputError(f"version must be 1 or 2. Received: version={self.version!r}.")

    def convolve(self, x: Any, filters: int, size: int, strides: int = 1) -> Any:
        """Convolve; where pixels are left out, with as much padding on each side, as published."""
        padded = strides > 1 and size > 1
        return blocks.convolution(
            layers.ZeroPadding2D(size // 2)(x) if padded else x,
            filters,
            kernel_size=size,
            strides=strides,
            padding="valid" if padded else "same",
            normalization=self.normalization,
            **self.kernel,
        )

    def normalize(self, x: Any) -> Any:
        return blocks.normalize(x, self.normalization, momentum=0.9, epsilon=1e-5)

    def activate(self, x: Any) -> Any:
        return blocks.activate(x, self.activation)


@builder(
    tasks=("binary", "multiclass", "multilabel", "regression"),
    inputs=("image",),
    reference="He, Zhang, Ren & Sun 2015, arXiv:1512.03385; 2016, arXiv:1603.05027",
    options={"optimizer": "adamw", "weight_decay": 0.05, "label_smoothing": 0.1},
    cpu={"jit_compile": False},
    test_config={"input_shape": (8, 8, 1), "depth": 8, "filters": 4},
    space={
        "learning_rate": Float(1e-4, 1e-2, sampling="log", default=1e-3),
        "batch_size": Choice((32, 64, 128), default=64),
        "weight_decay": Float(1e-3, 1e-1, sampling="log", default=0.05),
        "depth": Choice((20, 8, 14, 32)),
        "filters": Choice((16, 8, 32)),
        "version": Choice((1, 2)),
        "stochastic_depth": Float(0.0, 0.3, step=0.1),
    },
)
def resnet(
    input_shape: Sequence[int],
    num_classes: int,
    *,
    task: Task = "multiclass",
    depth: int = 20,
    version: int = 1,
    block: str = "auto",
    filters: int | None = None,
    stem: str = "auto",
    shortcut: str = "auto",
    activation: str = "relu",
    normalization: str = "batch",
    kernel_initializer: str = "he",
    l1: float = 0.0,
    l2: float = 0.0,
    stochastic_depth: float = 0.0,
    dropout: float = 0.0,
    **compile_options: Unpack[BuilderOptions],
) -> keras.Model:
    """Residual network: the usual choice for images, in its CIFAR form or its ImageNet form.

    Depth 20 has 0.27 million weights and suits images of 28 to 64 pixels; depth 50, with 25.6
    million, those of 224 and a great many of them.

    Reference:
        He, Zhang, Ren & Sun 2015, Deep Residual Learning for Image Recognition, arXiv:1512.03385.
        He, Zhang, Ren & Sun 2016, Identity Mappings in Deep Residual Networks, arXiv:1603.05027.

    Args:
        input_shape: (height, width, channels); sides of at least 4 pixels for the CIFAR form, of 8
            for the ImageNet form, and of 32 with its stem.
        num_classes: Classes, labels, or numbers to predict.
        task: `"binary"`, `"multiclass"`, `"multilabel"` or `"regression"`.
            Defaults to `"multiclass"`.
        depth: Layers with weights: 18, 34, 50, 101 or 152 is the ImageNet form; 6n + 2 the CIFAR
            form, as 20, 32, 44, 56 and 110, or 9n + 2, as 164, with bottlenecks. Defaults to 20.
        version: 1 normalizes after each convolution, 2 before. Defaults to 1.
        block: `"basic"`, two convolutions of 3 x 3, or `"bottleneck"`, of 1 x 1, 3 x 3 and 1 x 1.
            Defaults to `"auto"`: as the paper has it for this depth.
        filters: Output channels of the first stage's 3 x 3 convolutions; each stage doubles them.
            Defaults to `None`: 16 in the CIFAR form, 64 in the ImageNet form.
        stem: What comes before the stages: `"3x3"`, a convolution, or `"7x7-pool"`, which leaves a
            quarter of each side. Defaults to `"auto"`: the latter in the ImageNet form, for sides
            of at least 64 pixels.
        shortcut: What makes the input of a block fit its output: a 1 x 1 convolution,
            `"projection"`, or every second pixel with channels of zeros, `"pad"`. Defaults to
            `"auto"`: `"pad"` in the CIFAR form.
        activation: One of `blocks.ACTIVATIONS`. Defaults to `"relu"`.
        normalization: One of `blocks.NORMALIZATIONS`. Defaults to `"batch"`.
        kernel_initializer: One of `blocks.INITIALIZERS`. Defaults to `"he"`.
        l1: Penalty on the absolute weights of every layer. Defaults to 0.0.
        l2: Penalty on the squared weights of every layer. Defaults to 0.0.
        stochastic_depth: Share of the examples that skip the last block in training, in [0, 1);
            blocks before it are skipped the less, the nearer they are to the input.
            Defaults to 0.0.
        dropout: Share of what goes into the predictions set to 0 in training, in [0, 1).
            Defaults to 0.0.
        **compile_options: See `dlkit.training.CompileOptions`.

    Returns:
        A compiled model.

    Raises:
        InputError: for a depth that is none of the paper's, an image too small for it, or an option
            or a value that cannot be used.

    Example:
        >>> resnet((32, 32, 3), 10, depth=20).count_params()
        271098
    """
    stages, bottleneck = _stages(
        check_integer("depth", depth), check_choice("block", block, BLOCKS)
    )
    large = len(stages) == 4
    if check_choice("stem", stem, STEMS) == "auto":
        stem = "7x7-pool" if large and min(input_shape[:2]) >= _LARGE else "3x3"
    if check_choice("shortcut", shortcut, SHORTCUTS) == "auto":
        shortcut = "projection" if large else "pad"
    check_image(input_shape, 2 ** (len(stages) - 1 + 2 * (stem == "7x7-pool")), depth=depth)
    kernel = {"kernel_initializer": kernel_initializer, "l1": l1, "l2": l2}
    design = _Design(version, bottleneck, shortcut, activation, normalization, kernel)
    width = check_integer("filters", (64 if large else 16) if filters is None else filters)

    inputs = keras.Input(input_shape, name="image")
    x = _stem(design, inputs, stem, width)
    rates = _rates(check_fraction("stochastic_depth", stochastic_depth), sum(stages))
    for stage, count in enumerate(stages):  # (B, h, w, C) -> (B, h/2, w/2, 2C) but for the first
        for index in range(count):
            strides = 2 if stage and not index else 1
            x = residual_block(design, x, width * 2**stage, strides, next(rates))
    if version == 2:
        x = design.activate(design.normalize(x))
    x = blocks.drop(layers.GlobalAveragePooling2D()(x), dropout)  # (B, h, w, C) -> (B, C)
    model = keras.Model(inputs, blocks.head(x, num_classes, task, l1=l1, l2=l2), name="resnet")
    return compile_model(model, task=task, **compile_options)


def _stages(depth: int, block: str) -> tuple[tuple[int, ...], bool]:
    """Return how many blocks each stage has, and whether they are bottlenecks."""
    if depth in STAGES:
        bottleneck = depth >= 50 if block == "auto" else block == "bottleneck"
        return STAGES[depth], bottleneck
    for name, layers_each in (("basic", 2), ("bottleneck", 3)):
        blocks_each, rest = divmod(depth - 2, 3 * layers_each)
        if block in ("auto", name) and blocks_each > 0 and not rest:
            return (blocks_each,) * 3, name == "bottleneck"
    near = [6 * max(1, n) + 2 for n in ((depth - 2) // 6, (depth - 2) // 6 + 1)]
    raise InputError(
        "depth must be 18, 34, 50, 101 or 152, or 6n + 2 (basic blocks) or 9n + 2 (bottlenecks)."
        f" Received: depth={depth}, block={block!r}; depth={near[0]} and depth={near[-1]} are near."
    )


def _stem(design: _Design, x: Any, stem: str, width: int) -> Any:
    large = stem == "7x7-pool"
    x = design.convolve(x, width, 7 if large else 3, 2 if large else 1)
    if design.version == 1:
        x = design.activate(design.normalize(x))
    return layers.MaxPooling2D(3, 2)(layers.ZeroPadding2D(1)(x)) if large else x


def residual_block(design: _Design, x: Any, filters: int, strides: int, rate: float) -> Any:
    """Add a branch of convolutions to its input.

    Args:
        design: What all blocks have in common.
        x: A tensor (batch, height, width, channels).
        filters: Output channels of the branch's 3 x 3 convolutions.
        strides: 2 to halve the map.
        rate: Share of the examples that skip the branch in training.

    Returns:
        A tensor (batch, height / strides, width / strides, filters), with 4 times the channels for
        bottlenecks.
    """
    sizes = (1, 3, 1) if design.bottleneck else (3, 3)
    widths = [filters] * (len(sizes) - 1) + [filters * (_EXPANSION if design.bottleneck else 1)]
    branch = x
    if design.version == 2:
        branch = design.activate(design.normalize(x))
    changes = strides > 1 or x.shape[-1] != widths[-1]
    # Where it has to be changed, version 2 shortens what is normalized already.
    shortcut = branch if design.version == 2 and changes else x
    if changes:
        shortcut = _fit(design, shortcut, widths[-1], strides)
    for index, (width, size) in enumerate(zip(widths, sizes, strict=True)):
        branch = design.convolve(branch, width, size, strides if index == 0 else 1)
        last = index == len(sizes) - 1
        if design.version == 1 or not last:
            branch = design.normalize(branch)
        if not last:
            branch = design.activate(branch)
    branch = StochasticDepth(rate)(branch) if rate else branch
    x = layers.Add()([branch, shortcut])
    return design.activate(x) if design.version == 1 else x


def _fit(design: _Design, x: Any, width: int, strides: int) -> Any:
    """Return a shortcut of the branch's size."""
    if design.shortcut == "projection":
        x = design.convolve(x, width, 1, strides)
        return design.normalize(x) if design.version == 1 else x
    if strides > 1:
        x = layers.AveragePooling2D(1, strides)(x)  # every second pixel
    missing = width - x.shape[-1]
    return keras.ops.pad(x, ((0, 0), (0, 0), (0, 0), (missing // 2, missing - missing // 2)))


def _rates(last: float, count: int) -> Any:
    """Yield the rate of each block, which rises to that of the last."""
    return (last * (index + 1) / count for index in range(count))
