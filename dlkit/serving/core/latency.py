"""How long a version's runs take, learnt from those that were."""

import time
from collections.abc import Callable

LONG_MICROSECONDS = 2000.0  # what other requests can be held up without being told apart
_CHEAP_MICROSECONDS = 100.0  # about what reading a request and writing its answer take anyway
_RECENT = 0.2  # the weight of the last run
_DRIFT = 1.01
_DOUBT_SECONDS = 1.0
_MAX_KINDS = 64  # clients choose the shapes


class RunTimes:
    """What runs of a version are expected to take, in microseconds.

    A run in a thread is timed with whatever else the process does meanwhile, so of those the
    shortest counts; of runs that hold up everything else it is the mean of late. What seems long
    is forgotten after a while, in case it was not the model's fault.

    Args:
        clock: Tells the time in seconds. Defaults to `time.monotonic`.

    Example:
        >>> times = RunTimes()
        >>> times.learn("serving_default", 1, 120.0, alone=True)
        >>> times.expected("serving_default", 1), times.expected("serving_default", 8)
        (120.0, 960.0)
        >>> times.learn("serving_default", 8, 160.0, alone=True)
        >>> times.expected("serving_default", 8), times.is_cheap("serving_default")
        (160.0, True)
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic):
        self._clock = clock
        self._kinds: dict[object, _Kind] = {}

    def expected(self, what: object, rows: int) -> float | None:
        """Return what a run is expected to take, None where nothing is known.

        For more rows than there ever were it is at most so many times what fewer rows took.

        Args:
            what: What is run, but for the number of rows.
            rows: The rows: about so many, by powers of two.
        """
        kind = self._kinds.get(what)
        if kind is None:
            return None
        size = rows.bit_length()
        for less in range(size):
            if size - less not in kind.sizes:
                continue
            found, since = kind.sizes[size - less]
            if found > LONG_MICROSECONDS and self._clock() - since > _DOUBT_SECONDS:
                kind.sizes.pop(size - less, None)
                continue
            return found * 2**less
        return None

    def is_cheap(self, what: object) -> bool:
        """Whether a row takes next to nothing, where as many as there were are run together.

        Args:
            what: What is run, but for the number of rows.
        """
        kind = self._kinds.get(what)
        return kind is not None and kind.a_row <= _CHEAP_MICROSECONDS

    def learn(self, what: object, rows: int, microseconds: float, *, alone: bool) -> None:
        """Take note of a run.

        Args:
            what: What was run, but for the number of rows.
            rows: How many there were.
            microseconds: How long it took.
            alone: Whether everything else waited for it.
        """
        if what not in self._kinds and len(self._kinds) >= _MAX_KINDS:
            self._kinds.clear()
        self._kinds.setdefault(what, _Kind()).learn(rows, microseconds, self._clock(), alone)


class _Kind:
    """Runs of one kind.

    Attributes:
        sizes: By the power of two of the rows: what they take, and since when that is known.
        a_row: What a row takes where they take least.
        rows: How many rows those runs have.
    """

    def __init__(self):
        self.sizes: dict[int, tuple[float, float]] = {}
        self.a_row, self.rows = float("inf"), 0

    def learn(self, rows: int, microseconds: float, now: float, alone: bool) -> None:
        size = rows.bit_length()
        former, since = self.sizes.get(size, (microseconds, now))
        if alone:
            self.sizes[size] = former + _RECENT * (microseconds - former), now
        else:
            self.sizes[size] = min(former, microseconds), since
        a_row = microseconds / max(rows, 1)
        if a_row <= self.a_row:
            self.a_row, self.rows = a_row, rows
        elif rows >= self.rows // 2:  # fewer rows say nothing about what more of them share
            self.a_row = min(a_row, self.a_row * _DRIFT)
