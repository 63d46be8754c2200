"""Runs of a version that nobody uses yet, on zeros."""

import functools
import logging
import time
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from dlkit.serving.core.latency import LONG_MICROSECONDS
from dlkit.serving.core.rows import join_rows, row_shapes
from dlkit.serving.core.runtime import Runtime
from dlkit.serving.core.signatures import Signature
from dlkit.serving.core.status import StatusError

log = logging.getLogger("dlkit.serving")

_TRIED_ROWS = (1, 8, 32)
_TRIES = 3
_ENOUGH_SECONDS = 1.0  # for all tries of one


def zero_inputs(signature: Signature) -> dict[str, np.ndarray]:
    """Return a batch of one for a signature, to try it with.

    Args:
        signature: What it is for.

    Example:
        >>> from dlkit.serving.core.signatures import TensorInfo
        >>> zero_inputs(Signature({"x": TensorInfo("DT_FLOAT", (-1, 2))}, {}))
        {'x': array([[0., 0.]], dtype=float32)}
    """
    found = {}
    for name, info in signature.inputs.items():
        shape = [size if size > 0 else 1 for size in info.shape or (1,)]
        text = info.dtype == "DT_STRING"
        found[name] = np.full(shape, b"", object) if text else np.zeros(shape, info.numpy_dtype)
    return found


def warm_up(runtime: Runtime, keys: Iterable[str]) -> None:
    """Run signatures once, on zeros: memory is taken and code is paged in by the first run.

    Args:
        runtime: The loaded version.
        keys: The signatures.
    """
    for key in sorted(keys):
        try:
            runtime.run(key, zero_inputs(runtime.signatures[key]))
        except StatusError as error:  # the export was checked on real input
            log.info("Signature %s does not take zeros: %s", key, error.message)


def try_out(runtime: Runtime, keys: Iterable[str]) -> None:
    """Learn how long runs of a version take that nobody uses yet, on zeros.

    Args:
        runtime: The loaded version.
        keys: The signatures that answer each row by itself.
    """
    for key in sorted(keys):
        row = zero_inputs(runtime.signatures[key])
        for rows in _TRIED_ROWS:
            inputs = join_rows([row], rows)
            try:
                seconds = fastest(functools.partial(runtime.run, key, inputs), _TRIES)
            except StatusError:  # not on zeros: then nothing is known
                break
            microseconds = seconds * 1e6
            runtime.times.learn((key, row_shapes(inputs)), rows, microseconds, alone=True)
            if microseconds > LONG_MICROSECONDS:
                break


def fastest(call: Callable[[], Any], tries: int) -> float:
    """Return the seconds that the fastest of some calls took.

    What seems slow is called again too, since it may have waited for the processor; but not once
    all calls together have taken a second.

    Args:
        call: What is timed.
        tries: How often, the first of which may take memory.
    """
    found: list[float] = []
    while len(found) < tries and sum(found) < _ENOUGH_SECONDS:
        start = time.perf_counter()
        call()
        found.append(time.perf_counter() - start)
    return min(found)
