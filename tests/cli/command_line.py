"""Running `dlkit`: as a process of its own, or in this one where a process is not the point."""

import contextlib
import os
import pathlib
import resource
import subprocess
import sys
import time

import pytest

from dlkit.cli import commands

ROOT = pathlib.Path(__file__).parents[2]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
SECONDS = 120


def command(*arguments):
    """Return the command line of `dlkit ARGUMENTS`."""
    return [sys.executable, "-m", "dlkit", *map(str, arguments)]


def start(*arguments, **options):
    """Return the started process."""
    return subprocess.Popen(command(*arguments), env=ENVIRONMENT, text=True, **options)


def run(*arguments, **options):
    """Return the finished process, with what it wrote."""
    return subprocess.run(
        command(*arguments),
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        **options,
    )


def call(monkeypatch, *arguments):
    """Run in this process and return the exit status."""
    monkeypatch.setattr(sys, "argv", ["dlkit", *map(str, arguments)])
    with pytest.raises(SystemExit) as end:
        commands.main()
    return end.value.code or 0


@contextlib.contextmanager
def room(size):
    """Let no file grow beyond `size` bytes, as on a disk that is nearly full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def wait_until(ready, process, what):
    """Return what `ready()` returns once it is true; fail when the process ends before."""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        if found := ready():
            return found
        try:
            process.wait(0.02)
        except subprocess.TimeoutExpired:
            continue
        if found := ready():
            return found
        pytest.fail(f"the process ended with {process.returncode} before {what}")
    pytest.fail(f"no {what} within {SECONDS} seconds")
