"""`Data.summary` and `Data.show`."""

import dataclasses
import itertools

import matplotlib.image
import numpy as np
import pytest

import dlkit as dk
from dlkit.data.core.class_names import target_text
from dlkit.errors import InputError


def test_the_summary_names_every_split(capsys):
    x = np.random.default_rng(0).normal(size=(50, 2))
    dk.data.from_arrays(x, x[:, 0], val_fraction=0, batch_size=8, name="line").summary()
    assert capsys.readouterr().out.splitlines() == [
        "line: regression, 1 target",
        "network input  features (2,) float32",
        "raw input      features (2,) float32",
        "train          5 batches of up to 8",
        "val            none",
        "test           2 batches of up to 8",
    ]


@pytest.mark.parametrize("name", ["digits", "iris", "breast_cancer", "diabetes"])
def test_show_draws_every_kind_and_saves_it(name, tmp_path):
    figure = dk.data.load(name).show(tmp_path / "batch.png", count=4)
    assert len(figure.axes) == 4
    picture = matplotlib.image.imread(tmp_path / "batch.png")
    assert picture[..., :3].std() > 0.05  # something is drawn on the page


def test_pictures_carry_the_class_of_their_image():
    data = dk.data.load("digits")
    _, labels = next(data.train.as_numpy_iterator())  # the first epoch's order
    again = dk.data.load("digits").show(count=9)
    titles = [axis.get_title() for axis in again.axes]
    assert titles == [data.class_names[label] for label in labels[:9]]


def test_multilabel_targets_are_named_together():
    x = np.random.default_rng(0).normal(size=(40, 2))
    data = dk.data.from_arrays(x, (x > 0).astype(int), class_names=("left", "right"), batch_size=8)
    assert target_text(data, np.array([1.0, 1.0])) == "left, right"
    assert len(data.show(count=2).axes) == 2


def test_class_bars_count_each_split(tmp_path):
    data = dk.data.load("breast_cancer")
    figure = data.show_classes(tmp_path / "classes.png")
    labels = data.origin.targets.values
    for axis, name in zip(figure.axes, ("train", "val", "test"), strict=True):
        rows = getattr(data.origin.split, name)
        assert [bar.get_width() for bar in axis.patches] == np.bincount(labels[rows]).tolist()
        assert axis.get_title() == f"{name}: {len(rows)}"
    assert [tick.get_text() for tick in figure.axes[0].get_yticklabels()] == list(data.class_names)
    assert (tmp_path / "classes.png").stat().st_size > 3000


def test_label_bars_and_histograms_of_numbers():
    x = np.random.default_rng(0).normal(size=(40, 2))
    data = dk.data.from_arrays(x, (x > 0).astype(int), val_fraction=0, batch_size=8)
    train, test = data.show_classes().axes
    counts = (x[data.origin.split.train] > 0).sum(axis=0)
    assert [bar.get_width() for bar in train.patches] == counts.tolist()
    assert test.get_title() == "test: 8"
    assert len(dk.data.load("diabetes").show_classes().axes[0].patches) == 30


@pytest.mark.parametrize("count", [100, 300])
def test_the_bars_of_many_classes_have_names(count):
    random = np.random.default_rng(0)
    y = np.concatenate([np.repeat(np.arange(count), 4), random.integers(0, count // 2, 2000)])
    names = [f"species {i:03}" for i in range(count)]
    data = dk.data.from_arrays(
        random.normal(size=(len(y), 2)), y, class_names=names, val_fraction=0.2
    )
    figure = data.show_classes()
    train = figure.axes[0]
    shown = [tick.get_text() for tick in train.get_yticklabels()]
    of_train = np.bincount(y[data.origin.split.train], minlength=count)
    widths = [bar.get_width() for bar in train.patches]
    assert widths == [of_train[names.index(name)] for name in shown]
    assert shown == sorted(set(shown)) and len(shown) == min(count, 120)
    if count > 120:
        left_out = [of_train[i] for i, name in enumerate(names) if name not in shown]
        assert min(widths) <= min(left_out) and max(widths) >= max(left_out)
        assert "of 300 classes" in figure.get_suptitle()
    figure.canvas.draw()
    labels = [tick.get_window_extent() for tick in train.get_yticklabels()]
    assert not any(a.overlaps(b) for a, b in itertools.pairwise(labels))


def test_features_that_vary_are_drawn_before_others():
    x = np.zeros((100, 12))
    x[:, 3::4] = np.random.default_rng(0).normal(size=(100, 3))
    figure = dk.data.from_arrays(x, np.arange(100) % 2).show(count=4)
    titles = [axis.get_title() for axis in figure.axes]
    assert titles == ["feature 0", "feature 3", "feature 7", "feature 11"]


def test_without_classes_there_are_no_bars():
    iris = dk.data.load("iris")
    origin = dataclasses.replace(iris.origin, targets=None)
    with pytest.raises(InputError, match="Received: task='multiclass' in 'iris'"):
        dataclasses.replace(iris, origin=origin).show_classes()


def test_a_record_made_by_hand_has_a_summary_too(capsys):
    iris = dk.data.load("iris")
    dataclasses.replace(iris, origin=None, val=None).summary()
    lines = capsys.readouterr().out.splitlines()
    assert lines[-3:] == [
        "train          2 batches of up to 64",
        "val            none",
        "test           1 batch of up to 30",
    ]
