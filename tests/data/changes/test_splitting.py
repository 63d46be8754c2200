"""Folds and other splits, held against scikit-learn's."""

import dataclasses

import numpy as np
import pytest
from sklearn import model_selection

import dlkit as dk
from dlkit.errors import InputError
from tests.data.arrays.test_from_arrays import batches


def rows_of(data):
    split = data.origin.split
    return split.train, split.val, split.test


@pytest.fixture(scope="module")
def iris():
    return dk.data.load("iris")


@pytest.fixture(scope="module")
def diabetes():
    return dk.data.load("diabetes")


def test_folds_of_classes_are_those_of_stratified_k_fold(iris):
    kept = iris.origin.split.kept
    labels = iris.origin.targets.values[kept]
    oracle = model_selection.StratifiedKFold(5, shuffle=True, random_state=3).split(kept, labels)
    made = list(iris.folds(5, seed=3))
    assert len(made) == 5
    for fold, (train, val) in zip(made, oracle, strict=True):
        np.testing.assert_array_equal(rows_of(fold)[0], kept[train])
        np.testing.assert_array_equal(rows_of(fold)[1], kept[val])
        np.testing.assert_array_equal(rows_of(fold)[2], iris.origin.split.test)
    held = np.concatenate([rows_of(fold)[1] for fold in made])
    np.testing.assert_array_equal(np.sort(held), kept)


def test_each_fold_learns_its_preprocessing_from_its_own_training_rows(iris):
    from sklearn.datasets import load_iris

    x = load_iris().data.astype(np.float32)
    means = []
    for fold in iris.folds(3):
        train, val, _ = rows_of(fold)
        mean, std = x[train].mean(0), x[train].std(0)
        np.testing.assert_allclose(batches(fold.val)[0], (x[val] - mean) / std, atol=1e-4)
        means.append(mean)
    assert np.ptp(means, axis=0).max() > 0.01


def test_folds_of_numbers_are_shuffled_and_those_of_labels_too(diabetes):
    kept = diabetes.origin.split.kept
    oracle = model_selection.KFold(4, shuffle=True, random_state=0).split(kept)
    for fold, (_, val) in zip(diabetes.folds(4), oracle, strict=True):
        np.testing.assert_array_equal(rows_of(fold)[1], kept[val])


def test_a_column_can_name_the_groups(shared_data):
    data = dk.data.load("penguins")
    islands = data.origin.raw(np.arange(344))["island"]
    with pytest.warns(UserWarning, match=r"lacks classes: all examples of (Chinstrap|Gentoo) are"):
        folds = list(data.folds(2, groups="island"))
    for fold in folds:
        assert not set.intersection(*(set(islands[rows]) for rows in rows_of(fold)[:2]))
        assert set(islands[rows_of(fold)[2]]) == {"Torgersen"}
    with pytest.raises(InputError, match="groups='isle' is no column of the raw inputs; its"):
        data.folds(3, groups="isle")


def test_ordered_folds_are_those_of_time_series_split(diabetes):
    kept = diabetes.origin.split.kept
    oracle = model_selection.TimeSeriesSplit(4).split(kept)
    for fold, (train, val) in zip(diabetes.folds(4, ordered=True), oracle, strict=True):
        np.testing.assert_array_equal(rows_of(fold)[0], kept[train])
        np.testing.assert_array_equal(rows_of(fold)[1], kept[val])


def test_translations_of_one_sentence_stay_together():
    english = [f"I see {n}." for n in ("one", "two", "three", "four", "five", "six")] * 4
    french = [f"{verb} {n}." for verb in ("Je vois", "Vois", "Voir", "Vu") for n in "abcdef"]
    data = dk.data.from_text_pairs(english, french, batch_size=4)
    sentences = np.array(english)
    for one in (*data.folds(3), data.resplit(seed=1, val_fraction=0.3)):
        train, val, test = (set(sentences[rows]) for rows in rows_of(one))
        assert len(val) > 0 and not train & val and not train & test and not val & test


def test_windows_that_overlap_keep_their_distance(diabetes):
    origin = dataclasses.replace(diabetes.origin, overlap=6)
    windows = dataclasses.replace(diabetes, origin=origin)
    kept = origin.split.kept
    oracle = model_selection.TimeSeriesSplit(4, gap=6).split(kept)
    for fold, (train, val) in zip(windows.folds(4, ordered=True), oracle, strict=True):
        np.testing.assert_array_equal(rows_of(fold)[0], kept[train])
        np.testing.assert_array_equal(rows_of(fold)[1], kept[val])
    train, val, test = rows_of(windows.resplit(ordered=True))
    assert val.min() - train.max() == test.min() - val.max() == 7
    with pytest.raises(InputError, match="'diabetes' are windows that share values"):
        windows.folds(4)
    with pytest.raises(InputError, match="k=350 ordered folds leave nothing to train on: 353"):
        windows.folds(350, ordered=True)


