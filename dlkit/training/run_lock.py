"""One training at a time in a run directory: two would write over each other's files."""

import os
import pathlib
from typing import Any

import keras

from dlkit.errors import InputError

# What this process holds: a `fit` that ended in an error, as by Ctrl-C, did not let go.
_HELD: dict[pathlib.Path, int] = {}


class RunLock(keras.callbacks.Callback):
    """Holds the run directory while `fit` trains, and clears what a killed process left there.

    It stands first in the list of callbacks, so that no other touches the files of a run that is
    being trained.
    """

    def __init__(self, run: pathlib.Path) -> None:
        super().__init__()
        self.run = run

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Take the directory, or refuse to train."""
        lock_run(self.run)
        for partial in self.run.glob(".*.partial*"):
            partial.unlink(missing_ok=True)

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Let go of the directory."""
        unlock_run(self.run)


def lock_run(run: pathlib.Path) -> None:
    """Keep other processes from training in `run` until `unlock_run`, or the end of this process.

    Raises:
        InputError: when another process trains there.

    Example:
        >>> import pathlib, tempfile
        >>> run = pathlib.Path(tempfile.mkdtemp())
        >>> lock_run(run)
        >>> unlock_run(run)
    """
    try:
        import fcntl
    except ImportError:  # Windows has no such locks
        return
    unlock_run(run)
    file = os.open(run / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        owner = os.read(file, 20).decode() or "(starting)"
        os.close(file)
        raise InputError(
            f"The run {run} is being trained by process {owner}; wait until that has ended, or"
            " choose another name."
        ) from None
    except OSError:  # a file system without locks
        pass
    os.truncate(file, 0)
    os.write(file, str(os.getpid()).encode())
    _HELD[run.resolve()] = file


def unlock_run(run: pathlib.Path) -> None:
    """Let go of a run directory, if this process holds it."""
    file = _HELD.pop(run.resolve(), None)
    if file is not None:
        os.close(file)
