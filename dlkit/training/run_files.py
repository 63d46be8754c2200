"""What a training leaves on the disk for people: the history of its metrics and its best model."""

import csv
import io
import os
import pathlib
import secrets
from typing import Any

import keras

from dlkit.errors import InputError
from dlkit.training.atomic_files import write_atomically


def load_history(run: str | pathlib.Path) -> dict[str, list[float]]:
    r"""Read the metrics of a run, epoch by epoch, as `History.history` of `fit` holds them.

    Use it to draw the curves of a run that was continued: the history that `fit` returns knows only
    the epochs of its own process.

    Args:
        run: The run directory.

    Returns:
        Name of the column -> its values; `epoch` counts from 0, a value that was not measured is
        NaN.

    Raises:
        InputError: when the run holds no history.

    Example:
        >>> import pathlib, tempfile
        >>> run = pathlib.Path(tempfile.mkdtemp())
        >>> _ = (run / "history.csv").write_text("epoch,loss\n0,0.5\n1,0.25\n")
        >>> load_history(run)
        {'epoch': [0, 1], 'loss': [0.5, 0.25]}
    """
    path = pathlib.Path(run) / "history.csv"
    try:
        with open(path, newline="") as file:
            rows = list(csv.DictReader(file))
    except OSError:
        raise InputError(
            f"{path} cannot be read; give the directory of a run that finished an epoch."
            f" Received: run={str(run)!r}."
        ) from None
    return {
        name: [int(row[name]) if name == "epoch" else float(row[name] or "nan") for row in rows]
        for name in (rows[0] if rows else ())
    }


class HistoryFile(keras.callbacks.Callback):
    """Writes `history.csv`, each epoch once.

    Keras's `CSVLogger` appends: a training killed between two writes has an epoch twice or half a
    line, and without validation it adds empty columns. Here the small file is replaced whole.
    """

    def __init__(self, path: pathlib.Path) -> None:
        super().__init__()
        self.path = path
        self.rows: list[dict[str, Any]] = []

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Forget the rows of an earlier `fit`; those of a resumed run are put back after this."""
        self.rows = []

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Add the epoch's metrics."""
        self.rows.append({"epoch": epoch, **(logs or {})})
        self.write()

    def write(self) -> None:
        """Replace the file with the rows held."""
        text = io.StringIO(newline="")
        columns = dict.fromkeys(name for row in self.rows for name in row)
        writer = csv.DictWriter(text, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.rows)
        write_atomically(self.path, lambda file: file.write(text.getvalue().encode()))


class BestCheckpoint(keras.callbacks.ModelCheckpoint):
    """Keras's checkpoint of the best model, renamed into place when it is whole.

    Args:
        path: The `.keras` file.
        monitor: The metric that says what is best.
        mode: "auto", "min" or "max".
    """

    def __init__(self, path: pathlib.Path, *, monitor: str, mode: str) -> None:
        super().__init__(
            path.with_name(f".{path.stem}.{secrets.token_hex(4)}.partial.keras"),
            monitor=monitor,
            mode=mode,
            save_best_only=True,
        )
        self.path = path

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Start with no best value."""
        self.best = None

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Let Keras save if this epoch is the best, then put the file in place."""
        try:
            super().on_epoch_end(epoch, logs)
            if os.path.exists(self.filepath):
                os.replace(self.filepath, self.path)
        finally:  # half of a file, where the disk is full
            pathlib.Path(self.filepath).unlink(missing_ok=True)
