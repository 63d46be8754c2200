"""Rows without a target and classes of one row: refused, left out or merged, for every reader."""

import pathlib

import keras
import networkx
import numpy as np
import pandas as pd
import pytest

import dlkit as dk
from dlkit.data.core.splits import divide_targets
from dlkit.data.core.target_rows import rows_with_target, without_rare_classes
from dlkit.data.core.targets import read_targets
from dlkit.errors import InputError

KINDS = ["cat", "dog", "cow"]


def animals(*rare):
    """Return 60 labels of three classes, and further ones."""
    return KINDS * 20 + list(rare)


def in_splits(data):
    """Return the class names of the examples of all splits, sorted."""
    split, values = data.origin.split, data.origin.targets.values
    rows = np.concatenate([split.train, split.val, split.test])
    assert len(np.unique(rows)) == len(rows)
    return sorted(data.class_names[i] for i in values[rows])


def learned(data):
    """Return what the pipelines give, in all splits: the class names, sorted."""
    found = [y for part in (data.train, data.val, data.test) for _, y in part.as_numpy_iterator()]
    return sorted(data.class_names[i] for i in np.concatenate(found))


def write_sounds(folder, name, count):
    import wave

    (folder / name).mkdir(parents=True)
    for i in range(count):
        with wave.open(str(folder / name / f"{i}.wav"), "wb") as file:
            file.setparams((1, 2, 8000, 0, "NONE", ""))
            file.writeframes(bytes([i + 1]) * 1000)


def write_pictures(folder, name, count):
    (folder / name).mkdir(parents=True)
    for i in range(count):
        keras.utils.save_img(folder / name / f"{i}.png", np.full((4, 4, 3), i), scale=False)


def write_texts(folder, name, count):
    (folder / name).mkdir(parents=True)
    for i in range(count):
        (folder / name / f"{i}.txt").write_text(f"A {name} of number {i}")


def in_folders(write):
    def make(folder, labels):
        for name in sorted(set(labels)):
            write(folder, name, labels.count(name))
        return folder

    return make


def arrays(folder, labels, **options):
    x = np.random.default_rng(0).normal(size=(len(labels), 2))
    return dk.data.from_arrays(x, labels, **options)


def table(folder, labels, **options):
    return dk.data.from_dataframe({"x": np.arange(len(labels)), "kind": labels}, "kind", **options)


def graph(folder, labels, **options):
    ring = [(i, (i + 1) % len(labels)) for i in range(len(labels))]
    return dk.data.from_graph(np.eye(len(labels)), ring, labels, **options)


def pictures(folder, labels, **options):
    folder = in_folders(write_pictures)(folder, labels)
    return dk.data.from_image_folder(folder, image_size=(4, 4), **options)


def sounds(folder, labels, **options):
    folder = in_folders(write_sounds)(folder, labels)
    return dk.data.from_audio_folder(folder, sample_rate=8000, seconds=0.1, **options)


def texts(folder, labels, **options):
    return dk.data.from_text_folder(in_folders(write_texts)(folder, labels), **options)


@pytest.mark.parametrize("make", [arrays, table, graph, pictures, sounds, texts])
def test_a_class_of_one_example_is_refused_dropped_or_merged(make, tmp_path, capsys):
    labels = animals("yak", "owl", "owl")
    options = {"batch_size": 8}
    with pytest.raises(InputError, match=r"'yak', has 1\); .*rare_classes='drop' or 'merge'"):
        make(tmp_path / "a", labels, **options)
    with pytest.raises(InputError, match=r"one of: error, drop, merge.*Did you mean 'drop'"):
        make(tmp_path / "b", labels, rare_classes="drp", **options)
    capsys.readouterr()
    data = make(tmp_path / "c", labels, rare_classes="drop", **options)
    told = "Dropped 2 classes of fewer than 3 examples: owl (2), yak (1).\n"
    assert capsys.readouterr().out == told
    assert data.class_names == ("cat", "cow", "dog") and data.num_classes == 3
    assert in_splits(data) == learned(data) == sorted(animals())
    assert in_splits(next(data.folds(3))) == in_splits(data.resplit(seed=3)) == sorted(animals())
    data = make(tmp_path / "d", labels, rare_classes="merge", **options)
    told = "Merged into 'other' 2 classes of fewer than 3 examples: owl (2), yak (1).\n"
    assert capsys.readouterr().out == told
    assert in_splits(data) == learned(data) == sorted(animals("other", "other", "other"))


