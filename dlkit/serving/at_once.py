"""Predict requests that are run in the event loop itself: those of fast models.

To wake a thread, and to be woken by it, takes longer than a small model takes to answer, and a
thread beside a busy event loop waits for the interpreter most of the time. So runs of which it is
known that they are short need no thread: what one turn of the event loop finds is run together at
its end, as far as it is short, and the rest a turn later.
"""

import asyncio

from dlkit.serving import joined_runs
from dlkit.serving.joined_runs import MAX_ROWS, Task
from dlkit.serving.run_times import LONG_MICROSECONDS

_LESS_THAN_A_THREAD = 300.0  # microseconds, with what it costs that the others wait


class AtOnce:
    """What one event loop runs at the end of its turns."""

    def __init__(self):
        self._waiting: dict[tuple, list[Task]] = {}  # by group, the next one first

    def take(self, task: Task, *, idle: bool) -> bool:
        """Run a task at the end of this turn or soon after, if that is short; say whether it will.

        Args:
            task: The task, which has not to run alone.
            idle: Whether no thread runs anything: with several processors they get more done.
        """
        expected = task.times.expected(task.kind, task.count)
        if expected is None or expected > LONG_MICROSECONDS:
            return False
        alone = expected <= _LESS_THAN_A_THREAD and idle and not self._waiting
        if not alone and not task.times.is_cheap(task.kind):
            return False
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self._run)
        self._waiting.setdefault(task.group, []).append(task)
        return True

    def _run(self) -> None:
        group = next(iter(self._waiting))
        tasks = self._waiting.pop(group)
        size = _fitting(tasks)
        if size < len(tasks):  # at the end of the line, so that no model starves the others
            self._waiting[group] = tasks[size:]
        if self._waiting:
            asyncio.get_running_loop().call_soon(self._run)
        joined_runs.run(tasks[:size], alone=True)
        for task in tasks[:size]:
            task.done(task.found)


def _fitting(tasks: list[Task]) -> int:
    """Return how many of the first tasks make one run that is short; at least one."""
    times, kind = tasks[0].times, tasks[0].kind
    size, rows = 1, tasks[0].count
    while size < len(tasks):
        rows += tasks[size].count
        expected = times.expected(kind, rows)
        if rows > MAX_ROWS or expected is None or expected > LONG_MICROSECONDS:
            break
        size += 1
    return size
