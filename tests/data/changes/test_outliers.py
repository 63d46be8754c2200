"""Outlier filters, held against NumPy's and scikit-learn's."""

import numpy as np
import pytest
from sklearn.ensemble import IsolationForest

import dlkit as dk
from dlkit.errors import InputError


@pytest.fixture(scope="module")
def cancer():
    return dk.data.load("breast_cancer")


def rows(data):
    return data.origin.split.train


def raw(data):
    return data.origin.raw(rows(data)).astype(np.float64)


def test_the_quartiles_are_tukeys_fences_of_the_training_rows(cancer, capsys):
    left = cancer.without_outliers("iqr", threshold=3.0)
    x = raw(cancer)
    low, high = np.percentile(x, [25, 75], axis=0)
    reach = 3.0 * (high - low)
    inside = ((x >= low - reach) & (x <= high + reach)).all(axis=1)
    np.testing.assert_array_equal(rows(left), rows(cancer)[inside])
    assert 0 < (~inside).sum() < 100
    assert f"Left out {(~inside).sum()} of {len(x)} training examples (rows" in (
        capsys.readouterr().out
    )
    for split in ("val", "test"):
        np.testing.assert_array_equal(
            getattr(left.origin.split, split), getattr(cancer.origin.split, split)
        )


def test_z_scores_are_those_of_numpy(cancer):
    x = raw(cancer)
    inside = (np.abs(x - x.mean(0)) <= 3 * x.std(0)).all(axis=1)
    left = cancer.without_outliers("z_score")
    np.testing.assert_array_equal(rows(left), rows(cancer)[inside])


def test_the_forest_is_scikit_learns(cancer):
    oracle = IsolationForest(contamination=0.05, random_state=7).fit_predict(raw(cancer)) == 1
    left = cancer.without_outliers("isolation_forest", threshold=0.05, seed=7)
    np.testing.assert_array_equal(rows(left), rows(cancer)[oracle])
    automatic = IsolationForest(random_state=0).fit_predict(raw(cancer)) == 1
    left = cancer.without_outliers("isolation_forest")
    np.testing.assert_array_equal(rows(left), rows(cancer)[automatic])


def test_planted_outliers_go_and_gaps_and_zeros_stay():
    random = np.random.default_rng(0)
    table = {
        "size": random.normal(10, 1, 200),
        "mostly_zero": (np.arange(200) % 20 == 0) * 5.0,
        "shape": ["round", "long"] * 100,
    }
    table["size"][::9] = np.nan
    table["size"][[25, 150]] = 90.0
    table["target"] = [0, 1] * 100
    data = dk.data.from_dataframe(table, "target", batch_size=16)
    for method, threshold in (("iqr", 5.0), ("z_score", 5.0)):
        left = data.without_outliers(method, threshold=threshold)
        assert set(rows(data)) - set(rows(left)) == {25, 150} & set(rows(data))
    left = data.without_outliers("isolation_forest", threshold=0.02)
    assert not {25, 150} & set(rows(left))


def test_a_sequence_goes_for_one_far_value():
    x = np.random.default_rng(0).normal(size=(100, 20, 2)).astype(np.float32)
    x[31, 7, 1] = 1000.0
    data = dk.data.from_arrays(x, x[:, 0, 0], batch_size=16)
    assert 31 in rows(data)
    left = data.without_outliers("z_score", threshold=20)
    assert set(rows(data)) - set(rows(left)) == {31}


def test_what_cannot_be_filtered_is_told_in_a_sentence(cancer):
    with pytest.raises(InputError, match=r"method='ikr'. Did you mean 'iqr'\?"):
        cancer.without_outliers("ikr")
    with pytest.raises(InputError, match="Received: kind='image' in 'digits'"):
        dk.data.load("digits").without_outliers()
    with pytest.raises(InputError, match=r"'iqr' must be a number above 0. Received: threshold=-1"):
        cancer.without_outliers(threshold=-1)
    with pytest.raises(InputError, match=r"a share in \(0, 0.5\]. Received: threshold=0.9"):
        cancer.without_outliers("isolation_forest", threshold=0.9)
    with pytest.raises(InputError, match=r"'z_score' with threshold=0.001 would leave out every"):
        cancer.without_outliers("z_score", threshold=0.001)
    texts = {"a": ["x", "y"] * 30, "b": [0, 1] * 30}
    data = dk.data.from_dataframe(texts, "b", batch_size=8)
    with pytest.raises(InputError, match="the columns of 'table' are all texts: a"):
        data.without_outliers()
    x = np.concatenate([np.zeros(95), np.full(5, 50.0)])[:, np.newaxis]
    x = x + np.random.default_rng(0).normal(size=(100, 1))
    rare = dk.data.from_arrays(x, [0] * 95 + [1] * 5, class_names=("low", "high"), batch_size=8)
    with pytest.raises(InputError, match="every training example of the class 'high'"):
        rare.without_outliers()
