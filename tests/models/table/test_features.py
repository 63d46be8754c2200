import keras
import numpy as np
import pytest

from dlkit.errors import InputError
from dlkit.models.table.features import (
    embed_columns,
    embed_numbers,
    joined,
    read_bin_edges,
    read_feature_columns,
)

EDGES = ((), (0.0, 1.0, 2.0), (), (), (-1.0, 1.0))
COLUMNS = (0, 1, 2, 2, 1)


def test_numbers_with_bins_get_vectors_and_the_others_stay():
    inputs = keras.Input((5,))
    numbers, others = embed_numbers(inputs, EDGES, 3)
    model = keras.Model(inputs, [numbers, others])
    x = np.random.default_rng(0).normal(size=(4, 5)).astype("float32")
    vectors, rest = model(x)
    layer = model.get_layer("piecewise_linear")
    np.testing.assert_array_equal(vectors, layer(x[:, [1, 4]]))
    np.testing.assert_array_equal(rest, x[:, [0, 2, 3]])


def test_there_may_be_none_of_either():
    inputs = keras.Input((2,))
    numbers, others = embed_numbers(inputs, ((), ()), 3)
    assert numbers is None and others is inputs
    numbers, others = embed_numbers(inputs, ((0.0, 1.0), (0.0, 1.0)), 3)
    assert numbers.shape == (None, 2, 3) and others is None
    assert embed_columns(inputs, ((0.0, 1.0), (0.0, 1.0)), (0, 1), 3).shape == (None, 2, 3)
    assert joined(inputs, None) is inputs


def test_the_other_features_of_a_column_make_one_vector():
    """Column 1 has a number with bins and another one; column 2 is a category."""
    inputs = keras.Input((5,))
    model = keras.Model(inputs, embed_columns(inputs, ((), *EDGES[1:4], ()), COLUMNS, 3))
    assert model.output_shape == (None, 4, 3)
    x = np.zeros((2, 5), "float32")
    x[0, 2] = x[1, 3] = 1
    layer = model.get_layer("columns")
    assert layer.feature_columns == (0, 1, 1, 2)
    kernel, bias = layer.get_weights()
    np.testing.assert_allclose(model(x)[:, 2], kernel[[1, 2]] + bias[1], rtol=1e-6)


def test_what_is_not_told_is_left_out():
    assert read_bin_edges(None, 2) == ((), ())
    assert read_feature_columns(None, 2) == (0, 1)


@pytest.mark.parametrize(
    ("read", "given", "told"),
    [
        (read_bin_edges, [()], r"an entry for each of the 2 features.*Received: 1 entries"),
        (read_feature_columns, [0, 1, 2], "each of the 2 features. Received: 3 columns"),
        (read_feature_columns, [0, 2], r"none left out.*\[0, 2\]"),
        (read_feature_columns, "ab", "feature_columns must say.*'ab'"),
    ],
)
def test_what_is_of_another_table_is_refused(read, given, told):
    with pytest.raises(InputError, match=told):
        read(given, 2)
