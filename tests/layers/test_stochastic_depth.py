import keras
import numpy as np
import pytest

from dlkit.errors import InputError
from dlkit.layers import StochasticDepth


def test_a_branch_is_whole_or_nothing_and_right_in_the_mean():
    branch = np.random.default_rng(0).normal(size=(4000, 2, 3)).astype("float32")
    out = keras.ops.convert_to_numpy(StochasticDepth(0.3, seed=1)(branch, training=True))
    kept = np.any(out != 0, axis=(1, 2))
    assert abs(kept.mean() - 0.7) < 0.03
    np.testing.assert_allclose(out[kept], branch[kept] / 0.7, rtol=1e-6)
    again = keras.ops.convert_to_numpy(StochasticDepth(0.3, seed=1)(branch, training=True))
    np.testing.assert_array_equal(out, again)


def test_predictions_and_a_rate_of_nought_leave_it_alone(tmp_path):
    branch = np.ones((2, 3), "float32")
    np.testing.assert_array_equal(StochasticDepth(0.9)(branch), branch)
    np.testing.assert_array_equal(StochasticDepth(0.0)(branch, training=True), branch)


def test_it_is_saved_and_loaded(tmp_path):
    model = keras.Sequential([keras.Input((3,)), StochasticDepth(0.5, seed=2)])
    model.save(tmp_path / "model.keras")
    layer = keras.saving.load_model(tmp_path / "model.keras", safe_mode=True).layers[-1]
    assert (layer.rate, layer.seed) == (0.5, 2)


def test_a_rate_that_leaves_nothing_is_refused():
    with pytest.raises(InputError, match="rate must be in"):
        StochasticDepth(1.0)
