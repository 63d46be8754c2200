"""The preprocessing, held to scikit-learn and to hashes made by TensorFlow's own functions."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from dlkit.data.core.record import Column
from dlkit.data.features import layers
from dlkit.data.files.csv_tables import NA_VALUES
from dlkit.data.files.table_styles import Style


def built(train, kinds, na_values=NA_VALUES, **options):
    columns = [Column(name, kinds.get(name, "numeric"), "") for name in train]
    style = Style(na_values, ".", None, None)
    options = {"crosses": (), "hash_bins": 8, **options}
    model, names, _ = layers.build(columns, train, style, **options)
    return model, list(names)


def applied(model, rows):
    tensors = {
        name: tf.constant(v.tolist() if v.dtype == object else v) for name, v in rows.items()
    }
    return model(tensors).numpy()


def texts(*values):
    array = np.empty(len(values), object)
    array[:] = values
    return array


@pytest.fixture(scope="module")
def numbers():
    random = np.random.default_rng(0)
    rows = random.lognormal(3, 2, (300, 4)).astype(np.float32)
    rows[random.random(rows.shape) < 0.2] = np.nan
    rows[:, 1] = random.normal(1e6, 10, 300)  # far from 0, and no gaps
    rows[:, 2] = 7
    return rows


def test_numbers_are_imputed_and_standardised_as_scikit_learn_does(numbers):
    names = ["a", "far", "constant", "b"]
    model, features = built(dict(zip(names, numbers[:200].T, strict=True)), {})
    assert features == [*names, "a missing", "b missing"]
    ours = applied(model, dict(zip(names, numbers.T, strict=True)))
    theirs = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    exact = numbers.astype(np.float64)
    expected = theirs.fit(exact[:200]).transform(exact)
    np.testing.assert_allclose(ours[:, :4], expected, rtol=1e-4, atol=1e-5)
    indicator = MissingIndicator().fit(numbers[:200]).transform(numbers)
    np.testing.assert_array_equal(ours[:, 4:], indicator)


def test_a_gap_that_training_never_showed_is_the_median():
    model, features = built({"x": np.array([1, 2, 6], "float32")}, {})
    assert features == ["x"]
    rows = applied(model, {"x": np.array([np.nan, 2], "float32")})
    np.testing.assert_array_equal(rows[0], rows[1])


def test_categories_are_one_hot_as_scikit_learn_does():
    words = texts(*"aabbbccd", "", "")
    model, features = built({"x": words}, {"x": "category"})
    assert features == ["x missing", "x other", "x=a", "x=b", "x=c"]
    rows = texts("a", "b", "c", "d", "z", "", "?")
    ours = applied(model, {"x": rows})
    encoder = OneHotEncoder(sparse_output=False, min_frequency=2, handle_unknown="ignore")
    encoder.fit(words[words != ""].reshape(-1, 1))
    theirs = encoder.transform(texts("a", "b", "c", "d").reshape(-1, 1))
    np.testing.assert_array_equal(ours[:4, [2, 3, 4, 1]], theirs)  # its rare column stands last
    np.testing.assert_array_equal(ours[4], [0, 1, 0, 0, 0])  # unknown, as a rare one
    np.testing.assert_array_equal(ours[5:], [[1, 0, 0, 0, 0]] * 2)  # missing, in both writings


def test_what_training_never_showed_is_zeros():
    """No weight was learned for it, so none may speak."""
    model, features = built({"x": texts(*"aabb")}, {"x": "category"})
    assert features == ["x=a", "x=b"]
    ours = applied(model, {"x": texts("b", "z", "", "NA")})
    np.testing.assert_array_equal(ours, [[0, 1], [0, 0], [0, 0], [0, 0]])


def test_a_value_that_reads_like_a_gap_can_be_a_category():
    model, features = built(
        {"x": texts("NA", "NA", "b", "b")}, {"x": "category"}, na_values=["", "?", "NA"]
    )
    assert features == ["x=NA", "x=b"]
    np.testing.assert_array_equal(applied(model, {"x": texts("NA", "?")}), [[1, 0], [0, 0]])


def test_keras_own_word_for_the_unknown_may_stand_in_a_table():
    model, features = built({"x": texts("[UNK]", "[UNK]", "b", "b")}, {"x": "category"})
    assert features == ["x other", "x=b"]
    np.testing.assert_array_equal(applied(model, {"x": texts("[UNK]", "z")}), [[1, 0], [1, 0]])


def test_hashing_is_tensorflows_and_gaps_have_the_first_bin():
    words = texts(*(f"word {i}" for i in range(40)), "", "?")
    model, features = built({"x": words}, {"x": "hash"})
    assert features[:2] == ["x missing", "x #1"] and len(features) == 8
    bins = tf.strings.to_hash_bucket_fast(words[:40].tolist(), 7).numpy() + 1
    np.testing.assert_array_equal(applied(model, {"x": words}), np.eye(8)[[*bins, 0, 0]])


def test_dates_become_numbers_and_months_and_weekdays():
    days = texts("2024-02-29", "2025-03-01", "2026-12-24", "")
    model, features = built({"when": days}, {"when": "date"})
    ours = dict(zip(features, applied(model, {"when": days}).T, strict=True))
    year = np.array([2024, 2025, 2026, 2025])
    np.testing.assert_allclose(ours["when year"], (year - year.mean()) / year.std(), rtol=1e-5)
    np.testing.assert_array_equal(ours["when year missing"], [0, 0, 0, 1])
    chosen = {name: row.tolist() for name, row in ours.items() if "=" in name and row.any()}
    assert chosen == {
        "when month=Feb": [1, 0, 0, 0],
        "when month=Mar": [0, 1, 0, 0],
        "when month=Dec": [0, 0, 1, 0],
        "when weekday=Thu": [1, 0, 1, 0],
        "when weekday=Sat": [0, 1, 0, 0],
    }
    assert "when hour" not in features
    timed = {"when": texts("2024-02-29 13:00", "2024-02-29")}
    assert "when hour" in built(timed, {"when": "date"})[1]


def test_crosses_give_each_combination_its_bin():
    random = np.random.default_rng(1)
    train = {
        "size": random.normal(size=200).astype("float32"),
        "job": random.choice(texts("a", "b", "c"), 200),
    }
    model, features = built(
        train, {"job": "category"}, crosses=[("size", "job"), ("job", "size")], hash_bins=512
    )
    blocks = applied(model, train)[:, -1024:].reshape(200, 2, 512)
    np.testing.assert_array_equal(blocks.sum(axis=2), 1)
    deciles = np.quantile(train["size"], np.arange(1, 10) / 10)
    pairs = list(zip(np.digitize(train["size"], deciles).tolist(), train["job"], strict=True))
    for block in (0, 1):
        bins = blocks[:, block].argmax(axis=1)
        found = {}
        for pair, chosen in zip(pairs, bins.tolist(), strict=True):
            assert found.setdefault(pair, chosen) == chosen
        assert len(found) == 30
        assert len(set(found.values())) >= 27  # few of 30 collide in 512 bins
    assert features[-1] == "job x size #511"


def test_it_is_saved_without_custom_code_and_loads_safely(tmp_path):
    train = {
        "a": np.array([1, np.nan, 3], "float32"),
        "Petal length (cm)": texts("x", "x", "y"),
        "_": texts("2020-01-01", "", "2020-01-02"),
    }
    kinds = {"Petal length (cm)": "category", "_": "date"}
    model, _ = built(train, kinds, crosses=[("a", "Petal length (cm)")])
    model.save(tmp_path / "table.keras")
    loaded = keras.saving.load_model(tmp_path / "table.keras", safe_mode=True)
    np.testing.assert_array_equal(applied(loaded, train), applied(model, train))
    assert not any(isinstance(layer, keras.layers.Lambda) for layer in model._flatten_layers())
