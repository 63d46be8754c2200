"""Checks of what a user gives, each answering with one sentence (given, expected, fix)."""

import difflib
import importlib
import inspect
import numbers
import types
from collections.abc import Callable, Iterable
from typing import Any

from dlkit.errors import InputError, MissingExtraError


def closest(name: object, options: Iterable[str]) -> str:
    """Return ` Did you mean 'x'?` for the option most like `name`, or an empty string.

    Example:
        >>> closest("adma", ["adam", "sgd"])
        " Did you mean 'adam'?"
    """
    folded, given = {option.lower(): option for option in options}, str(name).lower()
    if len(given) > 3 * max(map(len, folded), default=0):  # below the cutoff whatever it says
        return ""
    swapped = [option for option in folded if sorted(option) == sorted(given)]  # the commonest slip
    found = swapped or difflib.get_close_matches(given, folded, n=1, cutoff=0.5)
    return f" Did you mean '{folded[found[0]]}'?" if found else ""


def delimiter_hint(columns: Iterable[str]) -> str:
    """Return a sentence where a table's only column looks like several, or an empty text.

    Example:
        >>> delimiter_hint(["size;good"])
        " It has a single column, so perhaps another delimiter (';', a tab, '|')."
    """
    first, *others = columns
    if not others and any(mark in first for mark in ";\t|"):
        return " It has a single column, so perhaps another delimiter (';', a tab, '|')."
    return ""


def check_choice(argument: str, value: Any, choices: Iterable[str]) -> str:
    """Return `value` if it is one of `choices`.

    Raises:
        InputError: naming the argument, the choices and the closest of them.

    Example:
        >>> check_choice("optimizer", "adam", ("adam", "sgd"))
        'adam'
    """
    choices = tuple(choices)
    if isinstance(value, str) and value in choices:
        return value
    listed = ", ".join(choices)
    given = argument.removeprefix("Each step of ")
    raise InputError(
        f"{argument} must be one of: {listed}. Received: {given}={value!r}."
        f"{closest(value, choices)}"
    )


def check_names(what: str, names: Iterable[str], known: Iterable[str]) -> None:
    """Refuse the first of `names` that is not `known`; `what` says what takes them.

    Raises:
        InputError: naming the unknown name, the known ones and the closest of them.

    Example:
        >>> check_names("mlp", ["units"], ["units", "dropout"])
    """
    known = tuple(known)
    for name in names:
        if name not in known:
            raise InputError(
                f"{what} has no option '{name}'.{closest(name, known)}"
                f" Its options: {', '.join(sorted(known))}."
            )


def check_options(
    what: str,
    options: Iterable[str],
    *functions: Callable[..., Any],
    fixed: Iterable[str] = ("name",),
) -> None:
    """Refuse options that none of `functions` takes by keyword alone, or that `what` has fixed.

    Raises:
        InputError: naming the unknown option, the known ones and the closest of them.

    Example:
        >>> check_options("iris", ["fixed"], check_options, fixed=())
    """
    parameters = (p for f in functions for p in inspect.signature(f).parameters.values())
    known = {p.name for p in parameters if p.kind is inspect.Parameter.KEYWORD_ONLY}
    check_names(what, options, known - set(fixed))


def check_integer(argument: str, value: Any, *, minimum: int = 1) -> int:
    """Return `value` as an int if it is a whole number of at least `minimum`.

    Raises:
        InputError: naming the argument and the value.

    Example:
        >>> check_integer("epochs", 3)
        3
    """
    whole = not isinstance(value, bool) and hasattr(value, "__index__")
    if not whole or int(value) < minimum:
        raise InputError(
            f"{argument} must be a whole number of at least {minimum}."
            f" Received: {argument}={value!r}."
        )
    return int(value)


def check_fraction(argument: str, value: Any, *, low: float = 0.0, high: float = 1.0) -> float:
    """Return `value` as a float if `low <= value < high`.

    Raises:
        InputError: naming the argument, the range and the value.

    Example:
        >>> check_fraction("dropout", 0.5)
        0.5
    """
    number = isinstance(value, numbers.Real) and not isinstance(value, bool)  # NumPy's as well
    if not number or not low <= value < high:
        raise InputError(
            f"{argument} must be in [{low:g}, {high:g}). Received: {argument}={value!r}."
        )
    return float(value)


def is_number(value: Any) -> bool:
    """Return whether a value is a Python number, which `True` is not.

    Example:
        >>> is_number(1.5), is_number(True)
        (True, False)
    """
    return isinstance(value, int | float) and not isinstance(value, bool)


def require(module: str, extra: str) -> types.ModuleType:
    """Import and return an optional dependency, or say which extra of dlkit brings it.

    Raises:
        MissingExtraError: when `module` is not installed.

    Example:
        >>> require("json", "serve").__name__
        'json'
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module.partition(".")[0]:
            raise
        raise MissingExtraError(
            f'{error.name} is not installed; it comes with: pip install "dlkit[{extra}]"',
            name=error.name,
        ) from None
