"""Windows: where they lie, and that no later step leaks into training."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

from dlkit.data.series.windows import Windows, WindowSource
from dlkit.errors import InputError


def spans(windows, row):
    """Return the steps of a window's inputs and of its targets, one by one."""
    start = row * windows.stride
    middle = start + windows.window
    return set(range(start, middle)), set(range(middle, middle + windows.horizon))


@pytest.mark.parametrize(
    ("window", "horizon", "stride"), [*itertools.product((1, 5), (1, 4), (1, 3))]
)
def test_no_step_of_a_training_window_is_predicted_later(window, horizon, stride):
    windows = Windows(100, window, horizon, stride)
    split = windows.split(0.2, 0.25)
    trained = set().union(*(set.union(*spans(windows, row)) for row in split.train))
    validated = set().union(*(spans(windows, row)[1] for row in split.val))
    tested = set().union(*(spans(windows, row)[1] for row in split.test))
    assert max(trained) < 60 <= min(validated) and max(validated) < 75 <= min(tested)
    assert max(tested) <= 99
    if stride == 1:  # then every step is used that may be
        assert trained == set(range(60)) and validated == set(range(60, 75))
        assert tested == set(range(75, 100))


def test_inputs_of_later_windows_reach_back_into_the_past():
    windows = Windows(100, 5, 1, 1)
    split = windows.split(0.2, 0.25)
    assert spans(windows, split.val[0]) == (set(range(55, 60)), {60})
    assert spans(windows, split.test[0]) == (set(range(70, 75)), {75})


def test_steps_that_windows_cover_and_share():
    windows = Windows(20, 3, 2, 4)
    assert windows.starts.tolist() == [0, 4, 8, 12]
    assert np.flatnonzero(windows.covered(np.array([0, 2, 2]))).tolist() == [
        0,
        1,
        2,
        3,
        4,
        *range(8, 13),
    ]
    for stride in (1, 2, 4, 5, 7):
        windows = Windows(60, 3, 2, stride)
        steps = [set.union(*spans(windows, row)) for row in range(len(windows.starts))]
        sharing = [row for row in range(len(steps)) if steps[0] & steps[row]]
        assert windows.overlap == sharing[-1]


def test_targets_follow_the_inputs():
    values = np.arange(20.0).reshape(10, 2)  # two variables
    windows = Windows(10, 3, 2, 2)
    np.testing.assert_array_equal(windows.inputs(values, np.array([1]))[0], values[2:5])
    np.testing.assert_array_equal(windows.targets(values)[1], [10, 11, 12, 13])
    np.testing.assert_array_equal(windows.targets(values[:, :1])[1], [10, 12])
    assert Windows(10, 3, 1, 1).targets(values[:, :1]).tolist() == values[3:, 0].tolist()
    source = WindowSource(tf.constant(values), windows)
    rows = np.array([2, 0, 2])
    (batch,) = source.batches(lambda: tf.data.Dataset.from_tensor_slices(rows), 3)
    np.testing.assert_array_equal(batch[0], rows)
    np.testing.assert_array_equal(batch[1], windows.inputs(values, rows))


def test_series_that_are_too_short_are_refused():
    with pytest.raises(InputError, match="has 5 steps, and window=4 and horizon=2 need 6"):
        Windows(5, 4, 2, 1).check()
    for fractions, split in (((0.9, 0.0), "train"), ((0.1, 0.5), "val"), ((0.4, 0.1), "test")):
        with pytest.raises(InputError, match=rf"The {split} split has \d+ of 20 steps, which hold"):
            Windows(20, 4, 3, 1).split(*fractions)
    split = Windows(20, 4, 3, 1).split(0, 0)
    assert len(split.train) == 14 and not len(split.val) and not len(split.test)
