"""Which requests run together, with a model in NumPy that waits until it is told to go on."""

import asyncio
import contextlib
import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from dlkit.serving.core.runtime import Runtime
from dlkit.serving.core.signatures import Signature, TensorInfo
from dlkit.serving.core.status import StatusError
from dlkit.serving.inference import batch_execution
from dlkit.serving.inference.adaptive_batching import AdaptiveBatcher
from dlkit.serving.inference.calls import answer_request
from dlkit.serving.versions.served_model import ServedModel
from dlkit.serving.wire.rest_json import requests
from dlkit.serving.wire.rest_json.predict import PREDICT

X, Y = TensorInfo("DT_FLOAT", (-1, 2)), TensorInfo("DT_FLOAT", (-1,))
FREE = TensorInfo("DT_FLOAT", None)
SECONDS = 30


class Halves(Runtime):
    """y = half the sum of a row; refuses rows that hold 13."""

    def __init__(self):
        self.signatures = {
            "serving_default": Signature({"x": X}, {"y": Y}),
            "mixing": Signature({"x": X}, {"y": Y}),
            "free": Signature({"x": FREE}, {"y": FREE}),
            "first": Signature({"x": FREE}, {"y": FREE}),
        }
        self.rowwise = frozenset({"serving_default", "free", "first"})
        self.batches = []
        self.running = threading.Semaphore(0)
        self.go_on = threading.Event()

    def run(self, signature_name, inputs):
        x = inputs["x"]
        self.batches.append((signature_name, x.shape))
        self.running.release()
        assert self.go_on.wait(SECONDS)
        if (x == 13).any():
            raise StatusError("INVALID_ARGUMENT", "13 is unlucky")
        if signature_name == "first":
            return {"y": x[:1]}
        return {"y": x.sum(axis=-1) / 2}

    def close(self):
        pass


@pytest.fixture
def halves(tmp_path):
    """A model and what answers its requests, one batch at a time."""
    (tmp_path / "1").mkdir()
    runtime = Halves()
    model = ServedModel("m", tmp_path, lambda path: runtime)
    model.poll()
    with ThreadPoolExecutor(8) as pool:
        batcher = AdaptiveBatcher({"m": model}, pool)
        batcher._free = 1
        yield runtime, batcher
        runtime.go_on.set()


def body(x, **more):
    return json.dumps({"instances": x, **more}).encode()


def ask_together(runtime, batcher, bodies):
    """Send the first request, and the others when it is running; return all outcomes."""

    async def one(text):
        try:
            return json.loads(await batcher.answer("m", None, PREDICT, text))
        except StatusError as error:
            return error

    async def all_of_them():
        tasks = [asyncio.create_task(one(bodies[0]))]
        await asyncio.to_thread(runtime.running.acquire, timeout=SECONDS)
        tasks += [asyncio.create_task(one(text)) for text in bodies[1:]]
        await asyncio.sleep(0)  # all of them have been put into their queues
        runtime.go_on.set()
        return await asyncio.gather(*tasks)

    return asyncio.run(all_of_them())


def test_who_is_alone_runs_at_once_and_who_waits_runs_together(halves):
    runtime, batcher = halves
    bodies = [body([[n, n], [n, 0]]) for n in range(9)]
    answers = ask_together(runtime, batcher, bodies)
    assert answers == [{"predictions": [float(n), n / 2]} for n in range(9)]
    assert runtime.batches == [("serving_default", (2, 2)), ("serving_default", (16, 2))]


def test_rows_and_columns_go_together(halves):
    runtime, batcher = halves
    columns = json.dumps({"inputs": {"x": [[2, 2]]}}).encode()
    answers = ask_together(runtime, batcher, [body([[0, 0]]), columns, body([[4, 4]])])
    assert answers[1:] == [{"outputs": [2.0]}, {"predictions": [4.0]}]
    assert runtime.batches[1:] == [("serving_default", (2, 2))]


def test_one_bad_request_does_not_fail_the_others(halves):
    runtime, batcher = halves
    bodies = [body([[n, 0]]) for n in (1, 2, 13, 4)]
    answers = ask_together(runtime, batcher, bodies)
    unlucky = answers.pop(2)
    assert (unlucky.code, unlucky.message) == ("INVALID_ARGUMENT", "13 is unlucky")
    assert [answer["predictions"] for answer in answers] == [[0.5], [1.0], [2.0]]
    assert runtime.batches[1:] == [("serving_default", (rows, 2)) for rows in (3, 1, 1, 1)]


def test_rows_of_other_shapes_and_signatures_do_not_meet(halves):
    runtime, batcher = halves
    free = [body(x, signature_name="free") for x in ([[1, 2]], [[1, 2, 3]], [[3, 4]])]
    answers = ask_together(runtime, batcher, [body([[0, 0]]), *free, body([[1, 1]])])
    assert [a["predictions"] for a in answers[1:]] == [[1.5], [3.0], [3.5], [1.0]]
    assert sorted(runtime.batches[1:]) == [
        ("free", (1, 3)),
        ("free", (2, 2)),
        ("serving_default", (1, 2)),
    ]


