import socket
import threading
import time

import pytest

from dlkit.errors import InputError
from dlkit.tuning.parallel import link as links
from dlkit.tuning.parallel.link import Link
from dlkit.tuning.parallel.roles import Role


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def test_a_chief_that_is_not_there_is_waited_for_and_then_named():
    role = Role("worker0", "127.0.0.1", free_port())
    began = time.monotonic()
    with pytest.raises(
        InputError, match=rf"No chief answers at 127.0.0.1:{role.port} for 1 s.*--ch"
    ):
        Link(role, wait=1.0).reach()
    assert 1 <= time.monotonic() - began < 5


def test_a_chief_that_comes_later_is_found(monkeypatch):
    role = Role("worker0", "127.0.0.1", free_port())

    def come(seconds):
        monkeypatch.undo()
        listening.bind(("127.0.0.1", role.port))
        listening.listen()

    with socket.socket() as listening:
        monkeypatch.setattr(links.time, "sleep", come)
        Link(role, wait=20.0).reach()


def test_a_worker_tells_that_it_is_alive_while_a_trial_runs(monkeypatch):
    monkeypatch.setattr(links, "_BEAT", 0.02)
    heard = threading.Event()
    asked = []

    class Oracle:
        def get_trial(self, name):
            asked.append(name)
            if len(asked) == 1:
                raise ConnectionError  # once is no reason to stop
            heard.set()

    link = Link(Role("worker0", "127.0.0.1", 1), wait=1.0)
    link.keep_alive(Oracle())
    time.sleep(0.1)
    assert not asked
    link.trial_id = "07"
    assert heard.wait(10)
    assert set(asked) == {"07"}
