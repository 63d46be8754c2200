"""The callbacks of a run: what to keep, when to stop, and where to go on."""

import math
import pathlib
import warnings
from typing import Any

import keras

from dlkit.argument_validation import check_choice, check_integer, closest
from dlkit.errors import InputError
from dlkit.training.resume import Resume, print_line
from dlkit.training.run_files import BestCheckpoint, HistoryFile
from dlkit.training.run_lock import RunLock


def callbacks(
    run: str | pathlib.Path,
    *,
    data: Any = None,
    monitor: str = "val_loss",
    mode: str = "auto",
    patience: int = 10,
    resume: bool = True,
    tensorboard: bool = True,
) -> list[keras.callbacks.Callback]:
    """Return the callbacks that keep a training safe, for `model.fit(..., callbacks=...)`.

    They write into the run directory and watch over the training:

    - `best.keras`: the model of the best epoch so far, replaced whole;
    - early stopping, and the weights of the best epoch in the model when training ends;
    - `history.csv` and `tensorboard/`: the metrics, each epoch once, also after a resumed training;
    - a loss that is NaN or infinite stops the training, with a sentence that says where;
    - `resume.npz`: the whole state after each epoch. The same script started again goes on after
      the last finished epoch and ends with the weights that an uninterrupted training has. Started
      again when it had finished, it trains nothing and has the final weights.

    Exact resume needs the same seed (`set_seed`), the same model, `data`, and `fit` without
    `steps_per_epoch`. Without `data` the order of a shuffled `tf.data.Dataset` starts anew; arrays
    need none, since `fit` has one order of them for all epochs once a seed is set. Callbacks of
    your own start anew, and so do random numbers drawn outside the model's `SeedGenerator`s,
    Python's `random` and NumPy's global generator.

    Args:
        run: The run directory, as `run_directory` makes it.
        data: The `Data` record or the `tf.data.Dataset` that `fit` trains on. Defaults to None.
        monitor: The metric that says which epoch is best, as `fit` shows it. Checked before the
            first epoch. Defaults to "val_loss".
        mode: "min", "max", or "auto": known for losses and Keras's own metrics. Defaults to "auto".
        patience: Epochs without a better value before training stops. Defaults to 10.
        resume: Whether to save after each epoch and go on where an earlier process was; False
            starts over. Defaults to True.
        tensorboard: Whether to write TensorBoard's files. Defaults to True.

    Returns:
        Keras callbacks, in the order in which they must stand.

    Raises:
        InputError: when an argument is wrong; and from `fit`, when another process trains the run,
            the metric does not exist or has no direction, or the checkpoint is another model's.

    Example:
        >>> import tempfile
        >>> import keras, numpy as np
        >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
        >>> model.compile("sgd", "mse")
        >>> x, y = np.eye(4), np.ones((4, 1))
        >>> watching = callbacks(tempfile.mkdtemp(), monitor="loss", patience=3, tensorboard=False)
        >>> len(model.fit(x, y, epochs=2, callbacks=watching, verbose=0).epoch)
        2
    """
    check_choice("mode", mode, ("auto", "min", "max"))
    if not isinstance(monitor, str):
        raise InputError(f"monitor must be the name of a metric. Received: monitor={monitor!r}.")
    patience = check_integer("patience", patience, minimum=0)
    dataset = _training_data(data, monitor)
    run = _directory(run)
    stopping = keras.callbacks.EarlyStopping(
        monitor, mode=mode, patience=patience, restore_best_weights=True
    )
    best = BestCheckpoint(run / "best.keras", monitor=monitor, mode=mode)
    history = HistoryFile(run / "history.csv")
    watching = [RunLock(run), CheckMonitor(monitor, mode, [stopping, best]), StopOnNaN(stopping)]
    watching += [stopping, best, history]
    if tensorboard:
        watching.append(keras.callbacks.TensorBoard(run / "tensorboard", write_graph=False))
    if resume:
        watching.append(
            Resume(run / "resume.npz", stopping, best=best, history=history, dataset=dataset)
        )
    else:
        (run / "resume.npz").unlink(missing_ok=True)
    return watching


def _training_data(data: Any, monitor: str) -> Any:
    """Return the data set that `fit` shuffles, of a `Data` record or as it is."""
    if getattr(data, "val", data) is None and data is not None and monitor.startswith("val_"):
        raise InputError(
            f"monitor={monitor!r} needs validation data, but data.val is None; load the data with a"
            f" val_fraction, or monitor {monitor.removeprefix('val_')!r}."
        )
    dataset = getattr(data, "train", data)
    if dataset is not None and not hasattr(dataset, "cardinality"):
        raise InputError(
            "data must be a dlkit Data record or a tf.data.Dataset (for arrays:"
            f" dlkit.data.from_arrays). Received: data of type {type(data).__name__!r}."
        )
    return dataset


def _directory(run: str | pathlib.Path) -> pathlib.Path:
    path = pathlib.Path(run)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"The run directory cannot be made ({error.strerror}); give a directory that can be"
            f" written. Received: run={str(run)!r}."
        ) from None
    return path


