"""`Data.show_classes`: bars that count, with names that can be read."""

import dataclasses
import itertools

import numpy as np
import pytest

import dlkit as dk
from dlkit.errors import InputError


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


def test_without_classes_there_are_no_bars():
    iris = dk.data.load("iris")
    origin = dataclasses.replace(iris.origin, targets=None)
    with pytest.raises(InputError, match="Received: task='multiclass' in 'iris'"):
        dataclasses.replace(iris, origin=origin).show_classes()
