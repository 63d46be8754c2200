"""One pipeline for arrays and for named columns."""

import keras
import numpy as np
import pytest

from dlkit.data.core.pipeline import Feed, check_batch_size, hold_in_memory, preprocess_arrays
from dlkit.errors import InputError


def doubled_difference():
    first, second = keras.Input((), name="first"), keras.Input((), name="second")
    difference = keras.layers.Subtract()([first, second])
    return keras.Model(
        {"first": first, "second": second}, keras.layers.Rescaling(2.0)(difference[:, None])
    )


@pytest.mark.parametrize("cache", [True, False])
def test_named_columns_stay_with_their_rows_and_targets(cache):
    """5,000 rows, so that preparing in pieces has a seam."""
    numbers = np.arange(5000, dtype=np.float32)
    columns = {"second": numbers, "first": numbers * 10}
    preprocessing = doubled_difference()
    if cache:
        feed = Feed(hold_in_memory(preprocess_arrays(columns, preprocessing)), numbers, 512, 0)
    else:
        feed = Feed(hold_in_memory(columns), numbers, 512, 0, preprocessing)
    for train in (True, False):
        batches = list(feed.batches(np.arange(5000), train=train).as_numpy_iterator())
        x, y = (np.concatenate(part) for part in zip(*batches, strict=True))
        np.testing.assert_allclose(x[:, 0], 18 * y)
        assert sorted(y) == numbers.tolist()
        assert (np.diff(y) == 1).all() != train
        assert [len(part) for _, part in batches] == [512] * 9 + [392]


def test_a_batch_larger_than_the_split_is_told_and_an_empty_split_refused(capsys):
    check_batch_size(10, 10, 20)
    assert capsys.readouterr().out == ""
    check_batch_size(11, 10, 20)
    assert "batch_size=11 is lowered to the 10 training examples (of 20" in capsys.readouterr().out
    with pytest.raises(InputError, match="leave none of 20 examples to train on"):
        check_batch_size(1, 0, 20)


def test_weights_go_with_their_rows_in_training_batches():
    numbers = np.arange(10, dtype=np.float32)
    feed = Feed(hold_in_memory(numbers), numbers, 4, 0)
    rows = np.array([1, 3, 3, 8])
    ((x, y, weights),) = feed.batches(rows, train=True, weights=numbers / 2).as_numpy_iterator()
    assert sorted(x) == [1, 3, 3, 8]
    np.testing.assert_array_equal(y, x)
    np.testing.assert_array_equal(weights, x / 2)
