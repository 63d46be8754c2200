"""The picture of a table."""

import numpy as np

import dlkit as dk


def test_features_that_vary_are_drawn_before_others():
    x = np.zeros((100, 12))
    x[:, 3::4] = np.random.default_rng(0).normal(size=(100, 3))
    figure = dk.data.from_arrays(x, np.arange(100) % 2).show(count=4)
    titles = [axis.get_title() for axis in figure.axes]
    assert titles == ["feature 0", "feature 3", "feature 7", "feature 11"]
