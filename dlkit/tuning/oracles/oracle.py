"""What every strategy has: KerasTuner's oracle, made to be killed, watched and trusted.

    create_trial -> values, by seed, number and finished trials alone -> trial.json, oracle.json
    update_trial -> a value an epoch; its answer says whether to stop
    end_trial    -> score -> trial.json, oracle.json

Each file is replaced whole, `oracle.json` last, and `reload` settles what a kill left between the
two. What is proposed depends on nothing that lives in the process alone, so a search that was
killed goes on as if it had not been.
"""

from __future__ import annotations

import json
import math
import pathlib
import statistics
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import keras_tuner
import numpy as np
from keras_tuner.engine.hyperparameters import Fixed
from keras_tuner.engine.trial import Trial

from dlkit.errors import InputError
from dlkit.training.atomic_files import write_atomically
from dlkit.tuning.oracles.curves import STRIDE, best_epoch, best_epochs, curves
from dlkit.tuning.oracles.locking import one_at_a_time
from dlkit.tuning.oracles.sampling import value_at

MESSAGE = "tuner/message"  # among a trial's values: why it failed, in another process
FINISHED = ("COMPLETED", "FAILED")
_ATTEMPTS = 1000  # to draw values that were not tried
_ENOUGH = 5  # trials before their median says anything


