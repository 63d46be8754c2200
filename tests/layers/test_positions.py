import keras
import numpy as np
import pytest

from dlkit.errors import InputError
from dlkit.layers import PositionEmbedding, SinusoidalPositions
from dlkit.layers.positions import angles, places, rotate

RNG = np.random.default_rng(0)


def test_waves_are_those_of_the_paper():
    """PE(pos, 2i) = sin(pos / 10000^(2i / d)), PE(pos, 2i + 1) = cos of the same."""
    x = np.zeros((1, 50, 6), "float32")
    found = keras.ops.convert_to_numpy(SinusoidalPositions()(x))[0]
    for place in (0, 1, 17, 49):
        for pair in range(3):
            turned = place / 10_000 ** (2 * pair / 6)
            np.testing.assert_allclose(found[place, pair], np.sin(turned), atol=1e-5)
            np.testing.assert_allclose(found[place, 3 + pair], np.cos(turned), atol=1e-5)


def test_an_odd_width_has_a_sine_more():
    assert SinusoidalPositions()(np.zeros((1, 4, 5), "float32")).shape == (1, 4, 5)


def test_products_of_rotated_vectors_know_the_distance_alone():
    query, key = RNG.normal(size=(2, 1, 1, 2, 8)).astype("float32")

    def product(one, other):
        turned = [rotate(x, np.array([[place]])) for x, place in ((query, one), (key, other))]
        return keras.ops.convert_to_numpy(keras.ops.sum(turned[0] * turned[1], axis=-1))

    np.testing.assert_allclose(product(3, 7), product(103, 107), atol=1e-4)
    assert np.abs(product(3, 7) - product(3, 8)).max() > 1e-2
    np.testing.assert_allclose(product(5, 5), product(0, 0), atol=1e-5)


def test_a_rotation_is_that_of_complex_numbers():
    x, positions = RNG.normal(size=(2, 5, 3, 6)).astype("float32"), np.arange(5)[np.newaxis]
    turned = np.exp(1j * np.asarray(angles(positions, 6)))[:, :, np.newaxis]
    wanted = (x[..., :3] + 1j * x[..., 3:]) * turned
    wanted = np.concatenate([wanted.real, wanted.imag], axis=-1)
    np.testing.assert_allclose(rotate(x, positions), wanted, atol=1e-5)


@pytest.mark.parametrize("layer", [SinusoidalPositions(), PositionEmbedding(9)])
def test_places_count_from_the_first_token_that_is_no_padding(layer):
    x = RNG.normal(size=(1, 6, 4)).astype("float32")
    mask = np.array([[False, False, True, True, True, False]])
    np.testing.assert_array_equal(places(x, mask), [[0, 0, 0, 1, 2, 2]])
    alone = keras.ops.convert_to_numpy(layer(x[:, 2:5]))
    among = keras.ops.convert_to_numpy(layer(x, padding_mask=mask))
    np.testing.assert_allclose(among[:, 2:5], alone, rtol=1e-6)


def test_learned_positions_of_open_length_need_the_most_tokens():
    assert PositionEmbedding(9)(keras.Input((None, 4))).shape == (None, None, 4)
    for layer, tokens in ((PositionEmbedding(), None), (PositionEmbedding(9), 10)):
        with pytest.raises(InputError, match="sequence_length"):
            layer(keras.Input((tokens, 4)))
