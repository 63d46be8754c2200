"""Waiting for what another thread does."""

import time

SECONDS = 30


def wait_for(condition):
    """Poll until `condition()` holds."""
    end = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < end, "it never came to be"
        time.sleep(0.001)
