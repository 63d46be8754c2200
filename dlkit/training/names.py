"""The names of optimizers, losses and metrics: what each is made as, and for which tasks.

Names are Keras's own, however they are written: `mse`, `MSE`, `mean_squared_error` and
`MeanSquaredError` are one. A few are dlkit's: `momentum`, `nesterov`, `focal`, `margin`,
`pr_auc`.
"""

import functools
import inspect
import re
from collections.abc import Callable, Mapping
from typing import Any

from keras import losses, metrics, ops, optimizers, saving

from dlkit.argument_validation import closest
from dlkit.errors import InputError
from dlkit.tasks import PLACE_TASKS
from dlkit.training.average_precision import MeanAveragePrecision
from dlkit.training.detection import DetectionLoss
from dlkit.training.losses import (
    ClassCrossentropy,
    ClassLoss,
    MarginLoss,
    SparseFocalLoss,
    SparseSmoothedCrossentropy,
)
from dlkit.training.metrics import (
    ClassAccuracy,
    ClassTopKAccuracy,
    LabelAccuracy,
    R2Score,
    SampleMean,
)
from dlkit.training.scores import AUC, F1Score, MeanIoU, Precision, Recall

Makers = dict[str, Callable[..., Any]]  # task -> what makes the thing

# Each name: Keras's class and what it is called with. Where Keras's default learning rate is not
# the one that the method's paper trains with (adagrad, adadelta, lion), the paper's stands here.
Configured = tuple[type[optimizers.Optimizer], Mapping[str, Any]]
_OWN: Mapping[str, Configured] = {
    "sgd": (optimizers.SGD, {"learning_rate": 0.01}),
    "momentum": (optimizers.SGD, {"learning_rate": 0.01, "momentum": 0.9}),
    "nesterov": (optimizers.SGD, {"learning_rate": 0.01, "momentum": 0.9, "nesterov": True}),
    "adam": (optimizers.Adam, {"learning_rate": 0.001}),
    "adamw": (optimizers.AdamW, {"learning_rate": 0.001, "weight_decay": 0.004}),
    "rmsprop": (optimizers.RMSprop, {"learning_rate": 0.001}),
    "adagrad": (optimizers.Adagrad, {"learning_rate": 0.01}),
    "adadelta": (optimizers.Adadelta, {"learning_rate": 1.0}),
    "lion": (optimizers.Lion, {"learning_rate": 0.0001}),
}
# Keras's others, as they are; those that are made of optimizers cannot be made of a name.
_KERAS: Mapping[str, Configured] = {
    name.lower(): (thing, {})
    for name, thing in sorted(vars(optimizers).items())
    if inspect.isclass(thing)
    and thing is not optimizers.Optimizer
    and "learning_rate" in inspect.signature(thing).parameters
}
OPTIMIZERS = {**_OWN, **_KERAS, **_OWN}


def _class_crossentropy(label_smoothing: float = 0.0) -> losses.Loss:
    return SparseSmoothedCrossentropy(label_smoothing) if label_smoothing else ClassCrossentropy()


def _labels(make: Callable[..., Any]) -> Makers:
    return dict.fromkeys(("binary", "multilabel"), make)


def _numbers(make: Callable[..., Any]) -> Makers:
    return dict.fromkeys(("binary", "multilabel", "regression"), make)


def _per_place(makers: Makers) -> Makers:
    """Add what has a class for each pixel, or for each token, to what compares classes."""
    return {**makers, **dict.fromkeys(PLACE_TASKS, makers["multiclass"])}


def _classes(make: type[losses.Loss]) -> Makers:
    @functools.wraps(make, updated=())
    def made(**options: Any) -> losses.Loss:
        return ClassLoss(make(**options))

    return {"multiclass": made}


