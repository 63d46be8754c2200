"""How long a version's runs take, learnt from those that were."""

import time
from collections.abc import Callable

SHORT_MICROSECONDS = 1000.0  # what other requests can be held up without being told apart
_CHEAP_MICROSECONDS = 100.0  # about what reading a request and writing its answer take anyway
_MAX_SIZES = 8  # of runs, by powers of two
_RECENT = 0.2  # the weight of the last run
_MAX_KINDS = 256  # clients choose the shapes
_DOUBT_SECONDS = 1.0


class RunTimes:
    """What runs of a version are expected to take, in microseconds.

    A run in a thread is timed with whatever else the process does meanwhile, so of those the
    shortest counts; of runs that hold up everything else it is the mean of late. What seems long
    is forgotten after a while, in case it was not the model's fault.

    Args:
        clock: Tells the time in seconds. Defaults to `time.monotonic`.

    Example:
        >>> times = RunTimes()
        >>> times.learn("serving_default", 1, 100.0, alone=True)
        >>> times.expected("serving_default", 1), times.expected("serving_default", 8)
        (100.0, 800.0)
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic):
        self._clock = clock
        self._known: dict[tuple, tuple[float, float]] = {}  # microseconds, and since when

    @property
    def any_short(self) -> bool:
        """Whether there are runs that are short."""
        return any(found <= SHORT_MICROSECONDS for found, _ in [*self._known.values()])

    def expected(self, what: object, rows: int) -> float | None:
        """Return what a run is expected to take, None where nothing is known.

        For more rows than there ever were it is at most so many times what fewer rows took.

        Args:
            what: What is run, but for the number of rows.
            rows: The rows: about so many, by powers of two.
        """
        size = rows.bit_length()
        for less in range(size):
            kind = what, size - less
            found, since = self._known.get(kind, (None, 0.0))
            if found is None:
                continue
            if found > SHORT_MICROSECONDS and self._clock() - since > _DOUBT_SECONDS:
                self._known.pop(kind, None)
                continue
            return found * 2**less
        return None

    def is_cheap(self, what: object) -> bool:
        """Whether a row takes next to nothing where several are run together.

        Args:
            what: What is run, but for the number of rows.
        """
        for size in range(1, _MAX_SIZES):
            found, _ = self._known.get((what, size), (None, 0.0))
            if found is not None and found <= _CHEAP_MICROSECONDS * 2 ** (size - 1):
                return True
        return False

    def learn(self, what: object, rows: int, microseconds: float, *, alone: bool) -> None:
        """Take note of a run.

        Args:
            what: What was run, but for the number of rows.
            rows: How many there were.
            microseconds: How long it took.
            alone: Whether everything else waited for it.
        """
        kind = what, rows.bit_length()
        former, since = self._known.get(kind, (microseconds, self._clock()))
        if kind not in self._known and len(self._known) >= _MAX_KINDS:
            self._known.clear()
        if alone:
            self._known[kind] = former + _RECENT * (microseconds - former), self._clock()
        else:
            self._known[kind] = min(former, microseconds), since
