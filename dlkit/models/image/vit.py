"""Vision transformers: an image is a sentence of patches, each of which looks at all others.

    patches:      image -> patches of 16x16, each a token -> class token
    convolution:  image -> [conv 3x3 -> ReLU -> max pool/2] x n, a token a place
    then:         -> + positions -> encoder block x depth -> norm -> pool -> predictions

    encoder block: x -> norm -> attention ---- + x -> norm -> dense gelu dense ---- + x

References: Dosovitskiy et al. 2020, arXiv:2010.11929 (ViT); Hassani et al. 2021, arXiv:2104.05704
(CCT: the convolutional tokenizer and sequence pooling, for little data).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import keras
from keras import layers

from dlkit.argument_validation import check_choice, check_fraction, check_integer
from dlkit.errors import InputError
from dlkit.layers import (
    ClassToken,
    ConvolutionalTokenizer,
    PatchEmbedding,
    PositionEmbedding,
)
from dlkit.layers.attention import check_heads
from dlkit.models import blocks
from dlkit.models.encoder import EPSILON, encoder_block
from dlkit.models.hyperparameters import Choice, Float
from dlkit.models.image.sizes import check_image
from dlkit.models.registry import builder
from dlkit.tasks import Task
from dlkit.training.compiling import BuilderOptions, compile_model

if TYPE_CHECKING:
    from typing_extensions import Unpack

TOKENIZERS = ("convolution", "patch")
GLOBAL_POOLS = ("sequence", "token", "average")
_FILTERS = (32, 64)


@builder(
    tasks=("binary", "multiclass", "multilabel", "regression"),
    inputs=("image",),
    reference="Dosovitskiy et al. 2020, arXiv:2010.11929; Hassani et al. 2021, arXiv:2104.05704",
    options={"optimizer": "adamw", "weight_decay": 0.05, "label_smoothing": 0.1},
    cpu={"jit_compile": False},
    test_config={
        "input_shape": (8, 8, 1),
        "filters": (4,),
        "hidden_dim": 8,
        "depth": 2,
        "num_heads": 2,
        "stochastic_depth": 0.0,
    },
    space={
        "learning_rate": Float(1e-4, 1e-2, sampling="log", default=1e-3),
        "batch_size": Choice((32, 64, 128), default=64),
        "weight_decay": Float(1e-3, 1e-1, sampling="log", default=0.05),
        "hidden_dim": Choice((128, 64, 192, 256)),
        "depth": Choice((4, 2, 6)),
        "mlp_ratio": Choice((2.0, 1.0, 4.0)),
        "stochastic_depth": Float(0.0, 0.3, step=0.1, default=0.1),
        "dropout": Float(0.0, 0.3, step=0.1),
    },
)
def vit(
    input_shape: Sequence[int],
    num_classes: int,
    *,
    task: Task = "multiclass",
    tokenizer: str = "convolution",
    patch_size: int | None = None,
    filters: Sequence[int] | None = None,
    kernel_size: int | None = None,
    hidden_dim: int = 128,
    depth: int = 4,
    num_heads: int = 4,
    mlp_ratio: float = 2.0,
    global_pool: str = "sequence",
    activation: str = "gelu",
    stochastic_depth: float = 0.1,
    dropout: float = 0.0,
    **compile_options: Unpack[BuilderOptions],
) -> keras.Model:
    """Vision transformer, compact by default: attention among the places of an image.

    The defaults are a compact convolutional transformer for images of 28 to 64 pixels, which learns
    from thousands of them. The ViT-B/16 of the paper, with 86.6 million weights, wants millions:
    `vit((224, 224, 3), 1000, tokenizer="patch", patch_size=16, hidden_dim=768, depth=12,
    num_heads=12, mlp_ratio=4.0, global_pool="token", stochastic_depth=0.0, dropout=0.1)`.

    Reference:
        Dosovitskiy et al. 2020, An Image is Worth 16x16 Words, arXiv:2010.11929.
        Hassani et al. 2021, Escaping the Big Data Paradigm with Compact Transformers,
        arXiv:2104.05704.

    Args:
        input_shape: (height, width, channels). At the defaults 28 x 28 pixels become 16 tokens, and
            64 x 64 become 64; each attends to all.
        num_classes: Classes, labels, or numbers to predict.
        task: `"binary"`, `"multiclass"`, `"multilabel"` or `"regression"`.
            Defaults to `"multiclass"`.
        tokenizer: What makes tokens of the image: `"convolution"`, a few convolutions that each
            halve it, or `"patch"`, squares that are cut out. Defaults to `"convolution"`.
        patch_size: Height and width of a patch, which divides both sides of the image; for
            `tokenizer="patch"`. Defaults to `None`: 4.
        filters: Output channels of each convolution before the last, which has `hidden_dim`; for
            `tokenizer="convolution"`. Defaults to `None`: `(32, 64)`, or fewer where a side has no
            more than 24 pixels, so that 4 x 4 tokens are left.
        kernel_size: Height and width of the convolutions' filters; from 6 on they take steps of
            two pixels or more, as published. For `tokenizer="convolution"`. Defaults to `None`: 3.
        hidden_dim: Length of a token's vector. Defaults to 128.
        depth: Encoder blocks. Defaults to 4.
        num_heads: Heads of each attention, which divide `hidden_dim` among them. Defaults to 4.
        mlp_ratio: Width of the dense layer inside a block, in `hidden_dim`. Defaults to 2.0.
        global_pool: What turns the tokens into features: `"sequence"`, their mean by learned
            weights; `"token"`, a class token among them; or `"average"`. Defaults to `"sequence"`.
        activation: One of `blocks.ACTIVATIONS`. Defaults to `"gelu"`.
        stochastic_depth: Share of the examples that skip the last block in training, in [0, 1);
            blocks before it are skipped the less, the nearer they are to the input.
            Defaults to 0.1.
        dropout: Share of the embedded tokens, the attention weights and the outputs of attention
            and dense layers set to 0 in training, in [0, 1). Defaults to 0.0.
        **compile_options: See `dlkit.training.CompileOptions`.

    Returns:
        A compiled model.

    Raises:
        InputError: for a patch size that does not divide the image, an image too small for the
            convolutions, heads that do not divide the width, an option of the other tokenizer, or
            an option or a value that cannot be used.

    Example:
        >>> vit((28, 28, 1), 10, depth=2).output_shape
        (None, 10)
    """
    hidden_dim, depth = check_integer("hidden_dim", hidden_dim), check_integer("depth", depth)
    check_choice("global_pool", global_pool, GLOBAL_POOLS)
    block: dict[str, Any] = {
        "num_heads": check_heads(num_heads, hidden_dim),
        "mlp_dim": blocks.mlp_dim(mlp_ratio, hidden_dim),
        "activation": activation,
        "dropout": dropout,
    }
    last_rate = check_fraction("stochastic_depth", stochastic_depth)
    if check_choice("tokenizer", tokenizer, TOKENIZERS) == "patch":
        _refuse_unused(tokenizer, filters=filters, kernel_size=kernel_size)
        tokens: Any = PatchEmbedding(hidden_dim, 4 if patch_size is None else patch_size)
    else:
        _refuse_unused(tokenizer, patch_size=patch_size)
        tokens = _convolutions(input_shape, filters, kernel_size, hidden_dim)

    inputs = keras.Input(input_shape, name="image")
    x = tokens(inputs)  # (B, h, w, C) -> (B, tokens, hidden_dim)
    if global_pool == "token":
        x = ClassToken()(x)
    x = blocks.drop(PositionEmbedding()(x), dropout)
    for index in range(depth):
        x = encoder_block(x, stochastic_depth=last_rate * (index + 1) / depth, **block)
    x = layers.LayerNormalization(epsilon=EPSILON)(x)
    x = _pool(x, global_pool)  # (B, tokens, hidden_dim) -> (B, hidden_dim)
    model = keras.Model(inputs, blocks.head(x, num_classes, task), name="vit")
    return compile_model(model, task=task, **compile_options)


def _pool(x: Any, global_pool: str) -> Any:
    """Return one vector of the tokens."""
    if global_pool == "average":
        return layers.GlobalAveragePooling1D()(x)
    if global_pool == "token":
        return x[:, 0]
    # A bias would be the same for all tokens, and the softmax forgets it.
    shares = layers.Softmax(axis=1)(layers.Dense(1, use_bias=False)(x))  # (B, T, C) -> (B, T, 1)
    return layers.Flatten()(layers.Dot(axes=1)([shares, x]))  # (B, 1, C) -> (B, C)


def _convolutions(
    shape: Sequence[int], filters: Any, kernel_size: Any, hidden_dim: int
) -> ConvolutionalTokenizer:
    """Return the convolutional tokenizer, if it leaves at least 2 x 2 tokens of the image."""
    fewer = sum(min(shape[:2]) <= side for side in (12, 24))
    before = _FILTERS[fewer:] if filters is None else blocks.check_sizes("filters", filters)
    layer = ConvolutionalTokenizer(
        (*before, hidden_dim), 3 if kernel_size is None else kernel_size, name="tokenizer"
    )
    least = (2 * layer.strides) ** len(layer.filters) + 1
    check_image(shape, least, filters=before, kernel_size=layer.kernel_size)
    return layer


def _refuse_unused(tokenizer: str, **options: Any) -> None:
    """Refuse an option that this tokenizer has no use for."""
    other = TOKENIZERS[tokenizer == "convolution"]
    for name, value in options.items():
        if value is not None:
            raise InputError(
                f"{name}={value!r} belongs to tokenizer={other!r}: name that, or leave {name} out."
                f" Received: tokenizer={tokenizer!r}."
            )
