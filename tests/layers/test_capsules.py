"""Capsules against NumPy, and their gradients against differences of NumPy's results."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from dlkit.errors import InputError
from dlkit.layers import CapsuleLengths, Capsules, Squash
from dlkit.layers.capsules import route, squash

RNG = np.random.default_rng(0)


def squashed(s):
    """Equation 1."""
    length = np.sqrt((s**2).sum())
    return length**2 / (1 + length**2) * s / length


def routed(votes, iterations):
    """Procedure 1 for one example: votes (above, below, units)."""
    above, below, units = votes.shape
    logits = np.zeros((below, above))
    for _ in range(iterations):
        capsules = np.zeros((above, units))
        for j in range(above):
            total = np.zeros(units)
            for i in range(below):
                share = np.exp(logits[i, j]) / np.exp(logits[i]).sum()
                total += share * votes[j, i]
            capsules[j] = squashed(total)
        for i in range(below):
            for j in range(above):
                logits[i, j] += votes[j, i] @ capsules[j]
    return capsules


def test_squash_is_equation_1():
    s = RNG.normal(size=(5, 3)) * 10.0 ** np.arange(-2, 3)[:, None]
    np.testing.assert_allclose(squash(s.astype("float32")), [*map(squashed, s)], rtol=2e-3)
    np.testing.assert_array_equal(Squash()(s.astype("float32")), squash(s.astype("float32")))


@pytest.mark.parametrize("iterations", [1, 2, 3, 5])
def test_routing_is_procedure_1(iterations):
    votes = RNG.normal(size=(2, 3, 6, 4))
    expected = [routed(example, iterations) for example in votes]
    np.testing.assert_allclose(route(votes.astype("float32"), iterations), expected, atol=1e-5)


def test_votes_that_agree_are_heard():
    """All below agree on capsule 0 and cancel out in capsule 1; a stray vote of capsule 0 fades."""
    votes = np.zeros((1, 2, 6, 2), "float32")
    votes[0, 0] = [2.0, 0.0]
    votes[0, 0, 5] = [-2.0, 0.0]
    votes[0, 1] = [[0.0, 2.0], [0.0, -2.0]] * 3
    lengths = [np.linalg.norm(route(votes, n)[0], axis=-1) for n in (1, 2, 3)]
    assert lengths[0][0] < lengths[1][0] < lengths[2][0]
    np.testing.assert_allclose([length[1] for length in lengths[:1]], 0, atol=1e-3)


def test_gradients_go_through_all_iterations():
    votes = RNG.normal(size=(3, 4, 2))
    towards = RNG.normal(size=(3, 2))
    given = tf.constant(votes[None], "float32")
    with tf.GradientTape() as tape:
        tape.watch(given)
        total = tf.reduce_sum(route(given, 3) * towards.astype("float32"))
    (got,) = tape.gradient(total, given).numpy()
    expected = np.zeros_like(votes)
    for place in np.ndindex(votes.shape):
        step = np.zeros_like(votes)
        step[place] = 1e-5
        ends = [(routed(votes + sign * step, 3) * towards).sum() for sign in (1, -1)]
        expected[place] = (ends[0] - ends[1]) / 2e-5
    np.testing.assert_allclose(got, expected, atol=1e-4)


def test_each_pair_of_capsules_has_its_matrix():
    layer = Capsules(3, 2, routing_iterations=2)
    x = RNG.normal(size=(2, 5, 4)).astype("float32")
    got = layer(x)
    matrices = layer.kernel.numpy().reshape(5, 4, 3, 2)
    votes = np.einsum("bid,idjk->bjik", x, matrices)
    np.testing.assert_allclose(got, [routed(example, 2) for example in votes], atol=1e-5)
    assert [tuple(w.shape) for w in layer.weights] == [(5, 4, 6)]
    assert layer.compute_output_shape((None, 5, 4)) == (None, 3, 2)


def test_lengths_are_lengths():
    x = RNG.normal(size=(2, 5, 4)).astype("float32")
    np.testing.assert_allclose(CapsuleLengths()(x), np.linalg.norm(x, axis=-1), rtol=1e-5)


def test_capsules_of_zeros_have_finite_gradients():
    x = tf.zeros((1, 4, 3))
    layer = Capsules(2, 3)
    with tf.GradientTape() as tape:
        tape.watch(x)
        total = tf.reduce_sum(CapsuleLengths()(layer(Squash()(x))))
    assert np.isfinite(tape.gradient(total, x)).all()


def test_long_vectors_are_squashed_in_half_precision():
    s = tf.constant([[300.0, 400.0]], "float16")  # whose squares float16 does not hold
    np.testing.assert_allclose(squash(s), [[0.6, 0.8]], atol=1e-3)


def test_they_are_saved_and_loaded(tmp_path):
    steps = [keras.Input((4, 3)), Squash(), Capsules(2, 5, routing_iterations=1), CapsuleLengths()]
    model = keras.Sequential(steps)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras", safe_mode=True)
    assert again.layers[1].routing_iterations == 1
    x = RNG.normal(size=(2, 4, 3)).astype("float32")
    np.testing.assert_array_equal(again(x), model(x))


def test_no_routing_at_all_is_refused():
    with pytest.raises(InputError, match="routing_iterations=0"):
        Capsules(2, 5, routing_iterations=0)
