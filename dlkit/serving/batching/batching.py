"""Requests that come at the same time, run as one batch.

A request that finds a free slot runs at once, in its own thread, as if there were no batching. When
all slots are busy, requests queue up, and whoever leaves a slot hands it to the first one that
waits, with all that have joined it: batches grow with the load by themselves, and a client that is
alone never waits. There are no threads besides those of the requests.
"""

import threading
import time
from collections import OrderedDict, deque
from dataclasses import dataclass, field
from typing import Any

from dlkit.serving.batching.config import BatchingParameters
from dlkit.serving.core.rows import Tensors, count_rows, join_rows, row_shapes, split_rows
from dlkit.serving.core.runtime import Runtime
from dlkit.serving.core.signatures import Signature
from dlkit.serving.core.status import StatusError, invalid
from dlkit.serving.observability import metrics


@dataclass(eq=False)
class _Task:
    """A request, or a part of one."""

    inputs: Tensors
    rows: int
    woken: threading.Event = field(default_factory=threading.Event)
    batch: list["_Task"] | None = None  # what its thread is to run, when it is handed a slot
    taken: bool = False  # it is in a batch
    due: bool = False  # it has waited as long as it may
    answer: dict[str, Any] = field(default_factory=dict)
    error: Exception | None = None
    since: float = field(default_factory=time.perf_counter)


@dataclass(eq=False)
class _Queue:
    """The requests that can be joined: of one version, signature and row shape."""

    waiting: deque[_Task] = field(default_factory=deque)
    rows: int = 0

    def take(self, limit: int) -> list[_Task]:
        """Take as many as fit into one batch."""
        batch = [self.waiting.popleft()]
        rows = batch[0].rows
        while self.waiting and rows + self.waiting[0].rows <= limit:
            batch.append(self.waiting.popleft())
            rows += batch[-1].rows
        for task in batch:
            task.taken = True
        self.rows -= rows
        return batch


