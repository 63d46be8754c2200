"""Batches under load, on a runtime that can be held still; then on a server's process."""

import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from dlkit.serving import Client, Server
from dlkit.serving.batching.batching import BatchedRuntime, Batcher, is_rowwise
from dlkit.serving.batching.config import BatchingParameters
from dlkit.serving.core.signatures import Signature, TensorInfo
from dlkit.serving.core.status import StatusError
from dlkit.serving.observability import metrics
from tests.serving.http_asking import ask, predict
from tests.serving.waiting import SECONDS, wait_for

ROW = TensorInfo("DT_FLOAT", (-1,))


class Double:
    """y = 2 x; it notes how many rows it is given, and can be held still."""

    def __init__(self):
        self.signatures = {"double": Signature({"x": ROW}, {"y": ROW})}
        self.sizes, self.threads, self.go = [], [], threading.Event()
        self.go.set()
        self.closed = False

    def run(self, signature_name, inputs):
        self.sizes.append(len(inputs["x"]))
        self.threads.append(threading.get_ident())
        assert self.go.wait(SECONDS)
        if (inputs["x"] < 0).any():
            raise StatusError("INVALID_ARGUMENT", "negative")
        return {"y": inputs["x"] * 2}

    def close(self):
        self.closed = True


def waiting(batcher):
    return sum(len(queue.waiting) for queue in batcher._queues.values())


class Load:
    """Requests from threads of their own, against a runtime that is held still."""

    def __init__(self, **parameters):
        self.double = Double()
        self.batcher = Batcher(BatchingParameters(**{"threads": 1, **parameters}))
        self.runtime = BatchedRuntime(self.double, self.batcher)
        self.pool = ThreadPoolExecutor(64)

    def ask(self, *values):
        return self.pool.submit(self.runtime.run, "double", {"x": np.float32(values)})

    def hold(self):
        """Fill the only slot with a request that does not end."""
        self.double.go.clear()
        first = self.ask(100.0)
        wait_for(lambda: self.batcher._free == 0)
        return first

    def queue(self, *requests):
        """Let requests wait, one after the other, and return their futures."""
        futures = []
        for values in requests:
            before = waiting(self.batcher)
            futures.append(self.ask(*values))
            wait_for(lambda before=before: waiting(self.batcher) == before + 1)
        return futures

    def release(self):
        self.double.go.set()

    def answers(self, futures):
        return [future.result(SECONDS)["y"].tolist() for future in futures]


@pytest.fixture
def load():
    made = []

    def make(**parameters):
        made.append(Load(**parameters))
        return made[-1]

    yield make
    for load in made:
        load.release()
        load.pool.shutdown()


def test_a_request_alone_runs_at_once_in_its_own_thread(load):
    load = load()
    answer = load.runtime.run("double", {"x": np.float32([1, 2])})
    assert answer["y"].tolist() == [2, 4]
    assert load.double.threads == [threading.get_ident()]
    assert load.batcher._free == 1


def test_what_waits_runs_together_and_everyone_gets_his_own(load):
    load = load()
    first = load.hold()
    futures = load.queue([1.0], [2.0, 3.0], [4.0])
    load.release()
    assert load.answers([first, *futures]) == [[200.0], [2.0], [4.0, 6.0], [8.0]]
    assert load.double.sizes == [1, 4]
    wait_for(lambda: load.batcher._free == 1)
    assert not load.batcher._queues


def test_a_batch_is_never_larger_than_allowed(load):
    load = load(max_batch_size=4)
    first = load.hold()
    futures = load.queue([1.0, 1.0, 1.0], [2.0, 2.0], [3.0, 3.0], [4.0])
    load.release()
    assert load.answers([first, *futures])[1:] == [[2.0] * 3, [4.0] * 2, [6.0] * 2, [8.0]]
    assert load.double.sizes == [1, 3, 4, 1]


def test_b5_a_batch_is_filled_up_to_an_allowed_size(load):
    load = load(max_batch_size=8, allowed_sizes=(2, 8))
    first = load.hold()
    futures = load.queue([1.0], [2.0], [3.0])
    load.release()
    assert load.answers([first, *futures]) == [[200.0], [2.0], [4.0], [6.0]]
    assert load.double.sizes == [2, 8]


