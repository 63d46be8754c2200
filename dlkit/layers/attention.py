"""Self-attention: each token asks all others, and takes a mean of what they have for it.

    x -> queries, keys, values, a vector each a head -> weights softmax(q k / sqrt(d)) -> mean of v

    SelfAttention:           each token asks each token: memory grows with the square of length
    SlidingWindowAttention:  only those near by, block by block: memory grows with the length
    LinearAttention:         all, by random features of q and k instead of their softmax (FAVOR+)

References: Vaswani et al. 2017, arXiv:1706.03762; Beltagy et al. 2020, arXiv:2004.05150;
Choromanski et al. 2020, arXiv:2009.14794.
"""

from typing import Any

import keras
from keras import ops

from dlkit.argument_validation import check_integer
from dlkit.errors import InputError
from dlkit.layers.positions import places, rotate


@keras.saving.register_keras_serializable(package="dlkit")
class SelfAttention(keras.layers.Layer):
    """Attention of tokens to each other, by several heads.

    Unlike `keras.layers.MultiHeadAttention` it can turn queries and keys by their places, it goes
    on from the keys and values of tokens that it has seen (`extend`), and padding is a mask that is
    given to it.

    Reference:
        Vaswani et al. 2017, Attention Is All You Need, arXiv:1706.03762. Rotary places: Su et al.
        2021, arXiv:2104.09864.

    Args:
        num_heads: Heads, which divide the units among them.
        causal: Whether a token sees itself and those before it only. Defaults to `False`.
        rotary: Whether queries and keys are turned by their places. Defaults to `False`.
        **kwargs: What every Keras layer takes, as `name`.

    Input shape:
        (batch, tokens, units), and if some are padding a `padding_mask` (batch, tokens).

    Output shape:
        (batch, tokens, units)

    Raises:
        InputError: for heads that do not divide the units, or whose width is odd under `rotary`.

    Example:
        >>> SelfAttention(4, causal=True)(keras.Input((None, 32))).shape
        (None, None, 32)
    """

    def __init__(
        self, num_heads: int, *, causal: bool = False, rotary: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.num_heads = check_integer("num_heads", num_heads)
        self.causal, self.rotary = causal, rotary

    def build(self, input_shape: Any) -> None:
        """Make the weights: one kernel for queries, keys and values, one for what is read."""
        units = input_shape[-1]
        check_heads(self.num_heads, units)
        if self.rotary and units // self.num_heads % 2:
            raise InputError(
                "Rotary positions turn pairs of numbers, so that a head's width must be even."
                f" Received: {units // self.num_heads} units a head."
            )
        dense = {"dtype": self.dtype_policy, "kernel_initializer": "glorot_uniform"}
        self.query_key_value = keras.layers.Dense(3 * units, name="query_key_value", **dense)
        self.output_projection = keras.layers.Dense(units, name="output_projection", **dense)
        self.query_key_value.build(input_shape)
        self.output_projection.build(input_shape)

    def call(self, inputs: Any, padding_mask: Any = None) -> Any:
        """Return what each token has read."""
        return self.read(*self.project(inputs, places(inputs, padding_mask)), padding_mask)

    def project(self, inputs: Any, positions: Any) -> tuple[Any, Any, Any]:
        """Return queries, keys and values (batch, tokens, heads, units of a head).

        Args:
            inputs: A tensor (batch, tokens, units).
            positions: The tokens' places (batch, tokens) or (1, tokens).
        """
        shape = (-1, ops.shape(inputs)[1], 3 * self.num_heads, inputs.shape[-1] // self.num_heads)
        parts = ops.reshape(self.query_key_value(inputs), shape)
        query, key, value = ops.split(parts, 3, axis=2)
        if self.rotary:
            query, key = rotate(query, positions), rotate(key, positions)
        return query, key, value

    def read(self, query: Any, key: Any, value: Any, padding_mask: Any = None) -> Any:
        """Return what tokens read of each other.

        Args:
            query: A tensor (batch, tokens, heads, units of a head), as `key` and `value`.
            key: What a query is compared with.
            value: What is read.
            padding_mask: True where a key is no padding, (batch, tokens). Defaults to `None`:
                everywhere.

        Returns:
            A tensor (batch, tokens, units).
        """
        return self._joined(self._attend(query, key, value, padding_mask))

    def extend(self, query: Any, keys: Any, values: Any, seen: Any) -> Any:
        """Return what one new token reads of those before it, and of itself.

        Args:
            query: The token's, (batch, 1, heads, units of a head).
            keys: Those of all tokens, (batch, places, heads, units of a head), as `values`.
            values: What is read.
            seen: True where there is a token to be seen, (batch, places).

        Returns:
            A tensor (batch, 1, units).
        """
        return self._joined(self._recall(query, keys, values, seen))

    def _joined(self, read: Any) -> Any:
        """Return what heads have read, (batch, tokens, heads, units of a head), as one vector."""
        units = read.shape[-2] * read.shape[-1]
        return self.output_projection(ops.reshape(read, (-1, ops.shape(read)[1], units)))

    def _attend(self, query: Any, key: Any, value: Any, mask: Any) -> Any:
        """Return the means (batch, tokens, heads, units of a head)."""
        visible = None if mask is None else ops.expand_dims(mask, (1, 2))  # (B, 1, 1, keys)
        if self.causal:  # not by `is_causal`, whose mask LiteRT cannot slice
            place = ops.arange(ops.shape(query)[1])
            before = ops.expand_dims(place, 0) <= ops.expand_dims(place, 1)  # (queries, keys)
            visible = before if visible is None else visible & before
            visible = ops.reshape(visible, (-1, 1, *ops.shape(visible)[-2:]))
        return ops.dot_product_attention(query, key, value, mask=visible)

    def _recall(self, query: Any, keys: Any, values: Any, seen: Any) -> Any:
        """Return the mean for one token of those that it may see."""
        return ops.dot_product_attention(query, keys, values, mask=ops.expand_dims(seen, (1, 2)))

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the same shape."""
        return input_shape


def check_heads(num_heads: Any, units: int, argument: str = "hidden_dim") -> int:
    """Return a number of heads that divides the width.

    Args:
        num_heads: The heads.
        units: The width.
        argument: The width's name, for the message. Defaults to `"hidden_dim"`.

    Raises:
        InputError: for another one, with the nearest that does.

    Example:
        >>> check_heads(4, 32)
        4
    """
    heads = check_integer("num_heads", num_heads)
    if units % heads:
        near = [n for n in range(1, units + 1) if units % n == 0]
        nearest = min(near, key=lambda n: abs(n - heads))
        raise InputError(
            f"num_heads={heads} does not divide {argument}={units}; num_heads={nearest} does."
        )
    return heads


@keras.saving.register_keras_serializable(package="dlkit")
class SlidingWindowAttention(SelfAttention):
    """Attention to the tokens near by, which is what grows with the length and not its square.

    Tokens stand in blocks of `window`, and those of a block see it and its neighbours, as far as
    they are near enough.

    Reference:
        Beltagy, Peters & Cohan 2020, Longformer: The Long-Document Transformer, arXiv:2004.05150;
        without its global tokens.

    Args:
        num_heads: Heads, which divide the units among them.
        window: How many tokens to each side are seen, beside the token itself.
        **kwargs: What `SelfAttention` takes: `causal`, `rotary`.

    Input shape:
        (batch, tokens, units), and if some are padding a `padding_mask` (batch, tokens).

    Output shape:
        (batch, tokens, units)

    Raises:
        InputError: as `SelfAttention`, and for a window below 1.

    Example:
        >>> SlidingWindowAttention(4, window=128)(keras.Input((None, 32))).shape
        (None, None, 32)
    """

    def __init__(self, num_heads: int, window: int, **kwargs: Any) -> None:
        super().__init__(num_heads, **kwargs)
        self.window = check_integer("window", window)

    def _recall(self, query: Any, keys: Any, values: Any, seen: Any) -> Any:
        """Return the mean for the last token that is seen, of those near it."""
        behind = ops.flip(ops.cumsum(ops.flip(ops.cast(seen, "int32"), axis=1), axis=1), axis=1)
        return super()._recall(query, keys, values, seen & (behind <= self.window + 1))

    def _attend(self, query: Any, key: Any, value: Any, mask: Any) -> Any:
        """Return the means, block by block."""
        tokens, heads, width = ops.shape(query)[1], self.num_heads, query.shape[-1]
        there = ops.ones((1, tokens), "bool") if mask is None else mask
        query, key, value, there = (in_blocks(x, self.window) for x in (query, key, value, there))
        key, value, there = (self._around(x) for x in (key, value, there))
        blocks, seen = ops.shape(query)[1], key.shape[2]
        visible = ops.expand_dims(there, 2) & self._near(seen)  # (B or 1, blocks, window, seen)
        visible = ops.broadcast_to(visible, (ops.shape(query)[0], blocks, self.window, seen))
        read = ops.dot_product_attention(
            ops.reshape(query, (-1, self.window, heads, width)),
            ops.reshape(key, (-1, seen, heads, width)),
            ops.reshape(value, (-1, seen, heads, width)),
            mask=ops.reshape(visible, (-1, 1, self.window, seen)),
        )
        return ops.reshape(read, (-1, blocks * self.window, heads, width))[:, :tokens]

    def _around(self, x: Any) -> Any:
        """Return each block behind the one before it, and before the next (B, blocks, 3 w, ...)."""
        none = ops.zeros_like(x[:, :1])
        parts = [ops.concatenate([none, x[:, :-1]], axis=1), x]
        if not self.causal:
            parts.append(ops.concatenate([x[:, 1:], none], axis=1))
        return ops.concatenate(parts, axis=2)

    def _near(self, seen: int) -> Any:
        """Return which of the keys around it each query of a block may see, (window, seen)."""
        apart = ops.arange(self.window)[:, None] + self.window - ops.arange(seen)[None]
        return (apart <= self.window) & (apart >= (0 if self.causal else -self.window))


def in_blocks(x: Any, size: int) -> Any:
    """Return tokens in blocks, the last filled up with zeros.

    Args:
        x: A tensor (batch, tokens, ...).
        size: Tokens of a block.

    Returns:
        A tensor (batch, blocks, size, ...).

    Example:
        >>> in_blocks(ops.ones((2, 7, 3)), 4).shape[1:3] == (2, 4)
        True
    """
    missing = -ops.shape(x)[1] % size
    x = ops.pad(x, [(0, 0), (0, missing)] + [(0, 0)] * (len(x.shape) - 2))
    return ops.reshape(x, (ops.shape(x)[0], -1, size, *x.shape[2:]))
