"""`fine_tune`: let some layers of a trained network learn again, the earlier ones more slowly.

The first layers of a network see edges and colours, which every task needs; the last ones see what
was trained for. So they go on with rates of their own, by `keras.optimizers.MultiOptimizer`.

Reference: Howard and Ruder 2018, ULMFiT, arXiv:1801.06146 (discriminative fine-tuning).
"""

from __future__ import annotations

import itertools
import numbers
import re
from collections.abc import Iterator, Sequence
from typing import Any

import keras

from dlkit.argument_validation import check_integer, closest, is_number
from dlkit.errors import InputError
from dlkit.models.image.frozen_features import TransferModel
from dlkit.training.schedules import ScaledSchedule, each_optimizer


def fine_tune(
    model: keras.Model,
    layers: str | int | Sequence[str] = "all",
    *,
    learning_rate: float | keras.optimizers.schedules.LearningRateSchedule = 1e-3,
    layer_decay: float = 0.1,
    groups: int = 3,
) -> keras.Model:
    """Choose which layers learn from here on, with which rates, and compile the model again.

    The head always learns: that of a `transfer` model, or the last layer that has weights.
    Batch normalization stays frozen, with its statistics: those of a small batch would undo what
    was learned. Everything else that was compiled stays, and the optimizer begins anew.

    Args:
        model: A compiled model, of `dlkit.models.transfer` or another. It is changed.
        layers: What learns besides the head, of all layers that have weights, those of nested
            models too, in their order: `"all"`; a number, the last so many; a layer's name, from
            it on; names, just those; `0`, none. Defaults to `"all"`.
        learning_rate: Of the head: a number above 0, or a schedule, which the other groups follow
            on their own scale. Defaults to 0.001.
        layer_decay: The share of the rate of the group behind it that each group learns at, in
            (0, 1]. Defaults to 0.1.
        groups: Of layers, the head among them, at least 1; the other layers are divided among the
            rest in equal runs. Defaults to 3.

    Returns:
        The same model, compiled.

    Raises:
        InputError: for a layer that does not exist or has nothing to learn, a value out of its
            range, or a model that is not compiled.

    Example:
        >>> import dlkit as dk
        >>> options = {"backbone": "MobileNet", "alpha": 0.25, "weights": None}
        >>> model = dk.models.transfer((96, 96, 3), 5, **options)
        >>> _ = fine_tune(model, layers=4, learning_rate=1e-3)
        >>> [f"{float(part.learning_rate):.0e}" for part in model.optimizer.optimizers]
        ['1e-05', '1e-04', '1e-03']
    """
    count = check_integer("groups", groups)
    _check_rate(learning_rate)
    if not is_number(layer_decay) or not 0 < layer_decay <= 1:
        raise InputError(f"layer_decay must be in (0, 1]. Received: layer_decay={layer_decay!r}.")
    if not isinstance(model, keras.Model):
        raise InputError(f"fine_tune takes a keras.Model. Received: {model!r}.")
    if hasattr(model, "members") or len(model.outputs) != 1:
        raise InputError(
            "fine_tune is for a network with one head; tune the members of an ensemble before they"
            f" are joined. Received: {type(model).__name__} '{model.name}' with"
            f" {len(model.outputs)} output(s)."
        )
    if not model.compiled:
        raise InputError(
            f"Model '{model.name}' is not compiled; compile it first: fine_tune keeps its loss and"
            " metrics."
        )
    _check_saved(model)
    body, head = _divide(model)
    chosen = _choose(layers, body)
    runs = [*_runs(chosen, count - 1), head] if count > 1 else [[*chosen, *head]]
    _check_paths(model, runs)
    _set_trainable(model, {id(layer) for layer in (*chosen, *head)})
    _compile(model, runs, learning_rate, layer_decay)
    return model


def _check_saved(model: keras.Model) -> None:
    """Refuse a loss or a metric that cannot be told to `compile` again."""
    try:
        keras.saving.deserialize_keras_object(model.get_compile_config())
    except (TypeError, ValueError, AttributeError) as error:
        raise InputError(
            "fine_tune compiles the model again, with what Keras can save: decorate a loss or a"
            " metric of your own with @keras.saving.register_keras_serializable(). Received:"
            f" {str(error).splitlines()[0]}"
        ) from None


def _check_rate(rate: Any) -> None:
    schedule = isinstance(rate, keras.optimizers.schedules.LearningRateSchedule)
    if not schedule and not (is_number(rate) and 0 < rate < float("inf")):
        raise InputError(
            "learning_rate must be a number above 0 or a schedule."
            f" Received: learning_rate={rate!r}."
        )


