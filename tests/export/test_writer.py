import json

import keras
import numpy as np
import pytest

from dlkit.errors import InputError
from dlkit.export import saved_model, versions
from dlkit.export.cpp_loader import load


def test_a_model_is_exported_and_answers_the_same(tmp_path):
    model = keras.Sequential(
        [keras.Input((4,), name="row"), keras.layers.Dense(3, "softmax", name="predictions")]
    )
    version = saved_model(model, tmp_path / "tiny")
    assert version == tmp_path / "tiny" / "1"
    assert versions(tmp_path / "tiny") == (1,)
    rows = np.random.default_rng(0).random((5, 4), np.float32)
    with load(version) as session:
        (answer,) = session.run({"serving_default_row:0": rows}, ["StatefulPartitionedCall:0"])
    np.testing.assert_allclose(answer, model.predict(rows, verbose=0), rtol=1e-5)
    card = json.loads((version / "assets.extra" / "model_card.json").read_text())
    assert card["parameters"] == 15


def test_not_a_model(tmp_path):
    with pytest.raises(InputError, match="Received: dict"):
        saved_model({}, tmp_path / "tiny")
    assert not (tmp_path / "tiny").exists()
