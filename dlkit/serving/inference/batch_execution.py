"""Requests that are run together, and how long such runs take."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from dlkit.serving.core.latency import RunTimes
from dlkit.serving.core.rows import join_rows, row_shapes, split_rows
from dlkit.serving.core.status import StatusError
from dlkit.serving.core.version import Version
from dlkit.serving.inference.calls import run_and_encode
from dlkit.serving.observability.metrics import RUNTIME_LATENCY
from dlkit.serving.wire.codec import Call, Codec

log = logging.getLogger(__name__)

MAX_ROWS = 64  # of a run; a larger one gains little, and waits for memory


@dataclass(eq=False)
class Task:
    """A request that waits for its answer.

    Args:
        version: What answers it, held for the request.
        codec: How it is written.
        call: What is to be run.
        done: Takes the answer, or why there is none.

    Attributes:
        count: How many rows it has; 0 where it has to run alone.
        kind: What is run, but for the number of rows.
        group: What the requests that can run together have in common.
        found: The answer, once it was run.
    """

    version: Version
    codec: Codec
    call: Call
    done: Callable[[Any | Exception], None]
    count: int = field(init=False)
    kind: tuple = field(init=False)
    group: tuple = field(init=False)
    found: Any | Exception = None

    def __post_init__(self):
        key, inputs = self.call.key, self.call.inputs
        self.count = _joinable(self.version, key, inputs)
        self.kind = (key, row_shapes(inputs)) if self.count else ()
        self.group = id(self.version), self.kind

    @property
    def has_strings(self) -> bool:
        """Whether its shapes do not tell how long its run takes."""
        return any(array.dtype.hasobject for array in self.call.inputs.values())

    @property
    def times(self) -> RunTimes:
        """How long runs of its version take."""
        return self.version.runtime.times


class Waiting:
    """Tasks that wait for a run, by group: the one that waits longest comes first."""

    def __init__(self):
        self._groups: dict[tuple, list[Task]] = {}

    def __bool__(self):
        return bool(self._groups)

    def add(self, task: Task) -> None:
        """Let a task wait."""
        self._groups.setdefault(task.group, []).append(task)

    def next_run(self, fits: Callable[[Task, int], bool] = lambda task, rows: True) -> list[Task]:
        """Return the first group's first task, with all that fit into a run with it.

        Args:
            fits: Whether a run of so many rows of such a task may be; below `MAX_ROWS` always by
                default.
        """
        group = next(iter(self._groups))
        tasks = self._groups.pop(group)
        size, rows = 1, tasks[0].count
        while size < len(tasks):
            rows += tasks[size].count
            if rows > MAX_ROWS or not fits(tasks[0], rows):
                break
            size += 1
        if size < len(tasks):  # at the end of the line, so that no model starves the others
            self._groups[group] = tasks[size:]
        return tasks[:size]


def _joinable(version: Version, key: str, inputs: Mapping[str, np.ndarray]) -> int:
    if key not in version.runtime.rowwise:
        return 0
    counts = {array.shape[0] if array.ndim else 0 for array in inputs.values()}
    count = counts.pop()
    return 0 if counts or count > MAX_ROWS else count


def run_tasks(batch: Sequence[Task], *, alone: bool) -> None:
    """Run tasks of one group; each has what it `found` afterwards.

    Args:
        batch: The tasks.
        alone: Whether everything else waits for it.
    """
    start = time.perf_counter()
    if len(batch) == 1 or not _run_joined(batch):
        for task in batch:  # each for itself, so that one cannot spoil the others
            run_alone(task)
    microseconds = (time.perf_counter() - start) * 1e6
    rows = sum(task.count for task in batch)
    batch[0].times.learn(batch[0].kind, rows, microseconds, alone=alone)


def tell_tasks(batch: Sequence[Task]) -> None:
    """Hand to each task what it found; one that cannot take it does not keep it from the others."""
    for task in batch:
        try:
            task.done(task.found)
        except Exception:
            log.exception("An answer of %s got lost", task.version.model)


def run_alone(task: Task) -> None:
    """Run a task by itself; it has what it `found` afterwards."""
    try:
        task.found = run_and_encode(task.version, task.codec, task.call)
    except Exception as error:
        task.found = error


def _run_joined(batch: Sequence[Task]) -> bool:
    """Run a batch at once; say whether all of it has been answered."""
    version, key = batch[0].version, batch[0].call.key
    sizes = [task.count for task in batch]
    total = sum(sizes)
    start = time.perf_counter()
    try:
        outputs = version.runtime.run(key, join_rows([task.call.inputs for task in batch], total))
        answers = split_rows(outputs, sizes, total)
        for task, answer in zip(batch, answers, strict=True):
            task.found = task.codec.encode(task.call, answer)
    except Exception as error:
        timed_out = isinstance(error, StatusError) and error.code == "DEADLINE_EXCEEDED"
        for task in batch if timed_out else ():  # each for itself, they would take as many times
            task.found = error
        return timed_out
    microseconds = (time.perf_counter() - start) * 1e6
    for task in batch:
        RUNTIME_LATENCY.observe(microseconds, version.model, task.codec.method, "TF1")
    return True
