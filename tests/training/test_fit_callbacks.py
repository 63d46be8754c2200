import math
import os

import keras
import numpy as np
import pytest
import tensorflow as tf

from dlkit.errors import InputError
from dlkit.training import callbacks, load_history
from dlkit.training.fit_callbacks import declared_metrics, metric_direction

X = np.linspace(-1, 1, 32, dtype="float32")[:, None]
Y = 2 * X


def line(**compiled):
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile(**{"optimizer": keras.optimizers.SGD(0.05), "loss": "mse", **compiled})
    return model


def fit(model, run, epochs=2, val=True, y=Y, batch_size=8, **options):
    made = callbacks(run, **{"tensorboard": False, **options})
    validation = (X, Y) if val else None
    return model.fit(
        X, y, batch_size, epochs, callbacks=made, validation_data=validation, verbose=0
    )


class OwnStep(keras.Model):
    """A model whose training step alone decides what is reported."""

    def __init__(self):
        super().__init__()
        self.dense = keras.layers.Dense(1)

    def call(self, x):
        return self.dense(x)

    def train_step(self, data):
        super().train_step(data)
        return {"generator": 1.0, "critic_loss": 2.0}


class OwnTest(keras.Sequential):
    def test_step(self, data):
        return {**super().test_step(data), "gap": 1.0}


def closeness(y, prediction):
    return -keras.ops.abs(y - prediction)


# --- what is written ---------------------------------------------------------------------------


def test_a_run_holds_the_best_model_the_history_and_tensorboard(tmp_path):
    model = line(metrics=["mae"])
    history = fit(model, tmp_path / "run", epochs=3, tensorboard=True)
    run = tmp_path / "run"
    kept = [".lock", "best.keras", "history.csv", "resume.npz", "tensorboard"]
    assert sorted(os.listdir(run)) == kept
    assert load_history(run) == {"epoch": [0, 1, 2], **history.history}
    best = keras.models.load_model(run / "best.keras", safe_mode=True)
    assert best.evaluate(X, Y, verbose=0)[0] == pytest.approx(min(history.history["val_loss"]))
    assert scalars(run / "tensorboard" / "validation", "epoch_loss") == pytest.approx(
        history.history["val_loss"]
    )


def scalars(folder, tag):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder)).Reload()
    return [float(tf.make_ndarray(event.tensor_proto)) for event in events.Tensors(tag)]


def test_training_stops_and_gives_back_the_weights_of_the_best_epoch(tmp_path):
    model = line()
    seen = []
    note = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: seen.append(model.get_weights())
    )
    made = callbacks(tmp_path, monitor="loss", mode="max", patience=2, tensorboard=False)
    history = model.fit(X, Y, epochs=9, callbacks=[note, *made], verbose=0)
    assert history.epoch == [0, 1, 2]  # the loss falls, so the first epoch has the highest
    for kept, first in zip(model.get_weights(), seen[0], strict=True):
        np.testing.assert_array_equal(kept, first)


def test_without_resume_no_checkpoint_is_written_and_a_former_one_is_removed(tmp_path):
    fit(line(), tmp_path)
    assert (tmp_path / "resume.npz").exists()
    history = fit(line(), tmp_path, resume=False)
    assert history.epoch == [0, 1]
    assert sorted(os.listdir(tmp_path)) == [".lock", "best.keras", "history.csv"]
    assert load_history(tmp_path)["epoch"] == [0, 1]


# --- monitor -----------------------------------------------------------------------------------


def test_a_mistyped_monitor_fails_before_the_first_step(tmp_path):
    model = line(metrics=["accuracy", keras.metrics.MeanAbsoluteError(name="distance")])
    with pytest.raises(InputError) as error:
        fit(model, tmp_path, monitor="val_acuracy")
    assert str(error.value) == (
        "monitor='val_acuracy' is no metric of this model. Did you mean 'val_accuracy'? It has:"
        " loss, accuracy, distance, val_loss, val_accuracy, val_distance."
    )
    assert not model.optimizer.built  # not one step was made


