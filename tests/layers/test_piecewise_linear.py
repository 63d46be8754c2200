import keras
import numpy as np
import pytest
import tensorflow as tf

from dlkit.errors import InputError
from dlkit.layers import PiecewiseLinearEmbedding

RNG = np.random.default_rng(0)
EDGES = [(-1.0, 0.0, 0.5, 4.0), (0.0, 1e-3), (-7.0, 100.0, 101.0)]


def encoded(x, edges):
    """Return the paper's equation 1 for one number, by its three cases."""
    bins = len(edges) - 1
    parts = np.zeros(bins)
    for t in range(1, bins + 1):
        if x < edges[t - 1] and t > 1:
            parts[t - 1] = 0
        elif x >= edges[t] and t < bins:
            parts[t - 1] = 1
        else:
            parts[t - 1] = (x - edges[t - 1]) / (edges[t] - edges[t - 1])
    return parts


def rows():
    """Return numbers within the bins, on their edges and beyond them."""
    inside = [RNG.uniform(edges[0], edges[-1], 20) for edges in EDGES]
    beyond = [[edges[0] - 3, edges[0], edges[1], edges[-1], edges[-1] + 3] for edges in EDGES]
    return np.concatenate([np.stack(inside), np.array(beyond)], axis=1).T.astype("float32")


def test_the_encoding_is_the_papers():
    x = rows()
    found = PiecewiseLinearEmbedding(EDGES, 4).encode(x).numpy()
    assert found.shape == (25, 3, 3)
    for place, edges in enumerate(EDGES):
        expected = np.array([encoded(value, edges) for value in x[:, place].astype("float64")])
        bins = len(edges) - 1
        np.testing.assert_allclose(found[:, place, :bins], expected, rtol=1e-3, atol=1e-4)
        assert not found[:, place, bins:].any()


def test_a_vector_is_the_sum_of_those_of_its_bins():
    layer, x = PiecewiseLinearEmbedding(EDGES, 5), rows()
    layer.build(x.shape)
    kernel, bias = (RNG.normal(size=weight.shape) for weight in layer.weights)
    layer.set_weights([kernel, bias])
    expected = np.stack(
        [
            np.stack([encoded(value, edges) for value in x[:, place]])
            @ kernel[place, : len(edges) - 1]
            for place, edges in enumerate(EDGES)
        ],
        axis=1,
    )
    np.testing.assert_allclose(layer(x), expected + bias, rtol=1e-3, atol=1e-3)


def test_it_starts_as_a_straight_line():
    layer = PiecewiseLinearEmbedding([(-1.0, 0.0, 0.5, 4.0)], 6)
    x = np.linspace(-3, 6, 10, dtype="float32")[:, None]
    steps = np.diff(layer(x)[:, 0], axis=0)
    np.testing.assert_allclose(steps, np.broadcast_to(steps[:1], steps.shape), rtol=1e-3, atol=1e-5)
    assert np.abs(steps).min() > 0


def test_half_precision_does_not_move_a_number_across_an_edge():
    """1.001 and 1.002 are one number in bfloat16."""
    layer = PiecewiseLinearEmbedding([(1.0, 1.001, 1.002)], 2, dtype="mixed_bfloat16")
    assert layer(np.zeros((1, 1), "float32")).dtype == "bfloat16"
    np.testing.assert_allclose(
        layer.encode(np.array([[1.001], [1.002]], "float32"))[:, 0], [[1, 0], [1, 1]], atol=1e-3
    )


def test_every_bin_learns_and_gaps_of_the_padding_do_not_matter():
    layer = PiecewiseLinearEmbedding(EDGES, 3)
    x = tf.constant(rows())
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(layer(x) ** 2)
    gradient = tape.gradient(loss, layer.kernel.value).numpy()
    for place, edges in enumerate(EDGES):
        assert np.any(gradient[place, : len(edges) - 1] != 0, axis=-1).all()
        assert not gradient[place, len(edges) - 1 :].any()


def test_it_is_saved_with_its_bins(tmp_path):
    inputs = keras.Input((3,))
    model = keras.Model(inputs, PiecewiseLinearEmbedding(EDGES, 4)(inputs))
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras", safe_mode=True)
    x = rows()
    np.testing.assert_array_equal(again(x), model(x))
    assert again.layers[-1].bin_edges == tuple(map(tuple, EDGES))


@pytest.mark.parametrize(
    ("edges", "told"),
    [
        ([], r"needs two or more edges for each of its numbers\. Received: bin_edges=\[\]"),
        ([(0.0, 1.0), ()], "needs two or more edges for each"),
        ([(1.0, 0.0)], r"must be finite and rise.*bin_edges\[0\]=\(1\.0, 0\.0\)"),
        ([(0.0, 0.0)], "must be finite and rise"),
        ([(0.0, 1.0), (1.0, 1.0 + 1e-12)], r"bin_edges\[1\] must be finite and rise"),
        ([(0.0, float("nan"))], "must be finite and rise"),
        ([(2.0,)], r"two edges or more, or none.*\(2\.0,\)"),
        (5, "bin_edges must hold the edges of each number's bins.*bin_edges=5"),
        (["ab"], r"bin_edges must hold the edges.*\['ab'\]"),
    ],
)
def test_bins_that_are_none_are_refused(edges, told):
    with pytest.raises(InputError, match=told):
        PiecewiseLinearEmbedding(edges, 4)


def test_other_inputs_are_refused():
    with pytest.raises(InputError, match=r"bins for 3 numbers\. Received.*\(None, 4\)"):
        PiecewiseLinearEmbedding(EDGES, 4)(keras.Input((4,)))
    with pytest.raises(InputError, match=r"units.*Received: units=0"):
        PiecewiseLinearEmbedding(EDGES, 0)
