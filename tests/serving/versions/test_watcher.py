import logging
import threading

from dlkit.serving.versions.watcher import Watcher


def test_it_goes_on_after_trouble(caplog):
    caplog.set_level(logging.ERROR)
    calls, enough = [], threading.Event()

    def act():
        calls.append(1)
        if len(calls) == 1:
            raise PermissionError("no")
        enough.set()

    watcher = Watcher(act, 0.01)
    watcher.start()
    assert enough.wait(10)
    watcher.stop()
    count = len(calls)
    assert "Looking for changes failed" in caplog.text
    assert "PermissionError: no" in caplog.text
    assert not watcher._thread.is_alive()
    assert len(calls) == count


def test_l6_no_interval_is_no_watching():
    watcher = Watcher(lambda: 1 / 0, 0.0)
    watcher.start()
    watcher.stop()
    assert not watcher._thread.is_alive()
