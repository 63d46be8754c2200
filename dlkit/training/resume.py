"""Exact resume: a training that was killed goes on as if nothing had happened.

After every epoch one file is replaced whole, `resume.npz`: plain arrays, and one entry of JSON. It
holds what the next epoch depends on:

    model.variables        weights, batch statistics, and the states of dropout's random generators
    optimizer.variables    moments, the step counter that schedules read, the learning rate
    the callbacks          best value, patience used, best weights, the history so far
    random, numpy.random   the global generators of Python and NumPy
    epoch                  from which the order of a shuffled tf.data pipeline follows

Writing it takes about 13 ms for a network of 137,000 parameters trained with Adam (2.2 MB). Keras's
`BackupAndRestore` leaves out the random states, the callbacks and the order of the data.
"""

import json
import math
import pathlib
import random
import re
import sys
import zipfile
from typing import Any

import keras
import ml_dtypes
import numpy as np
from keras import ops

from dlkit.errors import InputError
from dlkit.training.atomic_files import write_atomically
from dlkit.training.run_files import BestCheckpoint, HistoryFile

_FORMAT = 1
_INFINITE, _UNKNOWN = -1, -2  # as tf.data's cardinality tells them


class Resume(keras.callbacks.Callback):
    """Saves the state of the training after each epoch, and restores it when training begins.

    It stands last in the list of callbacks, so that it restores after the others have reset
    themselves, and saves what they hold after the epoch.

    Args:
        path: The checkpoint file.
        stopping: The early stopping whose state belongs to the training.
        best: The checkpoint of the best model.
        history: The history file.
        dataset: The `tf.data.Dataset` that `fit` gets, or None. Defaults to None.
    """

    def __init__(
        self,
        path: pathlib.Path,
        stopping: keras.callbacks.EarlyStopping,
        *,
        best: BestCheckpoint,
        history: HistoryFile,
        dataset: Any = None,
    ) -> None:
        super().__init__()
        self.path = path
        self.stopping = stopping
        self.best = best
        self.history = history
        self.dataset = dataset

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Restore what an earlier process left, and tell `fit` where to go on."""
        if not self.path.exists():
            return
        state, arrays = _read(self.path)
        self._restore(state, arrays)
        epoch, epochs = state["epoch"], self.params.get("epochs") or state["epoch"]
        stopped = self.stopping.stopped_epoch > 0
        # As BackupAndRestore does: `fit` reads it after the callbacks' on_train_begin.
        self.model._initial_epoch = max(epoch, epochs) if stopped else epoch
        if self.params.get("verbose"):
            print(_announcement(self.path.parent, epoch, epochs, stopped))
        if epoch < epochs and not stopped and self.dataset is not None:
            advance_order(self.dataset, epoch, steps=self.params.get("steps"))

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Leave no trace in the model: a later `fit` begins where it is told to."""
        self.model._initial_epoch = None

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Leave no trace in the model, also where no epoch was trained."""
        self.model._initial_epoch = None

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Save, unless the loss is lost: then the last good epoch stays."""
        for name, value in (logs or {}).items():
            trained_on = name.endswith("loss") and not name.startswith("val_")
            if trained_on and not math.isfinite(value):
                return
        arrays: dict[str, Any] = _collect(self.model, self.stopping)
        state = self._state(epoch + 1)
        arrays["state"] = np.frombuffer(json.dumps(state, default=np.ndarray.tolist).encode(), "u1")
        write_atomically(self.path, lambda file: np.savez(file, **arrays), durable=True)

    def _state(self, epoch: int) -> dict[str, Any]:
        stopping = self.stopping
        return {
            "format": _FORMAT,
            "epoch": epoch,
            "variables": _labels(self.model),
            "stopping": {
                "best": _finite(stopping.best),
                "wait": stopping.wait,
                "stopped_epoch": stopping.stopped_epoch,
                "best_epoch": stopping.best_epoch,
            },
            "best": _finite(self.best.best),
            "history": self.history.rows,
            "python": random.getstate(),
            "numpy": np.random.get_state(legacy=False),
        }

    def _restore(self, state: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
        _build(self.model, state["variables"], self.path, self.dataset)
        _check_same_model(self.model, state["variables"], self.path)
        for key, variable in _variables(self.model).items():
            variable.assign(_as_dtype(arrays[key], variable.dtype))
        for name, value in state["stopping"].items():
            setattr(self.stopping, name, value)
        kept = [key for key in arrays if key.startswith("best/")]
        dtypes = [weight.dtype for weight in self.model.weights]
        if kept:
            self.stopping.best_weights = [
                _as_dtype(arrays[f"best/{i}"], dtype) for i, dtype in enumerate(dtypes)
            ]
        self.best.best = state["best"]
        self.history.rows = state["history"]
        self.history.write()
        version, words, gauss = state["python"]
        random.setstate((version, tuple(words), gauss))
        np.random.set_state(state["numpy"])


def advance_order(dataset: Any, epochs: int, *, steps: int | None = None) -> None:
    """Bring a shuffled `tf.data` pipeline to the order it has after `epochs` epochs of `fit`.

    With `shuffle(..., reshuffle_each_iteration=True)` each new iterator draws the next order, also
    one that nothing is read from. `fit` makes two an epoch where the number of batches is known
    (one to read, and one when it has seen the last batch), else one.

    Args:
        dataset: The `tf.data.Dataset` that `fit` gets.
        epochs: Number of epochs already trained.
        steps: Number of batches that `fit` takes an epoch, None if unknown. Defaults to None.

    Example:
        >>> import tensorflow as tf
        >>> first, second = (tf.data.Dataset.range(9).shuffle(9, seed=1) for _ in range(2))
        >>> _ = [list(first), list(first)]
        >>> advance_order(second, epochs=1)
        >>> list(first.as_numpy_iterator()) == list(second.as_numpy_iterator())
        True
    """
    batches = int(dataset.cardinality())
    if batches == _INFINITE or (batches != _UNKNOWN and steps not in (None, batches)):
        print_line(
            f"The order of the data starts anew: {steps} steps an epoch of a data set of"
            f" {'endless' if batches == _INFINITE else batches} batches cannot be continued"
            " exactly; leave out repeat() and steps_per_epoch where that matters."
        )
        return
    for _ in range(epochs * (1 if batches == _UNKNOWN else 2)):
        iter(dataset)


def run_progress(run: pathlib.Path) -> tuple[int, bool] | None:
    """Return how many epochs a run keeps and whether early stopping ended it, None if unknown.

    Example:
        >>> run_progress(pathlib.Path("/nosuch"))
    """
    try:
        with np.load(run / "resume.npz", allow_pickle=False) as file:
            state = json.loads(file["state"].tobytes())
        return state["epoch"], state["stopping"]["stopped_epoch"] > 0
    except (OSError, EOFError, ValueError, KeyError, TypeError, zipfile.BadZipFile):
        return None


def print_line(sentence: str) -> None:
    """Print a sentence that the user must see, below the progress bar."""
    print(f"\n{sentence}", file=sys.stderr, flush=True)


def _announcement(run: pathlib.Path, epoch: int, epochs: int, stopped: bool) -> str:
    if stopped:
        return f"{run} was stopped early after epoch {epoch}; nothing is left to train."
    if epoch >= epochs:
        return f"{run} has been trained for {epoch} epochs; nothing is left of epochs={epochs}."
    return f"{run} goes on after epoch {epoch} of {epochs}."


def _read(path: pathlib.Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = dict(file)
        state = json.loads(arrays.pop("state").tobytes())
        if state["format"] == _FORMAT:
            return state, arrays
    except (OSError, EOFError, ValueError, KeyError, TypeError, zipfile.BadZipFile):
        pass
    raise InputError(
        f"{path} cannot be read as a checkpoint of this version of dlkit; remove it, or give"
        " callbacks(..., resume=False), to start over."
    )


def _optimizers(model: keras.Model) -> list[keras.optimizers.Optimizer]:
    """The optimizer of `compile`, and those that a model with its own training step holds."""
    held = [
        value for value in vars(model).values() if isinstance(value, keras.optimizers.Optimizer)
    ]
    found = {id(optimizer): optimizer for optimizer in [model.optimizer, *held] if optimizer}
    return list(found.values())


def _variables(model: keras.Model) -> dict[str, keras.Variable]:
    """Everything that a training step may change. `weights` lacks the random states."""
    named = {f"model/{i}": variable for i, variable in enumerate(model.variables)}
    for k, optimizer in enumerate(_optimizers(model)):
        named |= {f"optimizer{k}/{i}": v for i, v in enumerate(optimizer.variables)}
    return named


def _labels(model: keras.Model) -> dict[str, str]:
    """Key -> name, shape and dtype; without the numbers that Keras counts up in one process."""
    labels = {}
    for key, variable in _variables(model).items():
        # An optimizer built by its first step has more scopes in its paths than one built before.
        path = variable.path if key.startswith("model/") else f"optimizer/{variable.name}"
        path = re.sub(r"_[0-9]+(?=[_/]|$)", "", path)
        labels[key] = f"{path} {tuple(variable.shape)} {variable.dtype}"
    return labels


def _check_same_model(model: keras.Model, saved: dict[str, str], path: pathlib.Path) -> None:
    present = _labels(model)
    for key in {**saved, **present}:
        if saved.get(key) != present.get(key):
            raise InputError(
                f"{path} belongs to another model: it holds {saved.get(key, 'no more variables')}"
                f" where this one has {present.get(key, 'no more variables')}; use another run, or"
                " callbacks(..., resume=False) to start over."
            )


def _build(model: keras.Model, saved: dict[str, str], path: pathlib.Path, dataset: Any) -> None:
    """Make the variables that `fit` would make at its first step."""
    if not model.built and hasattr(dataset, "element_spec"):
        inputs = dataset.element_spec[0]  # a symbolic call makes the variables of any model
        model(keras.tree.map_structure(lambda s: keras.KerasTensor(s.shape, s.dtype.name), inputs))
    if not model.built:
        raise InputError(
            f"{path} cannot be restored into a model that is not built; begin the model with"
            f" keras.Input, or give callbacks the data. Received: {model.name!r}."
        )
    used = sum(key.startswith("optimizer0/") for key in saved)
    # A model with its own training step may leave the optimizer of `compile` alone.
    if model.optimizer is not None and len(model.optimizer.variables) < used:
        model.optimizer.build(model.trainable_variables)


def _collect(model: keras.Model, stopping: keras.callbacks.EarlyStopping) -> dict[str, np.ndarray]:
    arrays = {key: ops.convert_to_numpy(v) for key, v in _variables(model).items()}
    arrays |= {f"best/{i}": weight for i, weight in enumerate(stopping.best_weights or ())}
    return {key: _plain(np.asarray(array)) for key, array in arrays.items()}


def _plain(array: np.ndarray) -> np.ndarray:
    """Bfloat16 and its like are unknown to .npz files: keep their bits."""
    return array if array.dtype.isbuiltin == 1 else array.view(f"u{array.itemsize}")


def _as_dtype(array: np.ndarray, dtype: str) -> np.ndarray:
    wanted = np.dtype(getattr(ml_dtypes, dtype, dtype))
    return array if array.dtype == wanted else array.view(wanted)


def _finite(value: Any) -> float | None:
    return None if value is None or not math.isfinite(value) else float(value)
