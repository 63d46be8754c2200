"""Runs in the event loop, with a model in NumPy whose times the test makes up."""

import asyncio
import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from dlkit.serving.core.latency import RunTimes
from dlkit.serving.core.runtime import Runtime
from dlkit.serving.core.signatures import Signature, TensorInfo
from dlkit.serving.core.status import StatusError
from dlkit.serving.inference import inline_execution
from dlkit.serving.inference.adaptive_batching import AdaptiveBatcher
from dlkit.serving.inference.batch_execution import Task
from dlkit.serving.versions.served_model import ServedModel
from dlkit.serving.wire.rest_json.predict import PREDICT
from dlkit.serving.wire.rest_json.requests import read_at_once

MANY = TensorInfo("DT_FLOAT", (-1, -1))


class MadeUp(RunTimes):
    """What the test says that runs take; how long they took is noted, and changes nothing.

    Else one run that had to wait for the processor would decide where the next are run.
    """

    def __init__(self):
        super().__init__(clock=lambda: 0.0)
        self.taken = []

    make_up = RunTimes.learn

    def learn(self, what, rows, microseconds, *, alone):
        assert microseconds > 0
        self.taken.append((what, rows, alone))


class Sums(Runtime):
    """The sum of each row; notes what was run together, and in which thread."""

    def __init__(self):
        self.signatures = {
            "serving_default": Signature({"x": MANY}, {"y": TensorInfo("DT_FLOAT", (-1,))}),
            "mixing": Signature({"x": MANY}, {"y": TensorInfo("DT_FLOAT", (-1,))}),
        }
        self.rowwise = frozenset({"serving_default"})
        self.times = MadeUp()
        self.batches = []
        self.threads = set()

    def run(self, signature_name, inputs):
        self.batches.append(inputs["x"].shape)
        self.threads.add(threading.current_thread())
        if (inputs["x"] == -1).any():
            raise StatusError("INVALID_ARGUMENT", "a row is negative")
        return {"y": inputs["x"].sum(axis=-1)}

    def close(self):
        pass


class Served:
    """A model, and what answers its requests in one event loop."""

    def __init__(self, folder, pool):
        (folder / "1").mkdir()
        self.runtime = Sums()
        self.model = ServedModel("m", folder, lambda path: self.runtime)
        self.model.poll()
        self.batcher = AdaptiveBatcher({"m": self.model}, pool)
        self.version = self.model._versions[1]

    def learn(self, x, microseconds):
        """Make up how long it takes to answer `x`."""
        call = PREDICT.decode(PREDICT.read(body(x)), self.version)
        task = Task(self.version, PREDICT, call, print)
        self.runtime.times.make_up(task.kind, len(x), microseconds, alone=True)

    def ask_together(self, *bodies):
        """Ask all in one turn of the event loop; return the outcomes, in order."""

        async def ask():
            return await asyncio.gather(
                *(self.batcher.answer("m", None, PREDICT, text) for text in bodies),
                return_exceptions=True,
            )

        return [
            found if isinstance(found, Exception) else json.loads(found)["predictions"]
            for found in asyncio.run(ask())
        ]


@pytest.fixture
def served(tmp_path):
    with ThreadPoolExecutor(4) as pool:
        yield Served(tmp_path, pool)


def body(x, **more):
    return json.dumps({"instances": x, **more}).encode()


def test_the_first_run_is_timed_in_a_thread_and_the_next_is_run_in_the_loop(served):
    assert served.ask_together(body([[1, 2]])) == [[3.0]]
    assert threading.current_thread() not in served.runtime.threads
    kind = ("serving_default", ((2,),))
    assert served.runtime.times.taken == [(kind, 1, False)]
    served.runtime.threads.clear()
    served.learn([[1, 2]], 100)
    assert served.ask_together(body([[3, 4]])) == [[7.0]]
    assert served.runtime.threads == {threading.current_thread()}
    assert served.runtime.times.taken[1:] == [(kind, 1, True)]


def test_what_comes_in_one_turn_is_run_together(served):
    served.learn([[1, 2]], 50)
    answers = served.ask_together(*(body([[n, n], [n, 1]]) for n in range(5)))
    assert answers == [[2.0 * n, n + 1.0] for n in range(5)]
    assert served.runtime.batches == [(10, 2)]
    assert served.runtime.threads == {threading.current_thread()}


@pytest.mark.parametrize("microseconds", [301, 2001])
def test_a_slow_model_stays_in_threads(served, microseconds):
    served.learn([[1, 2]], microseconds)
    assert served.ask_together(body([[1, 2]])) == [[3.0]]
    assert threading.current_thread() not in served.runtime.threads


def test_a_request_of_many_rows_of_a_cheap_model_can_be_long(served):
    served.learn([[1, 2]] * 60, 5000)
    assert served.ask_together(body([[1, 2]] * 60)) == [[3.0] * 60]
    assert threading.current_thread() not in served.runtime.threads


def test_a_short_model_is_run_in_the_loop_once_and_beside_that_in_threads(served):
    """250 microseconds a row hold up nobody once; several times they would."""
    served.learn([[1, 2]], 250)
    assert served.ask_together(*(body([[n, n]]) for n in range(3))) == [[0.0], [2.0], [4.0]]
    assert len(served.runtime.threads) > 1
    assert threading.current_thread() in served.runtime.threads


def test_a_cheap_model_goes_on_a_turn_later(served):
    served.learn([[1, 2]] * 15, 1400)  # 93 a row
    answers = served.ask_together(*(body([[n, n] for n in range(8)]) for _ in range(10)))
    assert answers == [[2.0 * n for n in range(8)]] * 10
    assert served.runtime.threads == {threading.current_thread()}
    assert served.runtime.batches[0] == (8, 2)  # 16 rows could take twice as long as 15
    assert sum(rows for rows, _ in served.runtime.batches) == 80


