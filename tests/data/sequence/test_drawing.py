"""The picture of sequences."""

import numpy as np

import dlkit as dk
from dlkit.data.drawing import figures


def test_sequences_are_drawn_as_lines_a_feature():
    x = np.random.default_rng(0).normal(size=(40, 12, 3)).astype(np.float32)
    data = dk.data.from_arrays(x, x.mean((1, 2)) > 0, batch_size=8)
    figure = data.show(count=4)
    assert [len(axis.lines) for axis in figure.axes] == [3] * 4
    inputs, _ = figures.first_batch(data)
    np.testing.assert_array_equal(figure.axes[1].lines[2].get_ydata(), inputs[1, :, 2])
