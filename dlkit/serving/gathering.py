"""Predict requests over REST that come at the same time, run as one batch, without being asked.

    event loop:  body -> arrays -> a free slot? run at once : wait in a queue     <-+
    threads:     the arrays of a queue, joined -> the model -> an answer for each --+

As `batching`, with no limits to set: a request that comes alone never waits, batches grow with the
load, and no request is refused for it. Only signatures are joined of which the export has seen that
each row is answered by itself. Short texts are parsed by the event loop itself, which costs less
than to wake a thread for each; long ones are work enough for a thread of their own, unjoined.
"""

import asyncio
import os
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from dlkit.serving import predict
from dlkit.serving.batch_arrays import join, row_shapes, split
from dlkit.serving.json_answer import encode
from dlkit.serving.json_tensor import Request, read_request
from dlkit.serving.metrics import RUNTIME_LATENCY
from dlkit.serving.status import StatusError
from dlkit.serving.version import Version, Wanted
from dlkit.serving.versions import ServedModel

_SHORT = 64 * 1024  # bytes of JSON that the event loop parses itself, in a tenth of a millisecond
_MAX_ROWS = 64  # of a batch; a larger one gains little, and waits for memory


@dataclass(eq=False)
class _Task:
    """A request that waits for its answer."""

    inputs: Mapping[str, np.ndarray]
    count: int
    rows: bool
    answer: asyncio.Future
    found: bytes | Exception = b""


class Gatherer:
    """Answers predict requests for one event loop.

    Args:
        models: The served models by name.
        pool: Where predictions run.
    """

    def __init__(self, models: Mapping[str, ServedModel], pool: ThreadPoolExecutor):
        self._models = models
        self._pool = pool
        self._free = os.cpu_count() or 1
        self._waiting: dict[tuple, tuple[Version, str, list[_Task]]] = {}  # the oldest comes first

    async def predict(self, name: str, wanted: Wanted, body: bytes) -> bytes:
        """Answer a predict request, as `dlkit.serving.predict.predict` does.

        Args:
            name: Which model is asked.
            wanted: Which version, by number or label; None for the highest one available.
            body: The request's JSON text.

        Raises:
            StatusError: with TensorFlow Serving's message, and a hint where one is known.
        """
        if len(body) > _SHORT:
            given = self._models, name, wanted, body
            return await self._in_thread(predict.predict, *given)
        request = read_request(body)
        try:
            return await self._answer(name, wanted, request)
        except StatusError:
            request.check()
            raise

    async def _answer(self, name: str, wanted: Wanted, request: Request) -> bytes:
        with predict.find_model(self._models, name, wanted).use(wanted) as version:
            key, signature = predict.find_signature(version, request.signature_name)
            inputs, rows = predict.read_inputs(request, signature)
            count = _joinable(version, key, inputs)
            if not count:
                return await self._in_thread(predict.respond, version, key, inputs, rows)
            task = _Task(inputs, count, rows, asyncio.get_running_loop().create_future())
            self._put((id(version), key, row_shapes(inputs)), version, key, task)
            return await task.answer

    async def _in_thread(self, function: Callable, *arguments: Any) -> bytes:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, function, *arguments)

    # ------------------------------------------------------------ in the event loop

    def _put(self, group: tuple, version: Version, key: str, task: _Task) -> None:
        if self._free and not self._waiting:
            self._start(version, key, [task])
        else:
            self._waiting.setdefault(group, (version, key, []))[2].append(task)

    def _start(self, version: Version, key: str, batch: list[_Task]) -> None:
        self._free -= 1
        self._pool.submit(self._run, version, key, batch, asyncio.get_running_loop())

    def _start_waiting(self) -> None:
        """Start the batch that waits longest, with all that fit into it."""
        group = next(iter(self._waiting))
        version, key, tasks = self._waiting.pop(group)
        size, rows = 1, tasks[0].count
        while size < len(tasks) and rows + tasks[size].count <= _MAX_ROWS:
            rows += tasks[size].count
            size += 1
        if size < len(tasks):  # at the end of the line, so that no model starves the others
            self._waiting[group] = version, key, tasks[size:]
        self._start(version, key, tasks[:size])

    def _finish(self, batch: list[_Task]) -> None:
        self._free += 1
        if self._waiting:
            self._start_waiting()
        for task in batch:
            if task.answer.done():  # the server is being stopped
                continue
            if isinstance(task.found, Exception):
                task.answer.set_exception(task.found)
            else:
                task.answer.set_result(task.found)

    # ------------------------------------------------------------ in a thread

    def _run(
        self, version: Version, key: str, batch: list[_Task], loop: asyncio.AbstractEventLoop
    ) -> None:
        if len(batch) == 1 or not _run_joined(version, key, batch):
            for task in batch:  # each for itself, so that one cannot spoil the others
                try:
                    task.found = predict.respond(version, key, task.inputs, task.rows)
                except Exception as error:
                    task.found = error
        loop.call_soon_threadsafe(self._finish, batch)


def _run_joined(version: Version, key: str, batch: list[_Task]) -> bool:
    """Run a batch at once; say whether that went well."""
    sizes = [task.count for task in batch]
    total = sum(sizes)
    start = time.perf_counter()
    try:
        outputs = version.runtime.run(key, join([task.inputs for task in batch], total))
        answers = split(outputs, sizes, total)
        for task, answer in zip(batch, answers, strict=True):
            task.found = encode(answer, rows=task.rows)
    except StatusError:
        return False
    microseconds = (time.perf_counter() - start) * 1e6
    for _ in batch:
        RUNTIME_LATENCY.observe(microseconds, version.model, "Predict", "TF1")
    return True


def _joinable(version: Version, key: str, inputs: Mapping[str, np.ndarray]) -> int:
    """Return how many rows a request has, 0 where it has to run alone."""
    if key not in getattr(version.runtime, "rowwise", ()):
        return 0
    counts = {array.shape[0] if array.ndim else 0 for array in inputs.values()}
    count = counts.pop()
    return 0 if counts or count > _MAX_ROWS else count
