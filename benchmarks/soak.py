"""What a server goes through in its life, under load: no answer may fail, and memory may not grow.

    python benchmarks/soak.py                      # all of it, about six minutes
    python benchmarks/soak.py --seconds 10 --requests 10000 --swaps 10
    python benchmarks/soak.py --runtime onnx       # an export's ONNX twin, without TensorFlow

32 clients ask a server without a pause (serving_load.py), in each part:

- `swaps`: five new versions are published in a minute, and the old ones removed.
- `reloads`: the configuration file changes all the time: another model, another policy, labels.
- `broken`: versions that do not load, between good ones.
- `memory`: 100,000 requests and 50 versions, one after the other. The resident memory at the end is
  held against that after the first tenth.
- `drain`: SIGTERM while every client waits for an answer that takes long, over REST and gRPC (with
  TensorFlow alone).

Every answer has to be 200, whole, and that of a version that was published.
"""

import argparse
import concurrent.futures
import contextlib
import json
import os
import pathlib
import pickle
import shutil
import signal
import subprocess
import sys
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import psutil
import tensorflow as tf
from serving_load import Connection

from dlkit.serving import Client, GrpcClient, Server

HERE = pathlib.Path(__file__).parent
KINDS = 4  # of exports, where they are copied
SIZE = 1024  # of a matrix, 4 MB: fifty of them that were not let go of would be seen
PATIENCE = 120  # seconds for what happens in two


class Model(tf.Module):
    """A number, however much there is to multiply before."""

    def __init__(self, number):
        super().__init__()
        self.number = tf.Variable(float(number))
        self.weights = tf.Variable(tf.random.stateless_normal((SIZE, SIZE), (number, 0)))

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, name="x")])
    def predict(self, x):
        row = tf.linalg.matvec(self.weights, tf.ones(SIZE))
        return {"y": x * 0 + self.number + 0 * tf.reduce_mean(row)}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.int32, name="n")])
    def slow(self, n):
        start = tf.eye(128)
        _, product = tf.while_loop(
            lambda i, _: i < n[0], lambda i, x: (i + 1, tf.linalg.matmul(x, start)), (0, start)
        )
        return {"trace": tf.linalg.trace(product)[None]}


def exported(folder, number):
    """Export a Keras model that answers `number`, with a twin for ONNX Runtime."""
    import keras

    import dlkit as dk

    x = keras.Input((), name="x")
    row = keras.layers.Dense(SIZE)(keras.ops.expand_dims(x, 1))
    row = keras.layers.Dense(SIZE, kernel_initializer="zeros")(row)
    y = keras.ops.mean(row, axis=1) + float(number)
    return dk.export.saved_model(
        keras.Model(x, {"y": y}), folder, runtimes=("onnx",), join_requests=True
    )


class Site:
    """A base path, a configuration file, and the server that watches both.

    Args:
        folder: Where they are; empty.
        runtime: What runs the models, `tensorflow` or `onnx`. Defaults to "tensorflow".
    """

    def __init__(self, folder, runtime="tensorflow"):
        self.folder, self.runtime = folder, runtime
        self.newest = 0
        # An export is checked, which takes seconds: these are published again and again.
        kinds = KINDS if runtime == "onnx" else 0
        self._exports = [exported(folder / "exports" / f"of{n}", n) for n in range(kinds)]
        self.config = folder / "models.config"
        self.publish()
        shutil.copytree(folder / "soaked", folder / "other")
        self.configure("latest {}")

    def publish(self, *, broken=False):
        """Write the next version beside and rename it into place; return its number."""
        number = self.newest + 1
        beside = self.folder / "beside" / str(number)
        if broken:
            beside.mkdir(parents=True)
            (beside / "saved_model.pb").write_bytes(b"this is no protocol buffer")
        elif self._exports:
            shutil.copytree(self._exports[number % KINDS], beside)
        else:
            model = Model(number)
            signatures = {"serving_default": model.predict, "slow": model.slow}
            tf.saved_model.save(model, str(beside), signatures=signatures)
        (self.folder / "soaked").mkdir(exist_ok=True)
        beside.rename(self.folder / "soaked" / str(number))
        self.newest = number
        return number

    def answer(self, number):
        """Return what version `number` answers."""
        return float(number % KINDS if self._exports else number)

    def remove(self, number):
        shutil.rmtree(self.folder / "soaked" / str(number))

    def configure(self, policy, *, labels="", other=False):
        """Replace the configuration file in one step."""
        models = [f"name: 'soaked' model_version_policy {{ {policy} }} {labels}"]
        models[0] += f" base_path: '{self.folder}/soaked' model_platform: 'tensorflow'"
        if other:
            path = f"base_path: '{self.folder}/other' model_platform: 'tensorflow'"
            models.append(f"name: 'other' {path}")
        listed = "".join(f"config {{ {model} }}\n" for model in models)
        beside = self.folder / "models.config.new"
        beside.write_text(f"model_config_list {{\n{listed}}}\n")
        beside.replace(self.config)

    def server(self):
        return Server(
            model_config_file=str(self.config),
            rest_port=0,
            grpc_port=0,
            poll_seconds=0.2,
            model_config_poll_seconds=0.2,
            runtime=self.runtime,
        )


