"""Features of rows, and their distributions."""

import json

import numpy as np
import pytest
from sklearn import datasets

from dlkit import feature_profiles


def test_a_row_of_a_few_numbers_is_told_number_by_number():
    x = datasets.load_iris().data
    features = feature_profiles.input_features({"flower": x})
    assert len(features) == 4
    np.testing.assert_array_equal(features["flower[2]"], x[:, 2])


def test_an_image_is_told_by_four_numbers():
    images = datasets.load_digits().images
    features = feature_profiles.input_features({"image": np.kron(images, np.ones((1, 2, 2)))})
    assert sorted(features) == ["image max", "image mean", "image min", "image std"]
    np.testing.assert_allclose(features["image std"], images.std(axis=(1, 2)))


def test_texts_and_bytes_are_told_by_length_and_value():
    long = "a text of more than thirty-two letters"
    features = feature_profiles.input_features(
        {"text": np.array(["yes", b"\xff\xd8", long], object)}
    )
    np.testing.assert_array_equal(features["text length"], [3, 2, len(long)])
    assert features["text value"][0] == "yes"
    assert long not in features["text value"]


def test_a_text_that_stands_for_a_missing_one_is_told_as_an_empty_one():
    features = feature_profiles.input_features(
        {"job": np.array(["?", "NA", b"null", "", "cook"], object)}
    )
    assert features["job value"].tolist() == ["", "", "", "", "cook"]
    np.testing.assert_array_equal(features["job length"], [0, 0, 0, 0, 4])


def test_probabilities_become_class_and_confidence_and_other_outputs_stay_numbers():
    outputs = {
        "predictions": np.array([[0.2, 0.5, 0.3], [0.9, 0.1, 0.0]], np.float32),
        "price": np.array([[3.0], [4.0]]),
    }
    features = feature_profiles.prediction_features(outputs)
    assert features["predictions class"].tolist() == ["1", "0"]
    np.testing.assert_allclose(features["predictions confidence"], [0.5, 0.9])
    np.testing.assert_array_equal(features["price"], [3, 4])


@pytest.mark.parametrize("shape", [(0,), (0, 1), (0, 3), (0, 28, 28), (2, 0)])
def test_a_batch_of_nothing_has_no_values(shape):
    arrays = {"x": np.zeros(shape), "text": np.zeros(shape, object)}
    for features in (
        feature_profiles.input_features(arrays),
        feature_profiles.prediction_features(arrays),
    ):
        assert all(len(values) == 0 for values in features.values())


def test_a_profile_survives_json_and_has_numpys_quantiles():
    random = np.random.default_rng(0)
    values = random.normal(size=500)
    values[:50] = np.nan
    words = random.choice([f"w{i}" for i in range(40)], 500)
    found = json.loads(json.dumps(feature_profiles.profile_features({"n": values, "w": words})))
    assert found["n"]["missing"] == pytest.approx(0.1)
    np.testing.assert_allclose(
        found["n"]["quantiles"], np.quantile(values[50:], np.linspace(0, 1, 101))
    )
    shares = found["w"]["shares"]
    assert len(shares) == 21 and sum(shares.values()) == pytest.approx(1)
    assert shares["w0"] == (words == "w0").mean() if "w0" in shares else True


def test_a_feature_that_is_missing_throughout_has_no_quantiles():
    (found,) = feature_profiles.profile_features({"n": np.full(3, np.nan)}).values()
    assert (found["quantiles"], found["missing"]) == ([], 1.0)


def test_shares_up_to_the_edges_are_exact():
    prices = np.random.default_rng(0).choice(np.float32([4.95, 9.99, 19.99]), 1000)
    found = feature_profiles.profile_features({"x": prices})["x"]
    edges = feature_profiles.inner_edges(found["quantiles"])
    assert {4.95, 9.99, 19.99} <= set(edges)
    exact = [(feature_profiles.rounded_numbers(prices) <= edge).mean() for edge in edges]
    np.testing.assert_array_equal(found["below"], exact)


def test_rounding_is_done_once():
    values = np.random.default_rng(0).normal(size=1000) * 10.0 ** np.linspace(-30, 30, 1000)
    once = feature_profiles.rounded_numbers(values)
    np.testing.assert_array_equal(feature_profiles.rounded_numbers(once), once)
    np.testing.assert_allclose(once, values, rtol=5.1e-6)
    assert np.isnan(feature_profiles.rounded_numbers([np.nan])).all()


def test_a_prediction_that_is_nan_has_no_class():
    scores = np.float32([[0.2, 0.8], [np.nan, 0.5], [np.inf, 0.0]])
    features = feature_profiles.prediction_features({"y": scores})
    assert features["y class"].tolist() == ["1", None, None]
    np.testing.assert_array_equal(
        features["y confidence"], scores.max(axis=1) * [1, np.nan, np.nan]
    )
    assert feature_profiles.needless_features({"y": scores}) == {"y[0]", "y[1]"}
    assert feature_profiles.needless_features({"y": scores * 2}) == {"y class", "y confidence"}
    found = feature_profiles.profile_features(features)["y class"]
    assert found["missing"] == pytest.approx(2 / 3)
    assert found["shares"] == {"1": pytest.approx(1 / 3), "(other)": 0}


def test_values_that_came_once_say_how_many_are_still_unseen():
    texts = np.array([f"t{i}" for i in range(30)] + ["(other)", "t0"], object)
    found = feature_profiles.profile_features({"x": texts})["x"]
    assert found["shares"]["(other)"] == found["unseen"] == pytest.approx(11 / 32)
    assert len(found["shares"]) == 21 and len(found["seen"]) == 11
