"""Temporal convolutions: a block against NumPy, what a step sees, what padding cannot change."""

import keras
import numpy as np
import pytest

import dlkit as dk
from dlkit.errors import InputError
from dlkit.models.sequence.temporal_convolutional import receptive_field, residual_block

RNG = np.random.default_rng(0)


def causal(x, kernel, bias, dilation):
    """Each step's sum over itself and those behind it, zeros before the first; then ReLU."""
    size = len(kernel)
    padded = np.concatenate([np.zeros(((size - 1) * dilation, x.shape[1])), x])
    steps = [
        sum(padded[t + tap * dilation] @ kernel[tap] for tap in range(size)) for t in range(len(x))
    ]
    return np.maximum(np.array(steps) + bias, 0)


def test_a_block_is_that_of_the_papers_figure():
    inputs = keras.Input((9, 2))
    outputs = residual_block(inputs, None, 3, kernel_size=3, dilation=2, normalization="none")
    model = keras.Model(inputs, outputs)
    weights = [RNG.normal(size=weight.shape) for weight in model.get_weights()]
    model.set_weights(weights)
    first, first_bias, second, second_bias, shortcut, shortcut_bias = weights
    x = RNG.normal(size=(4, 9, 2)).astype("float32")
    for row, got in zip(x, model(x).numpy(), strict=True):
        inner = causal(causal(row, first, first_bias, 2), second, second_bias, 2)
        wanted = np.maximum(inner + row @ shortcut + shortcut_bias, 0)
        np.testing.assert_allclose(got, wanted, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("normalization", ["none", "batch", "layer", "weight"])
@pytest.mark.parametrize(("filters", "kernel_size", "field"), [((4, 4), 3, 13), ((4,) * 3, 2, 15)])
def test_the_last_step_sees_its_receptive_field_and_no_step_more(
    normalization, filters, kernel_size, field
):
    options = {"filters": filters, "kernel_size": kernel_size, "normalization": normalization}
    model = dk.models.temporal_cnn((40, 1), 8, task="regression", seed=0, **options)
    for weight in model.trainable_weights:  # no ReLU may hide a step
        weight.assign(np.abs(weight.numpy()) + 0.01)
    x = np.abs(np.random.default_rng(0).normal(size=(1, 40, 1))).astype("float32")
    changed = np.repeat(x, 41, axis=0)
    changed[np.arange(40), np.arange(40)] += 1  # row i: step i is another; the last row: none
    outputs = model(changed).numpy()
    seen = np.abs(outputs[:40] / outputs[40:] - 1).max(axis=1) > 1e-5
    assert receptive_field(len(filters), kernel_size) == field
    assert seen.tolist() == [False] * (40 - field) + [True] * field


@pytest.mark.parametrize("normalization", ["none", "batch", "layer", "weight"])
@pytest.mark.parametrize("global_pool", ["last", "average", "max"])
@pytest.mark.parametrize("training", [False, True])
def test_padding_changes_no_prediction(normalization, global_pool, training):
    """A row alone, and with padding behind it or, as a window's, in front."""
    options = {"normalization": normalization, "global_pool": global_pool, "seed": 0}
    model = dk.models.temporal_cnn((None,), 3, vocab_size=9, dropout=0.0, **options)
    rows = np.array([[3, 5, 8], [2, 2, 7]])
    none = np.zeros((2, 4), int)
    alone = model(rows, training=training)
    for padded in (np.hstack([rows, none]), np.hstack([none, rows])):
        np.testing.assert_allclose(model(padded, training=training), alone, rtol=1e-4, atol=1e-6)
    assert np.isfinite(model(none, training=training)).all()


def test_weights_are_counted_and_blocks_are_as_many_as_there_is_room_for():
    def block(inputs, filters, size):
        convolutions = (inputs + filters) * filters * size + 2 * filters
        return convolutions + (inputs != filters) * (inputs * filters + filters)

    model = dk.models.temporal_cnn((70, 3), 5, normalization="none")  # 61 steps, not 125
    blocks = block(3, 64, 3) + 3 * block(64, 64, 3)
    assert model.count_params() == blocks + 64 * 5 + 5
    open_ended = dk.models.temporal_cnn((None, 64), 5, normalization="none")
    assert open_ended.count_params() == 5 * block(64, 64, 3) + 64 * 5 + 5


@pytest.mark.parametrize(
    ("shape", "options", "words"),
    [
        (
            (12, 1),
            {"filters": (4, 4)},
            "look at 13 steps, more than there are: give at most 1 filt",
        ),
        ((4, 1), {}, "look at 5 steps, more than there are: give a smaller kernel_size"),
        ((40, 1), {"filters": ()}, "a block at least"),
        ((40, 1), {"filters": (0,)}, r"filters\[0\]"),
        ((40, 1), {"kernel_size": 1}, "kernel_size must be a whole number of at least 2"),
        ((40, 1), {"normalization": "group"}, "normalization must be one of: none, batch"),
        ((40, 1), {"global_pool": "mean"}, "mode must be one of"),
        ((40, 1), {"dropout": 1.0}, "dropout"),
        ((40,), {"vocab_size": 9, "embedding_dim": 0}, "embedding_dim"),
    ],
)
def test_bad_options_are_refused(shape, options, words):
    with pytest.raises(InputError, match=words):
        dk.models.temporal_cnn(shape, 3, **options)
