"""Compile options: the same few words for every model, turned into what Keras compiles with.

A task decides what is sensible: `binary` and `multilabel` are trained with binary cross-entropy,
`multiclass`, and pixels and tokens with a class each, with cross-entropy on class indices (or
probabilities, where training mixes classes), `regression` with the mean squared error. Every choice
can be named, and every Keras object passes through as it is.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypedDict

import keras
import numpy as np

from dlkit.argument_validation import (
    check_choice,
    check_fraction,
    check_integer,
    check_names,
    is_number,
)
from dlkit.errors import InputError
from dlkit.tasks import MODEL_TASKS, PLACE_TASKS
from dlkit.training.losses import ScaledLoss
from dlkit.training.names import LOSSES, METRICS, OPTIMIZERS, canonical_name, find_maker

if TYPE_CHECKING:
    from typing_extensions import Unpack

# What a named optimizer is made with, and an object brings itself.
OPTIMIZER_OPTIONS = (
    *("learning_rate", "weight_decay", "clipnorm", "global_clipnorm"),
    "gradient_accumulation_steps",
)
_DEFAULT_LOSS = {
    "binary": "binary_crossentropy",
    "multiclass": "sparse_categorical_crossentropy",
    "multilabel": "binary_crossentropy",
    "regression": "mse",
    "detection": "focal_giou",
    **dict.fromkeys(PLACE_TASKS, "sparse_categorical_crossentropy"),
}
_DEFAULT_METRIC = {
    "regression": "mae",
    "detection": "mean_average_precision",
    "segmentation": "mean_io_u",
}
# Losses of the difference alone, which can be counted in any unit.
_DIFFERENCES = ("mse", "mae", "huber", "log_cosh")
# What compares the numbers of a row with each other: of a single one it says nothing.
_ACROSS = ("cosine_similarity", "pearson_correlation", "concordance_correlation")


class BuilderOptions(TypedDict, total=False):
    """`CompileOptions` without `task`, which stands in each builder's own signature."""

    optimizer: str | keras.optimizers.Optimizer
    learning_rate: float | keras.optimizers.schedules.LearningRateSchedule | None
    weight_decay: float | None
    clipnorm: float | None
    global_clipnorm: float | None
    gradient_accumulation_steps: int | None
    loss: str | keras.losses.Loss | Callable | None
    metrics: Sequence[str | keras.metrics.Metric] | None
    label_smoothing: float
    jit_compile: bool | Literal["auto"]
    steps_per_execution: int | Literal["auto"]
    target_scale: tuple[float | Sequence[float], float | Sequence[float]] | None
    mixed_precision: bool | str | None
    rematerialize: bool
    seed: int | None


