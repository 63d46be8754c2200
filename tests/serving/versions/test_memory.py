"""What is gone is freed, whoever else frees something at the time."""

import gc
import threading
import weakref

import pytest

from dlkit.serving.versions.memory import settle_memory


class Circle:
    def __init__(self):
        self.itself = self


@pytest.fixture
def another_collects():
    """Settle in another thread, whose collection is at its end for half a second."""
    at_end = threading.Event()

    def linger(phase, info):
        if phase == "stop" and threading.current_thread() is thread:
            at_end.set()
            threading.Event().wait(0.5)  # nothing ends it

    thread = threading.Thread(target=settle_memory, args=(True,))
    gc.callbacks.append(linger)
    thread.start()
    assert at_end.wait(60)
    yield
    thread.join()
    gc.callbacks.remove(linger)
    gc.unfreeze()


def test_what_is_gone_is_freed_while_another_settles(another_collects):
    circle = Circle()
    old = weakref.ref(circle)
    del circle
    settle_memory(gone=True)
    assert old() is None
