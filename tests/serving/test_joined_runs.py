"""One run for several requests, on a model in NumPy."""

import json
import pathlib

import pytest

from dlkit.serving import joined_runs, metrics
from dlkit.serving.joined_runs import prepare
from dlkit.serving.json_tensor import read_request
from dlkit.serving.run_times import RunTimes
from dlkit.serving.signatures import Signature, TensorInfo
from dlkit.serving.status import StatusError
from dlkit.serving.version import Version

X, Y = TensorInfo("DT_FLOAT", (-1, 2)), TensorInfo("DT_FLOAT", (-1,))


class Halves:
    def __init__(self):
        self.signatures = {"serving_default": Signature({"x": X}, {"y": Y})}
        self.rowwise = frozenset({"serving_default"})
        self.times = RunTimes()
        self.rows = []

    def run(self, signature_name, inputs):
        self.rows.append(len(inputs["x"]))
        if (inputs["x"] == 13).any():
            raise StatusError("INVALID_ARGUMENT", "13 is unlucky")
        if (inputs["x"] == 12).any():
            raise ZeroDivisionError("a bug")
        return {"y": inputs["x"].sum(axis=-1) / 2}


@pytest.fixture
def version():
    return Version(1, pathlib.Path("1"), runtime=Halves(), model="m")


def task(version, x, **more):
    body = json.dumps({"instances": x, **more}).encode()
    return prepare(version, read_request(body), print)


def test_each_gets_its_own_rows(version):
    before = metrics.RUNTIME_LATENCY.total()
    tasks = [task(version, [[n, n], [n, 0]]) for n in (1, 2, 3)]
    joined_runs.run(tasks, alone=True)
    assert [json.loads(one.found)["predictions"] for one in tasks] == [
        [n, n / 2] for n in (1, 2, 3)
    ]
    assert version.runtime.rows == [6]
    assert metrics.RUNTIME_LATENCY.total() - before == 3
    assert tasks[0].times.expected(tasks[0].kind, 6) > 0


@pytest.mark.parametrize(("number", "kind"), [(13, StatusError), (12, ZeroDivisionError)])
def test_whatever_goes_wrong_is_that_requests_own(version, number, kind):
    tasks = [task(version, [[n, 0]]) for n in (1, number, 2)]
    joined_runs.run(tasks, alone=False)
    assert version.runtime.rows == [3, 1, 1, 1]
    assert isinstance(tasks[1].found, kind)
    assert [json.loads(tasks[i].found)["predictions"] for i in (0, 2)] == [[0.5], [1.0]]


def test_what_can_run_together(version):
    one, other = task(version, [[1, 2]]), task(version, [[3, 4], [5, 6]])
    assert (one.count, other.count) == (1, 2)
    assert one.group == other.group
    assert task(Version(2, pathlib.Path("2"), runtime=Halves()), [[1, 2]]).group != one.group
    many = task(version, [[1, 2]] * (joined_runs.MAX_ROWS + 1))
    assert (many.count, many.kind) == (0, ())
    version.runtime.rowwise = frozenset()
    assert task(version, [[1, 2]]).count == 0