class CompileOptions(BuilderOptions, total=False):
    """The options that every builder, and `compile_model`, takes besides its own.

    Args:
        task: `"binary"`, `"multiclass"`, `"multilabel"`, `"regression"`, `"detection"` or
            `"segmentation"`; it decides head, loss and metrics. Defaults to `"multiclass"`.
        optimizer: A name that `keras.optimizers` knows, `"momentum"` or `"nesterov"`, or a
            `keras.optimizers.Optimizer`, which brings its own learning rate. Defaults to `"adam"`,
            or what the builder's paper used.
        learning_rate: A number above 0, or a `keras.optimizers.schedules.LearningRateSchedule`.
            Defaults to `None`: the optimizer's own, see `names.OPTIMIZERS`.
        weight_decay: Decoupled decay, a number of at least 0: each step takes this share of
            `learning_rate * weight` away. Defaults to `None`: 0.004 for adamw and muon, otherwise
            none.
        clipnorm: Each weight's gradient is scaled down to at most this norm, above 0.
            Defaults to `None`.
        global_clipnorm: All gradients together are scaled down to at most this norm, above 0; one
            of the two can be given. Defaults to `None`.
        gradient_accumulation_steps: Batches whose mean gradient makes one step of the optimizer, a
            whole number: a batch that many times as large, in the memory of one. Batch
            normalization still sees single batches; schedules and clipping see whole steps.
            Defaults to `None`: 1.
        loss: A name that `keras.losses` knows and that fits the task, `"focal"`, or a
            `keras.losses.Loss`. Defaults to `None`: by task.
        metrics: Names that `keras.metrics` knows and that fit the task, `"pr_auc"`, or
            `keras.metrics.Metric` objects. Over several classes a name is their mean, each class
            alike. Defaults to `None`: `"accuracy"`, `"mae"` for regression,
            `"mean_average_precision"` for detection, `"mean_io_u"` for segmentation.
        label_smoothing: The share of a label, in [0, 1), that is spread over all classes; for
            cross-entropy and focal losses. Defaults to 0.
        jit_compile: Whether XLA compiles the training step: `True`, `False` or `"auto"`. Defaults
            to `"auto"`: what was measured to be fast for the builder on a CPU, Keras's choice
            elsewhere.
        steps_per_execution: Batches per call of the compiled training function, a whole number or
            `"auto"`. More is faster for small models; callbacks see only every n-th batch. Defaults
            to `"auto"`: what was measured to be fast for the builder on a CPU, 1 elsewhere.
        target_scale: For a regression, `(mean, standard deviation)` of the targets, each a number
            or one a column: outputs are made of numbers around 0 and 1, and a loss of differences
            given by name is counted in deviations. `dk.models.build` gives those of the training
            targets. Defaults to `None`: as they are.
        mixed_precision: `True` (bfloat16 on a CPU, float16 on a GPU), `False`, or the name of a
            Keras dtype policy. Builders only. Defaults to `None`: Keras's global policy.
        rematerialize: Whether a training step keeps few activations and computes the others again
            (gradient checkpointing): the same gradients for less memory and more time. With
            TensorFlow on a CPU a step of `resnet(depth=56)` on 128 images of 32 pixels adds 246 MiB
            instead of 642, and takes 1.5 times as long; on a CPU with JAX, XLA undoes it. A file
            does not keep the option. Builders only. Defaults to `False`.
        seed: A whole number that decides every initial weight and dropout mask. Builders only.
            Defaults to `None`: different ones each time.
    """

    task: str


def compile_model(model: keras.Model, **options: Unpack[CompileOptions]) -> keras.Model:
    """Compile `model` with options named in words, and return it.

    Use it for a network that you built yourself; dlkit's builders end with it.

    Args:
        model: Any Keras model whose head fits the task: one sigmoid unit (binary), a softmax
            (multiclass), sigmoids (multilabel) or linear units (regression).
        **options: See `CompileOptions`; `mixed_precision`, `rematerialize` and `seed` are builders'
            options, since they act while the model is made.

    Returns:
        The same model, compiled; with `target_scale` a model of the same layers and one more.

    Raises:
        InputError: for a name or a value that cannot be used, or that contradicts the task.

    Example:
        >>> network = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, "softmax")])
        >>> model = compile_model(network, task="multiclass", optimizer="momentum")
        >>> type(model.optimizer).__name__
        'SGD'
    """
    known = set(CompileOptions.__annotations__) - {"mixed_precision", "rematerialize", "seed"}
    check_names("compile_model", options, known)
    checked = check_compile_options(**options)
    _check_width(model, checked)
    if checked["target_scale"] is not None:
        offset, scale = checked["target_scale"]
        units = keras.layers.Rescaling(scale, offset, name="units", dtype="float32")
        sequential = isinstance(model, keras.Sequential)  # which has no input until it is called
        inputs = model.inputs[0] if sequential else model.input
        made = keras.Model if sequential else type(model)  # which may have a `fit` of its own
        model = made(inputs, units(model.outputs[0]), name=model.name)
    model.compile(
        optimizer=_scaled(_optimizer(checked), model),
        loss=_loss(checked),
        metrics=_metrics(checked),
        jit_compile=checked["jit_compile"],
        steps_per_execution=_steps(checked["steps_per_execution"]),
    )
    return model


