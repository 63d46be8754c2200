"""KerasTuner's tuner with what one trial does: train each execution, report each epoch."""

from __future__ import annotations

import contextlib
import logging
import math
import pathlib
import time
import traceback
import warnings
from collections.abc import Iterator
from typing import Any

import keras
import keras_tuner
import numpy as np
from keras_tuner.engine.trial import Trial

from dlkit.errors import full_disk
from dlkit.tuning.global_settings import read_settings, restore_settings
from dlkit.tuning.hypermodels import SearchedModel
from dlkit.tuning.oracles.curves import STRIDE
from dlkit.tuning.oracles.oracle import MESSAGE, write_json
from dlkit.tuning.parallel.link import Link
from dlkit.tuning.registered_gradients import drop_new_gradients
from dlkit.tuning.trial_data import TrialData

SIZE, SECONDS = "tuner/parameters", "tuner/seconds"  # reported beside the metrics
_PAUSE = 0.2  # seconds between two questions for a trial, while others run


class FullDiskError(keras_tuner.errors.FatalError):
    """There is no room to write; a search ends, since each further trial would fail as well."""


class EnoughError(keras_tuner.errors.FatalError):
    """A worker that ends after one trial has run it."""


class SearchTuner(keras_tuner.Tuner):
    """A `keras_tuner.Tuner` for data of dlkit, whatever its oracle.

    Args:
        oracle: The strategy.
        hypermodel: What builds the models.
        data: What they train on.
        executions: How often, or on how many folds, a trial trains its model.
        patience: Epochs without a better objective before an execution ends, or `None`.
        epochs: Of a trial at most.
        seed: Each trial draws its weights and dropout with this seed, an execution with the next.
        link: Where the oracle is in another process, what tells whether it is there; else `None`.
        **options: `directory` and `project_name`, as KerasTuner takes them.
    """

    def __init__(  # noqa: PLR0913 - what a search is asked for is its arguments
        self,
        oracle: Any,
        hypermodel: SearchedModel,
        data: TrialData,
        *,
        executions: int = 1,
        patience: int | None = None,
        epochs: int = 1,
        seed: int = 0,
        link: Link | None = None,
        **options: Any,
    ) -> None:
        self.data, self.patience, self.seed, self.link = data, patience, seed, link
        self.epochs = epochs
        self._settings = read_settings()
        self._trials = 0
        self._execution = self._step = 0
        self._began = 0.0
        self._kept: list[tuple[dict[str, float], int]] = []  # epochs that are not reported yet
        self._stopped = self._idle = False
        super().__init__(oracle, hypermodel, executions_per_trial=executions, **options)

    # ------------------------------------------------------------ one trial

    def pre_create_trial(self) -> None:
        """Wait a little where the last question for a trial was answered with "not yet"."""
        if self.link and self.link.role.one_trial and self._trials:
            raise EnoughError
        if self._idle:
            time.sleep(_PAUSE)
        self._idle = True
        self._reach()

    def on_trial_begin(self, trial: Trial) -> None:
        """Begin a trial."""
        self._idle = self._stopped = False
        self._trials += 1
        if self.link:
            self.link.trial_id = trial.trial_id
        self._execution, self._began = -1, time.monotonic()

    def run_trial(self, trial: Trial, *args: Any, **fit: Any) -> Any:
        """Train a model of the trial's values, each execution from a seed of its own."""
        values = trial.hyperparameters.values
        if "tuner/epochs" in values:  # Hyperband's
            fit["epochs"] = values["tuner/epochs"]
            fit["initial_epoch"] = values["tuner/initial_epoch"] if self._goes_on(values) else 0
        try:
            return super().run_trial(trial, *args, **fit)
        except Exception as error:
            if full_disk(error):
                raise FullDiskError(str(error)) from error
            raise

    def _build_and_fit_model(self, trial: Trial, *args: Any, **fit: Any) -> Any:
        """Train one execution; KerasTuner calls it for each."""
        self._execution += 1
        if self._stopped:
            return None
        self._step, self._kept = self._execution * STRIDE - 1, []
        keras.utils.set_random_seed(self.seed + self._execution)
        train, held = self.data.splits(trial.hyperparameters, self._execution)
        if self.patience is not None:
            name, direction = self.oracle.objective.name, self.oracle.objective.direction
            stop = keras.callbacks.EarlyStopping(name, mode=direction, patience=self.patience)
            fit["callbacks"] = [*fit["callbacks"], stop]
        result = super()._build_and_fit_model(trial, train, validation_data=held, **fit)
        if isinstance(result, keras.callbacks.History):
            for values, step in self._kept:
                self._report(trial, values, step)
        return result

    def _build_hypermodel(self, hp: keras_tuner.HyperParameters) -> keras.Model:
        """Build a model; one that goes on with an earlier trial's has its weights and momenta."""
        restore_settings(self._settings)  # KerasTuner has cleared the session
        model = super()._build_hypermodel(hp)
        if model.built and not self.hypermodel.trains_itself:  # whose `fit` may unfreeze some
            model.optimizer.build(model.trainable_variables)  # or the first step is traced twice
        if self._goes_on(hp.values):
            model.load_weights(self._get_checkpoint_fname(hp.values["tuner/trial_id"]))
        return model

    def _goes_on(self, values: dict[str, Any]) -> bool:
        """Return whether a trial starts with an earlier one's weights.

        Those of several executions or folds are not all kept. The best of them have seen what
        another fold is validated on, so each is trained from its start.
        """
        return "tuner/trial_id" in values and self.executions_per_trial == 1

    def on_batch_end(
        self, trial: Trial, model: keras.Model, batch: int, logs: dict[str, Any] | None = None
    ) -> None:
        """Give up a trial whose loss is no number any more."""
        loss = (logs or {}).get("loss", 0.0)
        if not math.isfinite(loss):
            raise keras_tuner.errors.FailedTrialError(f"loss became {loss} in batch {batch + 1}")

    def on_epoch_end(
        self, trial: Trial, model: keras.Model, epoch: int, logs: dict[str, Any] | None = None
    ) -> None:
        """Report an epoch, and stop where the oracle says so."""
        values = {name: float(value) for name, value in (logs or {}).items() if np.ndim(value) == 0}
        if self.oracle.objective.name not in values:
            return  # a `fit` of the user's, which returns it at the end
        values[SIZE] = float(model.count_params())
        values[SECONDS] = time.monotonic() - self._began
        # A `fit` of the user's may train twice, as for fine-tuning; the second counts on.
        self._step = max(self._step + 1, self._execution * STRIDE + epoch)
        if self.hypermodel.trains_itself:  # and may return the score, in place of its epochs
            self._kept.append((values, self._step))
        elif self._report(trial, values, self._step):
            self._stopped = model.stop_training = True

    def _report(self, trial: Trial, values: dict[str, float], step: int) -> bool:
        """Tell the oracle of an epoch; return whether the trial should stop."""
        self._reach()
        answer = self.oracle.update_trial(trial.trial_id, values, step=step)
        return answer.status == "STOPPED"

    def _try_run_and_update_trial(self, trial: Trial, *args: Any, **fit: Any) -> None:
        """Run a trial, and keep why it failed; KerasTuner's own prints that as well."""
        try:
            with drop_new_gradients():
                self._run_and_update_trial(trial, *args, **fit)
            trial.status = "COMPLETED"
        except keras_tuner.errors.FatalError:
            raise
        except Exception:
            trial.status, trial.message = "FAILED", traceback.format_exc()

    def _run_and_update_trial(self, trial: Trial, *args: Any, **fit: Any) -> None:
        """Run a trial; its result is reported where its epochs were not."""
        with warnings.catch_warnings():
            # It was reported epoch by epoch, which KerasTuner takes for an old way of its own.
            warnings.filterwarnings("ignore", "The use case of calling", DeprecationWarning)
            super()._run_and_update_trial(trial, *args, **fit)

    def on_trial_end(self, trial: Trial) -> None:
        """End a trial; why it failed goes along where it ran in another process."""
        if self._is_worker() and trial.message:
            trial.hyperparameters.values[MESSAGE] = trial.message
        self._reach()
        if self.link:
            self.link.trial_id = None
        self.oracle.end_trial(trial)  # which keeps it; the tuner has nothing of its own to keep

    def _reach(self) -> None:
        """See that the oracle is there, where it is in another process; gRPC waits an hour."""
        if self.link:
            self.link.reach()

    # ------------------------------------------------------------ files

    def save(self) -> None:
        """Write the tuner's file, whole; it says that the search has begun."""
        if not self._is_worker():
            self.oracle.save()
        write_json(pathlib.Path(self._get_tuner_fname()), {})

    def reload(self) -> None:
        """Read the oracle's state."""
        if not self._is_worker():
            self.oracle.reload()


@contextlib.contextmanager
def without_retracing_notes() -> Iterator[None]:
    """Keep TensorFlow from advising against a new model a trial."""
    notes = logging.getLogger("tensorflow")
    notes.addFilter(_is_news)
    try:
        yield
    finally:
        notes.removeFilter(_is_news)


def _is_news(record: logging.LogRecord) -> bool:
    return "triggered tf.function retracing" not in record.getMessage()
