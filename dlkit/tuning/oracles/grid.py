"""Grid search: every combination once, in an order that is decided by the space alone."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import keras_tuner
from keras_tuner.engine.trial import Trial

from dlkit.tuning.oracles.locking import one_at_a_time
from dlkit.tuning.oracles.oracle import SearchOracle
from dlkit.tuning.oracles.sampling import grid_values


class GridOracle(SearchOracle, keras_tuner.oracles.GridSearchOracle):
    """Every combination of values once.

    What a model asks for under given values is found by asking it, so that a plain `if` around a
    hyperparameter is understood: a combination holds what is asked for under it, no more. The last
    hyperparameter that is asked for changes first, and defaults are tried before other values.

    Args:
        declare: Asks a `keras_tuner.HyperParameters` for all that a model of its values needs. It
            may fail for values that do not go together: such a combination is tried as well, so
            that its trial tells why it fails.
        **options: As `SearchOracle` takes them.
    """

    def __init__(
        self, *, declare: Callable[[keras_tuner.HyperParameters], Any], **options: Any
    ) -> None:
        super().__init__(**options)
        self.declare = declare
        self._asked: dict[str, list[Any]] = {}
        self._built_with: set[str] = set()  # hyperparameters that some model asks for
        # What each trial's model asks for; KerasTuner adds values of all that it has heard of.
        self._proposed: dict[str, dict[str, Any]] = {}

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """Return the first combination that was not tried."""
        if not self.trials:
            self._built_with = {hp.name for hp in self.hyperparameters.space}
        tried = {_key(values) for values in self._proposed.values()}
        for values in self.combinations():
            if _key(values) not in tried:
                self._proposed[trial_id] = values
                return {"status": "RUNNING", "values": self._filled(values)}
        # One that still runs may ask for more while it trains.
        return {"status": "IDLE" if self.ongoing_trials else "STOPPED", "values": None}

    def _filled(self, values: dict[str, Any]) -> dict[str, Any]:
        """Return values with defaults of what a model that fails early does not come to ask for.

        KerasTuner draws them without a seed.
        """
        return self._active(lambda hp: values.get(hp.name, hp.default)) | values

    def combinations(self) -> Iterator[dict[str, Any]]:
        """Yield every combination of values, in their order."""
        chosen: dict[str, Any] | None = {}
        while chosen is not None:
            asked = self._ask(chosen)
            values = {hp.name: chosen.get(hp.name, hp.default) for hp in asked}
            yield values
            chosen = None
            for place, hp in reversed(list(enumerate(asked))):
                options = grid_values(hp)
                following = options[options.index(values[hp.name]) + 1 :]
                if following:
                    chosen = {before.name: values[before.name] for before in asked[:place]}
                    chosen[hp.name] = following[0]
                    break

    def _ask(self, chosen: dict[str, Any]) -> list[Any]:
        """Return the hyperparameters that are asked for with these values, in their order."""
        key = repr(chosen)
        if key not in self._asked:
            hps = keras_tuner.HyperParameters()
            hps.values = dict(chosen)
            # The trial of values that do not go together fails, and tells why.
            with contextlib.suppress(Exception):
                self.declare(hps)
            self._asked[key] = [hp for hp in hps.space if hps.is_active(hp)]
            self._built_with |= {hp.name for hp in hps.space}
        named = {hp.name: hp for hp in self._asked[key]}
        return [*named.values(), *self._asked_in_training()]

    def _asked_in_training(self) -> list[Any]:
        """Return what trials have asked for that no model asks for when it is built."""
        return [hp for hp in self.hyperparameters.space if hp.name not in self._built_with]

    @one_at_a_time
    def end_trial(self, trial: Trial) -> None:
        """Keep a trial, with what it has asked for in training."""
        super().end_trial(trial)
        values = self.trials[trial.trial_id].hyperparameters.values
        own = self._proposed[trial.trial_id]
        own |= {hp.name: values[hp.name] for hp in self._asked_in_training() if hp.name in values}
        self.save()

    def get_state(self) -> dict[str, Any]:
        """Return what `oracle.json` holds."""
        own = {"built_with": sorted(self._built_with), "proposed": self._proposed}
        return super().get_state() | own

    def set_state(self, state: dict[str, Any]) -> None:
        """Take over what `oracle.json` holds."""
        super().set_state(state)
        self._built_with, self._proposed = set(state["built_with"]), state["proposed"]


def _key(values: dict[str, Any]) -> str:
    return repr(sorted(values.items()))
