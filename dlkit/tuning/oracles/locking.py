"""One thread at a time in an oracle: workers ask it through gRPC's threads."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from keras_tuner.src.engine.oracle import LOCKS, THREADS  # they are nowhere else


def one_at_a_time(method: Callable[..., Any]) -> Callable[..., Any]:
    """Let one thread at a time into an oracle, and leave it open when a call fails.

    KerasTuner's own keeps the lock of a call that raised, and every other thread out for ever.
    """

    @functools.wraps(method)
    def guarded(self: Any, *args: Any, **options: Any) -> Any:
        with self.guard:
            try:
                return method(self, *args, **options)
            except BaseException:
                LOCKS.pop(self, None)  # KerasTuner makes another one
                THREADS.pop(self, None)
                raise

    return guarded
