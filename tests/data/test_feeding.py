"""One pipeline for arrays and for named columns."""

import keras
import numpy as np
import pytest

from dlkit.data.feeding import Feed, check_batch
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
    feed = Feed(doubled_difference(), 512, cache, 0, None)
    for train in (True, False):
        batches = list(feed.batches(columns, numbers, train=train).as_numpy_iterator())
        x, y = (np.concatenate(part) for part in zip(*batches, strict=True))
        np.testing.assert_allclose(x[:, 0], 18 * y)
        assert sorted(y) == numbers.tolist()
        assert (np.diff(y) == 1).all() != train
        assert [len(part) for _, part in batches] == [512] * 9 + [392]


def test_a_batch_larger_than_the_split_is_refused():
    check_batch(10, 10, 20)
    with pytest.raises(InputError, match=r"batch_size=11 is larger .* split of 10 .*\(of 20 in"):
        check_batch(11, 10, 20)
