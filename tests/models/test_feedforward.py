"""perceptron and mlp against sums written by hand."""

import numpy as np
import pytest

import dlkit as dk


@pytest.mark.parametrize("task", ["binary", "regression"])
def test_a_perceptron_is_a_weighted_sum(task):
    model = dk.models.perceptron((2, 2), 2 if task == "binary" else 1, task=task)
    model.set_weights([np.array([[1.0], [2.0], [-1.0], [0.5]]), np.array([0.25])])
    total = 1 * 1 + 2 * 2 - 1 * 3 + 0.5 * 4 + 0.25
    expected = 1 / (1 + np.exp(-total)) if task == "binary" else total
    got = model(np.array([[[1.0, 2.0], [3.0, 4.0]]], "float32"))
    np.testing.assert_allclose(got, [[expected]], rtol=1e-6)


def test_a_perceptron_takes_the_step_of_logistic_regression():
    model = dk.models.perceptron((3,), 2, task="binary", optimizer="sgd", learning_rate=0.5)
    x = np.random.default_rng(0).normal(size=(8, 3)).astype("float32")
    y = np.arange(8) % 2
    kernel, bias = model.get_weights()
    error = 1 / (1 + np.exp(-(x @ kernel + bias))) - y[:, None]
    model.train_on_batch(x, y)
    np.testing.assert_allclose(model.get_weights()[0], kernel - 0.5 * x.T @ error / 8, atol=1e-6)
    np.testing.assert_allclose(model.get_weights()[1], bias - 0.5 * error.mean(), atol=1e-6)


def test_an_mlp_is_its_layers_one_after_another():
    model = dk.models.mlp((3,), 2, units=(5, 4), activation="tanh", task="regression")
    x = np.random.default_rng(0).normal(size=(6, 3)).astype("float32")
    w1, b1, w2, b2, w3, b3 = model.get_weights()
    expected = np.tanh(np.tanh(x @ w1 + b1) @ w2 + b2) @ w3 + b3
    np.testing.assert_allclose(model(x), expected, atol=1e-5)


def test_the_default_mlp_has_the_weights_of_its_widths():
    model = dk.models.mlp((28, 28, 1), 10)
    assert model.count_params() == 785 * 128 + 129 * 64 + 65 * 10
