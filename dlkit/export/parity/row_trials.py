"""Is each row answered by itself, whatever rows stand beside it?

    each row alone                     -> what is right for it
    companions, the rows, companions   -> the same, whatever kind the companions are?

Only signatures that pass may be run for several requests at once. A trial sees no more than it
tries: the companions are made to be as unlike the rows as they can be.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dlkit.errors import ExportError
from dlkit.export.parity import comparison
from dlkit.export.sample_inputs import raw_columns, sample_inputs
from dlkit.export.signatures.signature import DEFAULT_SIGNATURE, Arrays, Signature

Answer = Arrays | None  # None where a batch was refused

_ROWS = 3  # that are asked alone, and beside others
_OTHERS = 61  # examples beside them: with them the most that the server joins
_BYTES = 2**24  # of them, since they go to another process
_FACTOR = 1000
_HUGE = 1e30  # its square is more than float32 holds
_WORDS = 80
_WHOLE = 2**53  # the largest whole number that a float has exactly
_UNKNOWN = "\u6f22\u5b57".encode()  # in no vocabulary of another script


@dataclass(frozen=True)
class Trial:
    """What one signature is asked, to see whether rows depend on each other.

    Attributes:
        alone: Batches of one row.
        beside: Batches, with the place in each of the first row that was asked alone, and which.
        unordered: Undoes an order of the outputs that rounding may change.
        required: Whether an export is not wanted where it fails.
    """

    alone: list[Arrays]
    beside: list[tuple[Arrays, int, range]]
    unordered: Callable[[Arrays], Arrays]
    required: bool

    @property
    def batches(self) -> list[Arrays]:
        """All that is to be asked."""
        return self.alone + [batch for batch, _, _ in self.beside]

    def passes(self, answers: Sequence[Answer], limit: float) -> bool:
        """Whether no row's answer depended on what stood beside it.

        Args:
            answers: To each of `batches`, `None` where it was refused. Odd companions may be, as
                they are when they come to a server; the examples may not.
            limit: The tolerance.
        """
        alone, beside = answers[: len(self.alone)], answers[len(self.alone) :]
        if alone[0] is None or beside[0] is None:
            return False
        return all(
            self._same(alone[number], answer, place, _count(batch), limit)
            for (batch, first, numbers), answer in zip(self.beside, beside, strict=True)
            for place, number in enumerate(numbers, first)
        )

    def _same(self, expected: Answer, answer: Answer, place: int, rows: int, limit: float) -> bool:
        if expected is None or answer is None:
            return True
        if any(value.shape[:1] != (rows,) for value in answer.values()):
            return False
        row = self.unordered({name: value[place : place + 1] for name, value in answer.items()})
        try:
            for name, value in self.unordered(expected).items():
                comparison.largest_difference(name, value, row[name], limit)
        except ExportError:
            return False
        return True


def plan_trials(
    offered: Mapping[str, Signature], data: Any, join_requests: bool | None
) -> dict[str, Trial]:
    """Return a trial for each signature; none where its requests are not to be joined.

    Args:
        offered: The signatures by key, `serving_default` among them.
        data: What may have `examples`.
        join_requests: False for no trials; None for trials where there are examples; True for
            trials that must be passed, with made-up rows where there are no examples.
    """
    examples = getattr(data, "examples", None)
    if join_requests is False or (examples is None and join_requests is None):
        return {}
    raw = None if examples is None else raw_columns(examples[0])
    specs = offered[DEFAULT_SIGNATURE].inputs
    size = sum(array.nbytes for array in sample_inputs(specs, raw, 1).values())
    count = min(_OTHERS, max(_ROWS, _BYTES // max(1, size)))
    rows = sample_inputs(specs, raw, count)
    return {key: _trial(found, rows, join_requests is True) for key, found in offered.items()}


def _trial(signature: Signature, rows: Arrays, required: bool) -> Trial:
    few = signature.from_raw(_part(rows, slice(_ROWS)))
    short = signature.from_raw(_each(_shortened, rows))
    alone = [_part(few, slice(n, n + 1)) for n in range(_ROWS)] + [short]
    kinds = [signature.from_raw(companions) for companions in _companions(rows)]
    pairs = [(kind, few, range(_ROWS)) for kind in kinds]
    pairs += [(kind, short, range(_ROWS, _ROWS + 1)) for kind in kinds[1:]]
    beside: list[tuple[Arrays, int, range]] = []
    for companions, probes, numbers in pairs:
        first = _count(companions) // 2
        batch = _put_between(companions, probes, first)
        if batch is not None and not any(_equal(batch, other) for other, _, _ in beside):
            beside.append((batch, first, numbers))
    return Trial(alone, beside, signature.unordered, required)


def _companions(rows: Arrays) -> Iterator[Arrays]:
    """Yield rows to put beside others: the examples first, then ever stranger ones."""
    made = {name: _strange(values) for name, values in rows.items()}
    yield rows
    for kind in zip(*made.values(), strict=True):
        yield dict(zip(made, kind, strict=True))
    # Larger pictures and longer sounds; only the bytes of files leave room for those.
    yield _each(lambda v: np.repeat(v[:2], 3, axis=1) if v.ndim > 1 else v[:2], rows)


def _strange(values: np.ndarray) -> list[np.ndarray]:
    """Return the least, the largest, their opposites and the most extreme, two rows of each."""
    if values.dtype.kind in "OSU":
        longest = max((_bytes(value) for value in values.flat), key=len, default=b"")
        longest += b" " + longest
        times = math.ceil(_WORDS / max(1, len(longest.split())))
        texts = (b"", b" ".join([longest] * times), _UNKNOWN, b" ".join([_UNKNOWN] * _WORDS))
        return [np.full_like(values[:2], text, dtype=object) for text in (*texts, texts[1])]
    floats = np.clip(values.astype(np.float64), -_HUGE, _HUGE)
    most = _FACTOR * (1 + np.nanmax(np.abs(floats), initial=0))
    huge = _HUGE if values.dtype.kind == "f" else most
    made = [np.full_like(floats[:2], value) for value in (0, most, -most, huge)]
    return [_cast(array, values.dtype) for array in (*made, _FACTOR * floats[:2])]


def _cast(floats: np.ndarray, dtype: np.dtype) -> np.ndarray:
    low, high = -_HUGE, _HUGE
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)
        low, high = max(limits.min, -_WHOLE), min(limits.max, _WHOLE)
    return np.clip(floats, low, high).astype(dtype)


def _shortened(values: np.ndarray) -> np.ndarray:
    """Return the first row with the first word of its texts, or nothing in its second half."""
    row = values[:1].copy()
    if values.dtype.kind in "OSU":
        row.flat[:] = [(_bytes(value).split() or [b""])[0] for value in row.flat]
    elif row.ndim > 1:
        row[:, row.shape[1] // 2 :] = 0
    return row


def _put_between(companions: Arrays, rows: Arrays, place: int) -> Arrays | None:
    """Return rows in the middle of companions; None for companions of another shape."""
    if any(rows[name].shape[1:] != values.shape[1:] for name, values in companions.items()):
        return None
    return {
        name: np.concatenate([values[:place], rows[name], values[place:]])
        for name, values in companions.items()
    }


def _each(function: Callable[[np.ndarray], np.ndarray], arrays: Arrays) -> Arrays:
    return {name: function(array) for name, array in arrays.items()}


def _part(arrays: Arrays, rows: slice) -> Arrays:
    return {name: array[rows] for name, array in arrays.items()}


def _equal(one: Arrays, other: Arrays) -> bool:
    return all(np.array_equal(one[name], other[name]) for name in one)


def _count(arrays: Arrays) -> int:
    return len(next(iter(arrays.values())))


def _bytes(value: Any) -> bytes:
    return value.encode() if isinstance(value, str) else value
