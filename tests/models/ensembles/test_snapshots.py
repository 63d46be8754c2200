"""Snapshots: when they are taken, at which rates, and what a training that goes on does."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import dlkit as dk
from dlkit.errors import InputError
from dlkit.models.ensembles.snapshots import CosineCycles

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(32, 6)).astype("float32"), np.arange(32) % 3


def snapshots(count=3, **options):
    settings = {"seed": 0, "jit_compile": False, "steps_per_execution": 1, "learning_rate": 0.05}
    members = [("mlp", {"units": (8,), "dropout": 0.1})] * count
    return dk.models.ensemble(
        (6,), 3, method="snapshot", members=members, **{**settings, **options}
    )


class Watch(keras.callbacks.Callback):
    """Keeps the live network's weights after each epoch, and the rate of each step."""

    def __init__(self):
        super().__init__()
        self.weights, self.rates = [], []

    def on_train_batch_begin(self, batch, logs=None):
        self.rates.append(float(self.model.optimizer.learning_rate))

    def on_epoch_end(self, epoch, logs=None):
        self.weights.append(self.model.members[0].get_weights())


def test_members_are_the_network_at_the_ends_of_its_cycles():
    model, watch = snapshots(), Watch()
    model.fit(X, Y, batch_size=8, epochs=7, callbacks=[watch], verbose=0)
    said = []
    # 7 epochs in 3 cycles: of 2, 3 and 2, the last of which is the live network's.
    for epoch, member in zip((2, 5, 7), (*model.members[1:], model.members[0]), strict=True):
        for found, kept in zip(member.get_weights(), watch.weights[epoch - 1], strict=True):
            np.testing.assert_array_equal(found, kept)
        said.append(member.predict(X, verbose=0))
    np.testing.assert_allclose(model.predict(X, verbose=0), np.mean(said, axis=0), atol=1e-6)
    expected = [
        0.05 / 2 * (1 + np.cos(np.pi * step / (4 * epochs)))
        for epochs in (2, 3, 2)
        for step in range(4 * epochs)
    ]
    np.testing.assert_allclose(watch.rates, expected, atol=1e-6)


def test_cycles_of_one_length_are_kerass_restarts():
    theirs = keras.optimizers.schedules.CosineDecayRestarts(0.3, 10, t_mul=1.0)
    ours = CosineCycles(0.3, [0, 10, 20, 30])
    for step in (0, 3, 9, 10, 17, 20, 29):
        np.testing.assert_allclose(ours(step), theirs(step), rtol=1e-5)


def test_until_a_cycle_has_ended_the_network_speaks_alone():
    model = snapshots()
    live = model.members[0].predict(X, verbose=0)
    np.testing.assert_array_equal(model.predict(X, verbose=0), live)
    model.fit(X, Y, epochs=1, verbose=0)  # as many cycles as epochs
    live = model.members[0].predict(X, verbose=0)
    np.testing.assert_array_equal(model.predict(X, verbose=0), live)


def test_a_new_fit_begins_new_cycles_at_the_first_rate():
    model, watch = snapshots(2), Watch()
    model.fit(X, Y, epochs=2, verbose=0)
    before = model.members[0].get_weights()
    model.fit(X, Y, epochs=4, callbacks=watch, verbose=0)
    np.testing.assert_allclose(watch.rates[:3], [0.05, 0.025, 0.05], rtol=1e-5)
    assert any(np.any(a != b) for a, b in zip(before, watch.weights[0], strict=True))
    for found, kept in zip(model.members[1].get_weights(), watch.weights[1], strict=True):
        np.testing.assert_array_equal(found, kept)


@pytest.mark.parametrize("killed", [1, 2, 3])
def test_a_training_that_goes_on_ends_with_the_same_members(tmp_path, killed):
    """Killed within a cycle, and at the end of one."""

    class Kill(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == killed:
                raise InterruptedError

    def train(run, *more):
        dk.training.set_seed(1)
        split = tf.data.Dataset.from_tensor_slices((X, Y)).shuffle(32, seed=3).batch(8)
        model = snapshots(2, seed=1)
        kept = dk.training.callbacks(run, data=split, monitor="loss", tensorboard=False)
        model.fit(split, epochs=4, callbacks=[*kept, *more], verbose=0)
        return model

    whole = train(tmp_path / "whole")
    with pytest.raises(InterruptedError):
        train(tmp_path / "killed", Kill())
    again = train(tmp_path / "killed")
    for one, other in zip(whole.variables, again.variables, strict=True):
        np.testing.assert_array_equal(one.numpy(), other.numpy(), err_msg=one.path)


def test_a_saved_one_predicts_the_same_and_its_copies_stay_untrained(tmp_path):
    model = snapshots(2)
    model.fit(X, Y, epochs=2, verbose=0)
    model.save(tmp_path / "model.keras")
    again = dk.models.load(tmp_path / "model.keras")
    np.testing.assert_array_equal(again.predict(X, verbose=0), model.predict(X, verbose=0))
    copy = again.members[1].get_weights()
    again.train_on_batch(X, Y)
    now = again.members[1].get_weights()
    assert all(np.array_equal(*both) for both in zip(copy, now, strict=True))


def test_a_one_cycle_gives_its_peak_and_other_schedules_are_refused():
    model, watch = snapshots(2), Watch()
    model.optimizer.learning_rate = dk.training.OneCycle(0.2, 40)
    model.fit(X, Y, epochs=2, callbacks=[watch], verbose=0)
    np.testing.assert_allclose(watch.rates, [0.2, 0.2], rtol=1e-6)
    model = snapshots(learning_rate=keras.optimizers.schedules.ExponentialDecay(0.1, 5, 0.5))
    with pytest.raises(InputError, match=r"give a number, .* learning_rate=ExponentialDecay"):
        model.fit(X, Y, epochs=2, verbose=0)


def test_data_of_unknown_length_is_refused_before_a_step():
    model = snapshots(2)
    before = model.get_weights()
    split = tf.data.Dataset.from_generator(
        lambda: iter([(X, Y)]), output_signature=(tf.TensorSpec((32, 6)), tf.TensorSpec(32))
    )
    with pytest.raises(InputError, match="give fit steps_per_epoch"):
        model.fit(split, epochs=2, verbose=0)
    assert all(np.array_equal(*both) for both in zip(before, model.get_weights(), strict=True))