def test_a_signature_whose_rows_mix_is_never_joined(halves):
    runtime, batcher = halves
    bodies = [body([[n, n]], signature_name="mixing") for n in range(3)]
    answers = ask_together(runtime, batcher, bodies)
    assert answers == [{"predictions": [float(n)]} for n in range(3)]
    assert runtime.batches == [("mixing", (1, 2))] * 3


def test_an_output_without_a_row_for_each_is_answered_alone(halves):
    runtime, batcher = halves
    bodies = [body([[n, n]], signature_name="first") for n in range(3)]
    answers = ask_together(runtime, batcher, bodies)
    assert answers == [{"predictions": [[float(n), float(n)]]} for n in range(3)]
    assert runtime.batches[1:] == [("first", (rows, 2)) for rows in (2, 1, 1)]


def test_a_batch_has_an_end_and_no_queue_starves_another(halves):
    runtime, batcher = halves
    many = [body([[n, n]] * 30) for n in range(5)]
    other = body([[1, 2, 3]], signature_name="free")
    answers = ask_together(runtime, batcher, [body([[0, 0]]), *many, other])
    assert [a["predictions"] for a in answers[1:6]] == [[float(n)] * 30 for n in range(5)]
    assert batch_execution.MAX_ROWS == 64
    assert runtime.batches[1:] == [
        ("serving_default", (60, 2)),
        ("free", (1, 3)),
        ("serving_default", (60, 2)),
        ("serving_default", (30, 2)),
    ]


def test_what_is_long_has_a_thread_of_its_own(halves):
    runtime, batcher = halves
    rows = 20_000
    answers = ask_together(runtime, batcher, [body([[1, 1]]), body([[2, 2]] * rows)])
    assert answers[1] == {"predictions": [2.0] * rows}
    assert runtime.batches[1:] == [("serving_default", (rows, 2))]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("n", body([[1, 2]]), r"Servable not found for request: Latest\(n\)"),
        ("n", b'{"instances": [[1, 2..5]]}', "JSON Parse error: "),
        ("m", b'{"instances": [[1, 2..5]]}', "JSON Parse error: "),
        ("m", body([[1, 2], [3]]), "Failed to process element: 1 of 'instances' list"),
        ("m", body([[1, 2]], signature_name="no"), 'Serving signature name: "no" not found'),
    ],
)
def test_refusals_are_those_of_the_other_way(halves, name, text, message):
    runtime, batcher = halves
    runtime.go_on.set()
    with pytest.raises(StatusError, match=message) as caught:
        asyncio.run(batcher.answer(name, None, PREDICT, text))
    with pytest.raises(StatusError) as other:
        answer_request(batcher._models, name, None, PREDICT, text)
    assert (caught.value.code, caught.value.message, caught.value.hint) == (
        other.value.code,
        other.value.message,
        other.value.hint,
    )
    assert batcher._models["m"]._versions[1].users == 0


def test_no_version_is_unloaded_while_it_runs(halves, tmp_path):
    runtime, batcher = halves
    held = []

    async def ask_and_look():
        task = asyncio.create_task(batcher.answer("m", None, PREDICT, body([[1, 1]])))
        await asyncio.to_thread(runtime.running.acquire, timeout=SECONDS)
        held.append(batcher._models["m"]._versions[1].users)
        runtime.go_on.set()
        await task
        held.append(batcher._models["m"]._versions[1].users)

    asyncio.run(ask_and_look())
    assert held == [1, 0]


LONG = [
    body([0] * 20_000 + ["a"]),
    body([[0]] * 10_000 + [[0, 1]]),
    body([[0]] * 10_000 + [[None]]),
    body([{"x": [0, 0]}] * 4_000),
    body(["a"] * 10_000),
    body([0.5] * 1_000, signature_name="whole"),
    b'{"instances": [' + b"[" * 60_000,
    b'{"instances": [1, 2' + b", 0" * 20_000 + b"}",
]


@pytest.mark.parametrize("text", LONG, ids=range(len(LONG)))
def test_what_takes_long_to_read_is_read_in_a_thread(halves, monkeypatch, text):
    runtime, batcher = halves
    runtime.go_on.set()
    whole = TensorInfo("DT_INT32", (-1,))
    runtime.signatures["whole"] = Signature({"x": whole}, {"y": whole})
    assert len(text) < 64 * 1024
    parse, threads = requests.parse_json, set()

    def spied(text):
        threads.add(threading.current_thread())
        return parse(text)

    monkeypatch.setattr(requests, "parse_json", spied)

    async def ask():
        assert not batcher.take("m", None, PREDICT, text, print)
        return await batcher.answer("m", None, PREDICT, text)

    with contextlib.suppress(StatusError):
        asyncio.run(ask())
    assert threads
    assert threading.current_thread() not in threads
