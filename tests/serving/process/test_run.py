"""Without REST: gRPC alone, from a configuration file to SIGTERM."""

import re
import signal
import subprocess
import sys

import pytest

from dlkit.serving import GrpcClient
from tests.serving.process.test_serve import wait_until_refused


@pytest.fixture
def process(half_plus_two):
    command = [sys.executable, "-m", "dlkit.serving", str(half_plus_two)]
    process = subprocess.Popen(
        [*command, "--rest-port=None", "--grpc-port=0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_grpc_alone(process):
    line = process.stdout.readline()
    port = int(re.fullmatch(r"Serving half_plus_two at grpc://127\.0\.0\.1:(\d+)\n", line)[1])
    with GrpcClient(f"127.0.0.1:{port}", "half_plus_two") as client:
        assert client.predict([1.0]).tolist() == [2.5]
    process.send_signal(signal.SIGTERM)
    wait_until_refused(port)
    assert process.wait(timeout=60) == 0
    assert process.stdout.read() == ""