# Each name: the tasks whose labels and head it can compare, and what it is for them.
LOSSES: Mapping[str, Makers] = {
    "mse": _numbers(losses.MeanSquaredError),
    "mae": _numbers(losses.MeanAbsoluteError),
    "huber": {"regression": losses.Huber},
    "log_cosh": {"regression": losses.LogCosh},
    "mape": {"regression": losses.MeanAbsolutePercentageError},
    "msle": {"regression": losses.MeanSquaredLogarithmicError},
    "poisson": {"regression": losses.Poisson},
    "cosine_similarity": dict.fromkeys(("multilabel", "regression"), losses.CosineSimilarity),
    "binary_crossentropy": _labels(losses.BinaryCrossentropy),
    "binary_focal_crossentropy": _labels(losses.BinaryFocalCrossentropy),
    "hinge": _labels(losses.Hinge),
    "squared_hinge": _labels(losses.SquaredHinge),
    "categorical_crossentropy": _per_place({"multiclass": _class_crossentropy}),
    "sparse_categorical_crossentropy": _per_place({"multiclass": _class_crossentropy}),
    "categorical_focal_crossentropy": _classes(losses.CategoricalFocalCrossentropy),
    "categorical_hinge": _classes(losses.CategoricalHinge),
    "kl_divergence": _classes(losses.KLDivergence),
    "focal": {
        **_labels(losses.BinaryFocalCrossentropy),
        **_per_place({"multiclass": SparseFocalLoss}),
    },
    "focal_giou": {"detection": DetectionLoss},
    "dice": {**_labels(losses.Dice), **_per_place(_classes(losses.Dice))},
    "tversky": {**_labels(losses.Tversky), **_per_place(_classes(losses.Tversky))},
    "margin": {"multiclass": MarginLoss},
    "circle": {},  # for embeddings
    "ctc": {},  # for label sequences
}


def _counted(make: Callable[..., Any]) -> Makers:
    several = functools.partial(make, threshold=0.5)
    return {"binary": make, "multiclass": make, "multilabel": several}


def _ranked(make: Callable[..., Any]) -> Makers:
    return dict.fromkeys(("binary", "multiclass", "multilabel"), make)


def _rows(function: Callable[..., Any]) -> Makers:
    return {"multiclass": functools.partial(SampleMean, function)}


def _means(function: Callable[..., Any]) -> Makers:
    return _labels(functools.partial(SampleMean, function))


METRICS: Mapping[str, Makers] = {
    "accuracy": {**_labels(LabelAccuracy), **_per_place({"multiclass": ClassAccuracy})},
    "precision": _per_place(_counted(Precision)),
    "recall": _per_place(_counted(Recall)),
    "f1_score": _per_place(_counted(F1Score)),
    "mean_io_u": _per_place(_counted(MeanIoU)),
    "auc": _ranked(AUC),
    "pr_auc": _ranked(functools.partial(AUC, "PR")),
    "mean_average_precision": {"detection": MeanAveragePrecision},
    "crossentropy": {
        **_means(losses.binary_crossentropy),
        **_rows(losses.categorical_crossentropy),
    },
    "mae": {**_numbers(metrics.MeanAbsoluteError), **_rows(losses.mean_absolute_error)},
    "mse": {**_numbers(metrics.MeanSquaredError), **_rows(losses.mean_squared_error)},
    "rmse": _numbers(metrics.RootMeanSquaredError),
    "mape": {"regression": metrics.MeanAbsolutePercentageError},
    "msle": {"regression": metrics.MeanSquaredLogarithmicError},
    "log_cosh_error": {"regression": metrics.LogCoshError},
    "r2_score": {"regression": R2Score},
    "poisson": {"regression": metrics.Poisson},
    "cosine_similarity": dict.fromkeys(("multilabel", "regression"), metrics.CosineSimilarity),
    "pearson_correlation": {"regression": metrics.PearsonCorrelation},
    "concordance_correlation": {"regression": metrics.ConcordanceCorrelation},
    "binary_accuracy": _labels(LabelAccuracy),
    "binary_crossentropy": _means(losses.binary_crossentropy),
    "binary_io_u": _labels(metrics.BinaryIoU),
    "true_positives": _labels(metrics.TruePositives),
    "true_negatives": _labels(metrics.TrueNegatives),
    "false_positives": _labels(metrics.FalsePositives),
    "false_negatives": _labels(metrics.FalseNegatives),
    "hinge": _means(losses.hinge),
    "squared_hinge": _means(losses.squared_hinge),
    "categorical_accuracy": {"multiclass": ClassAccuracy},
    "sparse_categorical_accuracy": {"multiclass": ClassAccuracy},
    "top_k_categorical_accuracy": {"multiclass": ClassTopKAccuracy},
    "sparse_top_k_categorical_accuracy": {"multiclass": ClassTopKAccuracy},
    "categorical_crossentropy": _rows(losses.categorical_crossentropy),
    "sparse_categorical_crossentropy": _rows(losses.categorical_crossentropy),
    "categorical_hinge": _rows(losses.categorical_hinge),
    "kl_divergence": _rows(losses.kl_divergence),
}

