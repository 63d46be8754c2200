"""What `rematerialize=True` saves and costs: a step of `resnet` on 128 images of 32 x 32 pixels.

python benchmarks/rematerialization.py
"""

import resource
import subprocess
import sys
import time

import keras
import numpy as np
import psutil

import dlkit as dk

DEPTHS = (20, 56, 110)
BATCH = 128
STEPS = 2


def measure(depth, rematerialize):
    """Print the MiB that training added to the process at its peak, and CPU seconds a step."""
    model = dk.models.resnet(
        (32, 32, 3), 10, depth=depth, optimizer="sgd", rematerialize=rematerialize, seed=0
    )
    x = np.random.default_rng(0).normal(size=(BATCH, 32, 32, 3)).astype("float32")
    y = np.arange(BATCH) % 10
    model.train_on_batch(x[:2], y[:2])  # traces the step
    before, start = psutil.Process().memory_info().rss, time.process_time()
    losses = [float(model.train_on_batch(x, y)[0]) for _ in range(STEPS)]
    seconds = (time.process_time() - start) / STEPS
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print((peak - before) / 2**20, seconds, losses[-1])


def main():
    print(f"Keras {keras.__version__} on {keras.backend.backend()}, batches of {BATCH}")
    for depth in DEPTHS:
        found = []
        for option in ("", "rematerialize"):
            command = [sys.executable, __file__, str(depth), option]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            found.append([float(number) for number in done.stdout.split()])
        (plain, seconds, loss), (saved, longer, same) = found
        print(
            f"depth {depth:3}: {plain:5.0f} MiB -> {saved:4.0f} ({saved / plain:.2f} times),"
            f" {seconds:.1f} CPU s a step -> {longer:.1f} ({longer / seconds:.2f} times),"
            f" loss {loss:.4f} -> {same:.4f}"
        )


if __name__ == "__main__":
    if sys.argv[1:]:
        measure(int(sys.argv[1]), bool(sys.argv[2]))
    else:
        main()
