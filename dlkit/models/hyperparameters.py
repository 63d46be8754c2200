"""What a search may try for an option: a choice, a range of numbers, yes or no.

Builders declare them beside their code (`@builder(space={...})`), and `dlkit.tuning.search` takes
them for any option. They are read from the syntax tree, so this module imports no Keras.
"""

from __future__ import annotations

import ast
import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

from dlkit.argument_validation import check_choice
from dlkit.errors import InputError

SAMPLINGS = ("linear", "log", "reverse_log")


@dataclasses.dataclass(frozen=True)
class Choice:
    """One of some values, of any kind that Python can write down: numbers, texts, tuples, `None`.

    Args:
        values: What to choose from, each once.
        default: What is tried first. Defaults to `None`: `None` if it is one of `values`, else the
            first.
        when: Other hyperparameter -> values of it with which this one is asked for at all, as
            `{"optimizer": ("sgd", "momentum")}`. Defaults to always.

    Example:
        >>> Choice([(32,), (64, 64)]).default
        (32,)
    """

    values: Sequence[Any]
    default: Any = None
    when: Mapping[str, Sequence[Any]] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        if isinstance(self.values, str | bytes) or not isinstance(self.values, Sequence):
            raise InputError(f"Choice takes a list of values. Received: values={self.values!r}.")
        names = [repr(value) for value in self.values]
        for value, name in zip(self.values, names, strict=True):
            if not _is_written_down(value, name):
                raise InputError(
                    "Choice takes values that Python can write down: numbers, texts, None, tuples"
                    f" of them; name objects, and make them in the model. Received: {name}."
                )
        if not names or len(set(names)) < len(names):
            raise InputError(
                f"Choice takes one value or more, each once. Received: values={self.values!r}."
            )
        if self.default is None:
            first = None if None in self.values else self.values[0]
            object.__setattr__(self, "default", first)
        if repr(self.default) not in names:
            raise InputError(
                f"A Choice's default is one of its values. Received: default={self.default!r},"
                f" values={self.values!r}."
            )


@dataclasses.dataclass(frozen=True)
class Float:
    """A number in a range, both ends included.

    Args:
        min_value: The lower end.
        max_value: The upper end.
        step: Tries only every `step`-th number from the lower end; with `sampling="log"` each is
            `step` times the one before. Defaults to `None`: any number.
        sampling: `"linear"`, `"log"` (alike in each power of ten; both ends above 0) or
            `"reverse_log"`. Defaults to `"linear"`.
        default: What is tried first. Defaults to `None`: the lower end.
        when: As in `Choice`. Defaults to always.

    Example:
        >>> Float(1e-4, 1e-1, sampling="log", default=1e-3).default
        0.001
    """

    min_value: float
    max_value: float
    step: float | None = None
    sampling: str = "linear"
    default: float | None = None
    when: Mapping[str, Sequence[Any]] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        _check_range(self, int | float)


@dataclasses.dataclass(frozen=True)
class Int:
    """A whole number in a range, both ends included.

    Args:
        min_value: The lower end.
        max_value: The upper end.
        step: As in `Float`. Defaults to `None`: any whole number.
        sampling: As in `Float`. Defaults to `"linear"`.
        default: What is tried first. Defaults to `None`: the lower end.
        when: As in `Choice`. Defaults to always.

    Example:
        >>> Int(8, 64, step=2, sampling="log").default
        8
    """

    min_value: int
    max_value: int
    step: int | None = None
    sampling: str = "linear"
    default: int | None = None
    when: Mapping[str, Sequence[Any]] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        _check_range(self, int)


@dataclasses.dataclass(frozen=True)
class Boolean:
    """`True` or `False`.

    Args:
        default: What is tried first. Defaults to `False`.
        when: As in `Choice`. Defaults to always.

    Example:
        >>> Boolean().default
        False
    """

    default: bool = False
    when: Mapping[str, Sequence[Any]] = dataclasses.field(default_factory=dict)


HyperParameter = Choice | Float | Int | Boolean
BY_NAME = {kind.__name__: kind for kind in (Choice, Float, Int, Boolean)}


def _is_written_down(value: Any, text: str) -> bool:
    try:
        return ast.literal_eval(text) == value
    except (ValueError, SyntaxError):
        return False


def _check_range(given: Float | Int, numbers: Any) -> None:
    kind, ends = type(given).__name__, (given.min_value, given.max_value)
    check_choice(f"{kind}'s sampling", given.sampling, SAMPLINGS)
    told = f"Received: {', '.join(map(repr, ends))}."
    for value in (*ends, *(v for v in (given.step, given.default) if v is not None)):
        if not isinstance(value, numbers) or isinstance(value, bool) or not math.isfinite(value):
            what = "whole numbers" if numbers is int else "numbers"
            raise InputError(f"{kind} takes {what}. Received: {value!r}.")
    if ends[0] >= ends[1]:
        raise InputError(f"{kind} takes a lower end below the upper one. {told}")
    if given.sampling != "linear" and ends[0] <= 0:
        raise InputError(f"{kind} with sampling={given.sampling!r} takes ends above 0. {told}")
    least = 0 if given.sampling == "linear" else 1
    if given.step is not None and given.step <= least:
        raise InputError(f"{kind}'s step must be above {least}. Received: step={given.step!r}.")
    if given.default is None:
        object.__setattr__(given, "default", given.min_value)
    elif not ends[0] <= given.default <= ends[1]:
        raise InputError(
            f"{kind}'s default is in its range. Received: default={given.default!r}. {told}"
        )
