"""A tf.data service of real processes, started once for all tests that share out a pipeline."""

import contextlib
import os
import pathlib
import subprocess
import sys

import pytest

SCRIPT = pathlib.Path(__file__).with_name("tf_data_service.py")


@contextlib.contextmanager
def process(*arguments):
    """Start a process of the service; yield what reads its first line, and end it."""
    with subprocess.Popen(
        [sys.executable, SCRIPT, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "CUDA_VISIBLE_DEVICES": "-1"},
    ) as running:
        try:
            yield lambda: running.stdout.readline().strip()
        finally:
            running.kill()


@pytest.fixture(scope="session")
def service():
    """Yield the address of a dispatcher with two workers, three processes of their own."""
    with process() as told:
        address = told()
        worker = address.removeprefix("grpc://")
        with process(worker) as first, process(worker) as second:
            assert (first(), second()) == ("ready", "ready")
            yield address
