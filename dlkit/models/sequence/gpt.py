"""GPT: a Transformer that says, at each place of a text, which token comes next.

    tokens -> a vector each -> [+ places] -> block x depth -> norm -> compared with all tokens'
    vectors -> softmax: predictions of the token that comes next

    block: x + attention(norm(x)) to the tokens before, then x + dense(dense(norm(x)))

    generate: the keys and values of tokens that have been read are kept, so that each new token
    costs one step through the blocks, and not one for each token before it

Reference: Radford et al. 2019, Language Models are Unsupervised Multitask Learners (GPT-2).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import keras
from keras import layers, ops

from dlkit.argument_validation import check_choice, check_integer
from dlkit.layers import TokenEmbedding, TransformerBlock
from dlkit.layers.attention import check_heads
from dlkit.models import blocks
from dlkit.models.hyperparameters import Choice, Float
from dlkit.models.registry import builder
from dlkit.models.sequence.generation import PADDING, LanguageModel
from dlkit.models.sequence.inputs import add_positions
from dlkit.training.compiling import BuilderOptions, compile_model

if TYPE_CHECKING:
    from typing_extensions import Unpack


@builder(
    tasks=("language_model",),
    inputs=("tokens",),
    reference="Radford et al. 2019, Language Models are Unsupervised Multitask Learners",
    options={"optimizer": "adamw", "weight_decay": 0.1, "global_clipnorm": 1.0},
    test_config={"input_shape": (6,), "hidden_dim": 8, "depth": 2, "num_heads": 2},
    space={
        "learning_rate": Float(1e-4, 1e-2, sampling="log", default=1e-3),
        "batch_size": Choice((32, 64, 128), default=64),
        "hidden_dim": Choice((128, 64, 256)),
        "depth": Choice((4, 2, 6)),
        "dropout": Float(0.0, 0.4, step=0.1, default=0.0),
    },
)
def gpt(
    input_shape: Sequence[int],
    num_classes: int,
    *,
    task: str = "language_model",
    hidden_dim: int = 128,
    depth: int = 4,
    num_heads: int = 4,
    mlp_ratio: float = 4.0,
    positions: str = "rotary",
    attention: str = "full",
    window: int = 128,
    activation: str = "gelu",
    dropout: float = 0.0,
    **compile_options: Unpack[BuilderOptions],
) -> keras.Model:
    """GPT: a Transformer's decoder that predicts the next token, and writes texts.

    With `hidden_dim=768, depth=12, num_heads=12, positions="learned"`, 1,024 places and 50,257
    tokens it is the small GPT-2, of 124,439,808 weights. The vectors of the tokens are those that
    predictions are compared with. Token 0 is padding, which no token sees and which is not written.

    `model.generate(ids, length=100)` writes on; `dk.data.generate(model, data, "text")` does so
    with texts.

    Reference:
        Radford et al. 2019, Language Models are Unsupervised Multitask Learners. Rotary places:
        Su et al. 2021, arXiv:2104.09864.

    Args:
        input_shape: (tokens,), the most that the network sees at once.
        num_classes: How many tokens there are, padding among them.
        task: `"language_model"`. Defaults to `"language_model"`.
        hidden_dim: Length of a token's vector. Defaults to 128.
        depth: Blocks. Defaults to 4.
        num_heads: Heads of each attention, which divide `hidden_dim` among them. Defaults to 4.
        mlp_ratio: Width of the dense layer inside a block, in `hidden_dim`. Defaults to 4.0.
        positions: `"learned"`, `"rotary"` or `"sinusoidal"`. Defaults to `"rotary"`.
        attention: `"full"`, `"sliding_window"` (Longformer), or `"linear"` (Performer's random
            features, an estimate). Defaults to `"full"`.
        window: Tokens that `"sliding_window"` sees before each. Defaults to 128.
        activation: One of `blocks.ACTIVATIONS`. Defaults to `"gelu"`.
        dropout: Share of the channels of what each block adds, and of the tokens' vectors, at all
            tokens alike, set to 0 in training, in [0, 1). Defaults to 0.0.
        **compile_options: See `dlkit.training.CompileOptions`.

    Returns:
        A compiled `LanguageModel`, from tokens (batch, tokens) to probabilities (batch, tokens,
        num_classes).

    Raises:
        InputError: for heads that do not divide the width, or an option or a value that cannot be
            used.

    Example:
        >>> model = gpt((64,), 50, hidden_dim=32, depth=2, seed=0)
        >>> model.generate([[4, 8, 15]], length=5, seed=1).shape
        (1, 8)
    """
    (context,) = input_shape
    check_integer("hidden_dim", hidden_dim)
    check_heads(num_heads, hidden_dim)
    check_choice("activation", activation, blocks.ACTIVATIONS)
    tokens = keras.Input((None,), dtype="int32", name="tokens")
    seen = ops.not_equal(tokens, PADDING)
    x, table = TokenEmbedding(
        num_classes,
        hidden_dim,
        return_table=True,
        embeddings_initializer=keras.initializers.RandomNormal(stddev=0.02),
        name="token_embedding",
    )(tokens)
    x = add_positions(x, positions, seen, context)
    x = blocks.drop_channels(x, dropout)
    for number in range(check_integer("depth", depth)):
        x = TransformerBlock(
            num_heads,
            blocks.mlp_dim(mlp_ratio, hidden_dim),
            attention=attention,
            window=window,
            causal=True,
            rotary=positions == "rotary",
            activation=activation,
            dropout=dropout,
            name=f"block_{number}",
        )(x, padding_mask=seen)
    x = layers.LayerNormalization(epsilon=1e-5, name="norm")(x)
    scores = ops.matmul(x, ops.transpose(table))  # (B, T, C) -> (B, T, num_classes)
    predictions = layers.Softmax(dtype="float32", name="predictions")(scores)
    model = LanguageModel(tokens, predictions, context=context, name="gpt")
    return compile_model(model, task=task, **compile_options)
