import keras
import numpy as np
import pytest

from dlkit.errors import InputError
from dlkit.layers import ColumnEmbedding

COLUMNS = (1, 0, 1, 2, 1)  # of a column they need not stand side by side


def test_a_columns_vector_is_the_sum_over_its_features_and_a_bias():
    layer, random = ColumnEmbedding(COLUMNS, 4), np.random.default_rng(0)
    x = random.normal(size=(6, 5)).astype("float32")
    layer.build(x.shape)
    kernel, bias = (random.normal(size=weight.shape) for weight in layer.weights)
    layer.set_weights([kernel, bias])
    expected = np.zeros((6, 3, 4)) + bias
    for feature, column in enumerate(COLUMNS):
        expected[:, column] += x[:, [feature]] * kernel[feature]
    np.testing.assert_allclose(layer(x), expected, rtol=1e-4, atol=1e-5)


def test_a_category_looks_its_vector_up():
    layer = ColumnEmbedding((0, 0, 0), 4)
    found = layer(np.eye(3, dtype="float32"))[:, 0]
    kernel, bias = layer.get_weights()
    np.testing.assert_allclose(found, kernel + bias, rtol=1e-6)


def test_it_is_saved_with_its_columns(tmp_path):
    inputs = keras.Input((5,))
    model = keras.Model(inputs, ColumnEmbedding(COLUMNS, 4)(inputs))
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras", safe_mode=True)
    x = np.random.default_rng(0).normal(size=(6, 5)).astype("float32")
    np.testing.assert_array_equal(again(x), model(x))
    assert again.layers[-1].feature_columns == COLUMNS
    assert ColumnEmbedding(COLUMNS, 4, dtype="mixed_bfloat16")(x).dtype == "bfloat16"


@pytest.mark.parametrize("columns", [(), (0, 2), 3, "01", (1, 1)])
def test_columns_that_are_none_are_refused(columns):
    with pytest.raises(InputError, match=r"counted from 0 and none left out.*Received: feature_c"):
        ColumnEmbedding(columns, 4)


def test_other_inputs_are_refused():
    with pytest.raises(InputError, match=r"tells of 5 features. Received.*\(None, 4\)"):
        ColumnEmbedding(COLUMNS, 4)(keras.Input((4,)))
    with pytest.raises(InputError, match="units"):
        ColumnEmbedding(COLUMNS, 0)
