import contextlib
import os
import pathlib
import random
import signal
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from dlkit.errors import InputError
from dlkit.training import callbacks, load_history, set_seed
from dlkit.training.resume import advance_order
from tests.training import digits_training

SCRIPT = pathlib.Path(__file__).with_name("digits_training.py")


class Interrupt(keras.callbacks.Callback):
    """Ends the training as a kill would, at the end of an epoch before it is saved."""

    def __init__(self, epoch):
        super().__init__()
        self.epoch = epoch

    def on_epoch_end(self, epoch, logs=None):
        if epoch == self.epoch:
            raise InterruptedError


def same(first, second):
    """Whether two models, or lists of arrays, hold the same bits."""
    first, second = (
        [v.numpy() for v in it.variables] if hasattr(it, "variables") else it
        for it in (first, second)
    )
    return all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    run = tmp_path_factory.mktemp("whole")
    model, _ = digits_training.train(run)
    return model, run


def test_two_runs_with_one_seed_are_the_same(uninterrupted, tmp_path):
    model, run = uninterrupted
    again, history = digits_training.train(tmp_path)
    assert history.history["val_accuracy"][-1] > 0.7  # it learns something
    assert same(model, again)
    assert (run / "history.csv").read_text() == (tmp_path / "history.csv").read_text()


# --- killed ------------------------------------------------------------------------------------


def kill_at(run, *stop):
    process = subprocess.Popen(
        [sys.executable, str(SCRIPT), str(run), *stop],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout.readline() == "here\n"
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL


def test_killed_twice_it_ends_with_the_weights_of_a_run_left_alone(uninterrupted, tmp_path):
    model, run = uninterrupted
    kill_at(tmp_path, "epoch", "1")  # history and best model hold epoch 1, the checkpoint does not
    assert load_history(tmp_path)["epoch"] == [0, 1]
    kill_at(tmp_path, "batch", "3", "5")
    assert load_history(tmp_path)["epoch"] == [0, 1, 2]
    done = subprocess.run(
        [sys.executable, str(SCRIPT), str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert done.stdout == "trained [3, 4]\n"
    with np.load(tmp_path / "final.npz") as final:
        assert same(model, list(final.values()))
    assert (run / "history.csv").read_text() == (tmp_path / "history.csv").read_text()
    best = [keras.models.load_model(path / "best.keras") for path in (run, tmp_path)]
    assert same(*(model.get_weights() for model in best))
    assert sorted(os.listdir(tmp_path)) == sorted([*os.listdir(run), "final.npz"])


# --- the order of the data ---------------------------------------------------------------------


class Recorder(keras.Model):
    """Remembers the first value of each batch that it is trained on."""

    def __init__(self):
        super().__init__()
        self.dense = keras.layers.Dense(1)
        self.seen = []

    def call(self, x):
        return self.dense(x)

    def train_step(self, data):
        x, _ = data
        self.seen.append(float(x[0, 0]))
        return super().train_step(data)


def shuffled(kind):
    numbers = tf.data.Dataset.range(50)
    if kind == "random":  # a new random number for each example and epoch
        noise = tf.data.Dataset.random(seed=4, rerandomize_each_iteration=True)
        numbers = tf.data.Dataset.zip(numbers, noise.take(50)).map(lambda n, r: n + r % 1000)
    else:
        numbers = numbers.shuffle(50, seed=3, reshuffle_each_iteration=True)
    if kind == "unknown":
        numbers = numbers.filter(lambda n: True)
    pairs = numbers.map(lambda n: (tf.reshape(tf.cast(n, "float32") / 1000, (1,)), [0.0]))
    return pairs.batch(8).prefetch(2)


def record_batches(run, kind, *, epochs, interrupt=None, steps_per_execution=1):
    set_seed(1)
    data = shuffled(kind)
    model = Recorder()
    model.compile("sgd", "mse", run_eagerly=True, steps_per_execution=steps_per_execution)
    made = callbacks(run, data=data, monitor="loss", tensorboard=False)
    if interrupt is not None:
        made.insert(-1, Interrupt(interrupt))
    try:
        model.fit(data, epochs=epochs, callbacks=made, verbose=0)
    except InterruptedError:
        return None
    return model.seen


@pytest.mark.filterwarnings("ignore:Your input ran out of data")  # Keras, of an unknown length
@pytest.mark.parametrize("kind", ["known", "unknown", "random"])
@pytest.mark.parametrize("steps", [1, 3])
def test_the_batches_after_a_resume_are_those_of_a_run_left_alone(tmp_path, kind, steps):
    options = {"epochs": 4, "steps_per_execution": steps}
    whole = record_batches(tmp_path / "a", kind, **options)
    epochs = np.reshape(whole, (4, 7)).tolist()
    assert len({tuple(epoch) for epoch in epochs}) == 4  # each epoch has an order of its own
    record_batches(tmp_path / "b", kind, interrupt=2, **options)
    rest = record_batches(tmp_path / "b", kind, **options)
    assert np.reshape(rest, (2, 7)).tolist() == epochs[2:]


def test_arrays_go_on_in_the_order_that_fit_has_for_them(tmp_path):
    """With a seed Keras shuffles arrays once: nothing has to be advanced."""
    x = np.linspace(-1, 1, 32, dtype="float32")[:, None]

    def train(run, interrupt=None):
        set_seed(1)
        model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(3), keras.layers.Dense(1)])
        model.compile("adam", "mse")
        made = callbacks(run, monitor="loss", tensorboard=False)
        if interrupt is not None:
            made.insert(-1, Interrupt(interrupt))
        with contextlib.suppress(InterruptedError):
            model.fit(x, x, batch_size=4, epochs=4, callbacks=made, verbose=0)
        return model

    whole = train(tmp_path / "a")
    train(tmp_path / "b", interrupt=2)
    assert same(whole, train(tmp_path / "b"))


def test_an_order_that_cannot_be_continued_is_told(tmp_path, capsys):
    data = tf.data.Dataset.range(8).shuffle(8, seed=1).batch(2)
    advance_order(data.repeat(), 3, steps=4)
    assert "4 steps an epoch of a data set of endless batches" in capsys.readouterr().err
    advance_order(data, 3, steps=2)
    assert "2 steps an epoch of a data set of 4 batches" in capsys.readouterr().err


# --- the state of the callbacks ----------------------------------------------------------------

X = np.linspace(-1, 1, 32, dtype="float32")[:, None]
DATA = tf.data.Dataset.from_tensor_slices((X, 2 * X)).batch(8)


def line(policy="float32", **compiled):
    set_seed(1)
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, dtype=policy)])
    model.compile(**{"optimizer": "adam", "loss": "mse", **compiled})
    return model