def check_compile_options(**options: Unpack[CompileOptions]) -> dict[str, Any]:
    """Return all compile options, defaults filled in, after checking each by itself and together.

    Builders call it before they build, so that a wrong option costs no time.

    Args:
        **options: See `CompileOptions`.

    Returns:
        Every option but `mixed_precision`, `rematerialize` and `seed`, names as they are listed.

    Raises:
        InputError: naming the option and its value.

    Example:
        >>> check_compile_options(task="regression")["loss"]
        'mse'
    """
    task = check_choice("task", options.get("task", "multiclass"), MODEL_TASKS)
    checked = {
        "task": task,
        "optimizer": _check_optimizer(options),
        "learning_rate": _check_learning_rate(options.get("learning_rate")),
        "weight_decay": _check_number("weight_decay", options.get("weight_decay")),
        **_check_gradients(options),
        "loss": _check_loss(options.get("loss"), task),
        "metrics": _check_metrics(options.get("metrics"), task),
        "label_smoothing": check_fraction("label_smoothing", options.get("label_smoothing", 0.0)),
        "jit_compile": _check_jit(options.get("jit_compile", "auto")),
        "steps_per_execution": options.get("steps_per_execution", "auto"),
        "target_scale": _check_scale(options.get("target_scale"), task),
    }
    _steps(checked["steps_per_execution"])
    _check_smoothing(checked)
    return checked


