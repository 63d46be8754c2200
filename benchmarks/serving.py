"""Requests a second, latency and memory of dlkit's server beside other servers in Python.

    make peers                                          # each in an environment of its own
    python benchmarks/serving.py                        # all of it
    python benchmarks/serving.py --seconds 1 --sides dlkit fastapi

    # with an earlier dlkit, to see what a change costs
    git worktree add ../former COMMIT && python3 -m venv .venv-peers/former
    .venv-peers/former/bin/pip install -c constraints.txt -e "../former[all]"
    python benchmarks/serving.py --sides dlkit former "dlkit onnx" "former onnx"

All serve the same export of a small convolutional network for 28x28 images and run it with
TensorFlow, in one process that does the predictions; `dlkit onnx` runs the export's ONNX twin. Each
is written as its documentation has it (serving_peers/); `joined` are those that can join requests
to batches with that turned on. The images come as JSON numbers of four digits, over gRPC as bytes.

The servers take turns, a few seconds each, in every round another one first; while one is asked,
the others are stopped. One process plays all clients (serving_load.py) on the same processors as
the server, which has the rest of them. Each answer is compared with what Keras predicts. A figure
is the median over the rounds; the first round is not counted. One that is not installed is left
out, with a line.
"""

import argparse
import contextlib
import json
import os
import pathlib
import pickle
import statistics
import subprocess
import sys
import tempfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from serving_sides import SIDES, start

import dlkit as dk

HERE = pathlib.Path(__file__).parent
RESULTS = HERE / "results" / "serving.json"
CELLS = ((1, 1), (8, 1), (32, 1), (1, 32), (8, 32), (32, 32))  # clients, images a request
# (what is compared, its clients and images, how it must be beside fastapi)
TARGETS = (
    ("dlkit", "rate", (32, 1), 8),
    ("dlkit", "rate", (8, 32), 8),
    ("dlkit", "rate", (1, 1), 1.3),
    ("dlkit", "p99", (32, 1), 1 / 8),
    ("dlkit onnx", "rate", (32, 1), 16),
    ("dlkit onnx", "rate", (1, 1), 5),
    ("dlkit onnx", "megabytes", None, 1 / 4),
)


def export(folder):
    """Export a network for 28x28 images that has learnt nothing; return it and its base path."""
    keras.utils.set_random_seed(0)
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1), name="image"),
            layers.Conv2D(16, 3, activation="relu", padding="same"),
            layers.MaxPooling2D(),
            layers.Conv2D(32, 3, activation="relu", padding="same"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(10, activation="softmax", name="predictions"),
        ]
    )
    model.save(folder / "clothes.keras")
    dk.export.saved_model(model, folder / "clothes", runtimes=("onnx",), join_requests=True)
    return model, folder / "clothes"


class Bench:
    """The servers under measurement.

    Args:
        model: What they serve.
        running: The servers by name.
        seconds: How long each is asked at a time.
    """

    def __init__(self, model, running, seconds):
        self.images = np.random.default_rng(0).random((1024, 28, 28, 1)).round(4).astype("float32")
        self.expected = model.predict(self.images, verbose=0)
        self.running = running
        self.seconds = seconds

    def measure(self, side, cell, seconds=None):
        """Ask one server and return its figures.

        Raises:
            RuntimeError: for an answer that is not the model's.
        """
        server = self.running[side.server]
        server.go_on()
        clients, images = cell
        parts = [slice(i * images, (i + 1) * images) for i in range(clients)]
        address = ("127.0.0.1", server.ports[side.protocol])
        bodies = [side.pack(self.images[part]) for part in parts]
        job = {
            "protocol": side.protocol,
            "address": address,
            "seconds": seconds or self.seconds,
            "requests": bodies if side.protocol == "grpc" else [post(side, b) for b in bodies],
        }
        command = [sys.executable, str(HERE / "serving_load.py")]
        child = subprocess.run(command, input=pickle.dumps(job), capture_output=True)
        if child.returncode:
            raise RuntimeError(child.stderr.decode().strip().splitlines()[-1])
        report = pickle.loads(child.stdout[1:])
        self.check(side, report["answers"], parts)
        memory = server.megabytes()
        server.pause()
        return figures(report) | {"megabytes": memory}

    def check(self, side, answers, parts):
        for client, status, body in answers:
            if status != b"200":
                raise RuntimeError(f"{status.decode()}: {body[:200]!r}")
            found = np.asarray(side.unpack(body))
            if not np.allclose(found, self.expected[parts[client]], atol=1e-5):
                raise RuntimeError(f"a wrong answer: {body[:200]!r}")


def post(side, body):
    """Return an HTTP request."""
    head = f"POST {side.path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def figures(report):
    """Return requests a second, milliseconds at two percentiles, and the clients' own CPU."""
    seconds = report["seconds"]
    at = [seconds[min(len(seconds) - 1, int(len(seconds) * share))] for share in (0.5, 0.99)]
    return {
        "rate": len(seconds) / report["wall"],
        "p50": at[0] * 1e3,
        "p99": at[1] * 1e3,
        "client_cpu": report["cpu"] / report["wall"],
    }


def start_all(sides, base, peers, stack):
    """Start the servers of `sides`; return those that run, and why the others do not."""
    running, absent = {}, {}
    for name in dict.fromkeys(side.server for side in sides):
        try:
            running[name] = start(name, base, peers, stack)
            print(f"{name}: ready in {running[name].ready_seconds:.1f} s", flush=True)
            running[name].pause()
        except RuntimeError as error:
            absent[name] = f"{error}"
            print(f"{name} is not in the comparison: {error}", flush=True)
    return running, absent