def post(body, path="/v1/models/soaked:predict"):
    """Return an HTTP request."""
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


class Load:
    """Clients that ask as long as the `with` block takes, and at least some seconds.

    Args:
        server: The server.
        clients: How many.
        seconds: How long at least.
        count: How many answers are enough, without the block. Defaults to none.
    """

    def __init__(self, server, clients, seconds, count=None):
        self._job = {
            "protocol": "http",
            "address": ("127.0.0.1", port(server)),
            "requests": [post(b'{"instances": [1.0]}')] * clients,
            "seconds": 3600,
        }
        self._seconds, self._count = seconds, count
        if count:
            self._job["count"] = count
        self.requests, self.answers = 0, set()

    def __enter__(self):
        command = [sys.executable, str(HERE / "serving_load.py")]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
        )
        pickle.dump(self._job, self._process.stdin)
        self._process.stdin.close()
        self._process.stdin = None
        self._process.stdout.read(1)  # they ask from now on
        self._end = time.monotonic() + self._seconds
        return self

    def __exit__(self, kind, error, trace):
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(0 if kind or self._count else max(0, self._end - time.monotonic()))
        if not self._count or kind:
            self._process.send_signal(signal.SIGTERM)
        out, words = self._process.communicate(timeout=PATIENCE)
        if kind:
            return
        if self._process.returncode:
            raise AssertionError(f"a request failed: {words.decode().strip().splitlines()[-1]}")
        report = pickle.loads(out)
        self.requests = len(report["seconds"])
        self.slowest = report["seconds"][-1]
        statuses = {status for _, status, _ in report["answers"]}
        if statuses != {b"200"}:
            bodies = [body for _, status, body in report["answers"] if status != b"200"]
            raise AssertionError(f"answers {sorted(statuses)}, like {bodies[0][:200]!r}")
        self.answers = {json.loads(body)["predictions"][0] for _, _, body in report["answers"]}

    def check(self, site, numbers):
        """Raise unless the answers are those of the versions `numbers`, of each of them."""
        if self.answers != set(map(site.answer, numbers)):
            raise AssertionError(f"answers of {self.answers}, where {numbers} were published")


def port(server):
    return int(server.url.split(":")[2].split("/")[0])


def wait_for(condition):
    """Poll until `condition` holds."""
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            raise AssertionError("what was waited for never came")
        time.sleep(0.02)


def answering(site, server, number):
    """Return a condition: version `number` answers."""

    def condition():
        with Client(server.url) as client:
            return client.predict([1.0]).tolist() == [site.answer(number)]

    return condition


def state(server, number):
    with Client(server.url) as client:
        found = {entry["version"]: entry["state"] for entry in client.status()}
    return found.get(str(number))


def swaps(site, server, clients, seconds, count=5):
    """Publish versions and remove the old ones under load."""
    first = site.newest
    with Load(server, clients, seconds) as load:
        for _ in range(count):
            start = time.monotonic()
            number = site.publish()
            wait_for(answering(site, server, number))
            site.remove(number - 1)
            wait_for(lambda old=number - 1: state(server, old) == "END")
            time.sleep(max(0, seconds / (count + 1) - (time.monotonic() - start)))
    load.check(site, range(first, site.newest + 1))
    return {"requests": load.requests, "slowest_ms": load.slowest * 1e3}


def reloads(site, server, clients, seconds, count=20):
    """Change the configuration all the time under load."""
    number = site.newest
    specific = f"specific {{ versions: {number} }}"
    label = f"version_labels {{ key: 'stable' value: {number} }}"
    kinds = (
        {"policy": "latest {}", "other": True},
        {"policy": specific, "labels": label},
        {"policy": "all {}", "labels": label, "other": True},
        {"policy": "latest {}"},
    )
    with Load(server, clients, seconds) as load:
        for index in range(count):
            start = time.monotonic()
            kind = kinds[index % len(kinds)]
            site.configure(**kind)
            wait_for(lambda kind=kind: follows(server, kind))
            time.sleep(max(0, seconds / (count + 1) - (time.monotonic() - start)))
        site.configure("latest {}")
    load.check(site, [number])
    return {"requests": load.requests, "slowest_ms": load.slowest * 1e3, "reloads": count}


