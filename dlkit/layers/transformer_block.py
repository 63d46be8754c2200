"""A Transformer's block: tokens read of each other, then each is changed by itself.

norm first:  x + attention(norm(x)), then x + dense(dense(norm(x)))      GPT-2, ViT
norm last:   norm(x + attention(x)), then norm(x + dense(dense(x)))      the paper, BERT
"""

from typing import Any

import keras

from dlkit.argument_validation import check_choice, check_fraction, check_integer
from dlkit.layers.attention import SelfAttention, SlidingWindowAttention
from dlkit.layers.linear_attention import LinearAttention
from dlkit.layers.stochastic_depth import StochasticDepth

ATTENTIONS = {
    "full": SelfAttention,
    "sliding_window": SlidingWindowAttention,
    "linear": LinearAttention,
}


@keras.saving.register_keras_serializable(package="dlkit")
class TransformerBlock(keras.layers.Layer):
    """Attention and two dense layers, each with a normalization and a way around it.

    Reference:
        Vaswani et al. 2017, Attention Is All You Need, arXiv:1706.03762; with the normalizations
        first: Xiong et al. 2020, arXiv:2002.04745.

    Args:
        num_heads: Heads of the attention, which divide the units among them.
        mlp_dim: Width of the dense layer inside.
        attention: `"full"`, `"sliding_window"` or `"linear"`. Defaults to `"full"`.
        window: Tokens that `"sliding_window"` sees to each side. Defaults to 128.
        causal: Whether a token sees itself and those before it only. Defaults to `False`.
        rotary: Whether queries and keys are turned by their places. Defaults to `False`.
        norm_first: Whether normalization comes before attention and dense layers, rather than
            behind the sums. Defaults to `True`.
        activation: Between the dense layers, a name that Keras knows. Defaults to `"gelu"`.
        dropout: Share of the channels that attention and dense layers add, at all tokens alike as
            in T5, set to 0 in training, in [0, 1). Defaults to 0.0.
        stochastic_depth: Share of the examples that skip each of the two in training, in [0, 1).
            Defaults to 0.0.
        **kwargs: What every Keras layer takes, as `name`.

    Input shape:
        (batch, tokens, units), and if some are padding a `padding_mask` (batch, tokens).

    Output shape:
        (batch, tokens, units)

    Raises:
        InputError: for heads that do not divide the units, another attention, or a share outside
            [0, 1).

    Example:
        >>> TransformerBlock(4, 64, causal=True)(keras.Input((None, 32))).shape
        (None, None, 32)
    """

    def __init__(  # noqa: PLR0913 - a block's options, keyword-only
        self,
        num_heads: int,
        mlp_dim: int,
        *,
        attention: str = "full",
        window: int = 128,
        causal: bool = False,
        rotary: bool = False,
        norm_first: bool = True,
        activation: str = "gelu",
        dropout: float = 0.0,
        stochastic_depth: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        dtype: dict[str, Any] = {"dtype": self.dtype_policy}
        made = ATTENTIONS[check_choice("attention", attention, ATTENTIONS)]
        own = {"window": window} if attention == "sliding_window" else {}
        options = {"causal": causal, "rotary": rotary, "name": "attention", **own, **dtype}
        self.attention = made(num_heads, **options)
        self.norm_first = norm_first
        self.mlp_dim = check_integer("mlp_dim", mlp_dim)
        self.norms = [
            keras.layers.LayerNormalization(epsilon=1e-5, name=f"{part}_norm", **dtype)
            for part in ("attention", "mlp")
        ]
        self.dropout = keras.layers.SpatialDropout1D(check_fraction("dropout", dropout), **dtype)
        self.skip = StochasticDepth(stochastic_depth, **dtype)
        self.up = keras.layers.Dense(mlp_dim, activation=activation, name="up", **dtype)

    def build(self, input_shape: Any) -> None:
        """Make the weights."""
        units = input_shape[-1]
        self.down = keras.layers.Dense(units, dtype=self.dtype_policy, name="down")
        for layer in (self.attention, *self.norms, self.up):
            layer.build(input_shape)
        self.down.build((*input_shape[:-1], self.mlp_dim))

    def call(self, inputs: Any, padding_mask: Any = None, training: bool = False) -> Any:
        """Return the changed tokens."""
        return self.around(inputs, lambda x: self.attention(x, padding_mask=padding_mask), training)

    def around(self, x: Any, attend: Any, training: bool = False) -> Any:
        """Return tokens changed by an attention of any kind, then each by itself.

        Args:
            x: A tensor (batch, tokens, units).
            attend: From tokens, normalized if that comes first, to what they have read.
            training: Whether parts are dropped. Defaults to `False`.
        """
        for norm, part in zip(self.norms, (attend, self._change), strict=True):
            y = part(norm(x) if self.norm_first else x)
            y = self.skip(self.dropout(y, training=training), training=training)
            x = x + y if self.norm_first else norm(x + y)
        return x

    def _change(self, x: Any) -> Any:
        return self.down(self.up(x))

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the same shape."""
        return input_shape