def fit(run, model, epochs=3, interrupt=None, data=DATA, **options):
    made = callbacks(run, **{"data": data, "monitor": "loss", "tensorboard": False, **options})
    if interrupt is not None:
        made.insert(-1, Interrupt(interrupt))
    try:
        return model.fit(data, epochs=epochs, callbacks=made, verbose=0).epoch
    except InterruptedError:
        return None


def test_early_stopping_goes_on_counting_and_stays_stopped(tmp_path):
    falling = {"mode": "max", "patience": 3, "epochs": 9}  # the first epoch is the best one
    whole = line()
    assert fit(tmp_path / "a", whole, **falling) == [0, 1, 2, 3]
    fit(tmp_path / "b", line(), interrupt=2, **falling)
    resumed = line()
    assert fit(tmp_path / "b", resumed, **falling) == [2, 3]
    assert same(whole, resumed)
    again = line()
    assert fit(tmp_path / "b", again, **falling) == []
    assert same(whole, again)


def test_a_finished_run_trains_nothing_more_and_keeps_its_weights(tmp_path, capsys):
    whole = line()
    fit(tmp_path, whole)
    history = (tmp_path / "history.csv").read_text()
    again = line()
    made = callbacks(tmp_path, data=DATA, monitor="loss", tensorboard=False)
    assert again.fit(DATA, epochs=3, callbacks=made, verbose=2).epoch == []
    assert "has been trained for 3 epochs; nothing is left of epochs=3" in capsys.readouterr().out
    assert same(whole, again)
    assert same(whole.optimizer, again.optimizer)
    assert (tmp_path / "history.csv").read_text() == history


def test_more_epochs_continue_a_finished_run(tmp_path):
    whole = line()
    fit(tmp_path / "a", whole, epochs=5)
    fit(tmp_path / "b", line(), epochs=3)
    more = line()
    assert fit(tmp_path / "b", more, epochs=5) == [3, 4]
    assert same(whole, more)


def test_a_later_fit_without_these_callbacks_begins_at_its_own_epoch(tmp_path):
    fit(tmp_path, line(), epochs=2)
    model = line()
    assert fit(tmp_path, model, epochs=3) == [2]
    assert model.fit(DATA, epochs=2, verbose=0).epoch == [0, 1]
    assert fit(tmp_path, model, epochs=3) == []
    assert model.fit(DATA, epochs=2, verbose=0).epoch == [0, 1]


def test_the_generators_of_python_and_numpy_go_on(tmp_path):
    drawn = []
    draw = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, logs: drawn.append((random.random(), np.random.normal()))
    )

    def train(run, interrupt=None):
        drawn.clear()
        made = callbacks(run, data=DATA, monitor="loss", tensorboard=False)
        made[-1:-1] = [draw] if interrupt is None else [draw, Interrupt(interrupt)]
        with contextlib.suppress(InterruptedError):
            line().fit(DATA, epochs=4, callbacks=made, verbose=0)
        return list(drawn)

    whole = train(tmp_path / "a")
    train(tmp_path / "b", interrupt=2)
    assert train(tmp_path / "b") == whole[2:]


# --- the model ---------------------------------------------------------------------------------


