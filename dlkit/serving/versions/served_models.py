"""All models of a server, and how another configuration takes over while requests go on.

A configuration replaces the whole list. Its order: check it, load what is new, check the labels,
swap names and labels in one step, unload what has gone. So no request meets a gap, and a
configuration that is refused leaves everything as it was.
"""

import logging
import pathlib
import threading
from collections.abc import Callable, ItemsView, Iterable, Iterator, Mapping
from typing import Any

from dlkit.serving.core.runtime import Runtime
from dlkit.serving.core.status import StatusError
from dlkit.serving.versions.memory import settle_memory
from dlkit.serving.versions.model_config import ModelConfig
from dlkit.serving.versions.policy import VersionPolicy
from dlkit.serving.versions.served_model import ServedModel

log = logging.getLogger("dlkit.serving")

# (model, what it is to be like, where the same model is served from now)
_Arrival = tuple[ServedModel, ModelConfig, ServedModel | None]


class ServedModels(Mapping[str, ServedModel]):
    """The served models by name.

    Args:
        load: Loads a version directory of the model that is named; raises StatusError when it
            cannot.
        early_labels: Whether a new label may name a version that is not loaded. Defaults to False.
        max_retries: How often a failed load is tried again. Defaults to 5.
        retry_seconds: How long to wait before that. Defaults to 60.
    """

    def __init__(
        self,
        load: Callable[[str, pathlib.Path], Runtime],
        *,
        early_labels: bool = False,
        max_retries: int = 5,
        retry_seconds: float = 60.0,
    ):
        self._load = load
        self._early_labels = early_labels
        self._retries: dict[str, Any] = {"max_retries": max_retries, "retry_seconds": retry_seconds}
        self._models: dict[str, ServedModel] = {}  # replaced as a whole, never changed
        self._updating = threading.Lock()
        # A base path that a model could not move to yet: what failed there is not tried at once.
        self._waiting: dict[tuple[str, pathlib.Path], ServedModel] = {}

    def __getitem__(self, name: str) -> ServedModel:
        return self._models[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._models)

    def __len__(self) -> int:
        return len(self._models)

    def items(self) -> ItemsView[str, ServedModel]:
        """Return the models as they are now: another list may take over while one goes over it."""
        return self._models.items()

    # ------------------------------------------------------------ the configuration

    def reload(self, configs: Iterable[ModelConfig]) -> None:
        """Serve what `configs` list, and nothing else; return when it is loaded.

        Args:
            configs: The models, as `model_config.from_list` returns them.

        Raises:
            StatusError: FAILED_PRECONDITION for a label of a version that is not loaded, and
                nothing has changed then; UNKNOWN when a model has no version that loads, and the
                others have taken over then.
        """
        wanted = list(configs)
        self.change(lambda _: wanted)

    def configs(self) -> list[ModelConfig]:
        """Return the configuration that is served now."""
        return [
            ModelConfig(name, model.base, model.policy, dict(model.labels))
            for name, model in self.items()
        ]

    def change(self, edit: Callable[[list[ModelConfig]], list[ModelConfig]]) -> None:
        """Serve what `edit` makes of the present configuration, as `reload` does.

        Args:
            edit: Returns the other configuration; nobody else changes the present one meanwhile.

        Raises:
            StatusError: as `reload` does.
        """
        with self._updating:
            failed = self._replace(edit(self.configs()))
        if failed:
            listed = "".join(f"{_failure(model)}, " for model in failed)
            raise StatusError(
                "UNKNOWN", f"{len(failed)} model(s) did not become available: {{{listed}}}"
            )

    def _replace(self, configs: list[ModelConfig]) -> list[ServedModel]:
        """Do it; return the models that did not become available."""
        before = {model: model.policy for model in self._models.values()}
        arrivals = [self._prepare(config) for config in configs]
        changed = False
        for model, config, _ in arrivals:
            model.policy = config.policy
            changed |= model.load_wanted()
        try:
            self._check_labels(arrivals)
        except StatusError:
            self._undo(before, arrivals)
            raise
        failed = [model for model, _, _ in arrivals if not model.ready]
        gone = self._take_over(arrivals)
        if gone or changed:  # a file that says the same stops nobody
            settle_memory(gone)
        return failed

    def _prepare(self, config: ModelConfig) -> _Arrival:
        """Return the model to load: the one that is there, or a new one for another base path."""
        present = self._models.get(config.name)
        if present is not None and present.base == config.base:
            return present, config, present
        model = self._waiting.pop((config.name, config.base), None)
        if model is None:
            name = config.name
            model = ServedModel(
                name, config.base, lambda path: self._load(name, path), **self._retries
            )
        return model, config, present

    def _check_labels(self, arrivals: list[_Arrival]) -> None:
        for model, config, present in arrivals:
            if present is not model and not model.ready:
                continue  # it does not become available anyway
            known = present.labels if present is not None else {}
            for label, number in config.labels.items():
                new = known.get(label, number) == number
                if not (model.is_available(number) or (self._early_labels and new)):
                    raise StatusError(
                        "FAILED_PRECONDITION",
                        f"Request to assign label to version {number} of model {config.name}, which"
                        " is not currently available for inference",
                    )

    def _undo(self, before: Mapping[ServedModel, VersionPolicy], arrivals: list[_Arrival]) -> None:
        for model, _, _ in arrivals:
            if model not in before:
                model.close()
        for model, policy in before.items():
            model.policy = policy
            model.poll()

    def _take_over(self, arrivals: list[_Arrival]) -> bool:
        """Serve what has been loaded, and unload the rest; say if anything was."""
        models = {}
        moved = False
        for model, config, present in arrivals:
            models[config.name] = present or model
            if present is not None and present is not model and not model.ready:
                # A base path where nothing loads never replaces one that serves.
                self._waiting[config.name, config.base] = model
                continue
            model.labels = config.labels
            if present is not None and present is not model:
                present.move_to(model)
                moved = True
        leaving = [model for name, model in self._models.items() if name not in models]
        self._models = models
        retired = [model.retire_others() for model in models.values()]
        for model in leaving:
            model.close()
        return moved or bool(leaving) or any(retired)

    # ------------------------------------------------------------ what the disk holds

    def poll(self, name: str | None = None) -> None:
        """Look at all base paths once; trouble with one does not keep the others from it.

        Args:
            name: The only model to look for. Defaults to None, all of them.
        """
        with self._updating:
            for model in self._models.values():
                if name not in (None, model.name):
                    continue
                try:
                    model.poll()
                except Exception:  # the disk may do anything; the server goes on
                    log.exception("Looking for versions of %s failed", model.name)

    def close(self) -> None:
        """Unload everything; the running requests finish first."""
        with self._updating:
            for model in self._models.values():
                model.close()


def _failure(model: ServedModel) -> str:
    """Return TensorFlow Serving's words for a model that did not become available."""
    failure = model.first_failure()
    if failure is None:
        return f"{{{{name: {model.name}}} due to error: NOT_FOUND: no version in {model.base}}}"
    number, error = failure
    return f"{{{{name: {model.name} version: {number}}} due to error: {error.absl()}}}"
