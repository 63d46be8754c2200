"""Groups that stay whole: in folds, in new splits and in all that is made of them."""

import numpy as np
import pytest
from sklearn import model_selection

import dlkit as dk
from dlkit.data.changes import grouping
from dlkit.data.core.targets import Targets
from dlkit.errors import InputError
from tests.data.changes.test_splitting import rows_of

# 30 patients with 1 to 19 pictures each, most of them of one class.
PATIENTS = np.repeat(np.arange(30), np.arange(30) % 19 + 1)
LABELS = (np.random.default_rng(1).random(len(PATIENTS)) < np.where(PATIENTS % 4, 0.2, 0.9)) * 1


@pytest.fixture(scope="module")
def data():
    x = np.random.default_rng(0).normal(size=(len(PATIENTS), 2))
    return dk.data.from_arrays(x, LABELS, batch_size=8)


def assert_apart(data, groups=PATIENTS):
    parts = [set(groups[rows]) for rows in rows_of(data)]
    assert all(parts)
    assert len(set.union(*parts)) == sum(map(len, parts))


@pytest.mark.parametrize("names", [PATIENTS, [f"patient {n}" for n in PATIENTS]])
def test_no_group_is_in_two_splits_of_a_fold(data, names):
    made = list(data.folds(3, groups=names))
    tests = [rows_of(fold)[2] for fold in made]
    kept = np.setdiff1d(np.arange(len(PATIENTS)), tests[0])
    oracle = model_selection.StratifiedGroupKFold(3).split(kept, LABELS[kept], PATIENTS[kept])
    for fold, test, (train, _) in zip(made, tests, oracle, strict=True):
        assert_apart(fold)
        np.testing.assert_array_equal(test, tests[0])
        assert len(set(PATIENTS[test])) == 6
        assert set(rows_of(fold)[0]) == set(kept[train]) or isinstance(names, list)
        assert len(np.unique(LABELS[rows_of(fold)[0]])) == 2
    assert sorted(np.concatenate([rows_of(fold)[1] for fold in made])) == kept.tolist()


def test_what_is_made_of_a_grouped_split_keeps_the_groups(data, tmp_path):
    apart = data.resplit(groups=PATIENTS)
    made = [*apart.folds(3), apart.resplit(seed=4), apart.balanced().resplit(seed=5)]
    made += [*apart.balanced("oversample").folds(2), next(apart.folds(3)).resplit(seed=6)]
    made += [apart.without_duplicates().resplit(seed=7), apart.without_outliers().resplit(seed=8)]
    made += [apart.cache_to(tmp_path / "cache").resplit(seed=9)]
    for one in made:
        assert_apart(one)
    test = rows_of(apart)[2]
    assert all(np.array_equal(rows_of(fold)[2], test) for fold in made[:3])
    with pytest.raises(InputError, match=r"belong together.*splits in order part them"):
        apart.folds(3, ordered=True)
    other = np.arange(len(PATIENTS)) // 2
    assert_apart(apart.resplit(groups=other), other)


def test_a_published_test_split_stays_and_what_it_shares_is_told():
    x = np.random.default_rng(0).normal(size=(60, 2))
    data = dk.data.from_arrays(x[:50], x[:50, 0], test=(x[50:], x[50:, 0]), batch_size=8)
    with pytest.warns(UserWarning, match="5 of the groups are in the published test split as"):
        fold = next(data.folds(2, groups=np.arange(60) % 5))
    np.testing.assert_array_equal(rows_of(fold)[2], np.arange(50, 60))


def test_folds_of_numbers_are_those_of_group_k_fold(data):
    x = np.arange(300.0).reshape(100, 3)
    numbers = dk.data.from_arrays(x, x[:, 0], batch_size=8).resplit(groups=np.arange(100) % 20)
    kept = numbers.origin.split.kept
    oracle = model_selection.GroupKFold(4).split(kept, groups=(np.arange(100) % 20)[kept])
    for fold, (train, _) in zip(numbers.folds(4), oracle, strict=True):
        np.testing.assert_array_equal(rows_of(fold)[0], kept[train])


def test_a_class_of_few_groups_stays_in_training():
    """One group of 40 has all examples of one class: it is never cut off."""
    groups = np.arange(400) // 10
    x, labels = np.arange(400.0)[:, np.newaxis], np.where(groups == 7, 2, np.arange(400) % 2)
    data = dk.data.from_arrays(x, labels, batch_size=8)
    for seed in range(10):
        assert 7 in groups[rows_of(data.resplit(groups=groups, seed=seed))[0]]
    with pytest.warns(UserWarning, match="lacks classes: all examples of 2 are in groups that"):
        data.folds(3, groups=groups)


def test_one_class_to_train_on_is_refused():
    groups = np.arange(60) // 20
    x, labels = np.arange(60.0)[:, np.newaxis], (groups == 2) * 1
    data = dk.data.from_arrays(x, labels, test=(x, labels), val_fraction=0, batch_size=8)
    groups = np.concatenate([groups, groups + 3])
    sentence = "leave one class to train on, '0': all examples of 1 are in groups that are held out"
    with pytest.raises(InputError, match=sentence):
        data.folds(3, groups=groups)
    with pytest.raises(InputError, match=r"leave one class to train on, '[01]': all examples of"):
        data.resplit(groups=np.where(groups < 2, 0, groups), val_fraction=0.5)


@pytest.mark.parametrize("missing", [None, np.nan])
def test_an_example_without_a_group_is_told(data, missing):
    groups = np.array([missing, *PATIENTS[1:]], object)
    with pytest.raises(InputError, match=r"groups has none for 1 of 256 examples, first for exam"):
        data.folds(3, groups=groups)


def test_random_groups_make_whole_folds():
    draw = np.random.default_rng(0)
    for _ in range(200):
        count, groups, classes = draw.integers(20, 60), draw.integers(3, 9), draw.integers(2, 4)
        of_rows = draw.integers(groups, size=count)
        labels = draw.integers(classes, size=count)
        targets = Targets(labels, "multiclass", classes, tuple("abc"[:classes]))
        k = int(draw.integers(2, len(np.unique(of_rows)) + 1))
        held = []
        for train, val in grouping.group_folds(np.arange(count), of_rows, targets, k):
            assert len(train) > 0 and len(val) > 0
            assert not set(of_rows[train]) & set(of_rows[val])
            held.extend(val)
        assert sorted(held) == list(range(count))
