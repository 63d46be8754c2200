"""Which library runs a version: `--runtime`.

    tensorflow    the SavedModel itself, whose answers are the reference
    onnx          the ONNX twin in assets.extra, by ONNX Runtime
    litert        model.tflite, or the LiteRT twin in assets.extra
    onnx_dynamic  the ONNX twin with weights of 8 bits
    auto          on a CPU a twin, the first of these that there is, and TensorFlow for the
                  signatures that it lacks, at their first request; else TensorFlow

Metadata and the checks of requests are the same whichever runs.
"""

import functools
import importlib.util
import logging
import os
import pathlib
import threading
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from dlkit.errors import MissingExtraError
from dlkit.serving.core.base_path import is_tensorflow_model
from dlkit.serving.core.runtime import Runtime
from dlkit.serving.core.settings import Settings
from dlkit.serving.core.signatures import CELLS, Signature
from dlkit.serving.core.status import StatusError
from dlkit.serving.runtimes import export_manifest, litert_model, onnx_model
from dlkit.serving.runtimes.export_manifest import Told
from dlkit.serving.runtimes.trial_runs import try_out, warm_up

log = logging.getLogger("dlkit.serving")

_TWINS: dict[str, Callable[[Told, Settings], Runtime]] = {
    "onnx": onnx_model.OnnxModel,
    "litert": litert_model.LiteRtTwin,
    "onnx_dynamic": functools.partial(onnx_model.OnnxModel, runtime="onnx_dynamic"),
}
_MODULES = {"onnx": "onnxruntime", "litert": "ai_edge_litert", "onnx_dynamic": "onnxruntime"}


def load_runtime(path: pathlib.Path, settings: Settings, told: Told) -> Runtime:
    """Load a version with the library that `settings` ask for.

    Args:
        path: The version directory.
        settings: The options.
        told: What the version says of itself.

    Raises:
        StatusError: when it cannot be loaded, or has nothing for that library.
    """
    found = _load(path, settings, told)
    if settings.warmup:  # but for what would have TensorFlow loaded
        try_out(found, found.rowwise & found.at_hand)
    return found


def _load(path: pathlib.Path, settings: Settings, told: Told) -> Runtime:
    if _is_lite(path, settings):
        return litert_model.LiteRtModel(path, settings)  # not rowwise: nobody has tried that file
    runtime = _chosen(told, settings)
    if runtime != "tensorflow":
        return _with_twin(path, settings, told, runtime)
    return _with_tensorflow(path, settings, told)


def needs_tensorflow(path: pathlib.Path, settings: Settings) -> bool:
    """Whether TensorFlow is imported to load a version.

    Args:
        path: The version directory.
        settings: The options.
    """
    if _is_lite(path, settings):
        return not _is_installed("litert")
    return _chosen(export_manifest.read_manifest(path), settings) == "tensorflow"


def _is_lite(path: pathlib.Path, settings: Settings) -> bool:
    """Whether a version's `model.tflite` is there, and wanted."""
    if not (path / litert_model.FILE).is_file():
        return False
    if settings.prefer_tflite or settings.runtime == "litert":
        return True
    return settings.runtime == "auto" and not is_tensorflow_model(path)


def _chosen(told: Told, settings: Settings) -> str:
    """Return the runtime for a version, here."""
    if settings.runtime != "auto":
        return settings.runtime
    if has_gpu():
        return "tensorflow"
    return next((n for n in _TWINS if n in told.files and _is_installed(n)), "tensorflow")


def _is_installed(runtime: str) -> bool:
    return importlib.util.find_spec(_MODULES[runtime]) is not None


def _saved_model(path: pathlib.Path, settings: Settings) -> Runtime:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # its notes would bury the server's
    from dlkit.serving.runtimes.tensorflow_model import SavedModel

    return SavedModel(path, settings)


