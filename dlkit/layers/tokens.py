"""From an image to tokens, one vector a place, which is what attention takes.

    PatchEmbedding:          image -> patches, each mapped to a vector
    ConvolutionalTokenizer:  image -> [conv -> ReLU -> max pool/2] x n -> a vector a place
    ClassToken:              tokens -> a learned one, tokens
    PositionEmbedding:       tokens -> tokens + a learned vector a place

References: Dosovitskiy et al. 2020, arXiv:2010.11929; Hassani et al. 2021, arXiv:2104.05704.
"""

import math
from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from dlkit.argument_validation import check_integer
from dlkit.errors import InputError
from dlkit.layers.positions import places


@keras.saving.register_keras_serializable(package="dlkit")
class PatchEmbedding(keras.layers.Layer):
    """Cut an image into square patches, and map the pixels of each to a vector.

    Reference:
        Dosovitskiy et al. 2020, An Image is Worth 16x16 Words, arXiv:2010.11929, equation 1.

    Args:
        units: Length of the vectors.
        patch_size: Height and width of a patch in pixels; both sides of the image are multiples.
        **kwargs: What every Keras layer takes, as `name`.

    Input shape:
        (batch, height, width, channels)

    Output shape:
        (batch, height / patch_size * width / patch_size, units), row after row.

    Raises:
        InputError: for a patch size that does not divide the image, with those that do.

    Example:
        >>> PatchEmbedding(8, patch_size=4)(keras.Input((28, 28, 1))).shape
        (None, 49, 8)
    """

    def __init__(self, units: int, patch_size: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units, self.patch_size = check_integer("units", units), patch_size
        check_integer("patch_size", patch_size)
        self.projection = keras.layers.Conv2D(
            units, patch_size, patch_size, dtype=self.dtype_policy, name="projection"
        )

    def build(self, input_shape: Any) -> None:
        """Make the weights, if the patches fill the image."""
        height, width = input_shape[1:3]
        if height % self.patch_size or width % self.patch_size:
            common = math.gcd(height, width)
            sizes = [str(size) for size in range(1, common + 1) if common % size == 0]
            raise InputError(
                f"patch_size={self.patch_size} does not divide images of {height} x {width} pixels:"
                f" choose from {', '.join(sizes)}, or resize the images."
            )
        self.projection.build(input_shape)

    def call(self, inputs: Any) -> Any:
        """Return the tokens of images."""
        return _as_tokens(self.projection(inputs))

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return (batch, patches, units)."""
        batch, height, width, _ = input_shape
        return (batch, (height // self.patch_size) * (width // self.patch_size), self.units)


@keras.saving.register_keras_serializable(package="dlkit")
class ConvolutionalTokenizer(keras.layers.Layer):
    """Make tokens of an image by convolutions, each of which halves it.

    Unlike patches, which start from nothing, it knows that neighbours belong together, which is
    what little data cannot teach. Convolutions have no bias, and take steps of
    `kernel_size // 2 - 1` pixels, at least 1, as published: sizes from 6 on halve a second time.

    Reference:
        Hassani et al. 2021, Escaping the Big Data Paradigm with Compact Transformers,
        arXiv:2104.05704, section 3.3.

    Args:
        filters: Output channels of each convolution; the last is the length of the vectors.
        kernel_size: Height and width of the filters. Defaults to 3.
        **kwargs: What every Keras layer takes, as `name`.

    Input shape:
        (batch, height, width, channels)

    Output shape:
        (batch, height / 2^n * width / 2^n, filters[-1]) for n convolutions, row after row; sides
        are rounded up.

    Raises:
        InputError: for filters or a size that are no whole numbers of at least 1.

    Example:
        >>> ConvolutionalTokenizer((4, 8))(keras.Input((28, 28, 1))).shape
        (None, 49, 8)
    """

    def __init__(self, filters: Sequence[int], kernel_size: int = 3, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.filters, self.kernel_size = tuple(filters), check_integer("kernel_size", kernel_size)
        self.strides = max(1, kernel_size // 2 - 1)
        if not self.filters:
            raise InputError(
                f"ConvolutionalTokenizer needs a convolution. Received: filters={filters!r}."
            )
        self.convolutions = [
            keras.layers.Conv2D(
                check_integer(f"filters[{index}]", width),
                kernel_size,
                self.strides,
                padding="same",
                activation="relu",
                use_bias=False,
                kernel_initializer="he_normal",
                dtype=self.dtype_policy,
                name=f"convolution_{index}",
            )
            for index, width in enumerate(self.filters)
        ]
        self.pooling = keras.layers.MaxPooling2D(3, 2, padding="same", dtype=self.dtype_policy)

    def build(self, input_shape: Any) -> None:
        """Make the weights."""
        for convolution in self.convolutions:
            convolution.build(input_shape)
            input_shape = self._halved(convolution, input_shape)

    def call(self, inputs: Any) -> Any:
        """Return the tokens of images."""
        for convolution in self.convolutions:
            inputs = self.pooling(convolution(inputs))  # (B, h, w, C) -> (B, h/2, w/2, filters)
        return _as_tokens(inputs)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return (batch, places, filters[-1])."""
        for convolution in self.convolutions:
            input_shape = self._halved(convolution, input_shape)
        batch, height, width, channels = input_shape
        return (batch, height * width, channels)

    def _halved(self, convolution: Any, shape: Any) -> Any:
        return self.pooling.compute_output_shape(convolution.compute_output_shape(shape))


def _as_tokens(x: Any) -> Any:
    return ops.reshape(x, (-1, x.shape[1] * x.shape[2], x.shape[3]))  # (B, h, w, C) -> (B, hw, C)


@keras.saving.register_keras_serializable(package="dlkit")
class ClassToken(keras.layers.Layer):
    """Put a learned token before the others, to gather from them what the predictions need.

    Reference:
        Devlin et al. 2018, BERT, arXiv:1810.04805; Dosovitskiy et al. 2020, arXiv:2010.11929.

    Args:
        **kwargs: What every Keras layer takes, as `name`.

    Input shape:
        (batch, tokens, units)

    Output shape:
        (batch, 1 + tokens, units)

    Example:
        >>> ClassToken()(keras.Input((49, 8))).shape
        (None, 50, 8)
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)

    def build(self, input_shape: Any) -> None:
        """Make the token, of zeros."""
        self.token = self.add_weight(
            name="token", shape=(1, 1, input_shape[-1]), initializer="zeros"
        )

    def call(self, inputs: Any) -> Any:
        """Return the token and the others."""
        one_each = ops.broadcast_to(
            ops.cast(self.token, inputs.dtype), (ops.shape(inputs)[0], 1, inputs.shape[-1])
        )
        return ops.concatenate([one_each, inputs], axis=1)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the shape with a token more."""
        batch, tokens, units = input_shape
        return (batch, tokens + 1, units)


@keras.saving.register_keras_serializable(package="dlkit")
class PositionEmbedding(keras.layers.Layer):
    """Add a learned vector to the token of each place, since attention knows no places.

    Reference:
        Dosovitskiy et al. 2020, arXiv:2010.11929, equation 1; Devlin et al. 2018, arXiv:1810.04805.

    Args:
        sequence_length: The most tokens. Defaults to `None`: as many as the first input has.
        **kwargs: What every Keras layer takes, as `name`.

    Input shape:
        (batch, tokens, units), and if some are padding a `padding_mask` (batch, tokens): places are
        counted from the first token that is none.

    Output shape:
        (batch, tokens, units)

    Raises:
        InputError: for an open number of tokens without a `sequence_length`, or for more tokens.

    Example:
        >>> PositionEmbedding()(keras.Input((49, 8))).shape
        (None, 49, 8)
        >>> PositionEmbedding(512)(keras.Input((None, 8))).shape
        (None, None, 8)
    """

    def __init__(self, sequence_length: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if sequence_length is not None:
            check_integer("sequence_length", sequence_length)
        self.sequence_length = sequence_length

    def build(self, input_shape: Any) -> None:
        """Make the vectors, drawn from N(0, 0.02^2)."""
        tokens = input_shape[1]
        count = self.sequence_length or tokens
        if count is None or (tokens or 0) > count:
            raise InputError(
                "Learned positions need to know the most tokens: give sequence_length. Received:"
                f" sequence_length={self.sequence_length}, inputs of {tokens or 'any'} tokens."
            )
        self.positions = self.add_weight(
            name="positions",
            shape=(count, input_shape[-1]),
            initializer=keras.initializers.RandomNormal(stddev=0.02),
        )

    def call(self, inputs: Any, padding_mask: Any = None) -> Any:
        """Return the tokens with their places."""
        if padding_mask is None:
            return inputs + ops.cast(self.positions, inputs.dtype)[: ops.shape(inputs)[1]]
        return self.add(inputs, places(inputs, padding_mask))

    def add(self, inputs: Any, positions: Any) -> Any:
        """Return tokens with places that are given.

        Args:
            inputs: A tensor (batch, tokens, units).
            positions: Whole numbers (batch, tokens) or (1, tokens).
        """
        table = ops.cast(self.positions, inputs.dtype) * 1  # a product's gradient is one tensor
        return inputs + ops.take(table, positions, axis=0)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the same shape."""
        return input_shape