class SearchOracle(keras_tuner.Oracle):
    """Mixed into an oracle of KerasTuner, before it.

    Attributes:
        guard: Held while a method that changes the oracle runs.
        watch: Called with each trial that begins and each that has ended.
        deaths: Trial -> how many processes have died with it.

    Args:
        seed: Of all that is drawn. 0 is a seed like others; KerasTuner takes it for none.
        max_minutes: When no further trial begins, counted over all processes that have gone on with
            the search, or `None`.
        pruning: `"median"` stops a trial that is worse than the median of the others was at its
            epoch; `None` lets each train to its end.
        **options: As the oracle of KerasTuner takes them.
    """

    def __init__(
        self,
        *,
        seed: int = 0,
        max_minutes: float | None = None,
        pruning: str | None = None,
        **options: Any,
    ) -> None:
        self.guard = threading.RLock()
        # A trial that fails is recorded and does not end the search.
        super().__init__(seed=seed, max_consecutive_failed_trials=math.inf, **options)
        self.seed = seed
        self.max_minutes = max_minutes
        self.pruning = pruning
        self.verbose = 0  # KerasTuner's own words for what `watch` is called with
        self.watch: Callable[[Trial], None] = lambda trial: None
        self.deaths: dict[str, int] = {}
        self._retry_queue: list[str] = []
        self._ran: list[str] = []  # when the last process ended
        self._spent, self._started = 0.0, time.monotonic()

    # ------------------------------------------------------------ what is proposed

    def _random_values(self) -> dict[str, Any] | None:
        """Return the defaults for the first trial, and values that were not tried for others.

        KerasTuner draws each hyperparameter with the seed after the last one's, so that searches
        with seeds near each other try the same values.
        """
        if not self.trials:
            return self._active(lambda hp: hp.default)
        return next(self._draw_values(), None)

    def _draw_values(self) -> Iterator[dict[str, Any]]:
        """Yield values that were not tried, drawn by the number of the next trial."""
        generator = np.random.default_rng([self.seed, len(self.trials)])
        for _ in range(_ATTEMPTS):
            values = self._active(lambda hp: value_at(hp, generator.random()))
            if not self._duplicate(values):
                yield values

    def _searched_space(self) -> list[Any]:
        return [hp for hp in self.hyperparameters.space if not isinstance(hp, Fixed)]

    def _active(self, choose: Callable[[Any], Any]) -> dict[str, Any]:
        """Return a value of each hyperparameter that is asked for, given those before it."""
        hps = keras_tuner.HyperParameters()
        for hp in self.hyperparameters.space:
            hps.merge([hp])
            value = choose(hp)
            if hps.is_active(hp):
                hps.values[hp.name] = value
        return hps.values

    # ------------------------------------------------------------ the life of a trial

    @one_at_a_time
    def create_trial(self, tuner_id: str) -> Trial:
        """Return the next trial; its status says when there is none."""
        if self.is_late() and tuner_id not in self.ongoing_trials:
            self.tuner_ids.discard(tuner_id)
            return Trial(self.get_space(), trial_id="", status="STOPPED")
        lost = list(self._retry_queue)
        trial = super().create_trial(tuner_id)
        if trial.trial_id in lost:
            trial.metrics = type(trial.metrics)()  # it starts over
        if trial.status == "RUNNING":
            self.watch(trial)
        return trial

    @one_at_a_time
    def update_trial(self, trial_id: str, metrics: dict[str, float], step: int = 0) -> Trial:
        """Record an epoch; the answer's status is `"STOPPED"` where the trial should end."""
        known = self.trials[trial_id].metrics
        for name in metrics.keys() - known.metrics.keys():
            # KerasTuner would make the metric of its name, which not every metric lets it.
            own = name == self.objective.name
            known.register(name, self.objective.direction if own else "min")
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "All-NaN", RuntimeWarning)
            trial = super().update_trial(trial_id, metrics, step=step)
        if self.is_late() or (self.pruning and self._is_below_median(trial, step)):
            return Trial(trial.hyperparameters, trial_id=trial_id, status="STOPPED")
        return trial

    @one_at_a_time
    def end_trial(self, trial: Trial) -> None:
        """Score and keep a trial, once."""
        own = self.trials[trial.trial_id]
        if own.trial_id in self.end_order:
            return  # a process that was taken for dead has ended it, too
        if own.trial_id in self._retry_queue:
            self._retry_queue.remove(own.trial_id)
        if trial is not own:
            self._take_over(own, trial)
        super().end_trial(own)
        if own.status == "FAILED" and not own.message:
            own.message = f"{self.objective.name} was no number in any epoch"
            self._save_trial(own)
        if own.status == "FAILED":
            self.forget(own)
        self.save()  # KerasTuner's own is written while the trial still counts as running
        self.watch(own)

    def _take_over(self, own: Trial, sent: Trial) -> None:
        """Read what a worker says of a trial; its space lost its order on the way."""
        self.update_space(sent.hyperparameters)
        values = dict(sent.hyperparameters.values)
        own.status, own.message = sent.status, values.pop(MESSAGE, None)
        own.hyperparameters.values = values | own.hyperparameters.values

    @one_at_a_time
    def release(self, tuner_id: str, reason: str) -> None:
        """Take its trial back from a process that has died: to be run again, but once only."""
        self.tuner_ids.discard(tuner_id)
        if tuner_id in self.ongoing_trials:
            self._take_back(self.ongoing_trials.pop(tuner_id), reason)
            self.save()

    @one_at_a_time
    def take_up(self, tuner_id: str, trial_id: str) -> bool:
        """Leave a lost trial to a process that goes on with it after all; return whether it is so.

        It was silent for long, or the process that has the oracle was started anew.
        """
        if trial_id not in self._retry_queue:
            return False
        self._retry_queue.remove(trial_id)
        self.deaths[trial_id] = max(0, self.deaths.get(trial_id, 0) - 1)
        self.ongoing_trials[tuner_id] = self.trials[trial_id]
        self.save()
        return True

    @one_at_a_time
    def interrupt(self) -> None:
        """Take all trials back that run, without a death to count."""
        for trial in self.ongoing_trials.values():
            self._retry_queue.insert(0, trial.trial_id)
        self.ongoing_trials.clear()
        self.save()

    def _take_back(self, trial: Trial, reason: str) -> None:
        deaths = self.deaths[trial.trial_id] = self.deaths.get(trial.trial_id, 0) + 1
        if deaths == 1:
            self._retry_queue.insert(0, trial.trial_id)
            return
        trial.status, trial.message = "FAILED", reason
        self.end_order.append(trial.trial_id)
        self._save_trial(trial)
        self.forget(trial)
        self.watch(trial)

    def forget(self, trial: Trial) -> None:
        """Do what a strategy does with a trial that has failed."""

    def score_trial(self, trial: Trial) -> None:
        """Score a trial by the mean of its executions' best epochs."""
        best = best_epochs(trial, self.objective)
        trial.score = statistics.fmean(value for value, _ in best)
        trial.best_step = round(statistics.fmean(epoch for _, epoch in best))

    def _is_below_median(self, trial: Trial, step: int) -> bool:
        """Return whether the best so far is worse than the others' median of the same epochs."""
        if step >= STRIDE or step == 0:
            return False  # a first epoch says little, and further executions were granted
        name, direction = self.objective.name, self.objective.direction
        others = [curves(t, name) for t in self.trials.values() if t.status == "COMPLETED"]
        reached = [
            best_epoch({e: v for e, v in found[0].items() if e <= step}, direction)[0]
            for found in others
            if found
        ]
        if len(reached) < _ENOUGH:
            return False
        own, _ = best_epoch(curves(trial, name)[0], direction)
        return self.objective.better_than(statistics.median(reached), own)

    def is_finished(self) -> bool:
        """Return whether all trials that were asked for have ended."""
        started = self.max_trials and len(self.trials) >= self.max_trials
        return bool(started) and not (self.ongoing_trials or self._retry_queue)

    def has_lost_trials(self) -> bool:
        """Return whether trials wait to be run again, and there is time for it."""
        return bool(self._retry_queue) and not self.is_late()

    def is_late(self) -> bool:
        """Return whether `max_minutes` are over."""
        return self.max_minutes is not None and self.seconds() >= 60 * self.max_minutes

    def seconds(self) -> float:
        """Return how long the search has taken, in all processes that have gone on with it."""
        return self._spent + time.monotonic() - self._started

    # ------------------------------------------------------------ files

    def get_state(self) -> dict[str, Any]:
        """Return what `oracle.json` holds."""
        return super().get_state() | {"deaths": self.deaths, "seconds": self.seconds()}

    def set_state(self, state: dict[str, Any]) -> None:
        """Take over what `oracle.json` holds; a trial that it does not name has not begun."""
        self.trials: dict[str, Trial] = {name: self.trials[name] for name in state["start_order"]}
        super().set_state(state)
        self._ran = [name for name in state["ongoing_trials"].values()]
        self.deaths = state["deaths"]
        self._spent, self._started = state["seconds"], time.monotonic()

    def save(self) -> None:
        """Write `oracle.json`."""
        write_json(pathlib.Path(self._get_oracle_fname()), self.get_state())

    def _save_trial(self, trial: Trial) -> None:
        folder = pathlib.Path(self._get_trial_dir(trial.trial_id))
        write_json(folder / "trial.json", trial.get_state())

    def reload(self) -> None:
        """Read what is there, and settle what a kill left between the files.

        Raises:
            InputError: when a file is missing, or is none of a search.
        """
        try:
            super().reload()
        except Exception as error:
            raise InputError(
                f"{self._project_dir} holds a search that cannot be read"
                f" ({type(error).__name__}); delete the directory, or give another name."
            ) from error
        del self._retry_queue[len(self._retry_queue) - len(self._ran) :]  # which it puts there
        for name in self._ran:
            if self.trials[name].status not in FINISHED:
                self._take_back(self.trials[name], "the process that ran it has died twice")
        for name, trial in self.trials.items():
            if trial.status in FINISHED and name not in self.end_order:
                self.end_order.append(name)
        self.save()


def write_json(path: pathlib.Path, content: Any) -> None:
    """Write a JSON file, whole or not at all."""
    write_atomically(path, lambda file: file.write(json.dumps(content).encode()))