def _weighted(model: keras.Model) -> Iterator[keras.Layer]:
    """Yield the layers that have weights, those of nested models in their place."""
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from _weighted(layer)
        elif layer.weights:
            yield layer


def _divide(model: keras.Model) -> tuple[list[keras.Layer], list[keras.Layer]]:
    """Return what can be chosen, and the head."""
    every = list(_weighted(model))
    transfer = isinstance(model, TransferModel)
    head = [layer for layer in model.head if layer.weights] if transfer else every[-1:]
    if not head:
        raise InputError(
            f"There is nothing to train in model '{model.name}': no layer has weights."
        )
    mine = {id(layer) for layer in head}
    return [each for each in every if id(each) not in mine and _can_learn(each)], head


def _can_learn(layer: keras.Layer) -> bool:
    """Return whether a layer may be chosen: not what is fixed, as the scale of the pixels."""
    return not isinstance(layer, keras.layers.BatchNormalization) and layer.name != "pixels"


def _choose(layers: Any, body: list[keras.Layer]) -> list[keras.Layer]:
    names = [layer.name for layer in body]
    if layers == "all":
        return body
    if isinstance(layers, numbers.Integral) and not isinstance(layers, bool):
        layers = int(layers)
        if not 0 <= layers <= len(body):
            raise InputError(
                f"layers must be from 0 to {len(body)}, the layers that can learn besides the head."
                f" Received: layers={layers!r}."
            )
        return body[len(body) - layers :]
    wanted = [layers] if isinstance(layers, str) else layers
    if not isinstance(wanted, Sequence) or not all(isinstance(name, str) for name in wanted):
        raise InputError(
            "layers must be 'all', a number, a layer's name, or names."
            f" Received: layers={layers!r}."
        )
    for name in wanted:
        if name not in names:
            raise InputError(
                f"There is no layer {name!r} that can learn.{closest(name, names)} Those that can:"
                f" {', '.join(names)}. Received: layers={layers!r}."
            )
    if isinstance(layers, str):
        return body[names.index(layers) :]
    return [layer for layer in body if layer.name in set(wanted)]


def _set_trainable(model: keras.Model, chosen: set[int]) -> None:
    """Let the chosen layers learn, and no other: each by itself, in models that may."""
    for value in (False, True):  # what is True already, TensorFlow does not pass on to the inner
        model.trainable = value
    for layer in _weighted(model):
        layer.trainable = id(layer) in chosen


def _runs(layers: list[keras.Layer], count: int) -> list[list[keras.Layer]]:
    """Return the layers in at most `count` runs of equal length, and none that is empty."""
    count = min(count, len(layers))
    edges = [len(layers) * i // max(count, 1) for i in range(count + 1)]
    return [layers[low:high] for low, high in itertools.pairwise(edges)]


def _compile(model: keras.Model, runs: list[list[keras.Layer]], rate: Any, decay: float) -> None:
    """Compile with an optimizer for each run of layers, the slowest first."""
    kind = each_optimizer(model.optimizer)[-1]
    parts = []
    for number, run in enumerate(runs):
        factor = decay ** (len(runs) - 1 - number)
        scaled = rate * factor if is_number(rate) else _scaled(rate, factor)
        config = kind.get_config() | {"learning_rate": scaled, "name": f"group_{number + 1}"}
        parts.append((type(kind).from_config(config), _paths(run)))
    optimizer = parts[-1][0]
    if len(parts) > 1:
        # One pattern an optimizer: a file would load as many optimizers as there are patterns.
        patterns = {"|".join(map(re.escape, paths)): part for part, paths in parts[:-1]}
        optimizer = keras.optimizers.MultiOptimizer(
            keras.optimizers.OptimizerMap(parts[-1][0], patterns)
        )
    if isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer):
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
    config = model.get_compile_config()
    config["optimizer"] = keras.saving.serialize_keras_object(optimizer)
    model.compile_from_config(config)


def _scaled(schedule: keras.optimizers.schedules.LearningRateSchedule, factor: float) -> Any:
    return schedule if factor == 1 else ScaledSchedule(schedule, factor)


def _paths(run: list[keras.Layer]) -> list[str]:
    return [weight.path for layer in run for weight in layer.weights]


def _check_paths(model: keras.Model, runs: list[list[keras.Layer]]) -> None:
    """Refuse weights of one name in two groups: a rate is found by it."""
    seen: set[str] = set()
    for paths in map(set, map(_paths, runs)):
        if shared := seen & paths:
            raise InputError(
                f"Layers of model '{model.name}' share the names of weights: {min(shared)!r} is in"
                " two groups. Name the layers otherwise, or give layer_decay=1 and groups=1."
            )
        seen |= paths