def test_a_mistyped_monitor_of_an_own_training_step_fails_after_the_first(tmp_path):
    model = OwnStep()
    model.compile("sgd", "mse")
    with pytest.raises(InputError, match=r"Did you mean 'critic_loss'\? It has: critic_loss, gen"):
        fit(model, tmp_path, monitor="criticloss")
    assert int(model.optimizer.iterations) == 1


def test_a_mistyped_monitor_of_two_outputs_fails_after_the_first_step(tmp_path):
    x = keras.Input((1,))
    heads = [keras.layers.Dense(1, name=name)(x) for name in ("left", "right")]
    model = keras.Model(x, heads)
    model.compile("sgd", ["mse", "mse"], metrics=[["mae"], ["mae"]])
    made = callbacks(tmp_path, monitor="lefty_mae", tensorboard=False)
    with pytest.raises(InputError, match="Did you mean 'left_mae'"):
        model.fit(X, [Y, Y], batch_size=8, callbacks=made, verbose=0)
    assert int(model.optimizer.iterations) == 1
    for monitor in ("left_mae", "right_loss", "val_left_mae"):
        assert metric_direction(model, monitor) == "min"


def test_validation_that_never_comes_is_told_after_the_first_epoch(tmp_path):
    with pytest.raises(InputError, match="'val_loss' was not measured in epoch 1, which has: loss"):
        fit(line(), tmp_path, val=False)
    assert not (tmp_path / "resume.npz").exists()


