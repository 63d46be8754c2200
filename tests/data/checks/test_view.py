"""What checks look at: the same rows each time, and no more than is bounded."""

import numpy as np

import dlkit as dk
from dlkit.data.checks import view
from dlkit.data.checks.view import BATCHED_ROWS, HELD_ROWS, TRAIN_ROWS, View, spread_of_lengths


def test_of_many_examples_the_same_few_are_looked_at():
    x = np.random.default_rng(0).normal(size=(9000, 2))
    data = dk.data.from_arrays(x, x[:, 0] > 0)
    bounded, split = View(data), data.origin.split
    looked_at = [len(bounded.rows(part)) for part in ("train", "val", "test")]
    assert looked_at == [TRAIN_ROWS, 720, HELD_ROWS]
    assert set(bounded.rows("train")) <= set(split.train)
    np.testing.assert_array_equal(bounded.rows("train"), View(data).rows("train"))
    np.testing.assert_array_equal(bounded.raw["val"], x[np.sort(split.val)].astype("float32"))
    assert len(bounded.targets("train")) == len(split.train)
    rows = sum(len(inputs[0]) for inputs, _ in bounded.batches["train"])
    assert BATCHED_ROWS <= rows < 2 * BATCHED_ROWS


def test_of_large_examples_fewer_are_looked_at(monkeypatch):
    monkeypatch.setattr(view, "RAW_BYTES", 7 * (16 + 4 * 250))
    data = dk.data.from_arrays(np.zeros((40, 250)), np.arange(40) % 2, batch_size=4)
    assert len(View(data).rows("train")) == 7


def test_a_few_that_are_far_longer_than_most_are_told():
    assert spread_of_lengths("lengths", np.array([1, 2, 3]), "m").level == "ok"
    told = spread_of_lengths("lengths", np.array([1, 2, 90]), "m")
    assert (told.level, told.detail) == ("note", "1 to 90 m, half of them up to 2")
