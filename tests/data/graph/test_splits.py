"""Which nodes have a label, and which of them train, validate and test."""

import numpy as np
import pytest

from dlkit.data.graph.splits import divide_nodes, read_node_labels
from dlkit.errors import InputError

LABELS = ["a", "b"] * 30 + [None] * 5


def split(labels=LABELS, val_fraction=0.25, **rows):
    targets, known = read_node_labels(labels, len(labels), None)
    return divide_nodes(
        targets, known, {"train": None, "val": None, "test": None, **rows}, val_fraction, 0
    )


@pytest.mark.parametrize("missing", [None, float("nan"), "", " ", -1])
def test_a_missing_label_is_known_as_one(missing):
    labels = [2, 5, missing, 2] if missing == -1 else ["x", "y", missing, "x"]
    targets, known = read_node_labels(labels, 4, None)
    assert known.tolist() == [True, True, False, True]
    assert targets.values.tolist() == [0, 1, -1, 0] and targets.num_classes == 2
    numbers, _ = read_node_labels([0.5, None, 2.5], 3, None)
    assert numbers.task == "regression" and np.isnan(numbers.values[1])


def test_nodes_without_a_label_are_in_no_split():
    drawn = split()
    everything = np.concatenate([drawn.train, drawn.val, drawn.test])
    assert sorted(everything) == list(range(60))
    assert [len(part) for part in (drawn.train, drawn.val, drawn.test)] == [36, 12, 12]
    few = split(train=0.25)
    assert len(few.train) == 9 and set(few.train) <= set(drawn.train)
    np.testing.assert_array_equal(few.test, drawn.test)


def test_named_nodes_are_taken_as_numbers_or_as_a_mask():
    mask = np.zeros(65, bool)
    mask[:20] = True
    named = split(train=mask, test=[40, 41, 59])
    assert sorted([*named.train, *named.val]) == list(range(20)) and len(named.val) == 5
    assert split(train=range(20), val=[30], test=[40]).val.tolist() == [30]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ({"train": [0, 62], "test": [1]}, r"Node 62 is in train and has no label \(1 of 2 have"),
        ({"train": [0, 99], "test": [1]}, r"train names node 99, .* the nodes are 0 to 64"),
        ({"train": range(9), "test": [3]}, r"Node 3 is in train and in test \(1 such nodes\)"),
        ({"train": range(9)}, r"test must name nodes too. Received: test=None"),
        ({"test": [1]}, r"train must name nodes too. Received: train=None"),
        ({"train": 1.5}, r"train must be in .* Received: train=1.5"),
        ({"train": [0.5], "test": [1]}, r"train must be node numbers .* Received: float64"),
    ],
)
def test_a_split_that_cannot_be_is_told(rows, message):
    with pytest.raises(InputError, match=message):
        split(**rows)


def test_labels_that_cannot_be_learned_are_told():
    with pytest.raises(InputError, match=r"one label for each of 5 nodes.* Received shape \(3,\)"):
        read_node_labels([0, 1, 0], 5, None)
    with pytest.raises(InputError, match=r"None of 3 nodes has a label"):
        read_node_labels([None, None, ""], 3, None)
