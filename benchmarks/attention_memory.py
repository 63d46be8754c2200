"""Memory of a training step of `transformer_classifier` by attention and number of tokens.

    python benchmarks/attention_memory.py

One text, the other options at their defaults; each figure is what the step added, at its peak, to a
process of its own, and the CPU seconds of a step once it is compiled.
"""

import resource
import subprocess
import sys
import time

import keras
import numpy as np
import psutil

import dlkit as dk

LENGTHS = {
    "full": (2048, 4096, 8192),
    "linear": (2048, 4096, 8192, 16_384),
    "sliding_window": (2048, 4096, 8192, 16_384),
}


def measure(attention, length):
    """Print the MiB that a step added to the process at its peak, and CPU seconds a step."""
    model = dk.models.transformer_classifier(
        (length,), 2, vocab_size=1000, task="binary", attention=attention, seed=0
    )
    x, y = np.random.default_rng(0).integers(1, 1000, (1, length)), np.ones(1)
    before = psutil.Process().memory_info().rss
    model.train_on_batch(x, y)  # traces and compiles the step
    start = time.process_time()
    model.train_on_batch(x, y)
    seconds = time.process_time() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print((peak - before) / 2**20, seconds)


def main():
    print(f"Keras {keras.__version__} on {keras.backend.backend()}, one text a step")
    full = {}
    for attention, lengths in LENGTHS.items():
        for length in lengths:
            command = [sys.executable, __file__, attention, str(length)]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            mebibytes, seconds = map(float, done.stdout.split())
            if attention == "full":
                full[length] = mebibytes
            share = f", {mebibytes / full[length]:.2f} of full" if length in full else ""
            print(
                f"{attention:14} {length:6,} tokens: {mebibytes:6,.0f} MiB{share},"
                f" {seconds:.1f} CPU s a step",
                flush=True,
            )


if __name__ == "__main__":
    if sys.argv[1:]:
        measure(sys.argv[1], int(sys.argv[2]))
    else:
        main()