@pytest.mark.parametrize("policy", ["bfloat16", "mixed_float16"])
def test_other_number_types_come_back_bit_for_bit(tmp_path, policy):
    options = {"optimizer": keras.optimizers.Adam, "policy": policy}

    def build():
        optimizer = keras.optimizers.Adam(0.01)
        if policy == "mixed_float16":
            optimizer = keras.optimizers.LossScaleOptimizer(optimizer, dynamic_growth_steps=3)
        return line(policy, optimizer=optimizer)

    whole = build()
    fit(tmp_path / "a", whole)
    fit(tmp_path / "b", build(), interrupt=1)
    resumed = build()
    assert fit(tmp_path / "b", resumed) == [1, 2]
    assert same(whole, resumed)
    assert same(whole.optimizer, resumed.optimizer)
    assert options["policy"] == policy


def test_a_model_that_is_not_built_is_built_from_the_data(tmp_path):
    def build():
        set_seed(1)
        model = keras.Sequential([keras.layers.Dense(3), keras.layers.Dense(1)])
        model.compile("adam", "mse")
        return model

    whole = build()
    fit(tmp_path / "a", whole)
    fit(tmp_path / "b", build(), interrupt=1)
    resumed = build()
    assert fit(tmp_path / "b", resumed) == [1, 2]
    assert same(whole, resumed)
    made = callbacks(tmp_path / "b", monitor="loss", tensorboard=False)  # without data
    with pytest.raises(InputError, match=r"resume\.npz cannot be restored into .* not built"):
        build().fit(DATA, epochs=4, callbacks=made, verbose=0)


class TwoOptimizers(keras.Model):
    """Two parts with an optimizer each, as adversarial networks have them."""

    def __init__(self):
        super().__init__()
        self.parts = [keras.layers.Dense(1), keras.layers.Dense(1)]
        self.first, self.second = keras.optimizers.Adam(0.1), keras.optimizers.Adam(0.01)

    def build(self, shape):
        for part in self.parts:
            part.build(shape)
        self.first.build(self.parts[0].trainable_variables)
        self.second.build(self.parts[1].trainable_variables)
        self.built = True

    def call(self, x):
        return self.parts[0](x) + self.parts[1](x)

    def train_step(self, data):
        x, y = data
        with tf.GradientTape(persistent=True) as tape:
            loss = keras.ops.mean((self(x, training=True) - y) ** 2)
        for part, optimizer in zip(self.parts, (self.first, self.second), strict=True):
            variables = part.trainable_variables
            optimizer.apply(tape.gradient(loss, variables), variables)
        return {"loss": loss}


def test_every_optimizer_of_a_model_is_restored(tmp_path):
    def build():
        set_seed(1)
        model = TwoOptimizers()
        model.build((None, 1))
        model.compile(loss="mse")
        return model

    whole = build()
    fit(tmp_path / "a", whole)
    fit(tmp_path / "b", build(), interrupt=1)
    resumed = build()
    fit(tmp_path / "b", resumed)
    assert same(whole, resumed)
    assert same(whole.first, resumed.first)
    assert same(whole.second, resumed.second)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"units": 4}, r"sequential/dense/kernel \(1, 3\) float32 where this one has"),
        ({"optimizer": "sgd"}, r"optimizer/.*_momentum .* where this one has no more variables"),
        ({"depth": 2}, "no more variables"),
    ],
)
def test_the_checkpoint_of_another_model_is_refused(tmp_path, change, message):
    def build(units=3, depth=1, optimizer="adam"):
        layers = [keras.layers.Dense(units, name=f"dense_{i}") for i in range(depth)]
        model = keras.Sequential([keras.Input((1,)), *layers])
        model.compile(optimizer, "mse")
        return model

    fit(tmp_path, build())
    other = build(**change)
    before = other.get_weights()
    with pytest.raises(InputError, match=rf"belongs to another model: it holds .*{message}"):
        fit(tmp_path, other)
    assert same(before, other.get_weights())


@pytest.mark.parametrize("content", [b"", b"no zip", None])
def test_a_file_that_is_no_checkpoint_is_named(tmp_path, content):
    if content is None:
        np.savez(tmp_path / "resume.npz", state=np.array([{}], dtype=object))  # a pickle
    else:
        (tmp_path / "resume.npz").write_bytes(content)
    with pytest.raises(InputError, match=r"resume\.npz cannot be read as a checkpoint"):
        fit(tmp_path, line())


def test_a_lost_epoch_is_not_saved(tmp_path):
    rates = keras.optimizers.schedules.PiecewiseConstantDecay([4], [0.05, 1e30])
    model = line(optimizer=keras.optimizers.SGD(rates))
    assert fit(tmp_path, model, epochs=5) == [0, 1]
    kept = model.get_weights()
    assert all(np.isfinite(weight).all() for weight in kept)
    again = line(optimizer=keras.optimizers.SGD(rates))
    assert fit(tmp_path, again, epochs=5) == [1]
    assert same(kept, again.get_weights())
    assert load_history(tmp_path)["epoch"] == [0, 1]
