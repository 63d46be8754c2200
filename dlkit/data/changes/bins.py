"""The bins that the numbers of a vector are cut into, learned from the training rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dlkit.data.core.pipeline import spread_rows

if TYPE_CHECKING:
    from dlkit.data.core.record import Record

BINS = 48  # at most, of a number: the default of the paper's code
_ROWS = 200_000  # at most, that are looked at


def bin_edges(data: Record) -> tuple[tuple[float, ...], ...] | None:
    """Return the edges of the bins of each number that the network takes, from the training rows.

    A bin of a number holds about as many rows as another one of it, as far as values do not repeat;
    of a number with few different values each is an edge. One of a single value or two, as whether
    a category is there, has no edges: nothing can bend between two values. `None` where the network
    takes something else than one vector, and for a record made by hand.

    Reference:
        Gorishniy et al. 2022, On Embeddings for Numerical Features in Tabular Deep Learning,
        arXiv:2203.05556, section 3.2.1.

    Example:
        >>> import dlkit as dk
        >>> [len(edges) for edges in bin_edges(dk.data.load("iris"))]
        [32, 23, 39, 22]
    """
    shapes = [spec.shape for spec in data.input_spec.values()]
    if data.origin is None or [len(shape) for shape in shapes] != [1]:
        return None
    (spec,) = data.input_spec.values()
    if not spec.dtype.is_floating:
        return None
    rows = spread_rows(data.origin.split.train, _ROWS)
    batches = data.origin.feed.batches(rows).as_numpy_iterator()
    values = np.concatenate([inputs for inputs, *_ in batches])
    return tuple(map(_edges, values.T))


def _edges(values: np.ndarray) -> tuple[float, ...]:
    """Return the edges of one number's bins."""
    different = np.unique(values)
    if len(different) <= 2:
        return ()
    if len(different) <= BINS + 1:
        return tuple(different.tolist())
    edges = np.unique(np.quantile(values, np.linspace(0, 1, BINS + 1), method="nearest"))
    # Where one value is that of most rows, as no capital gain, few bins are left for all others:
    # those that are free divide the values that occur, however often each does.
    if free := BINS + 1 - len(edges):
        others = np.setdiff1d(different, edges)
        shares = (np.arange(free) + 0.5) / free
        edges = np.union1d(edges, np.quantile(others, shares, method="nearest"))
    return tuple(edges.tolist())
