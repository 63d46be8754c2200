"""The encoder's block against NumPy, and heads that do not fit."""

import math

import keras
import numpy as np
import pytest

from dlkit.errors import InputError
from dlkit.layers.attention import check_heads
from dlkit.models.encoder import encoder_block

RNG = np.random.default_rng(0)


def normalized(x, scale, shift):
    mean, variance = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
    return (x - mean) / np.sqrt(variance + 1e-6) * scale + shift


def softmax(x, axis=-1):
    e = np.exp(x - x.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


def gelu(x):
    return x * 0.5 * (1 + np.vectorize(math.erf)(x / math.sqrt(2)))


def encoded(x, weights):
    """One encoder block on the tokens (tokens, units) of one image; takes its 16 weights."""
    scale, shift, wq, bq, wk, bk, wv, bv, wo, bo, *rest = (next(weights) for _ in range(16))
    y, heads = normalized(x, scale, shift), []
    for h in range(wq.shape[1]):
        q, k, v = (y @ w[:, h] + b[h] for w, b in ((wq, bq), (wk, bk), (wv, bv)))
        heads.append(softmax(q @ k.T / np.sqrt(q.shape[-1])) @ v)
    x = x + sum(head @ w for head, w in zip(heads, wo, strict=True)) + bo
    scale, shift, w1, b1, w2, b2 = rest
    return x + gelu(normalized(x, scale, shift) @ w1 + b1) @ w2 + b2


def randomized(model):
    """Give the weights values that make every one of them matter."""
    for weight in model.weights:
        weight.assign(RNG.normal(0, 0.5, weight.shape))
    return iter([weight.numpy().astype("float64") for weight in model.weights])


def test_an_encoder_block_is_what_numpy_computes():
    inputs = keras.Input((5, 8))
    model = keras.Model(inputs, encoder_block(inputs, num_heads=2, mlp_dim=12))
    x = RNG.normal(size=(3, 5, 8))
    weights = [w.copy() for w in randomized(model)]
    expected = [encoded(example, iter(weights)) for example in x]
    np.testing.assert_allclose(model(x.astype("float32")), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("heads", "words"), [(3, "num_heads=2 does"), (0, "num_heads=0")])
def test_heads_that_do_not_divide_the_width_are_refused(heads, words):
    assert check_heads(2, 8) == 2
    with pytest.raises(InputError, match=words):
        check_heads(heads, 8)
