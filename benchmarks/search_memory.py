"""How much memory the searching process holds after 10 trials, and after 50.

python benchmarks/search_memory.py
"""

import tempfile

import keras
import psutil

import dlkit as dk


class Memory(keras.callbacks.Callback):
    """Notes the resident memory at the end of each training; a copy for each trial shares it."""

    found: list[float] = []  # noqa: RUF012 - of all copies

    def on_train_end(self, logs=None):
        self.found.append(psutil.Process().memory_info().rss / 2**20)


def main():
    data = dk.data.load("digits", augment=False)
    with tempfile.TemporaryDirectory() as folder:
        dk.tuning.search(
            "cnn",
            data,
            strategy="random",
            max_trials=50,
            epochs=2,
            callbacks=[Memory()],
            directory=folder,
            verbose=False,
        )
    found = Memory.found
    for trials in (1, 10, 20, 30, 40, 50):
        print(f"after {trials:2} trials: {found[trials - 1]:.0f} MiB")
    print(f"50 to 10: {found[49] / found[9]:.3f} times")


if __name__ == "__main__":
    main()
