"""Which rows train, validate and test."""

import dataclasses

import numpy as np
import pytest

import dlkit as dk
from dlkit.data.core.splits import divide_targets, known_origin
from dlkit.data.core.targets import Targets
from dlkit.errors import InputError

LABELS = Targets(np.array([0, 1] * 10 + [-1]), "binary", 2, ("a", "b"))


def test_classes_are_shared_out_alike_and_the_test_split_is_the_same_for_every_seed():
    first, second = (divide_targets(LABELS, None, 0.25, seed) for seed in (1, 2))
    parts = (first.train, first.val, first.test)
    assert [len(part) for part in parts] == [12, 4, 4]
    assert sorted(np.concatenate(parts)) == list(range(20))  # the last is of no class
    assert [LABELS.values[part].mean() for part in parts] == [0.5] * 3
    assert first.test.tolist() == second.test.tolist() and not first.published
    assert first.val.tolist() != second.val.tolist()


def test_a_test_split_that_was_given_stays_whole():
    split = divide_targets(LABELS, 5, 0.25, 0)
    assert split.test.tolist() == [16, 17, 18, 19] and split.published
    assert split.kept.tolist() == list(range(16))


def test_a_record_made_by_hand_has_no_rows_to_split():
    iris = dk.data.load("iris")
    assert known_origin(iris, "folds") is iris.origin
    with pytest.raises(InputError, match="folds needs the raw examples, which 'iris' does not"):
        known_origin(dataclasses.replace(iris, origin=None), "folds")