class Batcher:
    """The slots in which batches run, shared by all models.

    Args:
        parameters: The limits.
    """

    def __init__(self, parameters: BatchingParameters):
        self.parameters = parameters
        self._lock = threading.Lock()
        self._free = parameters.concurrency
        self._queues: OrderedDict[tuple, _Queue] = OrderedDict()  # those that hold something

    def run(self, runtime: Runtime, signature: str, inputs: Tensors) -> dict[str, Any]:
        """Run a request, alone or with others.

        Args:
            runtime: The loaded version.
            signature: The signature's key.
            inputs: An array for each input.

        Raises:
            StatusError: what the request by itself deserves; UNAVAILABLE when too many wait.
        """
        parameters = self.parameters
        rows = count_rows(inputs)
        if rows > parameters.max_batch_size:
            raise invalid(
                f"Task size {rows} is larger than maximum input batch size"
                f" {parameters.max_batch_size}"
            )
        metrics.BATCH_INPUT.observe(rows)
        size = parameters.run_size
        if rows <= size and self._enter_alone():
            try:
                return self._run_alone(runtime, signature, inputs, rows)
            finally:
                self._leave()
        shapes = row_shapes(inputs)
        key = (
            id(runtime),
            signature,
            tuple(map(len, shapes)) if parameters.pad_variable else shapes,
        )
        parts = []
        for start in range(0, rows, size) or [0]:
            part = {name: array[start : start + size] for name, array in inputs.items()}
            task = _Task(part, min(size, rows - start))
            parts.append(self._run_task(key, runtime, signature, task))
        return parts[0] if len(parts) == 1 else dict(join_rows(parts, rows))

    def _enter_alone(self) -> bool:
        """Take a slot where one is free and nothing waits, which is all that a quiet day takes."""
        with self._lock:
            if self._free and not self._queues and not self.parameters.timeout_seconds:
                self._free -= 1
                return True
            return False

    def _run_alone(
        self, runtime: Runtime, signature: str, inputs: Tensors, rows: int
    ) -> dict[str, Any]:
        size = self.parameters.padded(rows)
        metrics.BATCH_WAIT.observe(0.0, self.parameters.pool_name)
        _count(rows, size)
        if size != rows:
            inputs = join_rows([inputs], size)
        return split_rows(runtime.run(signature, inputs), [rows], size)[0]

    def _run_task(
        self, key: tuple, runtime: Runtime, signature: str, task: _Task
    ) -> dict[str, Any]:
        batch = self._enter(key, task) or self._wait(key, task)
        if batch:
            try:
                self._execute(runtime, signature, batch)
            finally:
                self._leave()
        if task.error is not None:
            raise task.error
        return task.answer

    # ------------------------------------------------------------ slots and queues

    def _enter(self, key: tuple, task: _Task) -> list[_Task] | None:
        """Take a slot and return what to run in it; None where the task has to wait."""
        parameters = self.parameters
        with self._lock:
            queue = self._queues.get(key) or _Queue()
            if queue.rows + task.rows > parameters.max_enqueued_batches * parameters.run_size:
                raise StatusError(
                    "UNAVAILABLE",
                    "The batch scheduling queue to which this task was submitted is full",
                )
            queue.waiting.append(task)
            queue.rows += task.rows
            self._queues[key] = queue
            due = not parameters.timeout_seconds or queue.rows >= parameters.run_size
            return self._use_free_slot(key, task) if due else None

    def _wait(self, key: tuple, task: _Task) -> list[_Task] | None:
        """Return what to run, or None when another thread has run the task."""
        timeout = self.parameters.timeout_seconds or None
        while not task.woken.wait(timeout):
            timeout = None
            with self._lock:
                task.due = True  # where there is no slot now, who leaves one sees to it
                batch = None if task.taken else self._use_free_slot(key, task)
            if batch:
                return batch
        return task.batch

    def _use_free_slot(self, key: tuple, task: _Task) -> list[_Task] | None:
        """Start a batch if there is a slot; return it where it is for the thread of `task`."""
        if not self._free:
            return None
        self._free -= 1
        batch = self._take(key)
        if task in batch:
            return batch
        _hand_over(batch)
        return None

    def _take(self, key: tuple) -> list[_Task]:
        queue = self._queues.pop(key)
        batch = queue.take(self.parameters.run_size)
        if queue.waiting:  # at the end of the line, so that no model starves the others
            self._queues[key] = queue
        return batch

    def _leave(self) -> None:
        """Hand the slot to the queue that waits longest, if one is due."""
        with self._lock:
            for key, queue in self._queues.items():
                due = queue.waiting[0].due or not self.parameters.timeout_seconds
                if due or queue.rows >= self.parameters.run_size:
                    _hand_over(self._take(key))
                    return
            self._free += 1

    # ------------------------------------------------------------ running

    def _execute(self, runtime: Runtime, signature: str, batch: list[_Task]) -> None:
        """Run a batch; where it fails, each request alone, so that one cannot spoil the others."""
        try:
            self._run_batch(runtime, signature, batch)
        except Exception as error:
            again = isinstance(error, StatusError) and error.code != "DEADLINE_EXCEEDED"
            for task in batch:
                if len(batch) > 1 and again:
                    self._execute(runtime, signature, [task])
                else:
                    task.error = error
        for task in batch:
            task.woken.set()

    def _run_batch(self, runtime: Runtime, signature: str, batch: list[_Task]) -> None:
        parameters = self.parameters
        sizes = [task.rows for task in batch]
        rows = sum(sizes)
        size = parameters.padded(rows)
        _count(rows, size)
        now = time.perf_counter()
        for task in batch:
            metrics.BATCH_WAIT.observe((now - task.since) * 1e6, parameters.pool_name)
        inputs = batch[0].inputs
        if size != rows or len(batch) > 1:
            requests = [task.inputs for task in batch]
            inputs = join_rows(requests, size, pad_variable=parameters.pad_variable)
        outputs = runtime.run(signature, inputs)
        for task, answer in zip(batch, split_rows(outputs, sizes, size), strict=True):
            task.answer = answer


def _hand_over(batch: list[_Task]) -> None:
    """Have the thread of the batch's first task run it."""
    batch[0].batch = batch
    batch[0].woken.set()


def _count(rows: int, size: int) -> None:
    metrics.BATCHES.add()
    metrics.BATCH_SIZE.observe(size)
    metrics.BATCH_PADDING.observe(size - rows, str(size))


class BatchedRuntime(Runtime):
    """A loaded version whose requests are batched where its signature allows it.

    Args:
        runtime: The loaded version.
        batcher: Where batches run.
    """

    def __init__(self, runtime: Runtime, batcher: Batcher):
        self._runtime = runtime
        self._batcher = batcher
        self.signatures = runtime.signatures
        self._rowwise = {key for key, found in self.signatures.items() if is_rowwise(found)}

    def run(self, signature_name: str, inputs: Tensors) -> dict[str, Any]:
        """Run a signature; a signature that does not say that it works on rows runs alone."""
        if signature_name not in self._rowwise:
            return self._runtime.run(signature_name, inputs)
        return self._batcher.run(self._runtime, signature_name, inputs)

    def close(self) -> None:
        """Free what it holds."""
        self._runtime.close()


def is_rowwise(signature: Signature) -> bool:
    """Whether every input and output has an open number of rows.

    Example:
        >>> is_rowwise(Signature({}, {}))
        False
    """
    infos = [*signature.inputs.values(), *signature.outputs.values()]
    open_rows = [info.shape is not None and info.shape[:1] == (-1,) for info in infos]
    return bool(signature.inputs) and all(open_rows)
