"""Batches of a signature's inputs: real examples, or made-up ones that fit."""

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from dlkit.column_names import input_names
from dlkit.errors import InputError

_UNKNOWN_SIZE = 32  # stands for an axis of any length: long enough for a few convolutions and pools


def raw_columns(raw: Any) -> dict[str, Any]:
    """Return raw inputs by the names that a signature gives them; "" for a single array.

    Example:
        >>> list(raw_columns({"Sepal length": np.zeros(2)}))
        ['Sepal_length']
    """
    if not isinstance(raw, dict):
        return {"": raw}
    # In the order of the signature's own inputs, since alike names are numbered by it.
    paths, columns = zip(*keras.tree.flatten_with_path(raw), strict=True)
    return dict(zip(input_names(path[-1] for path in paths), columns, strict=True))


def sample_inputs(
    specs: Mapping[str, tf.TensorSpec], examples: Any, rows: int
) -> dict[str, np.ndarray]:
    """Return a batch of `rows` for a signature: real examples, or made-up ones that fit the specs.

    Args:
        specs: Input name -> spec with the batch axis.
        examples: An array, or one for each input name, of at least one row; or `None`.
        rows: The batch size. Examples are repeated where there are too few.

    Raises:
        InputError: when `examples` do not fit `specs`.
    """
    if examples is None:
        random = np.random.default_rng(0)
        return {name: _made_up(spec, rows, random) for name, spec in specs.items()}
    if not isinstance(examples, Mapping) or list(examples) == [""]:
        (array,) = examples.values() if isinstance(examples, Mapping) else [examples]
        examples = dict.fromkeys(list(specs)[:1], array)
    if set(examples) != set(specs):
        raise InputError(
            f"data.examples must hold the inputs {sorted(specs)}. Received: {sorted(examples)}."
        )
    return {name: _repeated(name, specs[name], examples[name], rows) for name in specs}


def _repeated(name: str, spec: tf.TensorSpec, values: Any, rows: int) -> np.ndarray:
    values = np.asarray(values)
    if not spec.shape.is_compatible_with(values.shape) or not len(values):
        raise InputError(
            f"data.examples must fit the input '{name}', which is {tuple(spec.shape)}."
            f" Received: examples of shape {values.shape}."
        )
    chosen = values[np.arange(rows) % len(values)]
    return chosen.astype(object if spec.dtype == tf.string else spec.dtype.as_numpy_dtype)


def _made_up(spec: tf.TensorSpec, rows: int, random: np.random.Generator) -> np.ndarray:
    shape = (rows, *(size or _UNKNOWN_SIZE for size in spec.shape[1:]))
    if spec.dtype == tf.string:
        return random.choice(np.array([b"a", b"some text"], dtype=object), shape)
    if spec.dtype.is_floating:
        return random.random(shape).astype(spec.dtype.as_numpy_dtype)
    # 0 and 1 are an index into any vocabulary and a colour in any image.
    return random.integers(0, 2, shape).astype(spec.dtype.as_numpy_dtype)
