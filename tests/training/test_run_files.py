import math
import os

import keras
import numpy as np
import pytest

from dlkit.errors import InputError
from dlkit.training import load_history
from dlkit.training.run_files import BestCheckpoint, HistoryFile


def line(slope=2.0, **compiled):
    """A model with one weight, and the points of a line."""
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
    model.compile(**{"optimizer": keras.optimizers.SGD(0.05), "loss": "mse", **compiled})
    x = np.linspace(-1, 1, 16, dtype="float32")[:, None]
    return model, x, slope * x


def test_the_history_file_holds_what_fit_returns(tmp_path):
    model, x, y = line()
    history = model.fit(
        x,
        y,
        validation_data=(x, y),
        epochs=3,
        verbose=0,
        callbacks=[HistoryFile(tmp_path / "history.csv")],
    )
    assert load_history(tmp_path) == {"epoch": [0, 1, 2], **history.history}


def test_a_value_that_was_not_measured_is_nan(tmp_path):
    model, x, y = line()
    keeper = HistoryFile(tmp_path / "history.csv")
    model.fit(
        x, y, validation_data=(x, y), validation_freq=2, epochs=2, verbose=0, callbacks=[keeper]
    )
    first, second = load_history(tmp_path)["val_loss"]
    assert math.isnan(first)
    assert second > 0


def test_a_run_without_history_is_named(tmp_path):
    with pytest.raises(InputError, match=rf"Received: run='{tmp_path}'"):
        load_history(tmp_path)


def test_the_best_model_is_the_one_of_the_best_epoch(tmp_path):
    model, x, y = line()
    keeper = BestCheckpoint(tmp_path / "best.keras", monitor="loss", mode="max")  # falls: first
    seen = []
    note = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: seen.append(model.get_weights()[0])
    )
    model.fit(x, y, epochs=3, verbose=0, callbacks=[keeper, note])
    assert os.listdir(tmp_path) == ["best.keras"]
    kept = keras.models.load_model(tmp_path / "best.keras", safe_mode=True)
    np.testing.assert_array_equal(kept.get_weights()[0], seen[0])
    assert not np.array_equal(seen[0], seen[2])
