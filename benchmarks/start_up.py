"""Start-up: how long `import dlkit` and the commands that need no TensorFlow take.

    python benchmarks/start_up.py

Prints the median and the best of 10 runs, in milliseconds. Each run is a fresh process; the import
is timed inside it, a command from its start to its end, the start of Python included. On a busy
machine the best run says more than the median.
"""

import statistics
import subprocess
import sys
import time

RUNS = 10
IMPORT = """
import time
start = time.perf_counter()
import dlkit
print(time.perf_counter() - start)
"""
COMMANDS = ("--help", "models", "datasets")


def time_import():
    """Return the seconds that `import dlkit` takes in a fresh process."""
    command = [sys.executable, "-c", IMPORT]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def time_command(*arguments):
    """Return the seconds from the start to the end of `python ARGUMENTS`."""
    start = time.perf_counter()
    subprocess.run([sys.executable, *arguments], stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - start


def main():
    """Time everything and print the table."""
    timed = {"python -c pass": lambda: time_command("-c", "pass"), "import dlkit": time_import}
    for command in COMMANDS:
        timed[f"dlkit {command}"] = lambda command=command: time_command("-m", "dlkit", command)
    print(f"{'':<16} {'median':>8} {'best':>8}  (ms, {RUNS} runs)")
    for name, measure in timed.items():
        seconds = [measure() for _ in range(RUNS)]
        median, best = 1000 * statistics.median(seconds), 1000 * min(seconds)
        print(f"{name:<16} {median:>8.0f} {best:>8.0f}", flush=True)


if __name__ == "__main__":
    main()
