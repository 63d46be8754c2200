"""Random features against the softmax that they estimate."""

import keras
import numpy as np
import pytest

from dlkit.errors import InputError
from dlkit.layers import LinearAttention, SelfAttention
from dlkit.layers.linear_attention import orthogonal_features

X = np.random.default_rng(0).normal(scale=0.5, size=(2, 300, 16)).astype("float32")


def pair(causal, count, seed=0):
    exact, estimate = (
        SelfAttention(2, causal=causal),
        LinearAttention(2, count, seed, causal=causal),
    )
    exact.build(X.shape), estimate.build(X.shape)
    for one, other in zip(exact.trainable_weights, estimate.trainable_weights, strict=True):
        other.assign(one)
    return exact, estimate


@pytest.mark.parametrize("causal", [False, True])
def test_more_features_come_closer_to_exact_attention(causal):
    errors = []
    for count in (16, 256, 4096):
        exact, estimate = pair(causal, count)
        wanted = keras.ops.convert_to_numpy(exact(X))
        off = keras.ops.convert_to_numpy(estimate(X)) - wanted
        errors.append(np.sqrt(np.square(off).mean() / np.square(wanted).mean()))
    assert errors[0] > 2 * errors[1] > 4 * errors[2]
    assert errors[2] < 0.1


def test_estimates_of_the_kernel_are_right_in_the_mean():
    """E[f(q) f(k)] = exp(q k / sqrt(d)), over many draws of the features."""
    query, key = np.random.default_rng(1).normal(scale=0.7, size=(2, 8))
    found = []
    for seed in range(400):
        w = orthogonal_features(8, 8, seed) / 8**0.25
        f = [np.exp(w @ x - np.square(x).sum() / 2 / 8**0.5) for x in (query, key)]
        found.append((f[0] * f[1]).mean())
    wanted, spread = np.exp(query @ key / np.sqrt(8)), np.std(found) / np.sqrt(len(found))
    assert abs(np.mean(found) - wanted) < 4 * spread


def test_causal_features_do_not_look_ahead():
    _, estimate = pair(True, 32)
    changed = X.copy()
    changed[:, 200:] += 3.0
    before, after = (keras.ops.convert_to_numpy(estimate(x)) for x in (X, changed))
    np.testing.assert_allclose(after[:, :200], before[:, :200], atol=1e-5)
    assert np.abs(after[:, 200:] - before[:, 200:]).max() > 0.1


def test_features_are_orthogonal_and_as_long_as_normal_vectors():
    drawn = orthogonal_features(4000, 8, seed=3)
    angles = drawn[:8] @ drawn[:8].T
    np.testing.assert_allclose(angles, np.diag(np.diag(angles)), atol=1e-4)
    assert abs(np.square(drawn).sum(axis=1).mean() - 8) < 0.2
    np.testing.assert_array_equal(drawn, orthogonal_features(4000, 8, seed=3))


def test_features_are_not_trained_and_counted_from_one():
    _, estimate = pair(False, None)
    assert estimate.features.shape == (8, 17)  # 8 ln 8, rounded up
    assert [weight.name for weight in estimate.non_trainable_weights] == ["features"]
    with pytest.raises(InputError, match="num_features"):
        LinearAttention(2, num_features=0)