# What Keras, or the field, calls the same.
_ALIASES = {
    "mean_squared_error": "mse",
    "mean_absolute_error": "mae",
    "mean_absolute_percentage_error": "mape",
    "mean_squared_logarithmic_error": "msle",
    "root_mean_squared_error": "rmse",
    "bce": "binary_crossentropy",
    "kld": "kl_divergence",
    "ce": "crossentropy",
    "acc": "accuracy",
    "f1": "f1_score",
    "f_beta_score": "f1_score",  # Keras's beta is 1
    "roc_auc": "auc",
    "mean_iou": "mean_io_u",
    "map": "mean_average_precision",
    "one_hot_mean_io_u": "mean_io_u",
    "top_k_accuracy": "top_k_categorical_accuracy",
}


def canonical_name(name: str) -> str:
    """Return the one name of a loss or a metric, of all that Keras knows it by.

    Example:
        >>> canonical_name("MeanSquaredError"), canonical_name("KLDivergence"), canonical_name("f1")
        ('mse', 'kl_divergence', 'f1_score')
    """
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()
    return _ALIASES.get(words, words)


def find_maker(
    argument: str, name: str, known: Mapping[str, Makers], task: str
) -> Callable[..., Any]:
    """Return what makes the loss or metric of that name for a task.

    Raises:
        InputError: for a name that is not known, or that does not fit the task's labels.

    Example:
        >>> find_maker("metrics", "RootMeanSquaredError", METRICS, "regression")().name
        'root_mean_squared_error'
    """
    makers = known.get(canonical_name(name))
    if makers and task in makers:
        return makers[task]
    fitting = ", ".join(other for other, tasks in known.items() if task in tasks)
    if makers is None:
        raise InputError(
            f"{argument} for task={task!r} must be one of: {fitting}; or an object of Keras's."
            f" Received: {argument}={name!r}.{closest(name, (*known, *_ALIASES))}"
        )
    raise InputError(
        f"{argument}={name!r} cannot compare the labels of task={task!r} with its predictions;"
        f" use one of: {fitting}."
    )


@saving.register_keras_serializable(package="dlkit")
class _OfFunction(losses.Loss):
    """A loss that is a function, as the mean over a batch, weighed if need be."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__(name="of_function")  # a name cannot begin with _
        self.function = function

    def call(self, y_true: Any, y_pred: Any) -> Any:
        if len(y_true.shape) == len(y_pred.shape) - 1 and y_pred.shape[-1] == 1:
            y_true = ops.expand_dims(y_true, -1)
        return self.function(y_true, y_pred)


def as_loss(loss: Any) -> losses.Loss:
    """Return a loss that takes weights, of anything that `compile` takes for one output.

    `keras.losses.get` returns a function for `"mse"`, which gives a number an example and has its
    own idea of a third argument.

    Example:
        >>> y_true, y_pred = ops.array([[1.0], [3.0]]), ops.zeros((2, 1))
        >>> float(as_loss("mse")(y_true, y_pred, ops.array([1.0, 0.0])))
        0.5
    """
    found = losses.get(loss)
    return found if isinstance(found, losses.Loss) else _OfFunction(found)
