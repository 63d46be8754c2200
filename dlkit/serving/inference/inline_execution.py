"""Predict requests that are run in the event loop itself: those of fast models.

To wake a thread, and to be woken by it, takes longer than a small model takes to answer, and a
thread beside a busy event loop waits for the interpreter most of the time. So runs of which it is
known that they are short need no thread: what one turn of the event loop finds is run together at
its end, as far as it is short, and the rest a turn later.

A processor that sleeps takes as long again to wake up. Where a request followed upon an answer at
once, the event loop looks out for the next one for a moment before it sleeps.
"""

import asyncio
import math
import os
import time

from dlkit.serving.core.latency import LONG_MICROSECONDS
from dlkit.serving.inference import batch_execution
from dlkit.serving.inference.batch_execution import Task, Waiting

_LESS_THAN_A_THREAD = 300.0  # microseconds, with what it costs that the others wait
_MOMENT = 0.0003 if (os.cpu_count() or 1) > 1 else 0.0  # seconds that nobody else lacks


class InlineRuns:
    """What one event loop runs at the end of its turns."""

    def __init__(self):
        self._waiting = Waiting()
        self._answered = -math.inf  # when the last run ended
        self._looks_out = False

    def take(self, task: Task, *, idle: bool) -> bool:
        """Run a task at the end of this turn or soon after, if that is short; say whether it will.

        Args:
            task: The task, which has not to run alone.
            idle: Whether no thread runs anything: with several processors they get more done.
        """
        if task.has_strings:  # a picture of as many bytes may take a thousand times as long
            return False
        expected = task.times.expected(task.kind, task.count)
        if expected is None or expected > LONG_MICROSECONDS:
            return False
        alone = expected <= _LESS_THAN_A_THREAD and idle and not self._waiting
        if not alone and not task.times.is_cheap(task.kind):
            return False
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self._run)
        self._waiting.add(task)
        return True

    def _run(self) -> None:
        follows = time.perf_counter() - self._answered < _MOMENT
        batch = self._waiting.next_run(_is_short)
        if self._waiting:
            asyncio.get_running_loop().call_soon(self._run)
        batch_execution.run_tasks(batch, alone=True)
        batch_execution.tell_tasks(batch)
        self._answered = time.perf_counter()
        if follows and not self._looks_out:
            self._look_out()

    def _look_out(self) -> None:
        """Come again in the next turn, so that the event loop polls and does not sleep."""
        self._looks_out = time.perf_counter() - self._answered < _MOMENT
        if self._looks_out:
            asyncio.get_running_loop().call_soon(self._look_out)


def _is_short(task: Task, rows: int) -> bool:
    expected = task.times.expected(task.kind, rows)
    return expected is not None and expected <= LONG_MICROSECONDS
