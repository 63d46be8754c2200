"""`Data.summary` and `Data.show`."""

import matplotlib.image
import numpy as np
import pytest

import dlkit as dk


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
    from dlkit.data.pictures import target_text

    assert target_text(data, np.array([1.0, 1.0])) == "left, right"
    assert len(data.show(count=2).axes) == 2
