"""A tf.data service of real processes, started once for all tests that share out a pipeline."""

import contextlib
import os
import subprocess
import sys

import pytest

DISPATCHER = """
import tensorflow as tf
server = tf.data.experimental.service.DispatchServer()
print(server.target, flush=True)
server.join()
"""
WORKER = """
import sys, tensorflow as tf
service = tf.data.experimental.service
server = service.WorkerServer(service.WorkerConfig(dispatcher_address=sys.argv[1]))
print("ready", flush=True)
server.join()
"""


@contextlib.contextmanager
def process(script, *arguments):
    """Start Python on a script; yield what reads its first line, and end it."""
    with subprocess.Popen(
        [sys.executable, "-c", script, *arguments],
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
    with process(DISPATCHER) as told:
        address = told()
        worker = address.removeprefix("grpc://")
        with process(WORKER, worker) as first, process(WORKER, worker) as second:
            assert (first(), second()) == ("ready", "ready")
            yield address
