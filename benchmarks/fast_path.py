"""The fast path by itself: requests a second with it and without it, in one run, paired.

    python benchmarks/fast_path.py
    python benchmarks/fast_path.py --rounds 5 --seconds 1

The network and the clients are those of serving.py: one image a request, 1, 8 and 32 clients, run
by TensorFlow and as the export's ONNX twin. Both servers are the same but for
`dlkit.serving.rest_api.fast_path`; they take turns, in every round the other one first, and the one
that is not asked is stopped. A figure is the median of the rounds' ratios, with the least and the
largest.
"""

import argparse
import contextlib
import pathlib
import statistics
import subprocess
import sys
import tempfile

import psutil
from serving_sides import Running, Side, free_port, stop, wait_for_answer

from serving import Bench, export, name_of

PATH = "/v1/models/clothes:predict"
CELLS = ((1, 1), (8, 1), (32, 1))  # clients, images a request
WORTH = 1.2  # times as many requests, in one cell at least; what gives less is not kept


def serve(base, port, runtime, switch):
    """Serve the model until it is stopped, with the fast path or without."""
    from dlkit.serving import serve
    from dlkit.serving.rest_api import fast_path

    if switch == "off":
        fast_path.with_fast_path = lambda protocol, api, keys: protocol
    serve(base, rest_port=int(port), runtime=runtime)


def start(side, base, runtime, switch, stack):
    """Start a server in a process of its own, and wait until it answers."""
    port = free_port()
    log = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()), "log")
    command = [sys.executable, __file__, "serve", str(base), str(port), runtime, switch]
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
    running = Running({"http": port}, psutil.Process(process.pid))
    stack.callback(stop, process, running)
    wait_for_answer(process, port, side, log)
    running.pause()
    return running


def measure_runtime(runtime, model, base, rounds, seconds):
    """Print what the fast path gives to a model that `runtime` runs; return the medians."""
    with contextlib.ExitStack() as stack:
        sides = [Side(switch, switch, PATH) for switch in ("on", "off")]
        running = {side.name: start(side, base, runtime, side.name, stack) for side in sides}
        bench = Bench(model, running, seconds)
        rates = {(side.name, cell): [] for side in sides for cell in CELLS}
        for index in range(rounds + 1):
            for cell in CELLS:
                for side in sides if index % 2 else sides[::-1]:
                    found = bench.measure(side, cell)["rate"]
                    if index:  # the first round is not counted
                        rates[side.name, cell].append(found)
    medians = []
    for cell in CELLS:
        on, off = rates["on", cell], rates["off", cell]
        ratios = sorted(a / b for a, b in zip(on, off, strict=True))
        medians.append(statistics.median(ratios))
        print(
            f"{runtime}, {name_of(cell)}: {statistics.median(on):.0f} requests/s with it,"
            f" {statistics.median(off):.0f} without: {medians[-1]:.2f} times"
            f" ({ratios[0]:.2f} to {ratios[-1]:.2f})",
            flush=True,
        )
    return medians


def main():
    """Measure and say whether it is worth its code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=2.0, help="of each turn")
    arguments = parser.parse_args()
    medians = []
    with tempfile.TemporaryDirectory() as folder:
        model, base = export(pathlib.Path(folder))
        for runtime in ("tensorflow", "onnx"):
            medians += measure_runtime(runtime, model, base, arguments.rounds, arguments.seconds)
    verdict = "it stays" if max(medians) >= WORTH else "it goes"
    print(f"{max(medians):.2f} times in its best cell, {WORTH} are asked for: {verdict}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["serve"]:
        serve(*sys.argv[2:])
    else:
        main()
