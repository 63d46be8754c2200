"""Numbers from inputs: as good as drawn by chance, and the same wherever the example comes."""

import numpy as np
import pytest
import scipy.stats
import tensorflow as tf

from dlkit.models.ensembles.draws import poisson, uniform

RNG = np.random.default_rng(0)
# Inputs that differ by little, and by much: numbers in a row, ones and zeros, pixels, measurements.
INPUTS = {
    "numbers": np.arange(20_000),
    "numbers as floats": np.arange(20_000, dtype="float32")[:, None],
    "zeros and ones": np.unique(RNG.integers(0, 2, (20_500, 24)), axis=0).astype("float32"),
    "pixels": RNG.integers(0, 256, (20_000, 3, 3, 1)).astype("uint8"),
    "measurements": RNG.normal(size=(20_000, 5)),
}


@pytest.mark.parametrize("name", INPUTS)
def test_numbers_are_spread_evenly_and_another_seed_gives_others(name):
    first, second = (np.asarray(uniform(INPUTS[name], seed)) for seed in (3, 4))
    assert first.min() >= 0 and first.max() < 1
    assert scipy.stats.kstest(first, "uniform").pvalue > 0.001
    assert abs(np.corrcoef(first, second)[0, 1]) < 4 / np.sqrt(len(first))


@pytest.mark.parametrize("name", INPUTS)
def test_counts_are_those_of_a_poisson_distribution_with_mean_1(name):
    counts = np.asarray(poisson(INPUTS[name], seed=1)).astype(int)
    found = np.bincount(np.minimum(counts, 5), minlength=6)
    shares = scipy.stats.poisson(1).pmf(range(6))
    shares[5] = 1 - shares[:5].sum()
    assert scipy.stats.chisquare(found, len(counts) * shares).pvalue > 0.001


def test_an_example_has_its_number_in_each_order_batch_and_graph():
    x = INPUTS["measurements"][:500].astype("float32")
    expected = np.asarray(uniform(x, 7))
    order = RNG.permutation(500)
    np.testing.assert_array_equal(uniform(x[order], 7), expected[order])
    np.testing.assert_array_equal(uniform(x[40:41], 7), expected[40:41])
    spec = tf.TensorSpec((None, None), "float32")
    for jit in (False, True):
        traced = tf.function(lambda x: uniform(x, 7), input_signature=[spec], jit_compile=jit)
        np.testing.assert_array_equal(traced(x), expected)


def test_what_means_the_same_has_the_same_number():
    whole = RNG.integers(1, 50, (9, 4))
    expected = np.asarray(uniform(whole.astype("int64"), 0))
    np.testing.assert_array_equal(uniform(whole.astype("uint8"), 0), expected)
    padded = np.pad(whole, ((0, 0), (0, 3)))  # a batch with a longer sentence in it
    np.testing.assert_array_equal(uniform(padded, 0), expected)
    zeros = np.zeros((1, 2), "float32")
    np.testing.assert_array_equal(uniform(-zeros, 0), uniform(zeros, 0))


def test_each_of_several_inputs_counts():
    user, film = np.arange(50), np.arange(50)[::-1]
    first = np.asarray(uniform({"film": film, "user": user}, 0))
    assert len(set(first)) == 50
    for other in ({"film": user, "user": film}, {"film": film, "user": user * 0}):
        assert (np.asarray(uniform(other, 0)) != first).mean() > 0.9
