"""What is searched over: a builder of dlkit, a function of `hp`, or a `keras_tuner.HyperModel`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import keras
import keras_tuner

from dlkit.errors import InputError
from dlkit.models.building import build
from dlkit.tuning.spaces import BATCH_SIZE, Overridden, Space, ask, check_space, space
from dlkit.tuning.trial_data import TrialData

if TYPE_CHECKING:
    from dlkit.data.data import Data


class SearchedModel(keras_tuner.HyperModel):
    """A model with its data.

    Attributes:
        trains_itself: Whether it has a `fit` of its own.

    Args:
        name: What it is called.
        data: What it is built for, which may ask for hyperparameters as well.
        options: Hyperparameter -> what is searched, or a fixed value.
    """

    trains_itself = False

    def __init__(self, name: str, data: TrialData, options: Space) -> None:
        super().__init__(name=name)
        self.data, self.options = data, options

    def build(self, hp: keras_tuner.HyperParameters) -> keras.Model:
        """Return the compiled model of these values."""
        return self.build_for(hp, self.data.record(hp))

    def build_for(self, hp: keras_tuner.HyperParameters, record: Data) -> keras.Model:
        """Return the compiled model of these values for other data."""
        raise NotImplementedError

    def check_overrides(self) -> None:
        """Refuse options that no model has asked for."""


class BuilderModel(SearchedModel):
    """A builder of dlkit, by its name, with a space of its options."""

    def build_for(self, hp: keras_tuner.HyperParameters, record: Data) -> keras.Model:
        """Return the compiled model of these values for other data.

        Raises:
            InputError: for a hyperparameter that the data asks for as well.
        """
        twice = self.data.asked.keys() & self.options.keys()
        if twice - {BATCH_SIZE}:
            raise InputError(
                f"Both the data and the space of {self.name} declare {', '.join(sorted(twice))}:"
                f" leave it out of one. The space: {', '.join(self.options)}."
            )
        # Batches are the data's: where it asks for their size itself, nobody else does.
        options = ask(hp, {k: v for k, v in self.options.items() if k not in twice})
        options.pop(BATCH_SIZE, None)
        return build(self.name, record, **options)


class FunctionModel(keras_tuner.HyperModel):
    """A function from `keras_tuner.HyperParameters` to a compiled model."""

    def __init__(self, function: Callable[[keras_tuner.HyperParameters], keras.Model]) -> None:
        super().__init__(name=getattr(function, "__name__", type(function).__name__))
        self.function = function

    def build(self, hp: keras_tuner.HyperParameters) -> keras.Model:
        """Return what the function returns."""
        return self.function(hp)


class OwnModel(SearchedModel):
    """A model of the user's, with some hyperparameters declared otherwise.

    Args:
        model: The user's.
        data: What it is trained on.
        options: Hyperparameter -> what is searched, or a fixed value.
    """

    def __init__(self, model: keras_tuner.HyperModel, data: TrialData, options: Space) -> None:
        super().__init__(model.name or type(model).__name__, data, options)
        self.model = model
        self.trains_itself = type(model).fit is not keras_tuner.HyperModel.fit
        self._met: set[str] = set()

    def build_for(self, hp: keras_tuner.HyperParameters, record: Data) -> keras.Model:
        """Return the compiled model of these values, which knows its data by itself."""
        return self.model.build(self._overridden(hp))

    def fit(
        self, hp: keras_tuner.HyperParameters, model: keras.Model, *args: Any, **options: Any
    ) -> Any:
        """Train it as the user's does."""
        return self.model.fit(self._overridden(hp), model, *args, **options)

    def check_overrides(self) -> None:
        """Refuse options that no model has asked for.

        Raises:
            InputError: naming one.
        """
        for name in self.options.keys() - self._met:
            raise InputError(
                f"The space has {name!r}, and {self.name} asks for no such hyperparameter; under a"
                " plain `if`, use hp.conditional_scope, so that it can be known beforehand."
            )

    def _overridden(self, hp: keras_tuner.HyperParameters) -> keras_tuner.HyperParameters:
        return Overridden(hp, self.options, self._met) if self.options else hp


def make_hypermodel(model: Any, data: TrialData, options: Space | None) -> SearchedModel:
    """Return what a search builds its models with.

    Raises:
        InputError: for something that no model can be made of, or a space that does not fit it.
    """
    if isinstance(model, str):
        options = check_space(model, space(model) if options is None else options)
        return BuilderModel(model, data, options)
    if isinstance(model, type) and issubclass(model, keras_tuner.HyperModel):
        raise InputError(f"model is the class {model.__name__}: give an object of it.")
    if isinstance(model, keras.Model) or not (
        callable(model) or isinstance(model, keras_tuner.HyperModel)
    ):
        raise InputError(
            "model must be a builder's name (dk.models.list()), a function of hp that returns a"
            f" compiled model, or a keras_tuner.HyperModel. Received: {type(model).__name__}."
        )
    own = model if isinstance(model, keras_tuner.HyperModel) else FunctionModel(model)
    return OwnModel(own, data, dict(options or {}))
