"""One run for several requests, on a model in NumPy."""

import json
import pathlib

import pytest

from dlkit.serving.core.runtime import Runtime
from dlkit.serving.core.signatures import Signature, TensorInfo
from dlkit.serving.core.status import StatusError
from dlkit.serving.core.version import Version
from dlkit.serving.inference import batch_execution
from dlkit.serving.inference.batch_execution import Task
from dlkit.serving.observability import metrics
from dlkit.serving.wire.rest_json.predict import PREDICT

X, Y = TensorInfo("DT_FLOAT", (-1, 2)), TensorInfo("DT_FLOAT", (-1,))


class Halves(Runtime):
    def __init__(self):
        self.signatures = {"serving_default": Signature({"x": X}, {"y": Y})}
        self.rowwise = frozenset({"serving_default"})
        self.rows = []

    def run(self, signature_name, inputs):
        self.rows.append(len(inputs["x"]))
        if (inputs["x"] == 13).any():
            raise StatusError("INVALID_ARGUMENT", "13 is unlucky")
        if (inputs["x"] == 12).any():
            raise ZeroDivisionError("a bug")
        return {"y": inputs["x"].sum(axis=-1) / 2}

    def close(self):
        pass


@pytest.fixture
def version():
    return Version(1, pathlib.Path("1"), runtime=Halves(), model="m")


def task(version, x, **more):
    body = json.dumps({"instances": x, **more}).encode()
    return Task(version, PREDICT, PREDICT.decode(PREDICT.read(body), version), print)


def test_each_gets_its_own_rows(version):
    before = metrics.RUNTIME_LATENCY.total()
    tasks = [task(version, [[n, n], [n, 0]]) for n in (1, 2, 3)]
    batch_execution.run_tasks(tasks, alone=True)
    assert [json.loads(one.found)["predictions"] for one in tasks] == [
        [n, n / 2] for n in (1, 2, 3)
    ]
    assert version.runtime.rows == [6]
    assert metrics.RUNTIME_LATENCY.total() - before == 3
    assert tasks[0].times.expected(tasks[0].kind, 6) > 0


@pytest.mark.parametrize(("number", "kind"), [(13, StatusError), (12, ZeroDivisionError)])
def test_whatever_goes_wrong_is_that_requests_own(version, number, kind):
    tasks = [task(version, [[n, 0]]) for n in (1, number, 2)]
    batch_execution.run_tasks(tasks, alone=False)
    assert version.runtime.rows == [3, 1, 1, 1]
    assert isinstance(tasks[1].found, kind)
    assert [json.loads(tasks[i].found)["predictions"] for i in (0, 2)] == [[0.5], [1.0]]


def test_what_can_run_together(version):
    one, other = task(version, [[1, 2]]), task(version, [[3, 4], [5, 6]])
    assert (one.count, other.count) == (1, 2)
    assert one.group == other.group
    assert task(Version(2, pathlib.Path("2"), runtime=Halves()), [[1, 2]]).group != one.group
    many = task(version, [[1, 2]] * (batch_execution.MAX_ROWS + 1))
    assert (many.count, many.kind) == (0, ())
    version.runtime.rowwise = frozenset()
    assert task(version, [[1, 2]]).count == 0


def test_a_run_that_took_too_long_is_not_repeated_for_each(version, monkeypatch):
    def run(signature_name, inputs):
        version.runtime.rows.append(len(inputs["x"]))
        raise StatusError("DEADLINE_EXCEEDED", "Timed out")

    monkeypatch.setattr(version.runtime, "run", run)
    tasks = [task(version, [[n, 0]]) for n in range(3)]
    batch_execution.run_tasks(tasks, alone=False)
    assert version.runtime.rows == [3]
    assert [one.found.code for one in tasks] == ["DEADLINE_EXCEEDED"] * 3


def test_who_cannot_take_an_answer_does_not_keep_it_from_the_others(version, caplog):
    found = []

    def bug(answer):
        raise ZeroDivisionError("a bug")

    tasks = [task(version, [[n, 0]]) for n in range(3)]
    for one, done in zip(tasks, (found.append, bug, found.append), strict=True):
        one.done = done
    batch_execution.run_tasks(tasks, alone=True)
    batch_execution.tell_tasks(tasks)
    assert found == [b'{"predictions":[0.0]}', b'{"predictions":[1.0]}']
    assert [record.exc_info[0] for record in caplog.records] == [ZeroDivisionError]
