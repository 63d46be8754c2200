"""The profile of the training data in an export."""

import json

import numpy as np

import dlkit as dk
from dlkit.export.signatures.signature import serving_default
from dlkit.export.to_saved_model import training_profile


def test_the_profile_is_of_raw_training_rows_and_of_the_models_answers(tmp_path):
    data = dk.data.load("iris")
    model = dk.models.build("perceptron", data, seed=0)
    assert training_profile.write_training_profile(tmp_path, serving_default(model, data), data)
    found = json.loads((tmp_path / training_profile.FILE).read_text())
    train = data.origin.raw(np.sort(data.origin.split.train))
    for column in range(4):
        quantiles = found[f"features[{column}]"]["quantiles"]
        expected = np.quantile(train[:, column], np.linspace(0, 1, 101))
        np.testing.assert_allclose(quantiles, expected, rtol=1e-6)
    answers = model.predict(data.preprocessing(train), verbose=0)
    shares = found["predictions class"]["shares"]
    for index in range(3):
        share = (answers.argmax(axis=1) == index).mean()
        np.testing.assert_allclose(shares.get(str(index), 0), share)


def test_data_without_its_rows_has_no_profile(tmp_path):
    assert not training_profile.write_training_profile(tmp_path, None, None)
    assert list(tmp_path.iterdir()) == []
