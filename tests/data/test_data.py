"""`Data.show` of data of each kind."""

import matplotlib.image
import numpy as np
import pytest

import dlkit as dk
from dlkit.data.core.class_names import target_text


@pytest.mark.parametrize("name", ["digits", "iris", "breast_cancer", "diabetes"])
def test_show_draws_every_kind_and_saves_it(name, tmp_path):
    figure = dk.data.load(name).show(tmp_path / "batch.png", count=4)
    assert len(figure.axes) == 4
    picture = matplotlib.image.imread(tmp_path / "batch.png")
    assert picture[..., :3].std() > 0.05  # something is drawn on the page


def test_multilabel_targets_are_named_together():
    x = np.random.default_rng(0).normal(size=(40, 2))
    data = dk.data.from_arrays(x, (x > 0).astype(int), class_names=("left", "right"), batch_size=8)
    assert target_text(data, np.array([1.0, 1.0])) == "left, right"
    assert len(data.show(count=2).axes) == 2
