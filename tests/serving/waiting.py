"""Waiting for what another thread or process does."""

import time

SECONDS = 30


def wait_for(condition, seconds=SECONDS):
    """Return what `condition()` returns as soon as that is true."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.001)
    raise AssertionError("it never came to be")
