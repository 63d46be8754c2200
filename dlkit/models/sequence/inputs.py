"""What a network for sequences begins with: numbers as they are, or tokens as learned vectors."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from dlkit.argument_validation import check_choice, check_integer
from dlkit.errors import InputError
from dlkit.layers import PositionEmbedding, SinusoidalPositions, TokenEmbedding

POSITIONS = ("learned", "rotary", "sinusoidal")


def sequence_input(
    input_shape: Sequence[int | None], vocab_size: int | None, embedding_dim: int
) -> tuple[Any, Any, Any]:
    """Return the input of a network, a vector for each of its steps, and which steps there are.

    An image is read row by row, and so a sound's spectrogram from its first moment to its last.
    Tokens of 0 are padding. Their mask is handed to each layer that needs it, and so is seen in the
    network's graph; Keras's own way, hidden in the tensors, ends at layers that do not know it.

    Args:
        input_shape: (length,) for tokens, (length, channels) for a sequence of numbers, either
            length may be `None`; (height, width, channels) for rows of an image.
        vocab_size: How many tokens there are, padding among them; `None` for numbers.
        embedding_dim: Length of a token's vector.

    Returns:
        A Keras input; a tensor (batch, length, embedding_dim or channels), of an image (batch,
        height, width * channels); and its mask (batch, length), true where there is a token, or
        `None` for numbers.

    Raises:
        InputError: for tokens without a vocabulary's size, or numbers with one.

    Example:
        >>> inputs, x, mask = sequence_input((None,), 100, 8)
        >>> inputs.dtype, x.shape, mask.shape
        ('int32', (None, None, 8), (None, None))
    """
    check_integer("embedding_dim", embedding_dim)
    if len(input_shape) > 1:
        if vocab_size is not None:
            raise InputError(
                "vocab_size is for tokens (length,): leave it out for numbers. Received:"
                f" vocab_size={vocab_size!r}, input_shape={tuple(input_shape)!r}."
            )
        inputs = keras.Input(input_shape, name="sequence")
        if len(input_shape) == 2:
            return inputs, inputs, None
        rows = keras.layers.Reshape((input_shape[0], -1), name="rows")
        return inputs, rows(inputs), None  # (B, H, W, C) -> (B, H, W * C)
    if vocab_size is None:
        raise InputError(
            "Tokens need vocab_size, how many there are with the padding, 0: give it, or use"
            f" dk.models.build, which asks the data. Received: input_shape={tuple(input_shape)!r}."
        )
    check_integer("vocab_size", vocab_size, minimum=2)
    inputs = keras.Input(input_shape, dtype="int32", name="tokens")
    return inputs, TokenEmbedding(vocab_size, embedding_dim)(inputs), ops.not_equal(inputs, 0)


def add_positions(x: Any, positions: str, padding_mask: Any, sequence_length: int | None) -> Any:
    """Return the steps of a sequence with their places, where those are added at all.

    Args:
        x: A tensor (batch, length, units).
        positions: `"learned"`, `"sinusoidal"`, or `"rotary"`, which adds nothing: the blocks turn
            queries and keys.
        padding_mask: A tensor (batch, length), true where there is a step, or `None`.
        sequence_length: The most steps, of which learned positions need to know.

    Raises:
        InputError: for other positions.

    Example:
        >>> add_positions(keras.Input((None, 8)), "sinusoidal", None, None).shape
        (None, None, 8)
    """
    if check_choice("positions", positions, POSITIONS) == "learned":
        return PositionEmbedding(sequence_length, name="positions")(x, padding_mask=padding_mask)
    if positions == "sinusoidal":
        return SinusoidalPositions(name="positions")(x, padding_mask=padding_mask)
    return x


def default_pool(task: str) -> str:
    """Return what a network's predictions are made of unless it is told, by `SequencePooling`.

    A forecast goes on from the last step; what a text is about may stand anywhere in it.

    Args:
        task: What the network is trained for.

    Example:
        >>> default_pool("regression"), default_pool("binary")
        ('last', 'max')
    """
    return "last" if task == "regression" else "max"


def without_padding(x: Any, mask: Any) -> Any:
    """Return a sequence with zeros where its mask is false, and with no mask of Keras's.

    Args:
        x: A tensor (batch, length, channels).
        mask: A tensor (batch, length), true where there is a step, or `None`.

    Example:
        >>> float(without_padding(ops.ones((1, 1, 1)), ops.zeros((1, 1)))[0, 0, 0])
        0.0
    """
    return x if mask is None else x * ops.cast(mask, x.dtype)[..., None]