def measure_all(bench, sides, cells, rounds):
    """Return side -> cell -> a list of figures, one a round; the sides take turns."""
    found = {side.name: {cell: [] for cell in cells} for side in sides}
    failed: dict = {side.name: {} for side in sides}
    for index in range(rounds + 1):
        for cell in cells:
            shift = index % len(sides)
            for side in (*sides[shift:], *sides[:shift]):
                if cell in failed[side.name]:
                    continue
                try:
                    one = bench.measure(side, cell, None if index else min(1, bench.seconds))
                except RuntimeError as error:
                    failed[side.name][cell] = f"{error}"
                    print(f"{side.name} fails at {name_of(cell)}: {error}", flush=True)
                    continue
                if index:
                    found[side.name][cell].append(one)
        print(f"round {index} of {rounds}", flush=True)
    return found, failed


def name_of(cell):
    """Return words for a number of clients and of images."""
    clients, images = cell
    return f"{clients} client{'s'[: clients > 1]}, {images} image{'s'[: images > 1]}"


def by_name(cells):
    return {name_of(cell): value for cell, value in cells.items()}


def summary(found, cell, what):
    """Return the median over the rounds; None for a side that failed."""
    rounds = found.get(cell, [])
    return statistics.median(one[what] for one in rounds) if rounds else None


def report(found, cells, running):
    """Print a table for each number of clients and images."""
    for cell in cells:
        print(f"\n{name_of(cell)} a request")
        print(f"{'':<17}{'requests/s':>11}{'images/s':>10}{'p50 ms':>9}{'p99 ms':>9}", end="")
        print(f"{'times fastapi':>15}{'clients CPU':>13}{'MB':>7}")
        base = summary(found.get("fastapi", {}), cell, "rate")
        for name, cells_found in found.items():
            if summary(cells_found, cell, "rate") is None:
                continue
            rate, p50, p99, cpu, memory = (
                summary(cells_found, cell, what)
                for what in ("rate", "p50", "p99", "client_cpu", "megabytes")
            )
            times = f"{rate / base:.1f}" if base else ""
            print(f"{name:<17}{rate:>11.0f}{rate * cell[1]:>10.0f}{p50:>9.2f}{p99:>9.2f}", end="")
            print(f"{times:>15}{cpu:>12.0%}{memory:>8.0f}")


def report_targets(found, cells):
    """Print what each target asks for and what was measured; return the rows."""
    print()
    rows = []
    for name, what, cell, target in TARGETS:
        cell_found = cell or cells[-1]
        ours = summary(found.get(name, {}), cell_found, what)
        theirs = summary(found.get("fastapi", {}), cell_found, what)
        if ours is None or theirs is None:
            continue
        ratio = ours / theirs
        met = ratio >= target if what == "rate" else ratio <= target
        where = name_of(cell) if cell else "at the end"
        sign = ">=" if what == "rate" else "<="
        print(
            f"{name}: {what} {ratio:.2f} times fastapi's, {where}"
            f" (target {sign} {target:g}): {'met' if met else 'MISSED'}"
        )
        rows.append({"side": name, "what": what, "cell": cell, "ratio": ratio, "met": met})
    return rows


def report_former(found, cells):
    """Print how many times as many requests as an earlier dlkit each side answers, by rounds."""
    for name in ("dlkit", "dlkit onnx"):
        former = found.get(name.replace("dlkit", "former"), {})
        for cell in cells:
            pairs = zip(found.get(name, {}).get(cell, []), former.get(cell, []), strict=False)
            if ratios := sorted(ours["rate"] / theirs["rate"] for ours, theirs in pairs):
                print(
                    f"{name}, {name_of(cell)}: {statistics.median(ratios):.2f} times the former's"
                    f" rate ({ratios[0]:.2f} to {ratios[-1]:.2f})"
                )


def main():
    """Measure, print tables and write the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    names = [side.name for side in SIDES]
    parser.add_argument("--sides", nargs="+", choices=names, default=names)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3.0, help="of each turn")
    parser.add_argument("--peers", type=pathlib.Path, default=HERE.parent / ".venv-peers")
    parser.add_argument("--results", type=pathlib.Path, default=RESULTS)
    arguments = parser.parse_args()
    sides = [side for side in SIDES if side.name in arguments.sides]
    print(f"{os.cpu_count()} processors, which the clients share with the server")
    with contextlib.ExitStack() as stack:
        folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
        model, base = export(folder)
        running, absent = start_all(sides, base, arguments.peers.absolute(), stack)
        sides = [side for side in sides if side.server in running]
        bench = Bench(model, running, arguments.seconds)
        found, failed = measure_all(bench, sides, CELLS, arguments.rounds)
        ready = {name: server.ready_seconds for name, server in running.items()}
    report(found, CELLS, running)
    report_former(found, CELLS)
    results = {
        "processors": os.cpu_count(),
        "seconds": arguments.seconds,
        "ready_seconds": ready,
        "targets": report_targets(found, CELLS),
        "not_compared": absent,
        "failed": {name: by_name(cells) for name, cells in failed.items() if cells},
        "rounds": {name: by_name(cells) for name, cells in found.items()},
    }
    arguments.results.parent.mkdir(exist_ok=True)
    arguments.results.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
