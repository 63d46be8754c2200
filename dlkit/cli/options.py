"""Options that several commands take: what the data is, and `key=value` pairs."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dlkit.errors import InputError

if TYPE_CHECKING:
    from dlkit.models.hyperparameters import Float, Int

Data = Annotated[
    str,
    typer.Option(
        help="A data set, see `dlkit datasets`, or your own: a folder with a sub-folder of images,"
        " WAV or .txt files a class, or of Pascal VOC; or a CSV file."
    ),
]
Target = Annotated[str | None, typer.Option(help="The column of a CSV file to predict.")]
Delimiter = Annotated[
    str | None,
    typer.Option(help="What stands between its cells, as ';' or '\\t'; a comma by default."),
]


def parse_options(
    pairs: list[str], flag: str = "--set", example: str = "units=64,32"
) -> dict[str, Any]:
    """Return the options in `key=value` pairs; values are Python literals, or else strings.

    Args:
        pairs: What was given.
        flag: The option that it was given to, for messages. Defaults to "--set".
        example: A pair, for messages. Defaults to "units=64,32".

    Raises:
        InputError: for a pair without a key or `=`, or a key that comes twice.

    Example:
        >>> parse_options(["units=64,32", "dropout=0.5", "activation=gelu"])
        {'units': (64, 32), 'dropout': 0.5, 'activation': 'gelu'}
    """
    options: dict[str, Any] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key.isidentifier():
            raise InputError(f"{flag} takes key=value, as {flag} {example}. Received: {pair!r}.")
        if key in options:
            raise InputError(f"{flag} {key} is given twice; give it once.")
        options[key] = parse_value(value)
    return options


def parse_value(text: str) -> Any:
    """Return a Python literal, or else the text itself.

    Example:
        >>> parse_value("64,32"), parse_value("gelu")
        ((64, 32), 'gelu')
    """
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def parse_space(pairs: list[str]) -> dict[str, Any]:
    """Return what is searched, from pairs as `units=64|128,64` and `learning_rate=1e-4..1e-2:log`.

    Args:
        pairs: `KEY=A|B|C` for a choice, `KEY=LOW..HIGH` for a range, which `:log` and `:STEP` may
            follow, or `KEY=VALUE` for what is fixed.

    Raises:
        InputError: for a pair without a key, or a range that is none.

    Example:
        >>> parse_space(["units=64|128,64", "dropout=0.0..0.5:0.1"])["dropout"]
        Float(min_value=0.0, max_value=0.5, step=0.1, sampling='linear', default=0.0, when={})
    """
    from dlkit.models.hyperparameters import Choice

    space = parse_options(pairs, "--space", "units=64|128,64 or learning_rate=1e-4..1e-2:log")
    for pair in pairs:
        key, _, text = pair.partition("=")
        if "|" in text:
            space[key] = Choice([parse_value(part) for part in text.split("|")])
        elif ".." in text:
            space[key] = _parse_range(key, text)
    return space


def _parse_range(key: str, text: str) -> Float | Int:
    from dlkit.models.hyperparameters import Float, Int

    ends, *marks = text.split(":")
    low, high = map(parse_value, ends.split("..", 1))
    steps = [parse_value(mark) for mark in marks if mark != "log"]
    numbers = [low, high, *steps]
    if len(steps) > 1 or not all(type(number) in (int, float) for number in numbers):
        raise InputError(
            "A range in --space is LOW..HIGH, which :log and a step may follow, as"
            f" learning_rate=1e-4..1e-2:log or dropout=0.0..0.5:0.1. Received: {key}={text}."
        )
    kind: Any = Int if all(type(number) is int for number in numbers) else Float
    sampling = "log" if "log" in marks else "linear"
    return kind(low, high, step=steps[0] if steps else None, sampling=sampling)
