"""How the time that some work takes grows with the size of what it is given."""

import gc
import math
import time

MOST = 2.5  # by which time may grow where the size doubles; twice is linear
_TRIES = 8  # on a machine that does other things as well
_LEAST_SECONDS = 0.001  # of a measurement
_LONG_SECONDS = 0.2  # of one that needs no repetition


def doubling(work, make, size, doublings=3):
    """Return by how much the time of `work(make(n))` grows where n doubles, in the mean.

    Steps, such as that to memory of another kind, are no growth. It is this thread's processor
    time, the least of several measurements; another one is taken as long as it looks like too much.
    Python's collector, which goes over all that the process has from time to time, is left out.
    """
    given = make(size), make(size << doublings)
    repeats = math.ceil(_LEAST_SECONDS / max(_seconds(work, given[0], 1), 1e-7))
    least = math.inf, math.inf
    for _ in range(_TRIES):
        tried = [_seconds(work, each, repeats) for each in given]
        least = list(map(min, least, tried))
        found = (least[1] / least[0]) ** (1 / doublings)
        if found <= MOST or least[1] > _LONG_SECONDS:
            break
    return found


def _seconds(work, given, repeats):
    least = math.inf
    gc.disable()
    try:
        for _ in range(3):
            start = time.thread_time()
            for _ in range(repeats):
                work(given)
            least = min(least, time.thread_time() - start)
            if least > _LONG_SECONDS:
                break
    finally:
        gc.enable()
    return least