@functools.cache
def has_gpu() -> bool:
    """Whether this process may use an NVIDIA GPU, as far as can be told without TensorFlow."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    return os.path.exists("/dev/nvidiactl") and visible not in ("", "-1")


def _with_twin(path: pathlib.Path, settings: Settings, told: Told, runtime: str) -> Runtime:
    if runtime not in told.files:
        raise StatusError(
            "FAILED_PRECONDITION",
            f"{path} has no {runtime} twin: export it with runtimes=('{runtime}',), or serve it"
            " with runtime='auto'",
        )
    try:
        twin = _TWINS[runtime](told, settings)
    except (StatusError, MissingExtraError) as error:
        if settings.runtime != "auto":
            raise _as_status(error) from None
        log.warning("%s is run by TensorFlow: %s", path, error)
        return _with_tensorflow(path, settings, told)
    reference = functools.partial(_saved_model, path, settings)
    log.info("%s is run by its %s twin", path, runtime)
    found = Twinned(told, twin, reference if settings.runtime == "auto" else None, runtime)
    if settings.warmup:
        warm_up(twin, twin.signatures.keys() - found.rowwise)  # `load_runtime` tries those out
    return found


def _with_tensorflow(path: pathlib.Path, settings: Settings, told: Told) -> Runtime:
    model = _saved_model(path, settings)
    found = Strict(model) if told.files else model
    found.rowwise = told.rowwise.get("tensorflow", frozenset())
    return found


def _as_status(error: Exception) -> StatusError:
    return error if isinstance(error, StatusError) else StatusError("UNIMPLEMENTED", str(error))


class Strict(Runtime):
    """A loaded version that refuses arrays of other shapes than its signatures say.

    TensorFlow takes some of them, and the twins take others, so that the answer to a wrong request
    would depend on what runs.

    Args:
        runtime: The loaded version.
    """

    def __init__(self, runtime: Runtime):
        self.signatures: Mapping[str, Signature] = runtime.signatures
        self._runtime = runtime

    def run(self, signature_name: str, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Return the outputs by name.

        Raises:
            StatusError: INVALID_ARGUMENT for such arrays.
        """
        export_manifest.check_shapes(inputs, self.signatures[signature_name])
        return self._runtime.run(signature_name, inputs)

    def close(self) -> None:
        """Free what it holds."""
        self._runtime.close()


class Twinned(Runtime):
    """A version that its twin runs, and TensorFlow where the twin has no such signature.

    Args:
        told: What the version says of itself.
        twin: The twin, loaded.
        reference: Loads the SavedModel with TensorFlow; None where that is not wanted.
        name: What runs the twin, for messages.

    Attributes:
        rowwise: Those that may be run for several requests at once by whatever runs them.
    """

    def __init__(self, told: Told, twin: Runtime, reference: Any, name: str):
        self._twin, self._load_reference, self._name = twin, reference, name
        self.signatures = told.signatures
        if reference is None:  # clients would send files to `cells` by themselves
            kept = [key for key in told.signatures if key in self.at_hand or CELLS not in key]
            self.signatures = {key: told.signatures[key] for key in kept}
        by_twin, by_tensorflow = (
            told.rowwise.get(runtime, frozenset()) for runtime in (name, "tensorflow")
        )
        self.rowwise = by_twin | (by_tensorflow - self.at_hand)
        self._reference: Runtime | None = None
        self._failure: tuple[str, str, str | None] | None = None
        self._lock = threading.Lock()

    @property
    def at_hand(self) -> frozenset[str]:
        """The keys of the signatures that the twin has."""
        return frozenset(self._twin.signatures)

    def run(self, signature_name: str, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Return the outputs by name.

        Raises:
            StatusError: with the text of what ran it; UNIMPLEMENTED for a signature that has no
                twin, where TensorFlow is not wanted.
        """
        export_manifest.check_shapes(inputs, self.signatures[signature_name])
        if signature_name in self._twin.signatures:
            return self._twin.run(signature_name, inputs)
        return (self._reference or self._loaded(signature_name)).run(signature_name, inputs)

    def _loaded(self, signature_name: str) -> Runtime:
        if self._load_reference is None:
            raise StatusError(
                "UNIMPLEMENTED",
                f"Signature '{signature_name}' has no {self._name} twin",
                "Serve the model with --runtime auto, which runs such signatures with TensorFlow.",
            )
        with self._lock:
            if self._failure is not None:
                raise StatusError(*self._failure)
            if self._reference is None:
                log.info("Signature %s has no twin: TensorFlow is loaded for it", signature_name)
                try:
                    self._reference = self._load_reference()
                except StatusError as error:
                    # The next request would not fare better. Not the error itself: its traceback
                    # would hold the arrays of each request that it is raised for.
                    self._failure = (error.code, error.message, error.hint)
                    raise
            return self._reference

    def close(self) -> None:
        """Free what it holds."""
        self._twin.close()
        if self._reference is not None:
            self._reference.close()
