"""Recurrent networks: a state that is carried from step to step, and changed by each of them.

tokens -> a vector each (padding is masked), or a sequence of numbers
-> [recurrent layer, of both directions if so wished -> dropout] x n
-> last state, or mean or maximum of all -> predictions

simple:  h = tanh(W x + U h)                       Elman 1990
lstm:    a cell that gates write, keep and read    Hochreiter & Schmidhuber 1997
gru:     two gates and no cell                     Cho et al. 2014, arXiv:1406.1078
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import keras
from keras import layers

from dlkit.argument_validation import check_choice
from dlkit.errors import InputError
from dlkit.layers import MaskedBidirectional, SequencePooling
from dlkit.layers.sequence_pooling import SEQUENCE_POOLS
from dlkit.models import blocks
from dlkit.models.hyperparameters import Choice, Float
from dlkit.models.registry import builder
from dlkit.models.sequence.inputs import default_pool, sequence_input, without_padding
from dlkit.tasks import Task
from dlkit.training.compiling import BuilderOptions, compile_model

if TYPE_CHECKING:
    from typing_extensions import Unpack

CELLS = {"gru": layers.GRU, "lstm": layers.LSTM, "simple": layers.SimpleRNN}


@builder(
    tasks=("binary", "multiclass", "multilabel", "regression"),
    inputs=("tokens", "sequence", "image"),
    reference="Hochreiter & Schmidhuber 1997, Long Short-Term Memory, Neural Computation 9(8)",
    options={"global_clipnorm": 1.0},
    cpu={"jit_compile": True, "steps_per_execution": 4},
    # Of both directions Keras's layer imports TensorFlow, whatever the backend.
    test_config={"input_shape": (6,), "vocab_size": 9, "units": (6,), "bidirectional": False},
    space={
        "learning_rate": Float(1e-4, 1e-2, sampling="log", default=1e-3),
        "batch_size": Choice((32, 64, 128), default=64),
        "cell": Choice(("lstm", "gru")),
        "units": Choice(((32,), (64,), (128,), (64, 64)), default=(64,)),
        "bidirectional": Choice((True, False)),
        "dropout": Float(0.0, 0.6, step=0.1, default=0.2),
    },
)
def rnn(
    input_shape: Sequence[int | None],
    num_classes: int,
    *,
    task: Task = "multiclass",
    vocab_size: int | None = None,
    embedding_dim: int = 64,
    cell: str = "lstm",
    units: Sequence[int] = (64,),
    bidirectional: bool | None = None,
    global_pool: str | None = None,
    dropout: float = 0.2,
    unroll: bool = False,
    **compile_options: Unpack[BuilderOptions],
) -> keras.Model:
    """Recurrent layers, simple, LSTM or GRU, over texts, sounds or series.

    A class is told from the maximum of all states, of both directions; a regression goes on from
    the last one. With a `horizon` in `from_series` all steps to come are predicted at once.

    Reference:
        Elman 1990, Finding Structure in Time, Cognitive Science 14(2). Hochreiter & Schmidhuber
        1997, Long Short-Term Memory, Neural Computation 9(8). Cho et al. 2014, arXiv:1406.1078.

    Args:
        input_shape: (length,) for tokens, (length, channels) for numbers, either length may be
            `None`; (height, width, channels) for an image or spectrogram, read row by row.
        num_classes: Classes, labels, or numbers to predict.
        task: `"binary"`, `"multiclass"`, `"multilabel"` or `"regression"`.
            Defaults to `"multiclass"`.
        vocab_size: How many tokens there are, the padding 0 among them; `dk.models.build` asks the
            data. Defaults to `None`: the input is numbers.
        embedding_dim: Length of a token's vector. Defaults to 64.
        cell: `"lstm"`, `"gru"` or `"simple"`. Defaults to `"lstm"`.
        units: Length of the state of each layer. Defaults to `(64,)`.
        bidirectional: Whether each layer also reads from the end. Defaults to `None`: it does,
            but for a regression.
        global_pool: What the predictions are made of: the `"last"` state, or the `"average"` or
            `"max"` of all. Defaults to `None`: `"last"` for a regression, which a forecast goes on
            from, `"max"` otherwise.
        dropout: Share of the channels of a token's vector and of each layer's outputs, at all steps
            alike, set to 0 in training, in [0, 1). Defaults to 0.2.
        unroll: Whether the steps stand one behind the other in the graph instead of in a loop: what
            LiteRT needs, and slow to compile. Defaults to `False`.
        **compile_options: See `dlkit.training.CompileOptions`.

    Returns:
        A compiled model.

    Raises:
        InputError: for tokens without `vocab_size`, an open length with `unroll`, or an option or
            a value that cannot be used.

    Example:
        >>> rnn((None,), 2, vocab_size=1000, task="binary").output_shape
        (None, 1)
    """
    make = functools.partial(CELLS[check_choice("cell", cell, CELLS)], unroll=unroll)
    widths = blocks.check_sizes("units", units)
    if not widths:
        raise InputError(f"units must name a layer at least. Received: units={units!r}.")
    if unroll and input_shape[0] is None:
        raise InputError(
            "unroll=True needs a fixed length: give it, or leave unroll out."
            f" Received: input_shape={tuple(input_shape)!r}."
        )
    both = task != "regression" if bidirectional is None else bidirectional
    pool = default_pool(task) if global_pool is None else global_pool
    check_choice("global_pool", pool, SEQUENCE_POOLS)
    inputs, x, mask = sequence_input(input_shape, vocab_size, embedding_dim)
    if mask is not None:
        x = blocks.drop_channels(x, dropout)
    for width in widths[:-1]:
        x = recurrent(x, mask, make(width, return_sequences=True), both)
        x = blocks.drop_channels(x, dropout)
    x = recurrent(x, mask, make(widths[-1], return_sequences=pool != "last"), both)
    if pool != "last":  # of which the layer itself returns the last state of each direction
        x = SequencePooling(pool)(x, mask=mask)  # (B, T, C) -> (B, C)
    x = blocks.drop(x, dropout)
    model = keras.Model(inputs, blocks.head(x, num_classes, task), name="rnn")
    return compile_model(model, task=task, **compile_options)


def recurrent(x: Any, mask: Any, layer: layers.RNN, bidirectional: bool) -> Any:
    """Apply a recurrent layer, or one for each direction.

    Args:
        x: A tensor (batch, length, channels).
        mask: A tensor (batch, length), true where there is a step, or `None`.
        layer: The layer.
        bidirectional: Whether a second one reads from the end.

    Returns:
        A tensor (batch, length, units), or (batch, units) where the layer returns its last state;
        of two directions there are twice as many units.

    Example:
        >>> recurrent(keras.Input((9, 2)), None, layers.GRU(4), bidirectional=True).shape
        (None, 8)
    """
    x = (MaskedBidirectional(layer) if bidirectional else layer)(x, mask=mask)
    return without_padding(x, mask) if layer.return_sequences else x
