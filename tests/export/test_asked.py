import json

import keras
import numpy as np
import pytest

from dlkit.export import saved_model
from dlkit.export.asked import Asked
from dlkit.export.checking import Check
from dlkit.export.twins import FILE


def rowwise(version):
    return json.loads((version / "assets.extra" / FILE).read_text())["rowwise"]


def test_rows_that_do_not_mix_are_known(digits):
    kinds = {"serving_default", "labels", "classify", "image_bytes", "image_bytes_labels"}
    assert set(rowwise(digits.version)) == kinds


class Centred(keras.layers.Layer):
    def call(self, x):
        return x - keras.ops.mean(x, axis=0, keepdims=True)


class Mean(keras.layers.Layer):
    def call(self, x):
        return keras.ops.mean(x, axis=0)


@pytest.mark.parametrize("layer", [Centred(), Mean()])
def test_a_model_whose_rows_depend_on_each_other_is_not_batched(tmp_path, layer):
    model = keras.Sequential([keras.Input((5,), name="x"), layer])
    assert rowwise(saved_model(model, tmp_path / "mixing")) == []


def test_what_was_asked_is_kept_with_its_answer(digits):
    raw, _ = digits.data.examples
    expected = digits.model.predict(
        digits.data.preprocessing.predict(raw[:3], verbose=0), verbose=0
    )
    checks = [
        Check("serving_default", {"image": raw[:n]}, {"predictions": expected[:n]}) for n in (1, 3)
    ]
    asked = Asked(digits.version, checks, None)
    assert [key for key, _, _ in asked.known] == ["serving_default"] * 2
    for _, inputs, answer in asked.known:
        rows = len(inputs["image"])
        np.testing.assert_allclose(answer["predictions"], expected[:rows], atol=1e-6)
    assert asked.facts(1e-5)["check"]["max_difference"] < 1e-5
    assert asked.rowwise(1e-5) == ["serving_default"]