def test_no_run_has_more_rows_than_the_threads_would_join(served):
    served.learn([[1, 2]] * 40, 1)
    answers = served.ask_together(*(body([[n, n]] * 40) for n in range(4)))
    assert answers == [[2.0 * n] * 40 for n in range(4)]
    assert served.runtime.batches == [(40, 2)] * 4


def test_models_take_turns(served):
    for width in (2, 3):
        served.learn([[1] * width] * 8, 700)
        served.learn([[1] * width], 600)
    texts = [body([[n] * width]) for n in range(20) for width in (2, 3)]
    answers = served.ask_together(*texts)
    assert answers == [[float(n * width)] for n in range(20) for width in (2, 3)]
    widths = [width for _, width in served.runtime.batches]
    assert widths[:4] == [2, 3, 2, 3]
    assert served.runtime.threads == {threading.current_thread()}


def test_one_bad_request_does_not_fail_the_others(served):
    served.learn([[1, 2]], 50)
    first, unlucky, last = served.ask_together(body([[1, 1]]), body([[-1, 0]]), body([[2, 2]]))
    assert (first, last) == ([2.0], [4.0])
    assert (unlucky.code, unlucky.message) == ("INVALID_ARGUMENT", "a row is negative")


def test_a_signature_whose_rows_mix_goes_to_the_threads(served):
    served.learn([[1, 2]], 50)
    assert served.ask_together(body([[1, 2]], signature_name="mixing")) == [[3.0]]
    assert threading.current_thread() not in served.runtime.threads


def take(served, text, name="m", wanted=None):
    """Ask without a coroutine; return if it was taken, and the outcome."""

    async def ask():
        outcome = asyncio.get_running_loop().create_future()
        taken = served.batcher.take(name, wanted, PREDICT, text, outcome.set_result)
        assert served.version.users == taken  # held as long as it waits
        return await outcome if taken else None

    outcome = asyncio.run(ask())
    assert served.version.users == 0
    return outcome


@pytest.mark.parametrize("microseconds", [50, 5000])
def test_without_a_coroutine(served, microseconds):
    served.learn([[1, 2]], microseconds)
    assert take(served, body([[1, 2]])) == b'{"predictions":[3.0]}'
    assert (threading.current_thread() in served.runtime.threads) == (microseconds == 50)
    assert take(served, body([[1, 2, 3]]), wanted=1) == b'{"predictions":[6.0]}'
    error = take(served, body([[-1, 2]]))
    assert (error.code, error.message) == ("INVALID_ARGUMENT", "a row is negative")


@pytest.mark.parametrize(
    ("text", "name", "wanted"),
    [
        (body([[1, 2]]), "n", None),
        (body([[1, 2]]), "m", 2),
        (body([[1, 2]]), "m", "canary"),
        (b'{"instances": [[1, 2..5]]}', "m", None),
        (b'{"instances": [[1, 2], [3]]}', "m", None),
        (b'{"instances": ' + b"[" * 10_000, "m", None),
        (b"", "m", None),
        (body([[1, 2]], signature_name="no"), "m", None),
        (body([[1, 2]] * 20_000), "m", None),
    ],
)
def test_what_goes_the_other_way(served, text, name, wanted):
    served.learn([[1, 2]], 50)
    assert take(served, text, name, wanted) is None
    assert served.runtime.batches == []


@pytest.mark.parametrize(
    "text", [body([[1, 2]], signature_name="mixing"), body([[1, 2]] * 100)], ids=["mixing", "many"]
)
def test_what_has_to_run_alone_is_read_once(served, monkeypatch, text):
    served.learn([[1, 2]], 50)
    seen = []
    monkeypatch.setattr(
        "dlkit.serving.wire.rest_json.predict.read_at_once",
        lambda body: seen.append(body) or read_at_once(body),
    )
    monkeypatch.setattr("dlkit.serving.wire.rest_json.predict.read_request", None)
    rows = len(json.loads(text)["instances"])
    assert served.ask_together(text) == [[3.0] * rows]
    assert json.loads(take(served, text)) == {"predictions": [3.0] * rows}
    assert seen == [text, text]
    assert threading.current_thread() not in served.runtime.threads
    assert served.runtime.times.taken == []


def test_a_model_whose_rows_mix_is_not_read_twice(served, monkeypatch):
    served.runtime.rowwise = frozenset()
    monkeypatch.setattr("dlkit.serving.wire.rest_json.predict.read_at_once", None)
    assert take(served, body([[1, 2]])) is None


def test_strings_go_to_the_threads(served):
    """Texts of one length may hold a small picture or a large one."""
    text = TensorInfo("DT_STRING", (-1,))
    served.runtime.signatures["serving_default"] = Signature({"x": text}, {"y": text})
    served.runtime.run = lambda key, inputs: (
        served.runtime.threads.add(threading.current_thread()) or {"y": inputs["x"]}
    )
    for _ in range(2):
        assert served.ask_together(body(["a", "b"])) == [["a", "b"]]
    assert threading.current_thread() not in served.runtime.threads


def test_who_asks_again_at_once_is_looked_out_for(served, monkeypatch):
    served.learn([[1, 2]], 50)
    monkeypatch.setattr(served.runtime.times, "learn", lambda *_, **more: None)
    looking = []

    async def ask(moments):
        for moment in moments:
            monkeypatch.setattr(inline_execution, "_MOMENT", moment)
            await served.batcher.answer("m", None, PREDICT, body([[1, 2]]))
            await asyncio.sleep(0)
            looking.append(served.batcher._inline_runs._looks_out)

    asyncio.run(ask([60, 60, 60, 0, 60, 0, 0]))
    assert looking == [False, True, True, False, True, False, False]
