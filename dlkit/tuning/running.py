"""Runs a tuner: in this process, as the chief of several, or as one of its workers."""

from __future__ import annotations

import contextlib
import pathlib
import signal
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import keras
import keras_tuner

from dlkit.argument_validation import require
from dlkit.tuning.oracles.oracle import SearchOracle
from dlkit.tuning.parallel.chief import Chief, Listening
from dlkit.tuning.parallel.link import Link
from dlkit.tuning.parallel.ray_workers import RayWorkers
from dlkit.tuning.parallel.roles import Role, is_started_by_chief
from dlkit.tuning.parallel.workers import Workers, command
from dlkit.tuning.tuner import (
    EnoughError,
    FullDiskError,
    SearchTuner,
    without_retracing_notes,
)

LAUNCHERS = {"process": Workers, "ray": RayWorkers}
_PAUSE = 0.05  # seconds between two looks at the workers
# Seconds until a worker takes its chief for dead: the one that started it, and one that may come
# later, or again.
_OWN_WAIT, _REMOTE_WAIT = 10.0, 60.0


def check_launcher(launcher: str) -> None:
    """See that workers can be started.

    Raises:
        InputError: where there is no script to be run again.
        MissingExtraError: when Ray is asked for and not installed.
    """
    command()
    if launcher == "ray":
        require("ray", "ray")


def run_alone(tuner: SearchTuner, **fit: Any) -> None:
    """Search in this process."""
    tuner.save()
    with without_retracing_notes(), _handing_back(tuner.oracle):
        tuner.search(verbose=0, **fit)


def run_chief(
    tuner: SearchTuner, project: pathlib.Path, workers: int, launcher: str, one_trial: bool
) -> None:
    """Search with workers that this process starts."""
    host = LAUNCHERS[launcher].host()
    tuner.save()
    chief = Chief(tuner.oracle)
    gpus = len(keras.distribution.list_devices("gpu"))
    with Listening(chief, host, 0) as listening:
        role = Role("", host, listening.port, one_trial)
        staff = LAUNCHERS[launcher](chief, role, project, workers, gpus)
        try:
            _wait(chief, staff)
        finally:
            staff.stop()


def run_remote_chief(tuner: SearchTuner, role: Role) -> None:
    """Search with workers that are started elsewhere."""
    tuner.save()
    chief = Chief(tuner.oracle)
    with Listening(chief, role.host, role.port) as listening:
        print(f"The chief listens at {role.host}:{listening.port}; it waits for workers.")
        _wait(chief, None)


def run_worker(tuner: SearchTuner, link: Link, **fit: Any) -> None:
    """Train what the chief asks for, until there is nothing more to do."""
    link.keep_alive(tuner.oracle)
    with without_retracing_notes(), contextlib.suppress(EnoughError):
        tuner.search(verbose=0, **fit)


def make_link(role: Role) -> Link:
    """Return a worker's link to its chief, which is there.

    Raises:
        InputError: when no chief answers in time.
    """
    link = Link(role, _OWN_WAIT if is_started_by_chief() else _REMOTE_WAIT)
    link.reach()
    return link


def _wait(chief: Chief, staff: Workers | None) -> None:
    """Wait until the search is done."""
    with _handing_back(chief.oracle):
        while not chief.is_done():
            if chief.error is not None:
                raise chief.error
            if staff is not None:
                staff.look()
            chief.release_silent()
            time.sleep(_PAUSE)


@contextlib.contextmanager
def _handing_back(oracle: SearchOracle) -> Iterator[None]:
    """Take the trials back that run when the process is asked to end, without a death to count.

    SIGTERM is what a cluster sends before it takes a machine away; it ends the process with 143.
    """

    def end(*_: Any) -> None:
        sys.exit(128 + signal.SIGTERM)

    with _answering(signal.SIGTERM, end):
        try:
            yield
        except FullDiskError:
            raise  # nothing can be written
        except (KeyboardInterrupt, SystemExit, keras_tuner.errors.FatalError):
            oracle.interrupt()
            raise


@contextlib.contextmanager
def _answering(number: int, handler: Any) -> Iterator[None]:
    """Handle a signal, unless the script that searches does so itself, or cannot in its thread."""
    free = signal.getsignal(number) == signal.SIG_DFL
    if not free or threading.current_thread() is not threading.main_thread():
        yield
        return
    signal.signal(number, handler)
    try:
        yield
    finally:
        signal.signal(number, signal.SIG_DFL)
