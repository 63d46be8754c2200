"""Examples that are there twice, planted and in real data."""

import pathlib
import shutil

import numpy as np
import pytest

import dlkit as dk
from dlkit.data.catalogue.cache import unpack_published


def as_lists(groups):
    return [rows.tolist() for rows in groups]


def test_planted_rows_are_found_and_only_those():
    x = np.random.default_rng(0).normal(size=(60, 5)).astype(np.float32)
    x[40] = x[3]
    x[41] = x[3]
    x[59] = x[7]
    x[58] = x[8] + 1e-6  # near, and not equal
    data = dk.data.from_arrays(x, np.arange(60.0), batch_size=8)
    assert as_lists(data.duplicates()) == [[3, 40, 41], [7, 59]]


def test_pandas_counts_the_same_in_a_table_with_texts_and_gaps(shared_data):
    import pandas as pd

    data = dk.data.load("titanic", cache=False)
    frame = pd.read_csv(shared_data / "tabular/titanic.csv")
    used = [c.name for c in data.columns if c.kind != "drop"]
    repeated = sum(len(rows) - 1 for rows in data.duplicates())
    assert repeated == frame.duplicated(subset=used).sum() > 50


def test_the_example_for_testing_stays_and_training_loses_its_copy(capsys):
    x = np.random.default_rng(0).normal(size=(60, 5)).astype(np.float32)

    def make():
        test = (x[50:], np.arange(10.0))
        return dk.data.from_arrays(x[:50], np.arange(50.0), test=test, batch_size=8)

    split = make().origin.split
    a, b, c = split.train[:3]
    v, w = split.val[:2]
    x[a], x[c], x[w] = x[55], x[b], x[55]
    x[v] = x[split.train[5]]
    again = make().without_duplicates()
    left = again.origin.split
    assert set(split.train) - set(left.train) == {a, c, split.train[5]}
    assert set(split.val) - set(left.val) == {w}
    np.testing.assert_array_equal(left.test, split.test)
    told = "Left out 3 of 45 training and 1 of 5 validation examples that repeat others."
    assert told in capsys.readouterr().out
    assert again.duplicates() == ()


def test_oversampled_rows_are_no_duplicates():
    x = np.random.default_rng(0).normal(size=(60, 2))
    data = dk.data.from_arrays(x, [0] * 45 + [1] * 15, batch_size=8).balanced("oversample")
    again = data.without_duplicates()
    np.testing.assert_array_equal(again.origin.split.train, data.origin.split.train)


@pytest.mark.parametrize("cache", [False, True])
def test_files_are_equal_by_their_bytes(cache, tmp_path, shared_data):
    folder = unpack_published("images/flower_photos_192.zip")
    classes = sorted(
        path for path in folder.rglob("*") if path.is_dir() and any(path.glob("*.jpg"))
    )
    for path in classes[:2]:
        (tmp_path / path.name).mkdir()
        for photo in sorted(path.glob("*.jpg"))[:8]:
            shutil.copy(photo, tmp_path / path.name)
    copied = next((tmp_path / classes[0].name).glob("*.jpg"))
    shutil.copy(copied, tmp_path / classes[1].name / "copy.jpg")
    data = dk.data.from_image_folder(tmp_path, image_size=(16, 16), batch_size=4, cache=cache)
    (group,) = data.duplicates()
    names = {pathlib.Path(path).name for path in data.origin.paths[group]}
    assert names == {copied.name, "copy.jpg"}
