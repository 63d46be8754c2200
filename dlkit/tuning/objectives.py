"""What trials are compared by: a metric of the model, and whether high or low is better."""

from __future__ import annotations

from typing import Any

import keras
import keras_tuner
import numpy as np

from dlkit.argument_validation import closest
from dlkit.errors import InputError
from dlkit.training.fit_callbacks import declared_metrics, metric_direction


def find_objective(objective: Any, model: keras.Model, held: Any) -> keras_tuner.Objective:
    """Return the objective, after the model has been evaluated on one batch.

    Args:
        objective: A metric as `fit` names it, a `keras_tuner.Objective`, or `None`: the first
            metric, or else the loss, of the validation split.
        model: A compiled model with the search's defaults.
        held: Batches `(inputs, targets)` that it is validated on.

    Raises:
        InputError: when the model does not report it, it has a value a class, or nothing tells
            which direction is better.
    """
    reported = model.evaluate(held.take(1), return_dict=True, verbose=0)
    told = [name for name in declared_metrics(model) or reported if name in reported]
    # The metrics first, as they are compiled; each of several outputs has a loss of its own.
    losses = ["loss", *(f"{output}_loss" for output in getattr(model, "output_names", ()))]
    names = sorted(told, key=lambda name: losses.index(name) + 1 if name in losses else 0)
    if objective is None:
        objective = f"val_{names[0]}"
    if isinstance(objective, list | tuple):
        raise InputError(
            "A search has one objective; report(tuner) draws it against size and time."
            f" Received: objective={objective!r}."
        )
    name = getattr(objective, "name", objective)
    known = [f"val_{metric}" for metric in names] + names
    if name not in known:
        raise InputError(
            f"objective={name!r} is no metric of this model.{closest(name, known)}"
            f" It reports: {', '.join(known)}. Others can be given to it, to a builder as"
            " space=dlkit.tuning.space(name) | {'metrics': ['auc']}."
        )
    value = reported[name.removeprefix("val_")]
    if np.ndim(value):
        raise InputError(
            f"objective={name!r} has {np.size(value)} values, one a class; compile the model with"
            " one number, as by average='macro'."
        )
    direction = getattr(objective, "direction", None) or metric_direction(model, name)
    if direction is None:
        raise InputError(
            f"Whether a high or a low {name} is better cannot be told from the metric; give"
            f" objective=keras_tuner.Objective({name!r}, 'max'), or 'min'."
        )
    return keras_tuner.Objective(name, direction)
