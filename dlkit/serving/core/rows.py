"""Rows of several requests in one array, and back."""

import itertools
from collections.abc import Mapping, Sequence

import numpy as np

from dlkit.serving.core.status import StatusError, invalid

Tensors = Mapping[str, np.ndarray]


def count_rows(inputs: Tensors) -> int:
    """Return how many rows a request has.

    Raises:
        StatusError: INVALID_ARGUMENT where its inputs have no rows, or not the same number.
    """
    if not all(array.ndim for array in inputs.values()):
        raise invalid("Batching Run() input tensors must have at least one dimension")
    sizes = {len(array) for array in inputs.values()}
    if len(sizes) > 1:
        raise invalid("Batching Run() input tensors must have equal 0th-dimension size")
    return sizes.pop()


def row_shapes(inputs: Tensors) -> tuple[tuple[int, ...], ...]:
    """Return the shape of a row of each input: requests with other ones cannot be joined."""
    return tuple(array.shape[1:] for array in inputs.values())


def join_rows(requests: Sequence[Tensors], size: int, *, pad_variable: bool = False) -> Tensors:
    """Return the rows of `requests` below each other.

    Args:
        requests: The inputs of each, all with the same names.
        size: How many rows there are to be: a valid row is repeated until there are so many.
        pad_variable: Whether rows of different shapes are filled up to the largest, each with its
            request's first element. Defaults to False.

    Example:
        >>> join_rows([{"x": np.array([1, 2])}, {"x": np.array([3])}], 4)["x"]
        array([1, 2, 3, 3])
    """
    joined = {}
    for name in requests[0]:
        arrays = [request[name] for request in requests]
        if pad_variable:
            arrays = _to_one_shape(arrays)
        missing = size - sum(map(len, arrays))
        if missing > 0:
            row = next(array for array in reversed(arrays) if len(array))[:1]
            arrays = [*arrays, np.repeat(row, missing, axis=0)]
        joined[name] = arrays[0] if len(arrays) == 1 else np.concatenate(arrays)
    return joined


def _to_one_shape(arrays: list[np.ndarray]) -> list[np.ndarray]:
    largest = np.max([array.shape[1:] for array in arrays], axis=0)
    return [_filled(array, largest) for array in arrays]


def _filled(array: np.ndarray, row_shape: np.ndarray) -> np.ndarray:
    if array.size == 0 or tuple(row_shape) == array.shape[1:]:
        return array
    widths = [(0, 0), *((0, more) for more in row_shape - array.shape[1:])]
    return np.pad(array, widths, constant_values=array.flat[0])


def split_rows(outputs: Tensors, sizes: Sequence[int], total: int) -> list[dict[str, np.ndarray]]:
    """Return each request's share of the outputs; the rows that only filled up are dropped.

    Args:
        outputs: What the batch gave.
        sizes: How many rows each request has.
        total: How many rows were run.

    Raises:
        StatusError: FAILED_PRECONDITION for an output without a row for each row of input.
    """
    for array in outputs.values():
        if array.ndim == 0:
            raise StatusError("FAILED_PRECONDITION", "Batched output tensor has 0 dimensions")
        if len(array) != total:
            raise StatusError(
                "FAILED_PRECONDITION",
                "Batched output tensor's 0th dimension does not equal the sum of the 0th dimension"
                f" sizes of the input tensors: {len(array)} instead of {total}",
            )
    if [*sizes] == [total]:  # alone and not filled up
        return [dict(outputs)]
    ends = itertools.accumulate(sizes)
    return [
        {name: array[end - size : end] for name, array in outputs.items()}
        for size, end in zip(sizes, ends, strict=True)
    ]
