"""Temporal convolutional networks: each step sees further back, layer by layer, and never ahead.

tokens -> a vector each (padding is masked), or a sequence of numbers
-> [[causal convolution -> normalization -> ReLU -> dropout] x 2, added to its input -> ReLU]
   with dilations 1, 2, 4, ...
-> last step, or mean or maximum of all -> predictions

A convolution of `kernel_size` k and dilation d reads the steps t, t - d, ..., t - (k - 1) d.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import keras
from keras import layers

from dlkit.argument_validation import check_choice, check_integer
from dlkit.errors import InputError
from dlkit.layers import SequencePooling
from dlkit.models import blocks
from dlkit.models.hyperparameters import Choice, Float
from dlkit.models.registry import builder
from dlkit.models.sequence.inputs import default_pool, sequence_input, without_padding
from dlkit.tasks import Task
from dlkit.training.compiling import BuilderOptions, compile_model

if TYPE_CHECKING:
    from typing_extensions import Unpack

NORMALIZATIONS = ("none", "batch", "layer", "weight")  # the others would mix the steps
DEPTH = 5


@builder(
    tasks=("binary", "multiclass", "multilabel", "regression"),
    inputs=("tokens", "sequence", "image"),
    reference="Bai, Kolter & Koltun 2018, arXiv:1803.01271",
    options={"global_clipnorm": 1.0},
    cpu={"jit_compile": False, "steps_per_execution": 4},
    test_config={"input_shape": (6,), "vocab_size": 9, "filters": (6,), "kernel_size": 2},
    space={
        "learning_rate": Float(1e-4, 1e-2, sampling="log", default=1e-3),
        "batch_size": Choice((32, 64, 128), default=64),
        "filters": Choice((None, (32, 32), (64, 64), (128, 128))),
        "normalization": Choice(("weight", "batch", "layer")),
        "dropout": Float(0.0, 0.6, step=0.1, default=0.2),
    },
)
def temporal_cnn(
    input_shape: Sequence[int | None],
    num_classes: int,
    *,
    task: Task = "multiclass",
    vocab_size: int | None = None,
    embedding_dim: int = 64,
    filters: Sequence[int] | None = None,
    kernel_size: int = 3,
    global_pool: str | None = None,
    normalization: str = "weight",
    dropout: float = 0.2,
    **compile_options: Unpack[BuilderOptions],
) -> keras.Model:
    """Dilated causal convolutions with residual blocks, over texts, sounds or series.

    All steps are computed at once, where `rnn` goes from one to the next, and how far back each
    looks is known beforehand: `receptive_field` steps.

    Reference:
        Bai, Kolter & Koltun 2018, An Empirical Evaluation of Generic Convolutional and Recurrent
        Networks for Sequence Modeling, arXiv:1803.01271. The dilations are those of van den Oord et
        al. 2016, WaveNet, arXiv:1609.03499.

    Args:
        input_shape: (length,) for tokens, (length, channels) for numbers, either length may be
            `None`; (height, width, channels) for an image or spectrogram, read row by row.
        num_classes: Classes, labels, or numbers to predict.
        task: `"binary"`, `"multiclass"`, `"multilabel"` or `"regression"`.
            Defaults to `"multiclass"`.
        vocab_size: How many tokens there are, the padding 0 among them; `dk.models.build` asks the
            data. Defaults to `None`: the input is numbers.
        embedding_dim: Length of a token's vector. Defaults to 64.
        filters: Output channels of each block; the dilation of the first is 1, of each further one
            twice as much. Defaults to `None`: as many blocks of 64 as the length has room for, 5
            at most and where it is open.
        kernel_size: Steps that a filter reads, at least 2. Defaults to 3.
        global_pool: What the predictions are made of: the `"last"` step, or the `"average"` or
            `"max"` of all. Defaults to `None`: `"last"` for a regression, where what came last
            counts most, `"max"` otherwise.
        normalization: `"weight"`, as in the paper, `"batch"`, `"layer"` (each step by itself) or
            `"none"`. Defaults to `"weight"`.
        dropout: Share of a layer's channels, each at all steps alike, set to 0 in training, in
            [0, 1). Defaults to 0.2.
        **compile_options: See `dlkit.training.CompileOptions`.

    Returns:
        A compiled model.

    Raises:
        InputError: for tokens without `vocab_size`, a series shorter than the receptive field, or
            an option or a value that cannot be used.

    Example:
        >>> temporal_cnn((100, 3), 5).output_shape, receptive_field(4, 3)
        ((None, 5), 61)
    """
    check_integer("kernel_size", kernel_size, minimum=2)
    check_choice("normalization", normalization, NORMALIZATIONS)
    widths = check_filters(filters, kernel_size, input_shape)
    pool = SequencePooling(default_pool(task) if global_pool is None else global_pool)
    inputs, x, mask = sequence_input(input_shape, vocab_size, embedding_dim)
    for place, width in enumerate(widths):
        dilation = 2**place
        x = residual_block(
            x, mask, width, kernel_size, dilation, normalization=normalization, dropout=dropout
        )
    x = blocks.drop(pool(x, mask=mask), dropout)  # (B, T, C) -> (B, C)
    model = keras.Model(inputs, blocks.head(x, num_classes, task), name="temporal_cnn")
    return compile_model(model, task=task, **compile_options)


def receptive_field(depth: int, kernel_size: int) -> int:
    """Return how many steps a step's output depends on, itself among them.

    A block adds its two convolutions' reach, `kernel_size - 1` times its dilation.

    Args:
        depth: Blocks.
        kernel_size: Steps that a filter reads.

    Example:
        >>> [receptive_field(depth, 3) for depth in range(1, 6)]
        [5, 13, 29, 61, 125]
    """
    return 1 + 2 * (kernel_size - 1) * (2**depth - 1)


def check_filters(
    filters: Sequence[int] | None, kernel_size: int, input_shape: Sequence[int | None]
) -> tuple[int, ...]:
    """Return the channels of each block, if a sequence is as long as what its last step sees.

    Args:
        filters: Channels of each block, or `None` for as many blocks as there is room for.
        kernel_size: Steps that a filter reads.
        input_shape: The network's, the length first.

    Returns:
        The channels.

    Raises:
        InputError: for no channels, or a sequence that is shorter, with what would fit.

    Example:
        >>> check_filters(None, 3, (49, 32, 1))
        (64, 64, 64)
    """
    length = input_shape[0]
    room = range(1, DEPTH + 1)
    fitting = [n for n in room if length is None or receptive_field(n, kernel_size) <= length]
    widths = (64,) * max(fitting, default=1)
    if filters is not None:
        widths = blocks.check_sizes("filters", filters)
    if not widths:
        raise InputError(f"filters must name a block at least. Received: filters={filters!r}.")
    field = receptive_field(len(widths), kernel_size)
    if length is None or field <= length:
        return widths
    most = f"give at most {max(fitting)} filters" if fitting else "give a smaller kernel_size"
    raise InputError(
        f"{len(widths)} blocks with kernel_size={kernel_size} look at {field} steps, more than"
        f" there are: {most}, or longer sequences. Received: input_shape={tuple(input_shape)!r}."
    )


def residual_block(
    x: Any,
    mask: Any,
    filters: int,
    kernel_size: int,
    dilation: int,
    *,
    normalization: str = "weight",
    dropout: float = 0.0,
) -> Any:
    """Add to a sequence what two causal convolutions make of it.

    Padding is set to 0 before each convolution, as what stands before the first step is.

    Args:
        x: A tensor (batch, length, channels).
        mask: A tensor (batch, length), true where there is a step, or `None`.
        filters: Output channels.
        kernel_size: Steps that a filter reads.
        dilation: Steps from one of them to the next.
        normalization: One of `NORMALIZATIONS`. Defaults to `"weight"`.
        dropout: Share of the channels set to 0 in training, in [0, 1). Defaults to 0.0.

    Returns:
        A tensor (batch, length, filters).

    Example:
        >>> residual_block(keras.Input((9, 2)), None, 4, kernel_size=3, dilation=2).shape
        (None, 9, 4)
    """
    shortcut = x
    for _ in range(2):
        layer = layers.Conv1D(
            filters,
            kernel_size,
            padding="causal",
            dilation_rate=dilation,
            use_bias=blocks.keeps_bias(normalization),
            kernel_initializer=blocks.initializer("he"),
        )
        x = blocks.weighted(layer, without_padding(x, mask), normalization)
        x = blocks.activate(blocks.normalize(x, normalization, mask=mask), "relu")
        x = blocks.drop_channels(x, dropout)
    if shortcut.shape[-1] != filters:
        shortcut = layers.Dense(filters)(shortcut)
    return blocks.activate(layers.add([shortcut, x]), "relu")
