"""What networks for tables begin with: numbers that have bins, and what else there is."""

from collections.abc import Sequence
from typing import Any

from keras import layers, ops

from dlkit.errors import InputError
from dlkit.layers import ColumnEmbedding, PiecewiseLinearEmbedding
from dlkit.layers.column_embedding import check_feature_columns
from dlkit.layers.piecewise_linear import check_bin_edges


def embed_numbers(
    inputs: Any, bin_edges: Sequence[Sequence[float]], embedding_dim: int
) -> tuple[Any, Any]:
    """Return a vector for each feature that has bins, and the other features as they are.

    Args:
        inputs: A tensor (batch, features).
        bin_edges: The edges of each feature's bins, or none.
        embedding_dim: Length of a vector.

    Returns:
        A tensor (batch, numbers, embedding_dim) and one (batch, others); `None` for what there is
        none of.

    Example:
        >>> import keras
        >>> x, rest = embed_numbers(keras.Input((3,)), [(0.0, 1.0), (), ()], 8)
        >>> x.shape, rest.shape
        ((None, 1, 8), (None, 2))
    """
    known = [place for place, edges in enumerate(bin_edges) if edges]
    rest = [place for place, edges in enumerate(bin_edges) if not edges]
    if not known:
        return None, inputs
    embed = PiecewiseLinearEmbedding(
        [bin_edges[place] for place in known], embedding_dim, name="piecewise_linear"
    )
    numbers = embed(ops.take(inputs, known, axis=-1) if rest else inputs)
    return numbers, ops.take(inputs, rest, axis=-1) if rest else None


def embed_columns(
    inputs: Any,
    bin_edges: Sequence[Sequence[float]],
    feature_columns: Sequence[int],
    embedding_dim: int,
) -> Any:
    """Return a vector for each feature that has bins, and for each column with other features.

    Args:
        inputs: A tensor (batch, features).
        bin_edges: The edges of each feature's bins, or none.
        feature_columns: Which column each feature is of.
        embedding_dim: Length of a vector.

    Returns:
        A tensor (batch, vectors, embedding_dim).

    Example:
        >>> import keras
        >>> edges, columns = [(0.0, 1.0), (), ()], (0, 1, 1)
        >>> embed_columns(keras.Input((3,)), edges, columns, 8).shape
        (None, 2, 8)
    """
    numbers, others = embed_numbers(inputs, bin_edges, embedding_dim)
    if others is None:
        return numbers
    columns = [c for c, edges in zip(feature_columns, bin_edges, strict=True) if not edges]
    places = {column: place for place, column in enumerate(dict.fromkeys(columns))}
    embed = ColumnEmbedding([places[column] for column in columns], embedding_dim, name="columns")
    vectors = embed(others)
    return vectors if numbers is None else layers.Concatenate(axis=1)([numbers, vectors])


def joined(*parts: Any) -> Any:
    """Return the parts that there are, side by side.

    Args:
        *parts: Tensors (batch, ..., features), or None.

    Example:
        >>> import keras
        >>> joined(keras.Input((3,)), None, keras.Input((2,))).shape
        (None, 5)
    """
    there = [part for part in parts if part is not None]
    return there[0] if len(there) == 1 else layers.Concatenate()(there)


def read_bin_edges(bin_edges: Any, features: int) -> tuple[tuple[float, ...], ...]:
    """Return the edges of each feature's bins; none where none are given.

    Args:
        bin_edges: As `dlkit.data.Data.bin_edges` has them, or None.
        features: How many features there are.

    Raises:
        InputError: for edges of another number of features, or that do not rise.

    Example:
        >>> read_bin_edges(None, 2)
        ((), ())
    """
    if bin_edges is None:
        return ((),) * features
    edges = check_bin_edges(bin_edges)
    if len(edges) != features:
        raise InputError(
            f"bin_edges must have an entry for each of the {features} features, () where one has"
            f" no bins. Received: {len(edges)} entries."
        )
    return edges


def read_feature_columns(feature_columns: Any, features: int) -> tuple[int, ...]:
    """Return which column each feature is of; each one of its own where none are given.

    Args:
        feature_columns: As `dlkit.data.Data.feature_columns` has them, or None.
        features: How many features there are.

    Raises:
        InputError: for columns of another number of features, or that are left out.

    Example:
        >>> read_feature_columns(None, 3)
        (0, 1, 2)
    """
    if feature_columns is None:
        return tuple(range(features))
    columns = check_feature_columns(feature_columns)
    if len(columns) != features:
        raise InputError(
            f"feature_columns must have a column for each of the {features} features."
            f" Received: {len(columns)} columns."
        )
    return columns
