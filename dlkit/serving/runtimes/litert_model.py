"""Run LiteRT (TensorFlow Lite) files: a version's twin, or a `model.tflite` of anybody's.

`ai_edge_litert` runs them without TensorFlow; where it is not installed, TensorFlow's own
interpreter does.
"""

import pathlib
import threading
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np

from dlkit.serving.core.runtime import Runtime
from dlkit.serving.core.settings import Settings
from dlkit.serving.core.signatures import DEFAULT_SIGNATURE, DTYPES, Signature, TensorInfo
from dlkit.serving.core.status import StatusError, one_line
from dlkit.serving.runtimes import export_manifest
from dlkit.serving.runtimes.export_manifest import Told

FILE = "model.tflite"  # as TensorFlow Serving's --prefer_tflite_model looks for it

_RUNTIME = "litert"
_MOST_SAID = 64 * 1024  # characters of errors that an interpreter keeps
_NAMES = {dtype: name for name, (_, dtype) in DTYPES.items() if dtype is not None}


class LiteRtTwin(Runtime):
    """The signatures of a version that have a LiteRT twin, ready to run.

    Args:
        told: What the version says of itself.
        settings: The options; of them the threads matter here.

    Raises:
        StatusError: when a file is not the one that was checked, or cannot be loaded.
    """

    def __init__(self, told: Told, settings: Settings):
        files = told.files[_RUNTIME]
        self.signatures = {key: told.signatures[key] for key in files}
        self._files = {
            key: _File(export_manifest.content(*found), settings.intra_op_threads, is_twin=True)
            for key, found in files.items()
        }

    def run(self, signature_name: str, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Run one signature; safe to call from many threads at once.

        Args:
            signature_name: A key of `signatures`.
            inputs: An array for each input of the signature.

        Raises:
            StatusError: with LiteRT's text.
        """
        file, signature = self._files[signature_name], self.signatures[signature_name]
        try:
            found = file.run(DEFAULT_SIGNATURE, inputs)
        except StatusError:
            if any(len(array) for array in inputs.values()):
                raise
            # No rows, which the other libraries take: what one row gets, without it.
            one = {name: np.zeros((1, *a.shape[1:]), a.dtype) for name, a in inputs.items()}
            found = {name: v[:0] for name, v in file.run(DEFAULT_SIGNATURE, one).items()}
        return {name: found[name] for name in signature.outputs}

    def close(self) -> None:
        """Free the models' memory; no call may be running."""
        self._files.clear()


class LiteRtModel(Runtime):
    """A version that is a `model.tflite`, with the signatures that the file has.

    A file without any takes and gives tensors by their own names, as `serving_default`.

    Args:
        path: The version directory.
        settings: The options; of them the threads matter here.

    Raises:
        StatusError: when the file cannot be loaded.
    """

    def __init__(self, path: pathlib.Path, settings: Settings):
        try:
            content = (path / FILE).read_bytes()
        except OSError as error:
            raise StatusError("NOT_FOUND", f"{path / FILE}: {error.strerror}") from None
        self._file: Any = _File(content, settings.intra_op_threads, is_twin=False)
        self.signatures = self._file.signatures()

    def run(self, signature_name: str, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Run one signature; safe to call from many threads at once.

        Any number of rows is taken, also by a file that was written for one, and last axes of one
        value may be left out, since TensorFlow Serving fits a file's input to the request.

        Args:
            signature_name: A key of `signatures`.
            inputs: An array for each input of the signature.

        Raises:
            StatusError: with LiteRT's text.
        """
        signature = self.signatures[signature_name]
        inputs = {
            name: _with_all_axes(inputs[name], info.shape or ())
            for name, info in signature.inputs.items()
        }
        export_manifest.check_shapes(inputs, signature, any_rows=True)
        return self._file.run(signature_name, inputs)

    def close(self) -> None:
        """Free the model's memory; no call may be running."""
        self._file = None


class _File:
    """A file's interpreter. It takes one call at a time, unlike those of the other libraries."""

    def __init__(self, content: bytes, threads: int, *, is_twin: bool):
        self._lock = threading.Lock()
        self._content, self._threads, self._is_twin = content, threads or None, is_twin
        self._begin()

    def _begin(self) -> None:
        self._said = ""
        try:
            self._interpreter = _interpreter(self._content, self._threads)
            if not self._is_twin:  # whose axes of any size are 1 in the file, and too short to run
                self._interpreter.allocate_tensors()
            keys = self._interpreter.get_signature_list()
            self._runners = {key: self._interpreter.get_signature_runner(key) for key in keys}
        except (RuntimeError, ValueError) as error:
            raise StatusError("INVALID_ARGUMENT", one_line(error)) from None

    def signatures(self) -> dict[str, Signature]:
        """Return what the file says that it takes and gives."""
        if not self._runners:
            inputs = {tensor["name"]: tensor for tensor in self._interpreter.get_input_details()}
            outputs = {tensor["name"]: tensor for tensor in self._interpreter.get_output_details()}
            return {DEFAULT_SIGNATURE: Signature(_infos(inputs), _infos(outputs))}
        return {
            key: Signature(_infos(runner.get_input_details()), _infos(runner.get_output_details()))
            for key, runner in sorted(self._runners.items())
        }

    def run(self, key: str, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Run a signature, when no other call is running."""
        with self._lock:
            try:
                if key in self._runners:
                    return self._runners[key](**inputs)
                return self._run_whole(inputs)
            except (RuntimeError, ValueError) as error:
                raise StatusError("INVALID_ARGUMENT", self._last_words(error)) from None

    def _last_words(self, error: Exception) -> str:
        """Return what an error says; an interpreter's begins with all that it has ever said."""
        text = str(error)
        new = text.removeprefix(self._said)
        if text.startswith(self._said):
            self._said = text
        if len(self._said) > _MOST_SAID:
            self._begin()
        return one_line(RuntimeError(new or text))

    def _run_whole(self, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Run a file that has no signatures."""
        interpreter = self._interpreter
        indices = {tensor["name"]: tensor["index"] for tensor in interpreter.get_input_details()}
        for name, array in inputs.items():
            interpreter.resize_tensor_input(indices[name], array.shape)
        interpreter.allocate_tensors()
        for name, array in inputs.items():
            interpreter.set_tensor(indices[name], array)
        interpreter.invoke()
        outputs = interpreter.get_output_details()
        return {tensor["name"]: interpreter.get_tensor(tensor["index"]) for tensor in outputs}


def _with_all_axes(array: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Return an array of shape (n,) as (n, 1) where the input is (-1, 1), and so with more axes."""
    missing = shape[array.ndim :]
    return array.reshape(*array.shape, *missing) if array.ndim and set(missing) == {1} else array


def _interpreter(content: bytes, threads: int | None) -> Any:
    try:
        from ai_edge_litert import interpreter as lite
    except ImportError:
        from tensorflow import lite
    with warnings.catch_warnings():  # TensorFlow's own says that it will go
        warnings.filterwarnings("ignore", r"\s*Warning: tf.lite.Interpreter", UserWarning)
        return lite.Interpreter(model_content=content, num_threads=threads)


def _infos(tensors: Mapping[str, Any]) -> dict[str, TensorInfo]:
    return {name: _info(tensor) for name, tensor in sorted(tensors.items())}


def _info(tensor: Mapping[str, Any]) -> TensorInfo:
    dtype = np.dtype(tensor["dtype"])
    name = "DT_STRING" if dtype.kind in "OSU" else _NAMES.get(dtype, f"DT_{dtype.name.upper()}")
    shape = tensor.get("shape_signature", tensor["shape"])
    return TensorInfo(name, tuple(map(int, shape)), tensor["name"])
