"""Compile options: the same few words for every model, turned into what Keras compiles with.

A task decides what is sensible: `binary` and `multilabel` are trained with binary cross-entropy,
`multiclass` with cross-entropy on class indices (or probabilities, where training mixes classes),
`regression` with the mean squared error. Every choice can be named, and every Keras object passes
through as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypedDict

import keras

from dlkit.checks import check_choice, check_fraction, check_integer, check_names, closest
from dlkit.errors import InputError
from dlkit.training.losses import ClassCrossentropy, SparseFocalLoss, SparseSmoothedCrossentropy
from dlkit.training.metrics import ClassAccuracy, LabelAccuracy

if TYPE_CHECKING:
    from typing_extensions import Unpack

TASKS = ("binary", "multiclass", "multilabel", "regression")


class CompileOptions(TypedDict, total=False):
    """The options that every builder, and `compile_model`, takes besides its own.

    Args:
        task: `"binary"`, `"multiclass"`, `"multilabel"` or `"regression"`; it decides head, loss
            and metrics. Defaults to `"multiclass"`.
        optimizer: A name in `OPTIMIZERS`, or a `keras.optimizers.Optimizer`, which brings its own
            learning rate. Defaults to `"adam"`, or what the builder's paper used.
        learning_rate: A number above 0, or a `keras.optimizers.schedules.LearningRateSchedule`.
            Defaults to `None`: the optimizer's own, see `OPTIMIZERS`.
        weight_decay: Decoupled decay, a number of at least 0: each step takes this share of
            `learning_rate * weight` away. Defaults to `None`: 0.004 for adamw, otherwise none.
        clipnorm: Each gradient is scaled down to at most this norm, above 0. Defaults to `None`.
        loss: A name in `LOSSES`, or a `keras.losses.Loss`. Defaults to `None`: by task.
        metrics: Names that Keras knows, or `keras.metrics.Metric` objects. Defaults to `None`:
            `"accuracy"`, or `"mae"` for regression.
        label_smoothing: The share of a label, in [0, 1), that is spread over all classes; for
            cross-entropy and focal losses. Defaults to 0.
        jit_compile: Whether XLA compiles the training step: `True`, `False` or `"auto"`. Defaults
            to `"auto"`: what was measured to be fast for the builder on a CPU, Keras's choice
            elsewhere.
        steps_per_execution: Batches per call of the compiled training function, a whole number or
            `"auto"`. More is faster for small models; callbacks see only every n-th batch. Defaults
            to `"auto"`: what was measured to be fast for the builder on a CPU, 1 elsewhere.
        mixed_precision: `True` (bfloat16 on a CPU, float16 on a GPU), `False`, or the name of a
            Keras dtype policy. Builders only. Defaults to `None`: Keras's global policy.
        seed: A whole number that decides every initial weight and dropout mask. Builders only.
            Defaults to `None`: different ones each time.
    """

    task: Literal["binary", "multiclass", "multilabel", "regression"]
    optimizer: str | keras.optimizers.Optimizer
    learning_rate: float | keras.optimizers.schedules.LearningRateSchedule | None
    weight_decay: float | None
    clipnorm: float | None
    loss: str | keras.losses.Loss | Callable | None
    metrics: Sequence[str | keras.metrics.Metric] | None
    label_smoothing: float
    jit_compile: bool | Literal["auto"]
    steps_per_execution: int | Literal["auto"]
    mixed_precision: bool | str | None
    seed: int | None


# Each name: Keras's class and what it is called with. Where Keras's default learning rate is not
# the one that the method's paper trains with (adagrad, adadelta, lion), the paper's stands here.
OPTIMIZERS: Mapping[str, tuple[type[keras.optimizers.Optimizer], Mapping[str, Any]]] = {
    "sgd": (keras.optimizers.SGD, {"learning_rate": 0.01}),
    "momentum": (keras.optimizers.SGD, {"learning_rate": 0.01, "momentum": 0.9}),
    "nesterov": (keras.optimizers.SGD, {"learning_rate": 0.01, "momentum": 0.9, "nesterov": True}),
    "adam": (keras.optimizers.Adam, {"learning_rate": 0.001}),
    "adamw": (keras.optimizers.AdamW, {"learning_rate": 0.001, "weight_decay": 0.004}),
    "rmsprop": (keras.optimizers.RMSprop, {"learning_rate": 0.001}),
    "adagrad": (keras.optimizers.Adagrad, {"learning_rate": 0.01}),
    "adadelta": (keras.optimizers.Adadelta, {"learning_rate": 1.0}),
    "lion": (keras.optimizers.Lion, {"learning_rate": 0.0001}),
}

# Each name: the tasks whose labels and head it can compare.
LOSSES: Mapping[str, tuple[str, ...]] = {
    "mse": ("binary", "multilabel", "regression"),
    "mae": ("binary", "multilabel", "regression"),
    "huber": ("regression",),
    "binary_crossentropy": ("binary", "multilabel"),
    "categorical_crossentropy": ("multiclass",),
    "sparse_categorical_crossentropy": ("multiclass",),
    "focal": ("binary", "multiclass", "multilabel"),
}

_DEFAULT_LOSS = {
    "binary": "binary_crossentropy",
    "multiclass": "sparse_categorical_crossentropy",
    "multilabel": "binary_crossentropy",
    "regression": "mse",
}
_REGRESSION_LOSSES = {
    "mse": keras.losses.MeanSquaredError,
    "mae": keras.losses.MeanAbsoluteError,
    "huber": keras.losses.Huber,
}


def compile_model(model: keras.Model, **options: Unpack[CompileOptions]) -> keras.Model:
    """Compile `model` with options named in words, and return it.

    Use it for a network that you built yourself; dlkit's builders end with it.

    Args:
        model: Any Keras model whose head fits the task: one sigmoid unit (binary), a softmax
            (multiclass), sigmoids (multilabel) or linear units (regression).
        **options: See `CompileOptions`; `mixed_precision` and `seed` are builders' options, since
            they act while the layers are made.

    Returns:
        The same model, compiled.

    Raises:
        InputError: for a name or a value that cannot be used, or a loss that contradicts the task.

    Example:
        >>> network = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, "softmax")])
        >>> model = compile_model(network, task="multiclass", optimizer="momentum")
        >>> type(model.optimizer).__name__
        'SGD'
    """
    known = set(CompileOptions.__annotations__) - {"mixed_precision", "seed"}
    check_names("compile_model", options, known)
    options = check_options(**options)
    model.compile(
        optimizer=_scaled(_optimizer(options), model),
        loss=_loss(options),
        metrics=_metrics(options),
        jit_compile=options["jit_compile"],
        steps_per_execution=_steps(options["steps_per_execution"]),
    )
    return model


def check_options(**options: Unpack[CompileOptions]) -> dict[str, Any]:
    """Return all compile options, defaults filled in, after checking each by itself and together.

    Builders call it before they build, so that a wrong option costs no time.

    Args:
        **options: See `CompileOptions`.

    Returns:
        Every option but `mixed_precision` and `seed`.

    Raises:
        InputError: naming the option and its value.

    Example:
        >>> check_options(task="regression")["loss"]
        'mse'
    """
    task = check_choice("task", options.get("task", "multiclass"), TASKS)
    checked = {
        "task": task,
        "optimizer": _check_optimizer(options),
        "learning_rate": _check_learning_rate(options.get("learning_rate")),
        "weight_decay": _check_number("weight_decay", options.get("weight_decay")),
        "clipnorm": _check_number("clipnorm", options.get("clipnorm"), above=True),
        "loss": _check_loss(options.get("loss"), task),
        "metrics": _check_metrics(options.get("metrics")),
        "label_smoothing": check_fraction("label_smoothing", options.get("label_smoothing", 0.0)),
        "jit_compile": _check_jit(options.get("jit_compile", "auto")),
        "steps_per_execution": options.get("steps_per_execution", "auto"),
    }
    _steps(checked["steps_per_execution"])
    _check_smoothing(checked["label_smoothing"], checked["loss"])
    return checked


def _check_number(argument: str, value: Any, *, above: bool = False) -> Any:
    """Return a finite number of at least 0 (or above 0), or None."""
    if value is None:
        return None
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not number or not (value > 0 if above else value >= 0) or value == float("inf"):
        bound = "above 0" if above else "of at least 0"
        raise InputError(f"{argument} must be a number {bound}. Received: {argument}={value!r}.")
    return float(value)


def _check_optimizer(options: Mapping[str, Any]) -> Any:
    optimizer = options.get("optimizer", "adam")
    if not isinstance(optimizer, keras.optimizers.Optimizer):
        return check_choice("optimizer", optimizer, OPTIMIZERS)
    for name in ("learning_rate", "weight_decay", "clipnorm"):
        if options.get(name) is not None:
            raise InputError(
                f"{name}={options[name]!r} cannot be used with an optimizer object, which has its"
                f" own: use {type(optimizer).__name__}({name}=...), or name the optimizer."
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
    check_choice("loss", loss, LOSSES)
    if task not in LOSSES[loss]:
        fitting = ", ".join(name for name, tasks in LOSSES.items() if task in tasks)
        raise InputError(
            f"loss={loss!r} cannot compare the labels of task={task!r} with its predictions;"
            f" use one of: {fitting}."
        )
    return loss


def _check_metrics(metrics: Any) -> Any:
    if metrics is None:
        return None
    if isinstance(metrics, str) or not isinstance(metrics, Sequence):
        raise InputError(f"metrics must be a list, as ['accuracy']. Received: metrics={metrics!r}.")
    for metric in metrics:
        if isinstance(metric, str):
            _check_metric_name(metric)
        elif not callable(metric):
            raise InputError(f"metrics must hold names or Keras metrics. Received: {metric!r}.")
    return list(metrics)


def _check_metric_name(name: str) -> None:
    if name in ("accuracy", "acc", "crossentropy", "ce"):  # Keras resolves these by the labels
        return
    try:
        keras.metrics.get(name)
    except ValueError:
        known = ["accuracy", *(n for n in vars(keras.metrics) if n.islower())]
        raise InputError(
            f"metrics must hold names that Keras knows. Received: {name!r}.{closest(name, known)}"
        ) from None


def _check_jit(value: Any) -> Any:
    if value in (True, False, "auto"):
        return value
    raise InputError(f"jit_compile must be True, False or 'auto'. Received: jit_compile={value!r}.")


def _steps(value: Any) -> int:
    return 1 if value == "auto" else check_integer("steps_per_execution", value)


def _check_smoothing(label_smoothing: float, loss: Any) -> None:
    if not label_smoothing or (isinstance(loss, str) and loss not in _REGRESSION_LOSSES):
        return
    raise InputError(
        f"label_smoothing={label_smoothing:g} works with a cross-entropy or focal loss given by"
        f" name; received loss={loss!r}. Leave one of the two out."
    )


def _optimizer(options: Mapping[str, Any]) -> keras.optimizers.Optimizer:
    """Return the named optimizer with its defaults overridden by what was given."""
    if not isinstance(options["optimizer"], str):
        return options["optimizer"]
    make, defaults = OPTIMIZERS[options["optimizer"]]
    names = ("learning_rate", "weight_decay", "clipnorm")
    given = {name: options[name] for name in names if options[name] is not None}
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
    if loss in _REGRESSION_LOSSES:
        return _REGRESSION_LOSSES[loss]()
    if loss == "focal":
        sparse = options["task"] == "multiclass"
        make = SparseFocalLoss if sparse else keras.losses.BinaryFocalCrossentropy
        return make(label_smoothing=smoothing)
    if loss == "sparse_categorical_crossentropy":
        if smoothing:
            return SparseSmoothedCrossentropy(smoothing)
        return ClassCrossentropy()
    if loss == "categorical_crossentropy":
        return keras.losses.CategoricalCrossentropy(label_smoothing=smoothing)
    return keras.losses.BinaryCrossentropy(label_smoothing=smoothing)


def _metrics(options: Mapping[str, Any]) -> list[Any]:
    """Return the metrics that were given, or the task's one."""
    if options["metrics"] is None:
        return [_task_metric(options)]
    # Keras would choose an accuracy by the first batch alone, which may be mixed.
    own = options["task"] in ("binary", "multiclass")
    return [
        _task_metric(options, metric) if own and metric in ("accuracy", "acc") else metric
        for metric in options["metrics"]
    ]


def _task_metric(options: Mapping[str, Any], name: str = "accuracy") -> Any:
    if options["task"] == "regression":
        return keras.metrics.MeanAbsoluteError(name="mae")
    if options["task"] != "multiclass":
        return LabelAccuracy(name=name)
    if isinstance(options["loss"], str) and options["loss"] != "categorical_crossentropy":
        return ClassAccuracy(name=name)
    return name  # Keras tells class indices and one-hot rows apart by their shape
