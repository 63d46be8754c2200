"""How much sooner two workers end a random search than one process, with the same trials.

Scores may differ in their last digits: a worker has half of the threads, and sums in another order.

python benchmarks/search_workers.py [--rounds 3] [--trials 60]
"""

import argparse
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

SCRIPT = """
import sys
import dlkit as dk
trials, workers, folder = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
data = dk.data.load("digits", augment=False)
tuner = dk.tuning.search(
    "cnn", data, strategy="random", max_trials=trials, epochs=12, workers=workers, directory=folder,
    space={"learning_rate": dk.tuning.Float(1e-4, 1e-2, sampling="log")}, verbose=False)
print([(t.trial_id, t.status, t.hyperparameters.values) for t in tuner.oracle.trials.values()])
"""


def run(script, trials, workers):
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, str(script), str(trials), str(workers), folder]
        began = time.monotonic()
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return time.monotonic() - began, done.stdout.splitlines()[-1]


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--trials", type=int, default=60)
    given = parser.parse_args()
    ratios = []
    with tempfile.TemporaryDirectory() as folder:
        script = pathlib.Path(folder, "search.py")
        script.write_text(SCRIPT)
        for _ in range(given.rounds):
            alone, told = run(script, given.trials, 1)
            shared, same = run(script, given.trials, 2)
            if told != same:
                raise SystemExit(f"The trials differ: {told} and {same}")
            ratios.append(alone / shared)
            print(f"{alone:.1f} s alone, {shared:.1f} s with two workers: {ratios[-1]:.2f} times")
    print(f"median {statistics.median(ratios):.2f} times, with the same trials")


if __name__ == "__main__":
    main()
