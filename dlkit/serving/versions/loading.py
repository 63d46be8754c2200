"""From a configuration to the models of a server, loaded."""

import logging
import pathlib
from collections.abc import Iterable, Sequence

from dlkit.errors import InputError, ServerError
from dlkit.serving.batching.batching import BatchedRuntime, Batcher
from dlkit.serving.batching.config import batching_parameters
from dlkit.serving.core.base_path import find_versions, is_version
from dlkit.serving.core.runtime import Runtime
from dlkit.serving.core.settings import Settings
from dlkit.serving.core.status import StatusError
from dlkit.serving.observability.request_log import Logged, RequestLog
from dlkit.serving.runtimes import export_manifest, selection
from dlkit.serving.versions.model_config import ModelConfig, read_config_file
from dlkit.serving.versions.served_models import ServedModels

log = logging.getLogger("dlkit.serving")


def load_models(configs: Sequence[ModelConfig], settings: Settings) -> ServedModels:
    """Load the first versions of all models.

    Args:
        configs: The models.
        settings: How they are loaded.

    Raises:
        ServerError: for a model without a version that loads, and for a label of a version that is
            not loaded.
    """
    parameters = batching_parameters(settings.batching, settings.batching_parameters_file)
    batcher = Batcher(parameters) if parameters else None
    requests = None
    if settings.request_log:
        requests = RequestLog(settings.request_log, share=settings.request_log_share)

    def load(name: str, path: pathlib.Path) -> Runtime:
        model = selection.load_runtime(path, settings, export_manifest.read_manifest(path))
        if batcher:
            model = BatchedRuntime(model, batcher)
        if requests:
            model = Logged(model, requests, name, int(path.name) if is_version(path) else 1)
        return model

    for config in configs:
        versions = find_versions(config.base) or {}
        if config.base in versions.values():
            log.info(
                "%s is a SavedModel itself: it is served as version %s", config.base, *versions
            )
    models = ServedModels(
        load,
        early_labels=settings.early_labels,
        max_retries=settings.max_load_retries,
        retry_seconds=settings.load_retry_seconds,
    )
    try:
        models.reload(configs)
    except StatusError as error:
        models.close()
        raise ServerError(_why_not(models) or error.message) from None
    return models


def any_needs_tensorflow(configs: Iterable[ModelConfig], settings: Settings) -> bool:
    """Whether TensorFlow is imported to load the first versions of some models.

    Args:
        configs: The models.
        settings: The options.
    """
    for config in configs:
        found = find_versions(config.base) or {}
        for number in config.policy.select(found):
            if selection.needs_tensorflow(found[number], settings):
                return True
    return False


def _why_not(models: ServedModels) -> str:
    for name, model in models.items():
        if model.ready or not (failure := model.first_failure()):
            continue
        return f"Model '{name}' under {model.base} cannot be served: {failure[1].message}"
    return ""


class ConfigFile:
    """A configuration file that is read again and again.

    Args:
        path: The file.
        models: What follows it.
    """

    def __init__(self, path: pathlib.Path, models: ServedModels):
        self._path = path
        self._models = models
        self._applied: list[ModelConfig] | None = None
        self._complaint = ""

    def poll(self) -> None:
        """Apply the file if it says something else than when it was last applied.

        A file that cannot be read or applied changes nothing, and is tried again.
        """
        try:
            configs = read_config_file(self._path, again=True)
            if configs != self._applied:
                self._models.reload(configs)
            self._applied, self._complaint = configs, ""
        except (InputError, StatusError) as error:
            if str(error) != self._complaint:  # once, not every second
                log.error("The models stay as they are: %s", error)
            self._applied, self._complaint = None, str(error)
