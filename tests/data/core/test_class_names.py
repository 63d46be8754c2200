"""Targets in words, and how many there are of each class."""

import numpy as np
import pytest

import dlkit as dk
from dlkit.data.core.class_names import class_counts, class_name, target_text


def letters(task, names=("a", "b", "c")):
    return dk.data.Data("letters", task, None, None, None, {}, 3, names)


@pytest.mark.parametrize(
    ("task", "target", "text"),
    [
        ("multiclass", np.array([0.25, 0.0, 0.75], "float32"), "c 75%, a 25%"),
        ("multiclass", np.array([0.0, 1.0, 0.0], "float32"), "b"),
        ("multiclass", 2, "c"),
        ("binary", np.float32(0.3), "a 70%, b 30%"),
        ("binary", np.float32(1.0), "b"),
    ],
)
def test_mixed_classes_are_titled_with_their_shares(task, target, text):
    assert target_text(letters(task), target) == text


def test_labels_are_named_together_and_numbers_are_written():
    assert target_text(letters("multilabel"), np.array([1, 0, 1])) == "a, c"
    assert target_text(letters("regression", None), np.array([0.12345, 2])) == "0.123, 2"
    assert class_name(letters("multiclass", None), 2) == "2"


def test_classes_and_labels_are_counted_and_padding_is_not():
    assert class_counts(letters("multiclass"), np.array([[0, 2], [2, -1]])).tolist() == [1, 0, 2]
    labels = np.array([[1, 0, 1], [0, 0, 1]])
    assert class_counts(letters("multilabel"), labels).tolist() == [1, 0, 2]