def test_requests_without_rows(load):
    load = load(max_batch_size=8, allowed_sizes=(2, 8))
    assert load.runtime.run("double", {"x": np.float32([])})["y"].tolist() == []
    first = load.hold()
    futures = load.queue([], [1.0], [])
    load.release()
    assert load.answers([first, *futures]) == [[200.0], [], [2.0], []]
    assert load.double.sizes == [0, 2, 2]


def test_b7_other_shapes_queue_apart_without_padding(load):
    load = load()
    first = load.hold()
    flat, wide = (
        load.queue([1.0]),
        load.pool.submit(load.runtime.run, "double", {"x": np.float32([[1, 2]])}),
    )
    wait_for(lambda: len(load.batcher._queues) == 2)
    load.release()
    assert load.answers([first, *flat, wide]) == [[200.0], [2.0], [[2.0, 4.0]]]


def test_b8_a_full_queue_refuses(load):
    load = load(max_batch_size=2, max_enqueued_batches=2)
    load.hold()
    load.queue([1.0], [2.0], [3.0], [4.0])
    with pytest.raises(
        StatusError, match="queue to which this task was submitted is full"
    ) as caught:
        load.runtime.run("double", {"x": np.float32([5.0])})
    assert (caught.value.code, caught.value.http_status) == ("UNAVAILABLE", 503)


def test_b9_a_request_larger_than_a_batch(load):
    load = load(max_batch_size=2)
    with pytest.raises(StatusError) as caught:
        load.runtime.run("double", {"x": np.float32([1, 2, 3])})
    assert (caught.value.code, caught.value.message) == (
        "INVALID_ARGUMENT",
        "Task size 3 is larger than maximum input batch size 2",
    )


def test_b3_a_large_request_is_split(load):
    load = load(max_batch_size=8, split=True, max_execution_size=3)
    answer = load.runtime.run("double", {"x": np.arange(7, dtype=np.float32)})
    assert answer["y"].tolist() == [0, 2, 4, 6, 8, 10, 12]
    assert load.double.sizes == [3, 3, 1]


def test_one_request_cannot_spoil_the_others(load):
    load = load()
    first = load.hold()
    good, bad, other = load.queue([1.0], [-1.0], [2.0])
    load.release()
    assert load.answers([first, good, other]) == [[200.0], [2.0], [4.0]]
    with pytest.raises(StatusError, match="negative"):
        bad.result(SECONDS)
    assert load.double.sizes == [1, 3, 1, 1, 1]


def test_b11_no_queue_starves_the_others(load):
    """Two models share one slot: after a batch of one the other has its turn."""
    load, other = load(max_batch_size=1), Double()
    second = BatchedRuntime(other, load.batcher)
    order = []
    for name, double in (("a", load.double), ("b", other)):
        run = double.run
        double.run = lambda *given, name=name, run=run: (order.append(name), run(*given))[1]
    first = load.hold()
    futures = load.queue([1.0], [2.0], [3.0])
    for _ in range(3):
        count = waiting(load.batcher)
        futures.append(load.pool.submit(second.run, "double", {"x": np.float32([5.0])}))
        wait_for(lambda count=count: waiting(load.batcher) == count + 1)
    load.release()
    assert load.answers([first, *futures]) == [[200.0], [2.0], [4.0], [6.0]] + [[10.0]] * 3
    assert order == ["a", "a", "b", "a", "b", "a", "b"]


def test_a_timeout_waits_for_company(load):
    load = load(timeout_seconds=SECONDS, max_batch_size=3)
    futures = load.queue([1.0], [2.0])
    assert load.double.sizes == []
    futures.append(load.ask(3.0))  # the batch is full: it need not wait any longer
    assert load.answers(futures) == [[2.0], [4.0], [6.0]]
    assert load.double.sizes == [3]


def test_a_timeout_ends(load):
    load = load(timeout_seconds=0.02, max_batch_size=3)
    start = time.perf_counter()
    assert load.answers([load.ask(1.0)]) == [[2.0]]
    assert time.perf_counter() - start >= 0.02
    first = load.hold()
    futures = load.queue([1.0], [2.0])
    wait_for(lambda: all(t.due for q in load.batcher._queues.values() for t in q.waiting))
    load.release()
    assert load.answers([first, *futures]) == [[200.0], [2.0], [4.0]]
    assert load.double.sizes == [1, 1, 2]


