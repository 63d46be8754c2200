"""A thread that does something again and again: look for versions, read the configuration."""

import logging
import threading
from collections.abc import Callable

log = logging.getLogger("dlkit.serving")


class Watcher:
    """A thread that repeats an action until it is stopped.

    Args:
        action: What to do. Whatever it raises is logged, and it is called again all the same.
        seconds: The time between two calls; 0 for none at all.
    """

    def __init__(self, action: Callable[[], None], seconds: float):
        self._action = action
        self._seconds = seconds
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watcher", daemon=True)

    def start(self) -> None:
        """Begin, the first time after one interval."""
        if self._seconds:
            self._thread.start()

    def stop(self) -> None:
        """Stop, and wait for a call that is under way."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._stopping.wait(self._seconds):
            try:
                self._action()
            except Exception:  # the disk may do anything; the server goes on
                log.exception("Looking for changes failed")
