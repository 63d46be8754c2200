"""PatchTST: a window is a sentence of patches, 16 steps each, and so are its channels, one by one.

    window -> mean and deviation taken away -> each channel by itself:
        patches that overlap by half -> a vector each -> + positions
        -> encoder block x depth -> norm -> all vectors -> linear
    -> mean and deviation put back -> forecast

Reference: Nie et al. 2022, arXiv:2211.14730. Its encoder has batch normalization behind each sum;
this one has the layer normalization of `encoder_block`, before attention and dense layers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import keras
from keras import layers, ops

from dlkit.argument_validation import check_integer
from dlkit.errors import InputError
from dlkit.layers import PositionEmbedding, ReversibleInstanceNormalization
from dlkit.layers.attention import check_heads
from dlkit.models import blocks
from dlkit.models.encoder import EPSILON, encoder_block
from dlkit.models.hyperparameters import Choice, Float
from dlkit.models.registry import builder
from dlkit.models.sequence.forecasts import forecast_input
from dlkit.tasks import Task
from dlkit.training.compiling import BuilderOptions, compile_model

if TYPE_CHECKING:
    from typing_extensions import Unpack


@builder(
    tasks=("regression",),
    inputs=("sequence",),
    reference="Nie et al. 2022, arXiv:2211.14730",
    cpu={"jit_compile": False},
    test_config={
        "input_shape": (12, 2),
        "patch_size": 4,
        "strides": 2,
        "hidden_dim": 8,
        "num_heads": 2,
        "mlp_ratio": 2.0,
        "depth": 1,
    },
    space={
        "learning_rate": Float(1e-4, 1e-2, sampling="log", default=1e-3),
        "batch_size": Choice((32, 64, 128), default=64),
        "hidden_dim": Choice((16, 32, 64)),
        "depth": Choice((3, 1, 2)),
        "mlp_ratio": Choice((8.0, 2.0, 4.0)),
        "dropout": Float(0.0, 0.5, step=0.1, default=0.3),
    },
)
def patch_transformer(
    input_shape: Sequence[int | None],
    num_classes: int,
    *,
    task: Task = "regression",
    patch_size: int = 16,
    strides: int = 8,
    hidden_dim: int = 16,
    depth: int = 3,
    num_heads: int = 4,
    mlp_ratio: float = 8.0,
    activation: str = "gelu",
    dropout: float = 0.3,
    target_columns: Sequence[int] | None = None,
    **compile_options: Unpack[BuilderOptions],
) -> keras.Model:
    """PatchTST: a forecast by attention among the patches of each channel's past.

    Use it where a series has thousands of steps and windows are long, 336 steps or 512, and
    `linear_forecast` is the figure to beat. The defaults are the paper's for its small data sets,
    ETTh1 among them; for the others it has `hidden_dim=128, num_heads=16, mlp_ratio=2.0,
    dropout=0.2`.

    Reference:
        Nie et al. 2022, A Time Series is Worth 64 Words: Long-term Forecasting with Transformers,
        arXiv:2211.14730.

    Args:
        input_shape: (length, channels), the window of the data.
        num_classes: Numbers to predict: steps of the horizon times channels that are predicted, a
            step's side by side.
        task: `"regression"`. Defaults to `"regression"`.
        patch_size: Steps of a patch, at most those of the window. Defaults to 16.
        strides: Steps from one patch to the next; as many are put behind the window, its last
            value again. Defaults to 8.
        hidden_dim: Length of a patch's vector. Defaults to 16.
        depth: Encoder blocks. Defaults to 3.
        num_heads: Heads of each attention, which divide `hidden_dim` among them. Defaults to 4.
        mlp_ratio: Width of the dense layer inside a block, in `hidden_dim`. Defaults to 8.0.
        activation: One of `blocks.ACTIVATIONS`. Defaults to `"gelu"`.
        dropout: Share of the patches' vectors, the attention weights and the outputs of attention
            and dense layers set to 0 in training, in [0, 1). Defaults to 0.3.
        target_columns: Which channels are predicted, in the order of the targets;
            `dk.models.build` asks the data. Defaults to `None`: all.
        **compile_options: See `dlkit.training.CompileOptions`.

    Returns:
        A compiled model.

    Raises:
        InputError: for numbers to predict that no whole horizon has, channels that there are not, a
            patch that is longer than the window, heads that do not divide the width, or an option
            or a value that cannot be used.

    Example:
        >>> patch_transformer((336, 7), 96 * 7).output_shape
        (None, 672)
    """
    hidden_dim, depth = check_integer("hidden_dim", hidden_dim), check_integer("depth", depth)
    block: dict[str, Any] = {
        "num_heads": check_heads(num_heads, hidden_dim),
        "mlp_dim": blocks.mlp_dim(mlp_ratio, hidden_dim),
        "activation": activation,
        "dropout": dropout,
    }
    inputs, x, horizon = forecast_input(input_shape, num_classes, target_columns)
    _check_patches(patch_size, strides, x.shape[1])
    length, channels = x.shape[1:]
    x, offset, scale = ReversibleInstanceNormalization(affine=False)(x)
    x = ops.reshape(ops.transpose(x, (0, 2, 1)), (-1, length, 1))  # (B, L, C) -> (B * C, L, 1)
    x = embed_patches(x, patch_size, strides, hidden_dim)  # (B * C, L, 1) -> (B * C, N, hidden_dim)
    x = blocks.drop(PositionEmbedding()(x), dropout)
    for _ in range(depth):
        x = encoder_block(x, **block)
    x = blocks.flatten(layers.LayerNormalization(epsilon=EPSILON)(x))
    x = blocks.head(x, horizon, task)  # (B * C, N * hidden_dim) -> (B * C, H)
    x = ops.transpose(ops.reshape(x, (-1, channels, horizon)), (0, 2, 1))  # -> (B, H, C)
    outputs = ops.reshape(x * scale + offset, (-1, num_classes))  # (B, H, C) -> (B, H * C)
    model = keras.Model(inputs, outputs, name="patch_transformer")
    return compile_model(model, task=task, **compile_options)


def embed_patches(x: Any, patch_size: int, strides: int, hidden_dim: int) -> Any:
    """Cut sequences into patches, the last value again behind each, and make a vector of each.

    Args:
        x: A tensor (batch, length, 1).
        patch_size: Steps of a patch.
        strides: Steps from one patch to the next.
        hidden_dim: Length of a vector.

    Returns:
        A tensor (batch, (length - patch_size) // strides + 2, hidden_dim).

    Example:
        >>> embed_patches(keras.Input((512, 1)), 16, 8, 4).shape
        (None, 64, 4)
    """
    x = ops.concatenate([x, ops.repeat(x[:, -1:], strides, axis=1)], axis=1)
    return layers.Conv1D(hidden_dim, patch_size, strides, name="patches")(x)


def _check_patches(patch_size: Any, strides: Any, length: int) -> None:
    check_integer("strides", strides)
    if check_integer("patch_size", patch_size) > length:
        raise InputError(
            f"A patch of {patch_size} steps is longer than the window of {length}: give a longer"
            f" window, or a smaller patch. Received: patch_size={patch_size},"
            f" input_shape[0]={length}."
        )