def follows(server, kind):
    """Say if the server does what a configuration asks for."""
    with Client(f"{server.url}/labels/stable", retries=0) as client:
        labelled = succeeds(lambda: client.predict([1.0]))
    with Client(server.url_of("other"), retries=0) as client:
        other = succeeds(lambda: client.predict([1.0]))
    return labelled == bool(kind.get("labels")) and other == kind.get("other", False)


def succeeds(action):
    from dlkit.errors import ServerError

    try:
        action()
    except ServerError:
        return False
    return True


def broken(site, server, clients, seconds):
    """Publish a version that does not load; then one that does."""
    good = site.newest
    with Load(server, clients, seconds) as load:
        bad = site.publish(broken=True)
        wait_for(lambda: state(server, bad) == "END")
        time.sleep(seconds / 2)
        kept = state(server, good)
        if kept != "AVAILABLE" or not answering(site, server, good)():
            raise AssertionError(f"a broken version has replaced a good one, which is {kept}")
        better = site.publish()
        wait_for(answering(site, server, better))
    load.check(site, [good, better])
    return {"requests": load.requests, "slowest_ms": load.slowest * 1e3}


def memory(site, server, clients, requests=100_000, versions=50):
    """Return how the memory of many requests and versions compares with the first tenth's."""
    process = psutil.Process(server.pid)
    levels, done = [], 0
    for _ in range(versions):
        with Load(server, clients, 0, count=requests // versions) as load:
            number = site.publish()
            wait_for(answering(site, server, number))
            site.remove(number - 1)
        done += load.requests
        wait_for(lambda old=number - 1: state(server, old) == "END")
        levels.append(process.memory_info().rss / 2**20)
    early = levels[max(0, versions // 10 - 1)]
    growth = levels[-1] / early - 1
    return {"requests": done, "versions": versions, "megabytes": levels, "growth": growth}


def drain(server, clients, steps=1000):
    """Send SIGTERM while all clients wait; return how long the end took."""
    body = json.dumps({"signature_name": "slow", "instances": [steps]}).encode()
    waiting = [Connection(("127.0.0.1", port(server)), post(body)) for _ in range(clients)]
    process, number = psutil.Process(server.pid), port(server)
    with (
        concurrent.futures.ThreadPoolExecutor(2 * clients) as pool,
        GrpcClient(server.grpc_target, "soaked", retries=0) as grpc,
    ):
        grpc.predict([1.0])  # it is connected
        rpcs = [pool.submit(grpc.predict, [steps], signature_name="slow") for _ in range(4)]
        answers = [pool.submit(whole_answer, connection) for connection in waiting]
        concurrent.futures.wait(answers, return_when=concurrent.futures.FIRST_COMPLETED)
        open_yet = sum(not one.done() for one in (*answers, *rpcs))
        process.send_signal(signal.SIGTERM)
        start = time.monotonic()
        status = wait_for_end(server, number)
        seconds = time.monotonic() - start
        for connection in waiting:
            connection.socket.close()
        cut = [one.exception() for one in (*answers, *rpcs) if one.exception()]
        if cut or any(answer.result()[0] != b"200" for answer in answers):
            raise AssertionError(f"{len(cut)} answers were cut: {cut[:1]}")
    if status:
        raise AssertionError(f"the server ended with status {status}")
    return {"waiting_at_sigterm": open_yet, "seconds": seconds}


def whole_answer(connection):
    """Send a request and return its answer."""
    connection.socket.settimeout(PATIENCE)
    connection.ask()
    connection.send()
    while (answer := connection.receive()) is None:
        pass
    return answer


def wait_for_end(server, number):
    """Return the exit status of the server, which has been told to end."""
    process = server._process
    status = process.wait(PATIENCE)
    server.stop()
    return status


def main():
    """Run every part, print a line each and write the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument("--swaps", type=int, default=50)
    parser.add_argument("--runtime", choices=["tensorflow", "onnx"], default="tensorflow")
    parser.add_argument("--results", type=pathlib.Path)
    given = parser.parse_args()
    results = {"clients": given.clients, "runtime": given.runtime}
    with tempfile.TemporaryDirectory() as folder:
        site = Site(pathlib.Path(folder), given.runtime)
        with site.server() as server:
            parts = {
                "swaps": lambda: swaps(site, server, given.clients, given.seconds),
                "reloads": lambda: reloads(site, server, given.clients, given.seconds / 2),
                "broken": lambda: broken(site, server, given.clients, given.seconds / 6),
                "memory": lambda: memory(site, server, given.clients, given.requests, given.swaps),
                "drain": lambda: drain(server, given.clients),
            }
            if given.runtime == "onnx":  # its models have nothing slow in them
                del parts["drain"]
            for name, part in parts.items():
                results[name] = part()
                shown = {key: v for key, v in results[name].items() if key != "megabytes"}
                print(f"{name}: {shown}", flush=True)
    path = given.results or HERE / "results" / f"soak_{given.runtime}.json"
    path.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