def _check_gradients(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is done with gradients before a step."""
    norms = {
        name: _check_number(name, options.get(name), above=True)
        for name in ("clipnorm", "global_clipnorm")
    }
    if None not in norms.values():
        raise InputError(
            "clipnorm and global_clipnorm cannot be used together: leave one of them out. Received:"
            f" clipnorm={norms['clipnorm']:g}, global_clipnorm={norms['global_clipnorm']:g}."
        )
    steps = options.get("gradient_accumulation_steps")
    if steps is not None:
        steps = check_integer("gradient_accumulation_steps", steps)
    return {**norms, "gradient_accumulation_steps": steps}


def make_loss(**options: Unpack[CompileOptions]) -> Any:
    """Return the loss that `compile_model` would compile a model with.

    Args:
        **options: See `CompileOptions`.

    Raises:
        InputError: naming the option and its value.

    Example:
        >>> type(make_loss(task="regression", target_scale=(0.0, 2.0))).__name__
        'ScaledLoss'
    """
    return _loss(check_compile_options(**options))


def _check_number(argument: str, value: Any, *, above: bool = False) -> Any:
    """Return a finite number of at least 0 (or above 0), or None."""
    if value is None:
        return None
    number = is_number(value)
    if not number or not (value > 0 if above else value >= 0) or value == float("inf"):
        bound = "above 0" if above else "of at least 0"
        raise InputError(f"{argument} must be a number {bound}. Received: {argument}={value!r}.")
    return float(value)


def _check_optimizer(options: Mapping[str, Any]) -> Any:
    optimizer = options.get("optimizer", "adam")
    if not isinstance(optimizer, keras.optimizers.Optimizer):
        folded = optimizer.lower().replace("_", "") if isinstance(optimizer, str) else optimizer
        return folded if folded in OPTIMIZERS else check_choice("optimizer", optimizer, OPTIMIZERS)
    for name in OPTIMIZER_OPTIONS:
        if options.get(name) is not None:
            made = type(optimizer)
            takes = name in inspect.signature(made).parameters
            where = (
                f"use {made.__name__}({name}=...)" if takes else "give it to those it is made of"
            )
            raise InputError(
                f"{name}={options[name]!r} cannot be used with an optimizer object, here"
                f" {made.__name__}, which has its own: {where}, or name the optimizer."
            )
    return optimizer


def _check_learning_rate(value: Any) -> Any:
    if isinstance(value, keras.optimizers.schedules.LearningRateSchedule):
        return value
    return _check_number("learning_rate", value, above=True)


def _check_loss(loss: Any, task: str) -> Any:
    if loss is None:
        return _DEFAULT_LOSS[task]
    if not isinstance(loss, str):
        if callable(loss):
            return loss
        raise InputError(f"loss must be a name or a keras.losses.Loss. Received: loss={loss!r}.")
    find_maker("loss", loss, LOSSES, task)
    return canonical_name(loss)


def _check_metrics(metrics: Any, task: str) -> Any:
    if metrics is None:
        return [_DEFAULT_METRIC.get(task, "accuracy")]
    if isinstance(metrics, str) or not isinstance(metrics, Sequence):
        raise InputError(f"metrics must be a list, as ['accuracy']. Received: metrics={metrics!r}.")
    for metric in metrics:
        if isinstance(metric, str):
            find_maker("metrics", metric, METRICS, task)
        elif not callable(metric):
            raise InputError(f"metrics must hold names or Keras metrics. Received: {metric!r}.")
    return list(metrics)


def _check_scale(target_scale: Any, task: str) -> Any:
    """Return the mean and the deviation as numbers or lists, which a config can hold."""
    if target_scale is None:
        return None
    try:
        offset, scale = (part.astype("float64") for part in np.broadcast_arrays(*target_scale))
    except (TypeError, ValueError):
        offset, scale = np.array(np.nan), np.array(np.nan)
    if task != "regression" or not (np.isfinite([offset, scale]).all() and (scale > 0).all()):
        raise InputError(
            "target_scale must be (mean, standard deviation) of the targets of task='regression',"
            f" the second above 0. Received: target_scale={target_scale!r}, task={task!r}."
        )
    return offset.tolist(), scale.tolist()


def _check_width(model: keras.Model, options: Mapping[str, Any]) -> None:
    outputs = getattr(model, "outputs", None) or []
    for name in (options["loss"], *options["metrics"]):
        across = isinstance(name, str) and canonical_name(name) in _ACROSS
        if across and len(outputs) == 1 and outputs[0].shape[-1] == 1:
            raise InputError(
                f"{name!r} compares several numbers of a prediction with each other, and model"
                f" '{model.name}' gives one; use mae, rmse or r2_score instead."
            )


def _check_jit(value: Any) -> Any:
    if value in (True, False, "auto"):
        return value
    raise InputError(f"jit_compile must be True, False or 'auto'. Received: jit_compile={value!r}.")


def _steps(value: Any) -> int:
    return 1 if value == "auto" else check_integer("steps_per_execution", value)


def _check_smoothing(options: Mapping[str, Any]) -> None:
    smoothing, loss = options["label_smoothing"], options["loss"]
    if not smoothing or (
        isinstance(loss, str)
        and "label_smoothing" in inspect.signature(LOSSES[loss][options["task"]]).parameters
    ):
        return
    raise InputError(
        f"label_smoothing={smoothing:g} works with a cross-entropy or focal loss given by"
        f" name; received loss={loss!r}. Leave one of the two out."
    )


def _optimizer(options: Mapping[str, Any]) -> keras.optimizers.Optimizer:
    """Return the named optimizer with its defaults overridden by what was given."""
    if not isinstance(options["optimizer"], str):
        return options["optimizer"]
    make, defaults = OPTIMIZERS[options["optimizer"]]
    given = {name: options[name] for name in OPTIMIZER_OPTIONS if options[name] is not None}
    if given.get("gradient_accumulation_steps") == 1:  # which Keras has no words for
        del given["gradient_accumulation_steps"]
    return make(**{**defaults, **given})


def _scaled(optimizer: keras.optimizers.Optimizer, model: keras.Model) -> Any:
    """Return the optimizer with loss scaling where float16 needs it.

    `compile` would wrap it too, but leaves that out of what is saved: the file could not be loaded.
    """
    scaled = isinstance(optimizer, keras.optimizers.LossScaleOptimizer)
    if scaled or model.dtype_policy.name != "mixed_float16":
        return optimizer
    return keras.optimizers.LossScaleOptimizer(optimizer)


def _loss(options: Mapping[str, Any]) -> Any:
    """Return the named loss as Keras's object, or one of ours where Keras lacks it."""
    loss, smoothing = options["loss"], options["label_smoothing"]
    if not isinstance(loss, str):
        return loss
    make = LOSSES[loss][options["task"]]
    made = make(label_smoothing=smoothing) if smoothing else make()
    if options["target_scale"] is not None and loss in _DIFFERENCES:
        return ScaledLoss(made, options["target_scale"][1])
    return made


def _metrics(options: Mapping[str, Any]) -> list[Any]:
    """Return the metrics, those that were named under the names that they were given."""
    return [
        find_maker("metrics", metric, METRICS, options["task"])(name=metric)
        if isinstance(metric, str)
        else metric
        for metric in options["metrics"]
    ]
