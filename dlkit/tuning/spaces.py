"""What is searched: declared hyperparameters, asked of KerasTuner's `HyperParameters`.

KerasTuner knows whole numbers, floats, texts, and yes or no. A `Choice` of anything else is a
choice of texts to it, `"(32, 64)"`, and comes back as what it stands for.
"""

from __future__ import annotations

import contextlib
import dataclasses
import inspect
from collections.abc import Mapping
from typing import Any

import keras_tuner
from keras_tuner.engine import hyperparameters as hp_types

from dlkit.argument_validation import check_names
from dlkit.errors import InputError
from dlkit.models.building import OPTIONS_OF_DATA, builder_function, find_builder
from dlkit.models.hyperparameters import Boolean as Boolean
from dlkit.models.hyperparameters import Choice, HyperParameter
from dlkit.models.hyperparameters import Float as Float
from dlkit.models.hyperparameters import Int as Int
from dlkit.training.compiling import CompileOptions

Space = Mapping[str, Any]
BATCH_SIZE = "batch_size"
# What a search passes to the builder itself.
_RESERVED = {
    "seed": "give the search's seed",
    "task": "it comes from the data",
    **dict.fromkeys(OPTIONS_OF_DATA, "it comes from the data"),
}


def space(name: str) -> dict[str, HyperParameter]:
    """Return what a search tries for a builder, by option, unless it is told otherwise.

    Args:
        name: A name in `dk.models.list()`.

    Returns:
        Option -> `Choice`, `Float`, `Int` or `Boolean`; a new dict, to be changed.

    Raises:
        InputError: for an unknown name.

    Example:
        >>> sorted(space("perceptron"))
        ['batch_size', 'l1', 'l2', 'learning_rate']
    """
    info = find_builder(name)
    builder_function(info)  # a builder of the user's own may register itself by being imported
    return dict(info.space)


def check_space(name: str, given: Space) -> dict[str, Any]:
    """Return a builder's space after checking it against the builder's options.

    Raises:
        InputError: for an option that the builder does not have or a search gives itself, or a
            space without any hyperparameter.
    """
    if not isinstance(given, Mapping):
        raise InputError(
            "space must be a dict from an option to Choice, Float, Int, Boolean or a value."
            f" Received: space={given!r}."
        )
    for option in _RESERVED.keys() & given.keys():
        raise InputError(f"{option} cannot be searched: {_RESERVED[option]}.")
    if isinstance(given.get("metrics"), HyperParameter):
        raise InputError(
            "metrics are what trials are compared by: give a list of them, and one as objective."
            f" Received: metrics={given['metrics']!r}."
        )
    own = inspect.signature(builder_function(find_builder(name))).parameters.values()
    options = {option.name for option in own if option.kind is option.KEYWORD_ONLY}
    check_names(name, given, {*options, *CompileOptions.__annotations__, BATCH_SIZE})
    searched = {key for key, value in given.items() if isinstance(value, HyperParameter)}
    for key in searched:
        for parent in given[key].when:
            if parent not in searched or list(given).index(parent) > list(given).index(key):
                raise InputError(
                    f"{key} is asked for when {parent} has some values, so {parent} must stand"
                    f" before it in the space. The space: {', '.join(given)}."
                )
    if not searched:
        raise InputError(
            f"The space has nothing to search: give a Choice, Float, Int or Boolean of"
            f" dlkit.tuning for an option of {name}. Received: space={dict(given)!r}."
        )
    return dict(given)


def ask(hp: keras_tuner.HyperParameters, declared: Space) -> dict[str, Any]:
    """Return the values of a space; what is not asked for is left out.

    Example:
        >>> ask(keras_tuner.HyperParameters(), {"units": Choice([(8,), (16, 8)]), "dropout": 0.1})
        {'units': (8,), 'dropout': 0.1}
    """
    values: dict[str, Any] = {}
    for name, kind in declared.items():
        if not isinstance(kind, HyperParameter):
            values[name] = kind
            continue
        with contextlib.ExitStack() as scopes:
            for parent, wanted in kind.when.items():
                met = [encode(declared[parent], value) for value in wanted]
                scopes.enter_context(hp.conditional_scope(parent, met))
            getattr(hp, type(kind).__name__)(name, **_arguments(kind))
        if name in hp:
            values[name] = decode(kind, hp.get(name))
    return values


def _arguments(kind: HyperParameter) -> dict[str, Any]:
    """Return the arguments that KerasTuner's hyperparameter of the same name takes."""
    arguments = {f.name: getattr(kind, f.name) for f in dataclasses.fields(kind)}
    del arguments["when"]
    if isinstance(kind, Choice):
        arguments["values"] = [encode(kind, value) for value in kind.values]
        arguments["default"] = encode(kind, kind.default)
    return arguments


def encode(kind: HyperParameter, value: Any) -> Any:
    """Return a value as KerasTuner holds it."""
    plain = not isinstance(kind, Choice) or any(
        all(type(other) is wanted for other in kind.values) for wanted in (int, float, str)
    )
    return value if plain else repr(value)


def decode(kind: HyperParameter, value: Any) -> Any:
    """Return what a value of KerasTuner stands for."""
    if not isinstance(kind, Choice):
        return value
    return {encode(kind, choice): choice for choice in kind.values}[value]


class Overridden(keras_tuner.HyperParameters):
    """The same hyperparameters, with some declared otherwise than the model's code does.

    Args:
        hp: What is asked; it keeps all that is registered.
        space: Name -> `Choice`, `Float`, `Int` or `Boolean`, or a fixed value.
        met: Filled with the names that the model has asked for.
    """

    def __init__(self, hp: keras_tuner.HyperParameters, space: Space, met: set[str]) -> None:
        self.__dict__.update(vars(hp))  # the same lists and dicts
        self.replaced, self.met = space, met

    def _retrieve(self, hp: Any) -> Any:
        if hp.name not in self.replaced:
            return super()._retrieve(hp)
        kind = self.replaced[hp.name]
        self.met.add(hp.name)
        if not isinstance(kind, HyperParameter):
            return kind
        make = getattr(hp_types, type(kind).__name__)
        value = super()._retrieve(make(hp.name, conditions=hp.conditions, **_arguments(kind)))
        return value if value is None else decode(kind, value)