def test_a_grouped_resplit_keeps_groups_apart_in_all_three(iris):
    groups = np.arange(150) // 10
    parts = rows_of(iris.resplit(groups=groups, val_fraction=0.25, seed=1))
    train, val, test = (set(groups[rows]) for rows in parts)
    assert (len(train), len(val), len(test)) == (9, 3, 3)
    assert not train & val and not train & test and not val & test
    np.testing.assert_array_equal(np.sort(np.concatenate(parts)), np.arange(150))


def test_a_published_test_split_stays():
    x = np.random.default_rng(0).normal(size=(60, 2))
    data = dk.data.from_arrays(x[:50], x[:50, 0], test=(x[50:], x[50:, 0]), batch_size=8)
    train, val, test = rows_of(data.resplit(ordered=True, val_fraction=0.2))
    np.testing.assert_array_equal(test, np.arange(50, 60))
    np.testing.assert_array_equal(val, np.arange(40, 50))
    np.testing.assert_array_equal(train, np.arange(40))
    with pytest.warns(UserWarning, match="5 of the groups are in the published test split as"):
        data.resplit(groups=np.arange(60) % 5)


def test_a_resplit_without_more_is_stratified_and_seeded(iris):
    labels = iris.origin.targets.values
    one, same, other = (rows_of(iris.resplit(seed=seed)) for seed in (1, 1, 2))
    assert [np.bincount(labels[rows]).tolist() for rows in one] == [[36] * 3, [4] * 3, [10] * 3]
    np.testing.assert_array_equal(one[2], same[2])
    assert set(one[2]) != set(other[2])


def test_what_cannot_be_split_is_told_in_a_sentence(iris, diabetes):
    rare = dk.data.from_arrays(
        np.arange(80.0).reshape(40, 2), [0] * 30 + [1] * 10, class_names=("no", "yes"), batch_size=8
    )
    groups = np.arange(150) % 3
    cases = {
        "k must be a whole number of at least 2. Received: k=1": lambda: iris.folds(1),
        "k=200 folds need at least an example each; there are 120": lambda: iris.folds(200),
        "needs earlier examples too, and there are 353 beside": lambda: diabetes.folds(
            353, ordered=True
        ),
        "k=9 folds cannot each hold the rarest class, 'yes', which has 8 ex": lambda: rare.folds(9),
        "k=4 folds need at least a group each; the .* of 2 groups: give": lambda: iris.folds(
            4, groups=groups
        ),
        "groups=array of 150|groups=ndarray of 150 values and ordered=True": lambda: iris.folds(
            2, groups=groups, ordered=True
        ),
        r"each of the 150 examples.*Received shape \(3,\)": lambda: iris.folds(2, groups=[1, 2, 3]),
        "groups='petal' is no column of the raw inputs; give a": lambda: iris.folds(
            2, groups="petal"
        ),
        "test_fraction=0 keeps nothing": lambda: iris.resplit(test_fraction=0),
        "A fraction of 0.2 cannot be cut off 1 group, since": lambda: iris.resplit(
            groups=[0] * 150
        ),
        "A fraction of 0.99.* leaves none before": lambda: diabetes.resplit(
            ordered=True, test_fraction=0.5, val_fraction=0.9999
        ),
        "folds needs the raw examples, which 'iris' does not know": lambda: dataclasses.replace(
            iris, origin=None
        ).folds(3),
    }
    changed = {m: c for m, c in cases.items() if not m.startswith("needs earlier")}
    for message, call in changed.items():
        with pytest.raises(InputError, match=message):
            call()
    kept = len(diabetes.origin.split.kept)
    with pytest.raises(InputError, match=f"and there are {kept} beside the test split"):
        diabetes.folds(kept, ordered=True)


@pytest.mark.parametrize("method", ["weights", "oversample"])
def test_what_was_balanced_is_balanced_in_other_splits_too(method):
    x, y = np.arange(120.0)[:, np.newaxis], np.array([0] * 90 + [1] * 30)
    data = dk.data.from_arrays(x, y, batch_size=8).balanced(method)
    fold = list(data.folds(3))[1]
    for other in (data.resplit(seed=3), fold, data.resplit(groups=np.arange(120) // 3)):
        split = other.origin.split
        assert not set(split.train) & {*split.val, *split.test}
        weights = np.ones(120) if split.weights is None else split.weights
        each = [weights[split.train][y[split.train] == label].sum() for label in (0, 1)]
        assert each[0] == pytest.approx(each[1])
        assert len(next(iter(other.train))) == (3 if method == "weights" else 2)