class CheckMonitor(keras.callbacks.Callback):
    """Refuses a metric that does not exist, and settles whether high or low is good.

    Keras tells at the end of the first epoch, with a warning; here it is told as early as it can be
    known: before the first step where `compile` says which metrics there are, after the first step
    where a training step of its own decides, and after the first epoch what validation alone shows.

    Args:
        monitor: The metric.
        mode: "auto", "min" or "max".
        partners: The callbacks that compare its values.
    """

    def __init__(
        self,
        monitor: str,
        mode: str,
        partners: list[keras.callbacks.EarlyStopping | BestCheckpoint],
    ) -> None:
        super().__init__()
        self.monitor = monitor
        self.mode = mode
        self.partners = partners
        self.settled = False

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Check against the metrics that `compile` was given."""
        self.settled = False
        names = declared_metrics(self.model)
        if names is not None:
            self._check(names)

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Check against the metrics that the first step returned; settle the direction."""
        if self.settled:
            return
        self._check(list(logs or {}))
        mode = metric_direction(self.model, self.monitor) if self.mode == "auto" else self.mode
        if mode is None:
            raise InputError(
                f"Whether a high or a low {self.monitor} is better cannot be told from the metric;"
                f" give mode='max' or mode='min'. Received: mode='auto', monitor={self.monitor!r}."
            )
        for partner in self.partners:
            partner.mode = mode
            if partner.best is None:
                # Keras takes any first value as the best one, NaN too, which nothing then beats.
                partner.best = math.inf if mode == "min" else -math.inf
        self.settled = True

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Refuse to go on when the metric was not measured in this epoch."""
        if self.monitor not in (logs or {}):
            raise InputError(
                f"monitor={self.monitor!r} was not measured in epoch {epoch + 1}, which has:"
                f" {', '.join(logs or {})}; give fit its validation_data for each epoch"
                " (validation_freq=1), or monitor one of these."
            )

    def _check(self, names: list[str]) -> None:
        base = self.monitor.removeprefix("val_")
        own_test_step = type(self.model).test_step is not keras.Model.test_step
        if {self.monitor, base} & set(names) or (base != self.monitor and own_test_step):
            return
        known = [*names, *(f"val_{name}" for name in names)]
        raise InputError(
            f"monitor={self.monitor!r} is no metric of this model.{closest(self.monitor, known)}"
            f" It has: {', '.join(known)}."
        )


def declared_metrics(model: keras.Model) -> list[str] | None:
    """Return the names that `fit` will report, or None where only a training step can tell.

    Example:
        >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
        >>> model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
        >>> declared_metrics(model)
        ['loss', 'accuracy']
    """
    own_step = any(
        getattr(type(model), name) is not getattr(keras.Model, name)
        for name in ("train_step", "compute_metrics", "get_metrics_result")
    )
    if own_step or len(getattr(model, "outputs", None) or ()) != 1:
        return None
    try:
        with warnings.catch_warnings():  # a lambda warns when it is saved, not when it is trained
            warnings.simplefilter("ignore")
            compiled = model.get_compile_config()
    except (TypeError, ValueError):  # a loss that cannot be saved can still be trained
        return None
    names = [metric.name for metric in model.metrics if metric.name != "compile_metrics"]
    for group in (compiled.get("metrics"), compiled.get("weighted_metrics")):
        names += [_name(metric) for metric in group or ()]
    # Keras numbers a name that comes twice, and makes one for a bare function.
    return None if None in names or len(set(names)) < len(names) else names


def _name(metric: Any) -> str | None:
    """Return the name of a metric as `compile` was given it, None if it is not certain."""
    if isinstance(metric, str):
        return metric
    config = metric.get("config") if isinstance(metric, dict) else None
    if isinstance(config, dict) and config.get("average", "macro") is not None:  # or one a class
        return config.get("name")
    return None


def metric_direction(model: keras.Model, monitor: str) -> str | None:
    """Return "min" or "max": what is better of a metric; None where the metric does not tell.

    As Keras infers it, and also for the losses of single outputs and for metrics that carry the
    name of an output.

    Args:
        model: A model whose metrics are built, as they are after the first step.
        monitor: Name of the metric, with or without `val_`.

    Example:
        >>> metric_direction(keras.Sequential(), "val_loss")
        'min'
    """
    name = monitor.removeprefix("val_")
    whole = name.rstrip("0123456789").removesuffix("_")  # of a metric that has a value a class
    if name == "loss" or name.endswith("_loss"):
        return "min"
    for metric in _all_metrics(model):
        outputs = getattr(model, "output_names", None) or ()
        if {name, whole} & {metric.name, *(f"{output}_{metric.name}" for output in outputs)}:
            return {"up": "max", "down": "min"}.get(getattr(metric, "_direction", ""))
    return None


def _all_metrics(model: keras.Model) -> list[keras.metrics.Metric]:
    """The metrics of a model, with those that `compile` packs into one."""
    return [inner for metric in model.metrics for inner in getattr(metric, "metrics", [metric])]


class StopOnNaN(keras.callbacks.Callback):
    """Stops training at the first loss that is NaN or infinite, and says where and what to try.

    Keras's `TerminateOnNaN` names the batch only and leaves open what the model holds then.

    Args:
        stopping: The early stopping, which puts the best weights back.
    """

    def __init__(self, stopping: keras.callbacks.EarlyStopping) -> None:
        super().__init__()
        self.stopping = stopping
        self.epoch = 0

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Remember the epoch for the sentence."""
        self.epoch = epoch

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Look at each loss that the step returned."""
        for name, value in (logs or {}).items():
            if name.endswith("loss") and not math.isfinite(value) and not self.model.stop_training:
                self.model.stop_training = True
                print_line(self._sentence(name, value, batch))

    def _sentence(self, name: str, value: float, batch: int) -> str:
        if self.stopping.best_weights is None:
            kept = "no epoch was finished before it, so these weights are of no use"
        else:
            kept = f"the model gets back the weights of epoch {self.stopping.best_epoch + 1}"
        return (
            f"Training stopped: {name} became {value} in epoch {self.epoch + 1}, batch {batch + 1}"
            f" ({kept}). Try a smaller learning rate or clipnorm=1.0, and look for NaN, infinite or"
            " very large values in the data."
        )