def test_signatures_that_do_not_work_on_rows_run_alone():
    scalar, open_ = TensorInfo("DT_FLOAT", ()), TensorInfo("DT_FLOAT", None)
    assert is_rowwise(Signature({"x": ROW}, {"y": ROW}))
    for other in (scalar, open_, TensorInfo("DT_FLOAT", (1, 2))):
        assert not is_rowwise(Signature({"x": other}, {"y": ROW}))
        assert not is_rowwise(Signature({"x": ROW}, {"y": other}))
    double = Double()
    double.signatures = {"double": Signature({"x": open_}, {"y": open_})}
    runtime = BatchedRuntime(double, None)
    assert runtime.run("double", {"x": np.float32([3])})["y"] == [6]
    runtime.close()
    assert double.closed


@pytest.mark.parametrize("parameters", [{}, {"timeout_seconds": 0.0005}, {"threads": 2}])
def test_under_load_every_answer_is_right(load, parameters):
    load, wrong = load(max_batch_size=5, max_enqueued_batches=100, **parameters), []

    def hammer(seed):
        generator = np.random.default_rng(seed)
        for _ in range(300):
            x = generator.random(generator.integers(1, 5), np.float32)
            if not np.array_equal(load.runtime.run("double", {"x": x})["y"], x * 2):
                wrong.append(x)

    before = metrics.metric_totals()
    list(load.pool.map(hammer, range(8)))
    assert wrong == []
    assert max(load.double.sizes) <= 5
    assert load.batcher._free == load.batcher.parameters.concurrency
    after = metrics.metric_totals()
    grown = {name.rpartition("/")[2]: after[name] - before[name] for name in after}
    assert grown["queuing_latency"] == grown["input_batch_size"] == 8 * 300
    assert grown["wrapped_run_count"] == len(load.double.sizes) == grown["processed_batch_size"]


@pytest.fixture(scope="module")
def url(sink, tmp_path_factory):
    """A server of `sink` with batches of up to 8 rows, one at a time."""
    folder = tmp_path_factory.mktemp("batching")
    (folder / "batching").write_text(
        "max_batch_size { value: 8 } num_batch_threads { value: 1 }"
        " allowed_batch_sizes: 4 allowed_batch_sizes: 8"
    )
    (folder / "monitoring").write_text("prometheus_config { enable: true }")
    files = {
        "batching_parameters_file": folder / "batching",
        "monitoring_config_file": folder / "monitoring",
    }
    base = sink / "00000002"
    with Server(base, name="sink", rest_port=0, batching=True, warmup=False, **files) as server:
        yield server.url


def test_n10_a_server_that_batches(url):
    def ask_for(start):
        with Client(url, retries=0) as client:
            for value in range(start, start + 20):
                assert client.predict([float(value)]).tolist() == [value / 2 + 2]

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(ask_for, range(0, 1600, 100)))
    page = ask(url, path="/monitoring/prometheus/metrics").body.decode()
    sent = ":tensorflow:serving:batching_session:"
    pool_name = '{thread_pool_name="model_server_batch_threads"}'
    assert f"{sent}queuing_latency_count{pool_name} 320" in page
    assert f"{sent}input_batch_size_sum{{}} 320" in page
    runs = int(re.search(rf"{sent}wrapped_run_count{{}} (\d+)", page)[1])
    assert runs <= 320
    assert f'{sent}padding_size_count{{execution_batch_size="4"}}' in page


@pytest.mark.parametrize(
    ("signature", "inputs", "status", "text"),
    [
        pytest.param("scalar", 3.0, 200, 4.0, id="runs alone"),
        pytest.param("text", ["a"], 200, None, id="strings"),
        pytest.param(
            "join", {"a": [1.0], "b": [1.0, 2.0]}, 400, "equal 0th-dimension size", id="B6"
        ),
        pytest.param("", 1.0, 400, "must have at least one dimension", id="B6-scalar"),
        pytest.param("", [1.0] * 9, 400, "Task size 9 is larger than maximum", id="B9"),
        pytest.param("none", [1.0], 400, "0th dimension does not equal the sum", id="rows"),
        pytest.param("table", [[1.0]], 400, "Matrix size-incompatible", id="its own error"),
    ],
)
def test_what_a_server_that_batches_says(url, signature, inputs, status, text):
    answer = predict(url, {"inputs": inputs}, signature)
    assert answer.status == status, answer.body
    if status == 400:
        assert text in answer.error
    elif text is not None:
        assert answer.json == {"outputs": text}
