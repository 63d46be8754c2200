"""Recurrent networks: each cell against its equations, and what padding must not change."""

import numpy as np
import pytest
import tensorflow as tf

import dlkit as dk
from dlkit.errors import InputError


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def simple_step(x, state, weights):
    kernel, recurrent, bias = weights
    return (np.tanh(x @ kernel + state[0] @ recurrent + bias),)


def lstm_step(x, state, weights):
    """Write, keep, propose and read, in Keras's order (Hochreiter & Schmidhuber 1997)."""
    kernel, recurrent, bias = weights
    write, keep, new, read = np.split(x @ kernel + state[0] @ recurrent + bias, 4, axis=-1)
    cell = sigmoid(keep) * state[1] + sigmoid(write) * np.tanh(new)
    return sigmoid(read) * np.tanh(cell), cell


def gru_step(x, state, weights):
    """Update, reset and propose; the reset acts behind the product, as cuDNN has it."""
    kernel, recurrent, (bias, recurrent_bias) = weights
    update, reset, new = np.split(x @ kernel + bias, 3, axis=-1)
    old_update, old_reset, old = np.split(state[0] @ recurrent + recurrent_bias, 3, axis=-1)
    share = sigmoid(update + old_update)
    proposed = np.tanh(new + sigmoid(reset + old_reset) * old)
    return (share * state[0] + (1 - share) * proposed,)


STEPS = {"simple": simple_step, "lstm": lstm_step, "gru": gru_step}


@pytest.mark.parametrize("cell", STEPS)
def test_the_last_state_is_that_of_the_cells_equations(cell):
    options = {"units": (5,), "bidirectional": False, "global_pool": "last", "seed": 0}
    model = dk.models.rnn((7, 3), 2, cell=cell, **options)
    x = np.random.default_rng(0).normal(size=(4, 7, 3)).astype("float32")
    *weights, kernel, bias = model.get_weights()
    state = (np.zeros((4, 5)), np.zeros((4, 5)))
    for step in range(7):
        state = STEPS[cell](x[:, step], state, weights)
    scores = state[0] @ kernel + bias
    wanted = np.exp(scores) / np.exp(scores).sum(axis=-1, keepdims=True)
    np.testing.assert_allclose(model(x), wanted, rtol=1e-4)


@pytest.mark.parametrize("cell", STEPS)
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("global_pool", ["last", "max"])
def test_padding_changes_no_prediction_and_no_gradient(cell, bidirectional, global_pool):
    """A row alone, in a batch of longer ones, and of nothing but padding."""
    options = {"vocab_size": 9, "units": (4, 3), "dropout": 0.0, "seed": 0}
    options |= {"bidirectional": bidirectional, "global_pool": global_pool}
    model = dk.models.rnn((None,), 3, cell=cell, **options)
    short = np.array([[3, 5, 8]])
    among = np.array([[3, 5, 8, 0, 0, 0, 0], [1, 2, 3, 4, 5, 6, 7], [0] * 7])
    np.testing.assert_allclose(model(short)[0], model(among)[0], rtol=1e-5)
    assert np.isfinite(model(among)).all()

    def gradients(x):
        with tf.GradientTape() as tape:
            loss = model(x, training=True)[0, 1]
        return tape.gradient(loss, [weight.value for weight in model.trainable_variables])

    for one, other in zip(gradients(short), gradients(among), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


def test_more_layers_and_both_directions_count_their_weights():
    def lstm(inputs, units):
        return 4 * units * (inputs + units + 1)

    model = dk.models.rnn((None, 6), 3, units=(8, 4), bidirectional=True)
    assert model.count_params() == 2 * lstm(6, 8) + 2 * lstm(16, 4) + 8 * 3 + 3


@pytest.mark.parametrize(
    ("task", "meant"),
    [
        ("regression", {"global_pool": "last", "bidirectional": False}),
        ("multiclass", {"global_pool": "max", "bidirectional": True}),
    ],
)
def test_a_forecast_goes_on_from_the_end_and_a_class_may_show_anywhere(task, meant):
    x = np.random.default_rng(0).normal(size=(2, 6, 3)).astype("float32")
    plain, told = (dk.models.rnn((6, 3), 4, task=task, seed=0, **o) for o in ({}, meant))
    np.testing.assert_array_equal(plain(x), told(x))


def test_an_image_is_read_row_by_row():
    image = np.random.default_rng(0).normal(size=(2, 6, 3, 2)).astype("float32")
    by_image, by_rows = dk.models.rnn((6, 3, 2), 4, seed=0), dk.models.rnn((6, 6), 4, seed=0)
    np.testing.assert_array_equal(by_image(image), by_rows(image.reshape(2, 6, 6)))


def test_layers_on_layers_of_masked_steps_are_computed_again_alike():
    """Masks are handed on in the graph, where a part that is computed again would lose Keras's."""
    options = {"vocab_size": 9, "units": (4, 4, 4), "bidirectional": True, "seed": 0}
    options |= {"jit_compile": False, "steps_per_execution": 1}
    models = [dk.models.rnn((5,), 3, rematerialize=on, **options) for on in (False, True)]
    x, y = np.array([[3, 5, 8, 0, 0], [1, 2, 3, 4, 5]]), np.array([0, 1])
    losses = [model.train_on_batch(x, y)[0] for model in models]
    np.testing.assert_allclose(losses[1], losses[0], rtol=1e-5)


@pytest.mark.parametrize("cell", STEPS)
def test_unrolled_steps_are_those_of_the_loop(cell):
    options = {"vocab_size": 9, "units": (4, 3), "cell": cell}
    model = dk.models.rnn((5,), 3, **options)
    unrolled = dk.models.rnn((5,), 3, unroll=True, **options)
    unrolled.set_weights(model.get_weights())
    x = np.array([[3, 5, 8, 0, 0], [1, 2, 3, 4, 5]])
    np.testing.assert_allclose(unrolled(x), model(x), rtol=1e-5)
    with pytest.raises(InputError, match=r"unroll=True needs a fixed length.*\(None,\)"):
        dk.models.rnn((None,), 3, unroll=True, **options)


def test_xla_is_for_sequences_of_one_length():
    """It compiles each length anew, which costs more seconds than it saves."""
    lengths = {6: True, None: False}
    for length, jit in lengths.items():
        model = dk.models.rnn((length, 3), 4)
        assert (model.jit_compile, model.steps_per_execution) == (jit, 4)
    assert dk.models.rnn((None, 3), 4, jit_compile=True).jit_compile


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"cell": "ltsm"}, "Did you mean 'lstm'"),
        ({"units": (0,)}, r"units\[0\]"),
        ({"units": ()}, "a layer at least"),
        ({"global_pool": "mean"}, "global_pool must be one of"),
        ({"dropout": 1.0}, "dropout"),
        ({"embedding_dim": 0}, "embedding_dim"),
    ],
)
def test_bad_options_are_refused(options, words):
    with pytest.raises(InputError, match=words):
        dk.models.rnn((5,), 3, **{"vocab_size": 9, **options})
