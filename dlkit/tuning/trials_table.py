"""The trials of a search as they come: a row each, on the terminal or in a log."""

from __future__ import annotations

import itertools
import re
import sys
import time
from typing import Any

from keras_tuner.engine.trial import Trial

from dlkit.tuning.oracles.oracle import SearchOracle

_WIDTH = 14
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
# What TensorFlow and Keras tell besides the reason.
_NO_REASON = ("Traceback", "Detected at node", "<stack traces", "[[", "{{")


class TrialsTable:
    """Prints a line for each trial that has ended, and on a terminal what runs now.

    Args:
        oracle: What says which trials there are.
        total: How many there will be at most, or `None`.
    """

    def __init__(self, oracle: SearchOracle, total: int | None) -> None:
        self.oracle, self.total = oracle, total
        self.names: list[str] = []
        self.began = time.monotonic()
        self.done = 0

    def __call__(self, trial: Trial) -> None:
        """Show a trial that begins or has ended."""
        running = trial.status == "RUNNING"
        if running and not sys.stdout.isatty():
            return
        self._header()
        line = self._line(trial, running)
        if sys.stdout.isatty():
            print(f"\r\033[K{line}", end="" if running else "\n", flush=True)
        else:
            print(line, flush=True)
        self.done += not running

    def _header(self) -> None:
        names = [hp.name for hp in self.oracle.hyperparameters.space]
        if names and not self.names:
            self.names = names
            print(self._cells("trial", names, self.oracle.objective.name, "best", "left"))

    def _line(self, trial: Trial, running: bool) -> str:
        values = trial.hyperparameters.values
        shown = [_brief(values.get(name, "-")) for name in self.names]
        number = str(list(self.oracle.trials).index(trial.trial_id) + 1)
        if running:
            return self._cells(number, shown, "...", "", "")
        if trial.status == "FAILED":
            return f"{self._cells(number, shown, 'failed', '', '')}  {reason(trial)}"
        return self._cells(number, shown, f"{trial.score:.5g}", self._best(), self._left())

    def _cells(self, number: str, values: list[str], score: str, best: str, left: str) -> str:
        cells = [f"{number:>5}", *(f"{value:<{_WIDTH}}"[:_WIDTH] for value in values)]
        return "  ".join([*cells, f"{score:>12}", f"{best:>10}", f"{left:>8}"])

    def _best(self) -> str:
        best = self.oracle.get_best_trials()[0]
        return f"{best.score:.5g}" if best.score is not None else ""

    def _left(self) -> str:
        if self.total is None:
            return ""
        each = (time.monotonic() - self.began) / (self.done + 1)
        left = each * max(0, self.total - len(self.oracle.end_order))
        if self.oracle.max_minutes is not None:
            left = min(left, max(0.0, 60 * self.oracle.max_minutes - self.oracle.seconds()))
        return f"{left / 60:.0f} min" if left >= 90 else f"{left:.0f} s"


def reason(trial: Trial) -> str:
    r"""Return why a trial failed, in a line.

    Example:
        >>> import keras_tuner
        >>> reason(Trial(keras_tuner.HyperParameters(), message="Traceback ...\nValueError: odd"))
        'ValueError: odd'
    """
    lines = [_COLOURS.sub("", line) for line in (trial.message or "").splitlines()]
    # A traceback ends with a file and its line of code, and what was raised begins with the next.
    last = max((n for n, line in enumerate(lines) if line.startswith("  File ")), default=-1)
    raised = itertools.dropwhile(lambda line: line.startswith("  "), lines[last + 1 :])
    said = [line.strip() for line in raised if line.strip() and not line.startswith(_NO_REASON)]
    first, *others = said or [""]
    if first.endswith((":", "().", "()")) and others:  # the layer, or that it was in a graph
        first = f"{first} {others[0]}"
    return first.removeprefix("keras_tuner.src.errors.FailedTrialError: ")


def _brief(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
