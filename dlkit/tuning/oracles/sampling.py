"""From a place in [0, 1) to a value of a hyperparameter, and back; and all values, for a grid.

KerasTuner's own ways leave out the upper end of a range with steps that floats cannot hold (0.1 to
0.7 in steps of 0.1), and in a grid that of every range without steps. These take any hyperparameter
of KerasTuner, and never leave an end out.
"""

from __future__ import annotations

import math
from typing import Any

from keras_tuner.engine import hyperparameters as hp_types

GRID_POINTS = 10  # of a range without steps
MANY = 1000  # whole numbers, of which a grid takes GRID_POINTS as well
_EXACT = 1e-9  # how far a quotient of floats may be from a whole number that it stands for


def grid_values(hp: hp_types.HyperParameter) -> list[Any]:
    """Return every value that a grid tries, the default first and the others in rising order.

    A range without steps gets `GRID_POINTS` values, alike on its scale, with both ends; whole
    numbers on a line are tried all, unless there are more than `MANY`.

    Example:
        >>> grid_values(hp_types.Float("rate", 0.1, 0.7, step=0.3))
        [0.1, 0.4, 0.7]
    """
    if isinstance(hp, hp_types.Fixed):
        return [hp.value]
    if isinstance(hp, hp_types.Boolean):
        values: list[Any] = [False, True]
    elif isinstance(hp, hp_types.Choice):
        values = list(dict.fromkeys(hp.values))  # KerasTuner lets one be named twice
    elif _is_line(hp) and hp.max_value - hp.min_value < MANY:
        values = list(range(hp.min_value, hp.max_value + 1))
    elif _has_steps(hp):
        values = [_step_value(hp, index) for index in range(_steps(hp))]
    else:
        places = [index / (GRID_POINTS - 1) for index in range(GRID_POINTS)]
        values = list(dict.fromkeys(_round(hp, _scaled(hp, place)) for place in places))
    return [hp.default, *(value for value in values if value != hp.default)]


def value_at(hp: hp_types.HyperParameter, place: float) -> Any:
    """Return the value at a place in [0, 1), each value or part of a range as likely as another.

    Example:
        >>> [value_at(hp_types.Int("units", 1, 3), place) for place in (0.0, 0.5, 0.99)]
        [1, 2, 3]
    """
    if isinstance(hp, hp_types.Fixed):
        return hp.value
    if isinstance(hp, hp_types.Boolean):
        return place >= 0.5
    if isinstance(hp, hp_types.Choice):
        return _in_order(hp)[min(int(place * len(hp.values)), len(hp.values) - 1)]
    if _is_line(hp):  # by whole numbers, which floats above 2 ** 53 cannot tell apart
        return hp.min_value + int(place * (hp.max_value - hp.min_value + 1))
    if _has_steps(hp):
        return _step_value(hp, min(int(place * _steps(hp)), _steps(hp) - 1))
    if isinstance(hp, hp_types.Int):  # each whole number has a part of the scale of its own
        return min(int(_between(hp, hp.min_value, hp.max_value + 1, place)), hp.max_value)
    return _round(hp, _scaled(hp, place))


def place_of(hp: hp_types.HyperParameter, value: Any) -> float:
    """Return the place in [0, 1] of a value: the middle of its part, for one of several.

    Example:
        >>> place_of(hp_types.Choice("pool", ["max", "average"]), "average")
        0.75
    """
    if isinstance(hp, hp_types.Fixed):
        return 0.5
    if isinstance(hp, hp_types.Boolean | hp_types.Choice):
        values = [False, True] if isinstance(hp, hp_types.Boolean) else _in_order(hp)
        return (values.index(value) + 0.5) / len(values)
    if _has_steps(hp):
        return (_step_index(hp, value) + 0.5) / _steps(hp)
    low, high = hp.min_value, hp.max_value
    if low == high:
        return 0.5
    if isinstance(hp, hp_types.Int):
        value, high = value + 0.5, high + 1
    if hp.sampling == "linear":
        return (value - low) / (high - low)
    if hp.sampling == "log":
        return math.log(value / low) / math.log(high / low)
    return 1 - math.log((high + low - value) / low) / math.log(high / low)


def _in_order(hp: hp_types.Choice) -> list[Any]:
    """Return the values of a choice; numbers in their order, whatever they were declared in."""
    return sorted(hp.values) if hp.ordered else list(hp.values)


def _has_steps(hp: Any) -> bool:
    return hp.step is not None and not _is_line(hp)


def _is_line(hp: Any) -> bool:
    """Return whether a range is all whole numbers on a line; KerasTuner gives it the step 1."""
    return isinstance(hp, hp_types.Int) and hp.sampling == "linear" and hp.step == 1


def _steps(hp: Any) -> int:
    """Return how many values a range with steps has."""
    return int(_step_index(hp, hp.max_value, reverse=False) + _EXACT) + 1


def _step_index(hp: Any, value: float, *, reverse: bool = True) -> float:
    if hp.sampling == "linear":
        return (value - hp.min_value) / hp.step
    if hp.sampling == "reverse_log" and reverse:
        value = hp.max_value + hp.min_value - value
    return math.log(value / hp.min_value) / math.log(hp.step)


def _step_value(hp: Any, index: int) -> Any:
    if hp.sampling == "linear":
        return _round(hp, hp.min_value + index * hp.step)
    value = hp.min_value * hp.step**index
    if hp.sampling == "reverse_log":
        value = hp.max_value + hp.min_value - value
    return _round(hp, value)


def _scaled(hp: Any, place: float) -> float:
    return _between(hp, hp.min_value, hp.max_value, place)


def _between(hp: Any, low: float, high: float, place: float) -> float:
    if hp.sampling == "linear":
        return low + place * (high - low)
    if hp.sampling == "log":
        return low * (high / low) ** place
    return high + low - low * (high / low) ** (1 - place)


def _round(hp: Any, value: float) -> Any:
    """Return a whole number, or one with as many digits as a person would write, in the range."""
    if isinstance(hp, hp_types.Int):
        value = round(value)
    else:  # six digits of the range, which may be narrow and far from 0
        ends = max(abs(hp.min_value), abs(hp.max_value)), hp.max_value - hp.min_value
        more = max(0, math.ceil(math.log10(ends[0] / ends[1]))) if all(ends) else 0
        value = float(f"{value:.{6 + more}g}")
    return min(max(value, hp.min_value), hp.max_value)
