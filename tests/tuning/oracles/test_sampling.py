import random

import pytest
from keras_tuner.engine import hyperparameters as hps

from dlkit.tuning.oracles.sampling import GRID_POINTS, grid_values, place_of, value_at

RANGES = [
    hps.Float("rate", 0.1, 0.7, step=0.1),
    hps.Float("rate", 1e-4, 1e-1, sampling="log"),
    hps.Float("rate", 1e-4, 1e-1, sampling="log", step=10),
    hps.Float("rate", 0.5, 0.99, sampling="reverse_log"),
    hps.Float("rate", -3.0, 5.0),
    hps.Int("units", 1, 7),
    hps.Int("units", 8, 64, step=8),
    hps.Int("units", 8, 64, step=2, sampling="log"),
    hps.Int("units", 3, 1000, sampling="log"),
    hps.Int("units", 0, 2**40),
]
SINGLE = [
    hps.Float("rate", 0.1, 0.1),
    hps.Float("rate", 0.1, 0.1, sampling="log"),
    hps.Float("rate", 0.1, 0.1, sampling="reverse_log"),
    hps.Float("rate", 0.1, 0.1, step=0.1),
    hps.Int("units", 3, 3),
    hps.Int("units", 3, 3, sampling="log"),
]
OTHERS = [
    hps.Choice("pool", ["max", "average", "none"]),
    hps.Choice("size", [5, 3, 7]),
    hps.Boolean("bias"),
    hps.Fixed("depth", 3),
]


def told(hp):
    return repr(hp)


@pytest.mark.parametrize("hp", RANGES, ids=told)
def test_a_grid_has_both_ends_and_nothing_twice(hp):
    values = grid_values(hp)
    assert {hp.min_value, hp.max_value} <= set(values)
    assert len(set(values)) == len(values)
    assert values[0] == hp.default and values[1:] == sorted(values[1:])
    assert all(hp.min_value <= value <= hp.max_value for value in values)


def test_a_grid_has_the_values_that_a_person_would_write():
    assert grid_values(RANGES[0]) == [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]
    assert grid_values(RANGES[2]) == [1e-4, 1e-3, 1e-2, 1e-1]
    assert grid_values(RANGES[6]) == [8, 16, 24, 32, 40, 48, 56, 64]
    assert grid_values(RANGES[7]) == [8, 16, 32, 64]
    assert len(grid_values(RANGES[1])) == len(grid_values(RANGES[-1])) == GRID_POINTS
    assert len(grid_values(hps.Int("units", 1, 500))) == 500
    assert grid_values(hps.Int("units", 1, 3, default=2)) == [2, 1, 3]


@pytest.mark.parametrize("hp", [*RANGES, *OTHERS], ids=told)
def test_places_and_values_belong_to_each_other(hp):
    generator = random.Random(1)
    for _ in range(200):
        value = value_at(hp, generator.random())
        assert 0 <= place_of(hp, value) <= 1
        again = value_at(hp, place_of(hp, value))
        assert (
            again == pytest.approx(value, rel=1e-5) if isinstance(value, float) else again == value
        )


@pytest.mark.parametrize("hp", SINGLE, ids=told)
def test_a_range_of_one_value_is_that_value(hp):
    assert grid_values(hp) == [hp.min_value] == [value_at(hp, 0.9)]
    assert place_of(hp, hp.min_value) == 0.5


def test_a_narrow_range_far_from_nought_has_its_digits():
    hp = hps.Float("rate", 100000.01, 100000.09)
    values = grid_values(hp)
    assert len(values) == GRID_POINTS and values[-1] == 100000.09
    assert place_of(hp, value_at(hp, 0.3)) == pytest.approx(0.3, abs=1e-4)


def test_a_value_that_is_named_twice_is_tried_once():
    assert grid_values(hps.Choice("size", [5, 3, 3, 7, 7])) == [5, 3, 7]


@pytest.mark.parametrize("hp", [RANGES[0], RANGES[5], RANGES[7], *OTHERS[:3]], ids=told)
def test_each_value_is_as_likely_as_another(hp):
    """The ends too: a hundred places for each value."""
    values = grid_values(hp)
    drawn = [value_at(hp, (i + 0.5) / (100 * len(values))) for i in range(100 * len(values))]
    assert {value: drawn.count(value) for value in values} == dict.fromkeys(values, 100)


def test_whole_numbers_that_floats_cannot_tell_apart_are_all_drawn():
    hp = hps.Int("id", 2**53, 2**53 + 8)
    drawn = {value_at(hp, place / 100) for place in range(100)}
    assert drawn == set(range(2**53, 2**53 + 9))
