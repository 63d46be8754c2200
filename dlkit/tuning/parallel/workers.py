"""The workers of one machine: processes that run the chief's own command, and what becomes of them.

A script comes to its `search` in each of them, and ends there. What they print is in the search's
directory.
"""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys
from typing import Any, Protocol

from dlkit.errors import InputError
from dlkit.tuning.parallel.chief import Chief
from dlkit.tuning.parallel.roles import Role

_MOST_FAILURES = 3  # one after the other, of workers that have not got as far as a trial


class Process(Protocol):
    """A worker that runs."""

    def poll(self) -> int | None:
        """Return its exit status, or `None` while it runs."""

    def terminate(self) -> None:
        """Ask it to end."""


class Workers:
    """Keeps a number of workers running while there is something to do.

    Args:
        chief: What they ask.
        role: Where the chief is, and whether a worker ends after a trial.
        project: The search's directory.
        count: How many run at a time.
        gpus: How many GPUs they share.
    """

    def __init__(self, chief: Chief, role: Role, project: pathlib.Path, count: int, gpus: int):
        self.chief, self.role, self.project = chief, role, project
        self.count, self.gpus = count, gpus
        self.running: dict[str, Process] = {}
        self._started = self._failures = 0

    @classmethod
    def host(cls) -> str:
        """Return the address at which workers find their chief.

        Raises:
            MissingExtraError: when what starts them is not installed.
        """
        return "127.0.0.1"

    def start(self, name: str, environment: dict[str, str]) -> Process:
        """Start a worker."""
        with open(self.log(name), "wb") as log:
            return subprocess.Popen(
                command(),
                env=os.environ | environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for the chief, which ends them
            )

    def log(self, name: str) -> pathlib.Path:
        """Return where the output of a worker goes."""
        return self.project / f"{name}.log"

    def look(self) -> None:
        """Take trials back from workers that have ended, and start others in their place.

        Raises:
            InputError: when one worker after the other ends before its first trial.
        """
        for name, process in list(self.running.items()):
            status = process.poll()
            if status is None:
                continue
            del self.running[name]
            began = name in self.chief.oracle.ongoing_trials or name in self.chief.heard
            self.chief.release(
                name, f"worker {name} ended with status {status}, see {self.log(name)}"
            )
            self._failures = 0 if began or not status else self._failures + 1
            if self._failures == _MOST_FAILURES:
                raise InputError(
                    f"Workers end before their first trial: {self._last_line(name)}"
                    f" ({self.log(name)} has more)."
                )
        while len(self.running) < self.count and not self._is_over():
            self._start()

    def stop(self) -> None:
        """End all workers."""
        for process in self.running.values():
            if process.poll() is None:
                process.terminate()

    def _is_over(self) -> bool:
        return self.chief.stop_triggered and not self.chief.oracle.has_lost_trials()

    def _start(self) -> None:
        name = f"worker{self._started}"
        role = Role(name, self.role.host, self.role.port, self.role.one_trial)
        environment = role.environment(self.project) | thread_limits(self.count)
        if self.gpus:
            environment["CUDA_VISIBLE_DEVICES"] = str(self._started % self.gpus)
            environment["TF_FORCE_GPU_ALLOW_GROWTH"] = "true"  # others may have the same one
        self._started += 1
        self.running[name] = self.start(name, environment)

    def _last_line(self, name: str) -> str:
        lines = self.log(name).read_text(errors="replace").split("\n")
        said = [line.strip() for line in lines if line.strip()]
        return said[-1] if said else "they say nothing"


def command() -> list[str]:
    """Return the command that this process was started with.

    Raises:
        InputError: in a notebook or an interactive session, which cannot be run again.
    """
    main: Any = sys.modules["__main__"]
    if len(sys.orig_argv) < 2 or not hasattr(main, "__file__") or "ipykernel" in sys.modules:
        raise InputError(
            "A search on several processes runs the script that calls it in each of them: write"
            " one, use `dlkit tune`, or give workers=1 and isolate=False. Received: a session"
            f" ({' '.join(sys.orig_argv)})."
        )
    return [sys.executable, *sys.orig_argv[1:]]


def thread_limits(count: int) -> dict[str, str]:
    """Return the variables that give each of some processes its share of this machine's cores."""
    share = str(max(1, (os.cpu_count() or 1) // count))
    names = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS")
    return {name: share for name in names if name not in os.environ}