def test_a_metric_that_only_validation_reports_is_accepted(tmp_path):
    model = OwnTest([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    history = fit(model, tmp_path, monitor="val_gap", mode="min")
    assert history.history["val_gap"] == [1.0, 1.0]


def test_data_without_validation_is_told_at_once(tmp_path):
    class Record:
        train, val = tf.data.Dataset.range(3), None

    with pytest.raises(InputError, match=r"monitor='val_loss' needs validation.*monitor 'loss'"):
        callbacks(tmp_path, data=Record())
    assert callbacks(tmp_path, data=Record(), monitor="loss")


@pytest.mark.parametrize(
    ("metrics", "names"),
    [
        (None, ["loss"]),
        (["mse", keras.metrics.AUC(name="area")], ["loss", "mse", "area"]),
        (["acc", "mse"], ["loss", "acc", "mse"]),
        ([closeness], None),  # Keras makes a name for it
        ([lambda y, p: y - p], None),
        (["mse", keras.metrics.MeanSquaredError(name="mse")], None),  # Keras numbers the second
    ],
)
def test_declared_metrics_are_those_that_fit_reports(metrics, names):
    model = line(metrics=metrics)
    assert declared_metrics(model) == names
    reported = set(model.fit(X, Y, verbose=0).history)
    assert names is None or set(names) == reported


def test_metrics_that_only_a_step_can_tell_are_left_open():
    model = OwnStep()
    model.compile("sgd", "mse")
    assert declared_metrics(model) is None


# --- mode --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("metric", "wanted"),
    [
        ("accuracy", "max"),
        (keras.metrics.R2Score(name="fit"), "max"),
        ("mae", "min"),
        (keras.metrics.RootMeanSquaredError(name="accuracy_error"), "min"),
    ],
)
def test_the_direction_is_the_metrics_own(tmp_path, metric, wanted):
    model = line(metrics=[metric])
    name = metric if isinstance(metric, str) else metric.name
    made = callbacks(tmp_path, monitor=f"val_{name}", tensorboard=False)
    model.fit(X, Y, validation_data=(X, Y), callbacks=made, verbose=0)
    modes = {callback.mode for callback in made if hasattr(callback, "monitor_op")}
    assert modes == {wanted}


def test_an_unknown_direction_must_be_given(tmp_path):
    model = line(metrics=[closeness])
    message = "high or a low val_closeness is better .* Received: mode='auto'"
    with pytest.raises(InputError, match=message):
        fit(model, tmp_path, monitor="val_closeness")
    assert int(model.optimizer.iterations) == 1
    history = fit(line(metrics=[closeness]), tmp_path, monitor="val_closeness", mode="max")
    best = keras.models.load_model(
        tmp_path / "best.keras", custom_objects={"closeness": closeness}, safe_mode=True
    )
    assert best.evaluate(X, Y, verbose=0)[1] == pytest.approx(max(history.history["val_closeness"]))


# --- NaN ---------------------------------------------------------------------------------------


def test_a_loss_that_explodes_stops_training_and_says_where(tmp_path, capsys):
    model = line(optimizer=keras.optimizers.SGD(1e9))
    history = fit(model, tmp_path, epochs=9)
    assert history.epoch == [0]
    said = capsys.readouterr().err
    assert "Training stopped: loss became" in said
    assert "in epoch 1, batch" in said
    assert "no epoch was finished before it" in said
    assert not (tmp_path / "best.keras").exists()
    assert not (tmp_path / "resume.npz").exists()


def test_after_a_good_epoch_its_weights_come_back(tmp_path, capsys):
    rates = keras.optimizers.schedules.PiecewiseConstantDecay([8], [0.05, 1e12])
    model = line(optimizer=keras.optimizers.SGD(rates))  # 4 steps an epoch: lost in the third
    history = fit(model, tmp_path, epochs=9)
    assert history.epoch == [0, 1, 2]
    assert "in epoch 3, batch 4 (the model gets back the weights of epoch 2)" in (
        capsys.readouterr().err
    )
    assert not math.isfinite(history.history["val_loss"][2])
    best = keras.models.load_model(tmp_path / "best.keras", safe_mode=True)
    for kept, saved in zip(model.get_weights(), best.get_weights(), strict=True):
        assert np.isfinite(kept).all()
        np.testing.assert_array_equal(kept, saved)
    assert model.evaluate(X, Y, verbose=0) == pytest.approx(history.history["val_loss"][1])


def test_infinite_data_is_named_by_its_batch(tmp_path, capsys):
    y = Y.copy()
    y[-1] = np.inf
    model = line()
    model.fit(
        tf.data.Dataset.from_tensor_slices((X, y)).batch(8),
        callbacks=callbacks(tmp_path, monitor="loss", tensorboard=False),
        verbose=0,
    )
    assert "loss became inf in epoch 1, batch 4" in capsys.readouterr().err


def test_a_first_value_that_is_nan_is_not_the_best_for_ever(tmp_path):
    class LateMetric(keras.metrics.Metric):
        """NaN in the first epoch, as a metric of a class that has not been met."""

        epochs = 0
        _direction = "up"

        def update_state(self, *arguments, **named):
            pass

        def result(self):
            return keras.ops.convert_to_tensor(self.value)

        def reset_state(self):
            type(self).epochs += 1

        @property
        def value(self):
            return float("nan") if type(self).epochs < 1 else 1.0

    model = line(metrics=[LateMetric(name="late")], run_eagerly=True)
    history = fit(model, tmp_path, monitor="late", epochs=3, val=False, resume=False)
    assert math.isnan(history.history["late"][0])
    assert history.history["late"][-1] == 1.0
    assert (tmp_path / "best.keras").exists()


# --- arguments ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mode": "maximum"}, r"mode must be one of.*Received: mode='maximum'"),
        ({"patience": -1}, "Received: patience=-1"),
        ({"data": np.ones(3)}, "Received: data of type 'ndarray'"),
        ({"monitor": 3}, "Received: monitor=3"),
    ],
)
def test_bad_arguments_are_refused(tmp_path, options, message):
    with pytest.raises(InputError, match=message):
        callbacks(tmp_path / "run", **options)
    assert not (tmp_path / "run").exists()


def test_a_run_that_is_no_directory_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"Received: run='.*file'"):
        callbacks(tmp_path / "file")
