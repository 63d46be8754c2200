import keras
import numpy as np
import pytest
import tensorflow as tf

from dlkit.errors import ExportError
from dlkit.export import saved_model
from dlkit.export.parity import comparison

ROWS = np.linspace(-1, 1, 12, dtype="float32").reshape(3, 4)


@pytest.fixture(scope="module")
def version(tmp_path_factory):
    model = keras.Sequential(
        [keras.Input((4,), name="row"), keras.layers.Dense(2, name="predictions")]
    )
    model.layers[0].set_weights([np.ones((4, 2)), np.array([0.0, 1000.0])])
    return saved_model(model, tmp_path_factory.mktemp("sums") / "sums")


def expected():
    total = ROWS.sum(axis=1)
    return np.stack([total, total + 1000], axis=1)


def compare(version, reference, limit=1e-5):
    check = comparison.Check("serving_default", {"row": ROWS}, {"predictions": reference})
    return comparison.compare_checks(
        comparison.run_signatures(version, [(check.key, check.inputs)]), [check], limit
    )


def test_the_largest_difference_is_given_back(version):
    assert compare(version, expected()) < 1e-4
    off = expected()
    off[1, 1] += 0.005  # 5e-6 of the largest value
    assert compare(version, off) == pytest.approx(0.005, rel=0.1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda y: y + np.float32(0.1), "'predictions' differs .* size 3 by 0.1, .* than 1e-05"),
        (lambda y: y[:, :1], r"size 3: shape \(3, 2\) instead of \(3, 1\)"),
        (lambda y: np.where(y > 1000, np.inf, y), "size 3 by 1.8e\\+308"),
    ],
)
def test_a_difference_is_refused(change, message, version):
    with pytest.raises(ExportError, match=message):
        compare(version, change(expected()))


def test_nan_in_one_place_only_is_a_difference(version):
    reference = expected()
    reference[0, 0] = np.nan
    with (
        pytest.warns(UserWarning, match="'predictions' is NaN"),
        pytest.raises(ExportError, match="differs"),
    ):
        compare(version, reference)


def test_equal_infinities_and_nan_are_no_difference():
    values = np.array([np.inf, -np.inf, np.nan, 1.0])
    assert comparison._gap(values, values.copy()) == 0
    assert comparison._gap(np.array([3], "uint8"), np.array([5], "uint8")) == 2


def test_texts_must_be_the_same():
    texts = np.array([[b"red"], [b"green"]], dtype=object)
    assert comparison.largest_difference("label", texts, texts.copy(), 1e-5) == 0
    with pytest.raises(ExportError, match=r"output 'label' differs .* batch size 2"):
        comparison.largest_difference("label", texts, texts[::-1], 1e-5)


@pytest.mark.parametrize(
    ("policy", "limit"),
    [("float32", 1e-5), ("float64", 1e-5), ("mixed_float16", 5e-3), ("mixed_bfloat16", 4e-2)],
)
def test_the_least_precise_layer_sets_the_tolerance(policy, limit):
    inner = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2, dtype=policy)])
    model = keras.Sequential([keras.Input((2,)), inner, keras.layers.Dense(1)])
    assert comparison.model_tolerance(model) == limit


def test_a_gpu_that_shortens_float32_is_allowed_for(tiny, monkeypatch):
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [kind])
    assert comparison.model_tolerance(tiny) == 5e-3
    monkeypatch.setattr(tf.config.experimental, "tensor_float_32_execution_enabled", lambda: False)
    assert comparison.model_tolerance(tiny) == 1e-5
