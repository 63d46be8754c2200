"""A Transformer's encoder: every step of a sequence reads all others, then one vector tells it all.

    tokens -> a vector each (padding is masked), or numbers -> linear
    -> [class token before them] -> + places -> [norm] -> encoder block x depth -> [norm]
    -> class token, or last, mean or maximum of all -> [dense tanh] -> predictions

    block: x + attention(norm(x)), then x + dense(dense(norm(x)))     norm last, as BERT has it:
           norm(x + attention(x)), then norm(x + dense(dense(x)))

References: Vaswani et al. 2017, arXiv:1706.03762; Devlin et al. 2018 (BERT), arXiv:1810.04805.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import keras
from keras import layers, ops

from dlkit.argument_validation import check_choice, check_integer
from dlkit.errors import InputError
from dlkit.layers import ClassToken, SequencePooling, TransformerBlock
from dlkit.layers.attention import check_heads
from dlkit.layers.sequence_pooling import SEQUENCE_POOLS
from dlkit.models import blocks
from dlkit.models.hyperparameters import Choice, Float
from dlkit.models.registry import builder
from dlkit.models.sequence.inputs import add_positions, default_pool, sequence_input
from dlkit.tasks import Task
from dlkit.training.compiling import BuilderOptions, compile_model

if TYPE_CHECKING:
    from typing_extensions import Unpack

_POOLS = (*SEQUENCE_POOLS, "token")


@builder(
    tasks=("binary", "multiclass", "multilabel", "regression"),
    inputs=("tokens", "sequence", "image"),
    reference="Vaswani et al. 2017, arXiv:1706.03762; Devlin et al. 2018, arXiv:1810.04805",
    options={"optimizer": "adamw", "weight_decay": 0.01, "global_clipnorm": 1.0},
    cpu={"jit_compile": True, "steps_per_execution": 4},
    # Without optimizations XLA sends the gradient of a maximum behind a normalization elsewhere.
    test_config={
        "input_shape": (6,),
        "vocab_size": 9,
        "hidden_dim": 8,
        "depth": 1,
        "num_heads": 2,
        "global_pool": "average",
    },
    space={
        "learning_rate": Float(1e-4, 1e-2, sampling="log", default=1e-3),
        "batch_size": Choice((32, 64, 128), default=64),
        "hidden_dim": Choice((64, 32, 128)),
        "depth": Choice((2, 1, 4)),
        "positions": Choice(("sinusoidal", "rotary")),
        "dropout": Float(0.0, 0.6, step=0.1, default=0.2),
    },
)
def transformer_classifier(
    input_shape: Sequence[int | None],
    num_classes: int,
    *,
    task: Task = "multiclass",
    vocab_size: int | None = None,
    hidden_dim: int = 64,
    depth: int = 2,
    num_heads: int = 4,
    mlp_ratio: float = 4.0,
    positions: str = "sinusoidal",
    attention: str = "full",
    window: int = 128,
    norm_first: bool = True,
    global_pool: str | None = None,
    units: int | None = None,
    activation: str = "gelu",
    dropout: float = 0.2,
    **compile_options: Unpack[BuilderOptions],
) -> keras.Model:
    """A Transformer's encoder over texts, sounds or series.

    BERT-base, without its vectors of a text's two halves, is `hidden_dim=768, depth=12,
    num_heads=12, positions="learned", norm_first=False, global_pool="token", units=768,
    dropout=0.1`.

    Reference:
        Vaswani et al. 2017, Attention Is All You Need, arXiv:1706.03762. Devlin et al. 2018, BERT,
        arXiv:1810.04805. Rotary places: Su et al. 2021, arXiv:2104.09864.

    Args:
        input_shape: (length,) for tokens, (length, channels) for numbers, either length may be
            `None`; (height, width, channels) for an image or spectrogram, read row by row.
        num_classes: Classes, labels, or numbers to predict.
        task: `"binary"`, `"multiclass"`, `"multilabel"` or `"regression"`.
            Defaults to `"multiclass"`.
        vocab_size: How many tokens there are, the padding 0 among them; `dk.models.build` asks the
            data. Defaults to `None`: the input is numbers.
        hidden_dim: Length of a step's vector. Defaults to 64.
        depth: Blocks. Defaults to 2.
        num_heads: Heads of each attention, which divide `hidden_dim` among them. Defaults to 4.
        mlp_ratio: Width of the dense layer inside a block, in `hidden_dim`. Defaults to 4.0.
        positions: `"sinusoidal"`, `"rotary"`, or `"learned"`, which needs a fixed length.
            Defaults to `"sinusoidal"`.
        attention: `"full"`, `"sliding_window"` (Longformer), or `"linear"` (Performer's random
            features, an estimate): the memory of the last two grows with the length, that of the
            first with its square. Defaults to `"full"`.
        window: Steps that `"sliding_window"` sees to each side. Defaults to 128.
        norm_first: Whether a block normalizes before attention and dense layers, rather than
            behind their sums. Defaults to `True`.
        global_pool: What the predictions are made of: the `"last"` step, the `"average"` or `"max"`
            of all, or a class `"token"` that stands before them. Defaults to `None`: `"last"` for a
            regression, which a forecast goes on from, `"max"` otherwise.
        units: Width of a dense tanh layer before the predictions. Defaults to `None`: there is
            none.
        activation: One of `blocks.ACTIVATIONS`. Defaults to `"gelu"`.
        dropout: Share of the channels of a step's vector and of what each block adds, at all steps
            alike, set to 0 in training, in [0, 1). Defaults to 0.2.
        **compile_options: See `dlkit.training.CompileOptions`.

    Returns:
        A compiled model.

    Raises:
        InputError: for tokens without `vocab_size`, heads that do not divide the width, learned
            positions of an open length, a class token that only a window sees, or an option or a
            value that cannot be used.

    Example:
        >>> transformer_classifier((None,), 2, vocab_size=1000, task="binary").output_shape
        (None, 1)
    """
    check_heads(num_heads, check_integer("hidden_dim", hidden_dim))
    check_choice("activation", activation, blocks.ACTIVATIONS)
    pool = default_pool(task) if global_pool is None else global_pool
    _check_pool(pool, attention)
    inputs, x, mask = sequence_input(input_shape, vocab_size, hidden_dim)
    x, mask = embed_steps(x, mask, hidden_dim, positions, class_token=pool == "token")
    if not norm_first:
        x = layers.LayerNormalization(epsilon=1e-5, name="norm")(x)
    x = blocks.drop_channels(x, dropout)
    for number in range(check_integer("depth", depth)):
        x = TransformerBlock(
            num_heads,
            blocks.mlp_dim(mlp_ratio, hidden_dim),
            attention=attention,
            window=window,
            rotary=positions == "rotary",
            norm_first=norm_first,
            activation=activation,
            dropout=dropout,
            name=f"block_{number}",
        )(x, padding_mask=mask)
    if norm_first:
        x = layers.LayerNormalization(epsilon=1e-5, name="norm")(x)
    x = x[:, 0] if pool == "token" else SequencePooling(pool)(x, mask=mask)  # -> (B, hidden_dim)
    if units is not None:
        x = layers.Dense(check_integer("units", units), activation="tanh", name="pooled")(x)
    x = blocks.drop(x, dropout)
    model = keras.Model(inputs, blocks.head(x, num_classes, task), name="transformer_classifier")
    return compile_model(model, task=task, **compile_options)


def embed_steps(
    x: Any, mask: Any, hidden_dim: int, positions: str, class_token: bool
) -> tuple[Any, Any]:
    """Return a vector for each step of a sequence that knows its place, and the steps' mask.

    Args:
        x: Numbers (batch, length, channels), or with a mask vectors (batch, length, hidden_dim).
        mask: A tensor (batch, length), true where there is a token, or `None` for numbers.
        hidden_dim: Length of the vectors.
        positions: `"learned"`, `"rotary"`, which blocks see to, or `"sinusoidal"`.
        class_token: Whether a learned vector stands before the others.

    Raises:
        InputError: for other positions, or learned ones of an open length.

    Example:
        >>> embed_steps(keras.Input((9, 2)), None, 8, "learned", class_token=True)[0].shape
        (None, 10, 8)
    """
    if positions == "learned" and x.shape[1] is None:
        raise InputError(
            'positions="learned" needs a fixed length: give it, or take "sinusoidal" or "rotary"'
            f" positions. Received: positions={positions!r}, a sequence of any length."
        )
    if mask is None:
        x = layers.Dense(hidden_dim, name="steps")(x)
    elif positions == "sinusoidal":
        x = x * hidden_dim**0.5  # or waves would drown the tokens (Vaswani et al., section 3.4)
    if class_token:
        x = ClassToken(name="class_token")(x)
        if mask is not None:
            mask = ops.concatenate([ops.ones_like(mask[:, :1]), mask], axis=1)
    return add_positions(x, positions, mask, x.shape[1]), mask


def _check_pool(pool: str, attention: str) -> None:
    """Refuse a class token that most steps cannot be seen by."""
    check_choice("global_pool", pool, _POOLS)
    if pool == "token" and attention == "sliding_window":
        raise InputError(
            'A class token sees its own window alone: take global_pool="max" or "average", or'
            f" another attention. Received: global_pool={pool!r}, attention={attention!r}."
        )
