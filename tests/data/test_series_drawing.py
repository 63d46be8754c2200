"""Drawings of series: the past and what follows, in the units of the data."""

import numpy as np

import dlkit as dk


def test_the_targets_continue_the_past_in_its_units():
    values = {"a": np.arange(100.0), "b": 500 - np.arange(100.0), "c": np.zeros(100)}
    data = dk.data.from_series(values, window=6, horizon=3, targets=["b", "a"], batch_size=8)
    for axis in data.show(count=2).axes:
        assert axis.get_title() == "b, a"
        past, future, other, following = axis.lines[:4]
        np.testing.assert_array_equal(past.get_xdata(), np.arange(-5, 1))
        np.testing.assert_array_equal(future.get_xdata(), np.arange(4))
        for before, behind, slope in ((past, future, -1), (other, following, 1)):
            whole = np.concatenate([before.get_ydata(), behind.get_ydata()[1:]])
            np.testing.assert_allclose(np.diff(whole), slope, atol=1e-3)
        np.testing.assert_allclose(past.get_ydata() + other.get_ydata(), 500, atol=1e-2)


def test_augmented_windows_keep_their_targets():
    data = dk.data.from_series(np.arange(100.0), window=6, augment="strong", batch_size=8)
    plain, changed = data.show(count=1, augmented=True).axes
    assert changed.get_title() == "augmented"
    assert plain.lines[1].get_ydata()[1] == changed.lines[1].get_ydata()[1]
    assert np.any(plain.lines[0].get_ydata() != changed.lines[0].get_ydata())