def test_what_is_left_out_is_not_counted_anywhere():
    x = np.random.default_rng(0).normal(size=(200, 3))
    y = np.array(["a", "b"] * 99 + ["c", "d"])
    data = dk.data.from_arrays(x, y, rare_classes="drop")
    assert data.task == "binary" and data.class_names == ("a", "b")
    whole = dk.data.from_arrays(x[:198], y[:198])
    for name in ("train", "val", "test"):
        assert (getattr(data.origin.split, name) == getattr(whole.origin.split, name)).all()
    assert data.check(show=False) == whole.check(show=False)
    weights = [d.balanced().origin.split.weights[d.origin.split.train] for d in (data, whole)]
    np.testing.assert_array_equal(*weights)
    model = dk.models.build("perceptron", data.balanced("oversample"), seed=0)
    model.fit(data.train, epochs=1, verbose=0)
    assert dk.evaluation.confusion_matrix(model, data).sum() == len(data.origin.split.test)


@pytest.mark.parametrize(
    ("rare", "names", "test"),
    [
        ("drop", ("cat", "cow", "dog", "owl"), 3),
        ("merge", ("cat", "cow", "dog", "owl", "other"), 4),
    ],
)
def test_a_test_table_of_its_own_is_treated_alike(rare, names, test):
    # One for training and one for validation are enough: the two owls stay.
    frames = [
        {"x": np.arange(len(labels)), "kind": labels}
        for labels in (animals("yak", "gnu", "owl", "owl"), [*KINDS, "yak"])
    ]
    data = dk.data.from_dataframe(frames[0], "kind", test=frames[1], rare_classes=rare)
    assert data.class_names == names
    assert len(data.origin.split.test) == test


def test_merging_joins_a_class_of_that_name_and_says_when_it_is_too_small():
    read = read_targets(animals("other", "other", "yak"), None, None)
    merged = without_rare_classes(read, None, 0.1, "merge", None)
    assert merged.class_names == ("cat", "cow", "dog", "other")
    assert np.bincount(merged.values).tolist() == [20, 20, 20, 3]
    alone = read_targets(animals("yak"), None, None)
    with pytest.raises(InputError, match=r"'other' of 1 examples, and 3 .* rare_classes='drop'"):
        without_rare_classes(alone, None, 0.1, "merge", None)
    pair = read_targets(["a"] * 9 + ["b"], None, None)
    with pytest.raises(InputError, match=r"rare_classes='drop' leaves 1 class .*\(a\)"):
        without_rare_classes(pair, None, 0.1, "drop", None)


@pytest.mark.parametrize("count", range(20, 140, 7))
def test_a_class_of_three_is_enough_for_three_splits(count):
    labels = ["a"] * count + ["b"] * (count + 1) + ["c"] * 3
    targets = read_targets(labels, None, None)
    assert without_rare_classes(targets, None, 0.1, "drop", None) is targets
    for seed in range(3):
        divide_targets(targets, None, 0.1, seed)


def test_given_class_names_and_tasks_stay():
    read = read_targets([0, 1, 2] * 5 + [3], None, ["w", "x", "y", "z"])
    left = without_rare_classes(read, None, 0.1, "drop", "multiclass")
    assert left.class_names == ("w", "x", "y") and left.values.tolist() == [0, 1, 2] * 5 + [-1]
    pair = read_targets([0, 1] * 5 + [2], None, None)
    assert without_rare_classes(pair, None, 0.1, "drop", "multiclass").task == "multiclass"
    numbers = read_targets([0.5, 1.5, 2.0], None, None)
    assert without_rare_classes(numbers, None, 0.1, "drop", None) is numbers


# ------------------------------------------------------------------ no target


def test_rows_without_a_target_are_dropped_by_option(capsys):
    x = np.arange(40.0).reshape(20, 2)
    for y in (
        ["a", "b", None, "b"] * 5,
        pd.Series(["a", "b", pd.NA, "b"] * 5, dtype="string"),
        [1.5, 2.5, np.nan, 0.5] * 5,
        np.array([[1.0, 2.0], [1.0, 2.0], [np.nan, 1.0], [3.0, 4.0]] * 5),
    ):
        with pytest.raises(InputError, match=r"missing_targets='drop'"):
            dk.data.from_arrays(x, y)
        capsys.readouterr()
        data = dk.data.from_arrays(x, y, missing_targets="drop", batch_size=4)
        assert "Dropped 5 of 20 rows of y, which have no target." in capsys.readouterr().out
        rows = np.delete(np.arange(20), np.s_[2::4])
        assert data.origin.count == 15
        np.testing.assert_array_equal(data.origin.raw(np.arange(15)), x[rows])


