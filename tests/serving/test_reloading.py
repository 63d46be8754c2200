"""Versions come and go under a running server, over HTTP and under load."""

import functools
import shutil
import threading
import time

import pytest

from dlkit.serving import Client, GrpcClient, Server
from dlkit.serving.runtimes.warmup import WARMUP_FILE
from tests.serving import saved_models
from tests.serving.waiting import wait_for

CLIENTS = 8
SECONDS = 60
poll = functools.partial(wait_for, seconds=SECONDS)


class Base:
    """A base path to which versions are published; version n answers 1.0 with n."""

    def __init__(self, path, scratch):
        self.path, self.scratch = path, scratch
        self.newest = 0

    def publish(self, write=None):
        """Write a version beside and rename it into place, as an export does."""
        number = self.newest + 1
        self.scratch.mkdir(exist_ok=True)
        beside = self.scratch / str(number)
        saved_models.affine(beside, factor=0.0, offset=float(number))
        if write:
            write(beside)
        beside.rename(self.path / str(number))
        self.newest = number
        return number

    def remove(self, number):
        shutil.rmtree(self.path / str(number))


@pytest.fixture(scope="module")
def base(exports):
    base = Base(exports / "reloaded", exports / "scratch")
    base.path.mkdir()
    base.publish()
    return base


@pytest.fixture(scope="module")
def server(base):
    with Server(base.path, rest_port=0, grpc_port=0, poll_seconds=0.05) as server:
        yield server


@pytest.fixture
def client(server):
    with Client(server.url, retries=0) as client:
        yield client


def rest_client(server):
    return Client(server.url, retries=0)


def grpc_client(server):
    return GrpcClient(server.grpc_target, "reloaded", retries=0)


def state(client, number):
    return {s["version"]: s for s in client.status()}.get(str(number), {"state": None})


def version_that_answers(client):
    return client.predict([1.0])[0]


def break_model(path):
    (path / "saved_model.pb").write_bytes(b"this is no protocol buffer")


def break_warmup(path):
    (path / WARMUP_FILE).parent.mkdir()
    (path / WARMUP_FILE).write_bytes(b"this is no TFRecord file, and long enough to tell")


@pytest.mark.parametrize("connect", [rest_client, grpc_client])
def test_v9_no_request_fails_while_a_new_version_takes_over(base, server, client, connect):
    old = version_that_answers(client)
    seen, wrong, start = [], [], threading.Event()

    def hammer():
        mine = [old]
        with connect(server) as own:
            end = time.monotonic() + SECONDS
            while mine.count(old + 1) < 20 and time.monotonic() < end:
                try:
                    mine.append(version_that_answers(own))
                except Exception as error:
                    wrong.append(error)
                    return
                start.set()
        seen.append(mine)

    threads = [threading.Thread(target=hammer) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    assert start.wait(SECONDS)
    assert base.publish() == old + 1
    for thread in threads:
        thread.join()
    assert wrong == []
    assert len(seen) == CLIENTS
    for mine in seen:  # first the old one, then the new one, and never back
        assert mine == sorted(mine)
        assert set(mine) == {old, old + 1}
    poll(lambda: state(client, int(old))["state"] == "END")


@pytest.mark.parametrize(
    ("breaking", "code", "message"),
    [
        (break_model, "DATA_LOSS", "Cannot parse file"),
        (break_warmup, "DATA_LOSS", "Please verify your warmup data is in TFRecord format."),
    ],
    ids=["S10", "W5"],
)
def test_a_broken_version_never_replaces_a_good_one(base, client, breaking, code, message):
    good = version_that_answers(client)
    broken = base.publish(breaking)
    found = poll(lambda: state(client, broken) if state(client, broken)["state"] == "END" else None)
    assert found["status"]["error_code"] == code
    assert message in found["status"]["error_message"]
    assert version_that_answers(client) == good
    assert state(client, int(good))["state"] == "AVAILABLE"
    better = base.publish()
    poll(lambda: version_that_answers(client) == better)


def test_l7_a_removed_version_is_rolled_back(base, client):
    old = version_that_answers(client)
    new = base.publish()
    poll(lambda: version_that_answers(client) == new)
    base.remove(new)
    poll(lambda: version_that_answers(client) == old)
    assert state(client, new)["state"] in ("UNLOADING", "END")
