"""One training a run directory at a time."""

import fcntl
import os

import keras
import numpy as np
import pytest

from dlkit.errors import InputError
from dlkit.training import callbacks
from dlkit.training.run_lock import RunLock, lock_run, unlock_run


@pytest.fixture
def model():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    return model


X = np.ones((4, 2))


def test_a_run_that_another_process_trains_is_left_alone(tmp_path, model):
    (tmp_path / ".best.1f.partial.keras").write_bytes(b"what the other is writing")
    with open(tmp_path / ".lock", "w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        other.write("4321")
        other.flush()
        with pytest.raises(
            InputError, match=f"The run {tmp_path} is being trained by proc.* 4321;"
        ):
            model.fit(X, X[:, 0], verbose=0, callbacks=callbacks(tmp_path, monitor="loss"))
    assert sorted(os.listdir(tmp_path)) == [".best.1f.partial.keras", ".lock"]
    model.fit(X, X[:, 0], verbose=0, callbacks=callbacks(tmp_path, monitor="loss"))  # free again


def test_what_a_killed_process_left_is_cleared(tmp_path, model):
    for name in (".best.1f.partial.keras", ".resume.npz.2e.partial"):
        (tmp_path / name).write_bytes(b"half")
    model.fit(X, X[:, 0], verbose=0, callbacks=[RunLock(tmp_path)])
    assert os.listdir(tmp_path) == [".lock"]


def test_a_fit_that_ended_in_an_error_does_not_lock_its_own_process_out(tmp_path, model):
    def interrupt(batch, logs):
        raise KeyboardInterrupt

    stop = keras.callbacks.LambdaCallback(on_train_batch_end=interrupt)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, X[:, 0], verbose=0, callbacks=[RunLock(tmp_path), stop])
    model.fit(X, X[:, 0], verbose=0, callbacks=[RunLock(tmp_path)])
    with open(tmp_path / ".lock") as other:  # a finished one lets go
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_the_one_who_holds_it_is_named(tmp_path):
    lock_run(tmp_path)
    assert (tmp_path / ".lock").read_text() == str(os.getpid())
    with open(tmp_path / ".lock") as other, pytest.raises(BlockingIOError):
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    unlock_run(tmp_path)
    unlock_run(tmp_path)