def test_a_test_split_without_a_target_is_dropped_too():
    x = np.arange(40.0).reshape(20, 2)
    test = x[:3], ["a", None, "b"]
    data = dk.data.from_arrays(x, ["a", "b"] * 10, test=test, missing_targets="drop")
    assert data.origin.raw(data.origin.split.test).tolist() == x[[0, 2]].tolist()


def test_what_has_no_target_at_all_is_refused():
    with pytest.raises(InputError, match="None of the 2 rows of y has a target"):
        rows_with_target(np.array([True, True]), "y")
    with pytest.raises(InputError, match=r"missing_targets must be one of: error, drop"):
        dk.data.from_arrays(np.eye(4), [1, 2] * 2, missing_targets="skip")
    with pytest.raises(InputError, match="4 inputs and 3 targets"):
        dk.data.from_arrays(np.eye(4), [1, 2, 1], missing_targets="drop")


def test_rows_of_a_table_of_files_are_dropped_by_option(tmp_path, capsys):
    write_pictures(tmp_path, "p", 20)
    write_sounds(tmp_path, "s", 20)
    for ending, make in (
        ("png", lambda path, **o: dk.data.from_image_table(path, image_size=(4, 4), **o)),
        ("wav", lambda path, **o: dk.data.from_audio_table(path, seconds=0.1, **o)),
    ):
        folder = {"png": "p", "wav": "s"}[ending]
        rows = [f"{folder}/{i}.{ending},{'' if i == 3 else i % 2}" for i in range(20)]
        path = pathlib.Path(tmp_path, f"{ending}.csv")
        path.write_text("\n".join(["path,label", *rows]))
        with pytest.raises(InputError, match=r"/3\.\w+'.* no value .*missing_targets='drop'"):
            make(path)
        capsys.readouterr()
        data = make(path, missing_targets="drop", batch_size=4)
        assert f"Dropped 1 of 20 rows of {path}, which has no" in capsys.readouterr().out
        assert data.origin.count == 19 and data.class_names == ("0", "1")
        assert not [p for p in data.origin.paths if p.endswith(f"/3.{ending}")]


def test_rows_of_a_table_of_texts_are_dropped_by_option(tmp_path, capsys):
    path = tmp_path / "texts.csv"
    rows = [f"word {i},{'' if i == 3 else 'ab'[i % 2]}" for i in range(20)]
    path.write_text("\n".join(["text,label", *rows]))
    options = {"label_column": "label", "batch_size": 4}
    with pytest.raises(InputError, match=r"no target 'label', .*missing_targets='drop'"):
        dk.data.from_text_table(path, "text", **options)
    data = dk.data.from_text_table(path, "text", missing_targets="drop", **options)
    assert "Dropped 1 of 20 rows" in capsys.readouterr().out
    assert data.origin.count == 19
    assert "word 3" not in data.origin.raw(np.arange(19)).tolist()


def test_a_graph_that_networkx_holds_takes_the_option():
    club = networkx.karate_club_graph()
    for node, facts in club.nodes(data=True):
        facts["ends"] = [node == 0, node == 33]
    club.nodes[5]["club"] = "nobody"
    options = {"features": ["ends"], "batch_size": 8}
    data = dk.data.from_networkx(club, "club", rare_classes="drop", **options)
    assert data.class_names == ("Mr. Hi", "Officer") and len(in_splits(data)) == 33


def test_a_validation_split_too_small_for_the_classes_names_one_that_holds_them():
    x, y = np.eye(10), ["a", "b"] * 5
    with pytest.raises(InputError, match=r"of 8 examples into a part of 1 .* val_fraction=0\.25,"):
        dk.data.from_arrays(x, y)
    data = dk.data.from_arrays(x, y, val_fraction=0.25)
    assert sorted(data.origin.targets.values[data.origin.split.val]) == [0, 1]
