"""Drawings of series: the past and what follows, in the same units."""

import numpy as np

import dlkit as dk

VALUES = {"a": np.arange(100.0), "b": 5e6 - 2e4 * np.arange(100.0), "c": np.zeros(100)}


def whole(axis):
    """Return the lines of an axis, each past with what follows it."""
    lines = [line for line in axis.lines if len(line.get_xdata()) > 2]  # not the line at 0
    for past, future in zip(lines[::2], lines[1::2], strict=True):
        np.testing.assert_array_equal(past.get_xdata(), np.arange(-5, 1))
        np.testing.assert_array_equal(future.get_xdata(), np.arange(4))
        assert past.get_ydata()[-1] == future.get_ydata()[0]
        yield np.concatenate([past.get_ydata(), future.get_ydata()[1:]])


def test_the_targets_continue_the_past_in_its_units():
    data = dk.data.from_series(VALUES, window=6, horizon=3, targets="b", batch_size=8)
    for axis in data.show(count=2).axes:
        assert axis.get_title() == "b" and axis.get_ylabel() == "" and axis.get_legend() is None
        (values,) = whole(axis)
        np.testing.assert_allclose(np.diff(values), -2e4, rtol=1e-3)
        assert VALUES["b"].min() <= values.min() and values.max() <= VALUES["b"].max()


def test_several_variables_are_drawn_at_one_size():
    data = dk.data.from_series(VALUES, window=6, horizon=3, targets=["b", "a"], batch_size=8)
    slope = 1 / np.arange(72).std()  # a fifth, and a tenth of the rest, are not for training
    for axis in data.show(count=2).axes:
        assert axis.get_title() == "b, a" and axis.get_ylabel() == "deviations"
        assert [text.get_text() for text in axis.get_legend().get_texts()] == ["b", "a"]
        falling, rising = whole(axis)
        np.testing.assert_allclose(np.diff(falling), -slope, rtol=1e-2)
        np.testing.assert_allclose(np.diff(rising), slope, rtol=1e-2)


def test_many_variables_leave_no_room_for_a_legend_and_long_horizons_none_for_marks():
    values = np.random.default_rng(0).normal(size=(200, 6))
    data = dk.data.from_series(values, window=9, horizon=13, batch_size=8)
    (axis,) = data.show(count=1).axes
    assert axis.get_title() == "variable_1, variable_2 and 4 more" and axis.get_legend() is None
    assert {line.get_marker() for line in axis.lines} <= {"", "None"}


def test_augmented_windows_keep_their_targets():
    data = dk.data.from_series(np.arange(100.0), window=6, augment="strong", batch_size=8)
    plain, changed = data.show(count=1, augmented=True).axes
    assert changed.get_title() == "augmented"
    assert plain.lines[1].get_ydata()[1] == changed.lines[1].get_ydata()[1]
    assert np.any(plain.lines[0].get_ydata() != changed.lines[0].get_ydata())
