"""Requests that come at the same time, run as one batch, without being asked.

    event loop:  body -> arrays -> short? run at once : a free slot? : wait in a queue     <-+
    threads:     the arrays of a queue, joined -> the model -> an answer for each -----------+

As `batching`, with no limits to set: a request that comes alone never waits, batches grow with the
load, and no request is refused for it. Only signatures are joined of which the export has seen that
each row is answered by itself. Short texts are parsed by the event loop itself, which costs less
than to wake a thread for each, and so it runs what is fast (`inline_execution`); long ones are work
enough for a thread of their own, unjoined.
"""

import asyncio
import functools
import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from dlkit.serving.core.status import StatusError
from dlkit.serving.core.version import Version, Wanted
from dlkit.serving.inference import batch_execution
from dlkit.serving.inference.batch_execution import Task, Waiting
from dlkit.serving.inference.calls import answer_request
from dlkit.serving.inference.inline_execution import InlineRuns
from dlkit.serving.versions.served_model import ServedModel
from dlkit.serving.wire.codec import Codec


class AdaptiveBatcher:
    """Answers the requests of one event loop.

    Args:
        models: The served models by name.
        pool: Where predictions run.
    """

    def __init__(self, models: Mapping[str, ServedModel], pool: ThreadPoolExecutor):
        self._models = models
        self._pool = pool
        self._slots = self._free = os.cpu_count() or 1
        self._inline_runs = InlineRuns()
        self._waiting = Waiting()

    async def answer(self, name: str, wanted: Wanted, codec: Codec, body: Any) -> Any:
        """Answer a request: run with others if it can be, else in a thread of its own.

        Args:
            name: Which model is asked.
            wanted: Which version, by number or label; None for the highest one available.
            codec: How the request is written.
            body: The request.

        Raises:
            StatusError: with TensorFlow Serving's message, and a hint where one is known.
        """
        loop = asyncio.get_running_loop()
        answer = loop.create_future()
        if self.take(name, wanted, codec, body, functools.partial(_settle, answer)):
            return await answer
        given = self._models, name, wanted, codec, body
        return await loop.run_in_executor(self._pool, answer_request, *given)

    def take(
        self,
        name: str,
        wanted: Wanted,
        codec: Codec,
        body: Any,
        done: Callable[[Any | Exception], None],
    ) -> bool:
        """Take a request without a coroutine, if it is soon read and its model joins any.

        Args:
            name: Which model is asked.
            wanted: Which version, by number or label; None for the highest one available.
            codec: How the request is written.
            body: The request.
            done: Takes the answer, or why there is none, in a later turn of the event loop.

        Returns:
            Whether `done` will be called. Else the request is one for `answer_request`: to read it
            is work for a thread, or there is something wrong with it.
        """
        model = self._models.get(name)
        if model is None:
            return False
        try:
            version = model.acquire(wanted)
        except StatusError:
            return False
        task = None
        try:
            if version.runtime.rowwise:
                call = codec.decode_at_once(body, version)
                if call is not None:
                    release_and_tell = functools.partial(_release_and_tell, model, version, done)
                    task = Task(version, codec, call, release_and_tell)
        except Exception:  # `answer_request` has the words for it
            pass
        if task is None:
            model.release(version)
            return False
        if task.count:
            self._start_soon(task)
        else:  # of a signature whose rows mix, or of more rows than a run has
            self._pool.submit(self._run_alone, task, asyncio.get_running_loop())
        return True

    # ------------------------------------------------------------ in the event loop

    def _start_soon(self, task: Task) -> None:
        if self._inline_runs.take(task, idle=self._free == self._slots):
            return
        if self._free and not self._waiting:
            self._start([task])
        else:
            self._waiting.add(task)

    def _start(self, batch: list[Task]) -> None:
        self._free -= 1
        self._pool.submit(self._run, batch, asyncio.get_running_loop())

    def _finish(self, batch: list[Task]) -> None:
        self._free += 1
        if self._waiting:
            self._start(self._waiting.next_run())
        batch_execution.tell_tasks(batch)

    # ------------------------------------------------------------ in a thread

    def _run(self, batch: list[Task], loop: asyncio.AbstractEventLoop) -> None:
        batch_execution.run_tasks(batch, alone=False)
        loop.call_soon_threadsafe(self._finish, batch)

    def _run_alone(self, task: Task, loop: asyncio.AbstractEventLoop) -> None:
        batch_execution.run_alone(task)
        loop.call_soon_threadsafe(batch_execution.tell_tasks, [task])


def _settle(answer: asyncio.Future, found: Any | Exception) -> None:
    if answer.done():  # the server is being stopped
        return
    if isinstance(found, Exception):
        answer.set_exception(found)
    else:
        answer.set_result(found)


def _release_and_tell(
    model: ServedModel,
    version: Version,
    done: Callable[[Any | Exception], None],
    found: Any | Exception,
) -> None:
    model.release(version)
    done(found)
