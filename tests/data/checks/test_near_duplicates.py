"""Examples that are nearly the same, and those that only seem so."""

import numpy as np
import pytest

import dlkit as dk
from dlkit.data.checks import near_duplicates
from tests.data.findings import found


def drawn(numbers, categories, tail=False):
    """Return 2,000 rows of random numbers beside categories of 5 values, one-hot."""
    random = np.random.default_rng(0)
    x = random.normal(size=(2000, numbers))
    hot = [np.eye(5)[random.integers(0, 5, 2000)] for _ in range(categories)]
    return np.hstack([np.exp(2 * x) if tail else x, *hot]), random.integers(0, 2, 2000)


@pytest.mark.parametrize(
    ("numbers", "categories", "tail"),
    [(1, 0, False), (1, 2, False), (1, 20, False), (2, 1, False), (3, 0, True), (4, 0, False)],
)
def test_what_is_near_by_chance_is_no_near_duplicate(numbers, categories, tail):
    by_name = found(dk.data.from_arrays(*drawn(numbers, categories, tail)))
    assert by_name["alike in test and train"].level == "ok"
    assert by_name["alike in val and train"].level == "ok"


@pytest.mark.parametrize(("numbers", "categories"), [(2, 1), (2, 20), (3, 0), (10, 3)])
def test_near_duplicates_are_found_beside_categories(numbers, categories):
    x, y = drawn(numbers, categories)
    split = dk.data.from_arrays(x, y).origin.split
    x[split.test[:15]] = x[split.train[:15]]
    x[split.test[:15], :numbers] *= 1 + 1e-5
    near = found(dk.data.from_arrays(x, y))["alike in test and train"]
    assert near.level == "warning" and near.detail.startswith("15 of 400")


def test_the_chance_that_rows_are_near_is_that_of_drawing_them():
    """A uniform number lies in an interval by its length; both of two do so by Fisher's method."""
    random = np.random.default_rng(1)
    train, held = random.uniform(size=(2000, 2)), random.uniform(0.2, 0.8, size=(200, 2))
    nearest = np.abs(train - held[:, np.newaxis]).max(axis=2).argmin(axis=1)
    told = near_duplicates.by_chance(train, held, nearest)
    products = (2 * np.abs(train[nearest] - held)).prod(axis=1)
    expected = 2000 * products * (1 - np.log(products))
    assert 0.6 < np.median(told / expected) < 1.5  # the shares are estimates


def test_texts_that_differ_in_a_word_are_alike_and_others_are_not(shared_data):
    lines = (shared_data / "text/rt-polaritydata/rt-polarity.pos").read_text().splitlines()
    long = [line for line in lines if len(line.split()) > 20][:400]
    changed = [f"{line.upper()} Indeed!" for line in long[:5]]
    train, held = (
        near_duplicates._minhashes(np.array(part, object), None)
        for part in (long[:300], changed + long[300:])
    )
    nearest = near_duplicates.nearest_alike(train, held, "minhashes")
    assert nearest[:5].tolist() == [0, 1, 2, 3, 4]
    assert (nearest[5:] == -1).all()
