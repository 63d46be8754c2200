"""Run a version's ONNX twin with ONNX Runtime: no TensorFlow in the process."""

import functools
import threading
import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from dlkit.argument_validation import require
from dlkit.serving.core.runtime import Runtime
from dlkit.serving.core.settings import Settings
from dlkit.serving.core.status import StatusError, one_line
from dlkit.serving.runtimes import export_manifest
from dlkit.serving.runtimes.export_manifest import Told
from dlkit.serving.runtimes.trial_runs import fastest, zero_inputs

_TOO_LONG = "Timed out waiting for notification"  # TensorFlow's words
_SMALL_BYTES = 4 * 2**20  # of a file that is quickly loaded twice
_NO_TIME_SECONDS = 1e-4
_TRIES = 5
_CHECKS = 20  # how often in a time limit it is looked at who has passed it


class OnnxModel(Runtime):
    """The signatures of a version that have an ONNX twin, ready to run.

    Args:
        told: What the version says of itself.
        settings: The options; of them the timeout and the threads matter here.
        runtime: Which of its twins. Defaults to "onnx".

    Raises:
        StatusError: when a file is not the one that was checked, or cannot be loaded.
        MissingExtraError: when ONNX Runtime is not installed.
    """

    def __init__(self, told: Told, settings: Settings, runtime: str = "onnx"):
        self._onnxruntime = require("onnxruntime", "onnx")
        files = told.files[runtime]
        self.signatures = {key: told.signatures[key] for key in files}
        self._sessions = {
            key: self._load(key, export_manifest.content(*found), settings)
            for key, found in files.items()
        }
        self._deadlines = _Deadlines(settings.timeout_seconds)

    def _load(self, key: str, content: bytes, settings: Settings) -> Any:
        """Return a session; of one thread where that is all that one row needs."""
        if settings.intra_op_threads == 0 and len(content) <= _SMALL_BYTES:
            session = self._session(content, settings, 1)
            if _takes_no_time(session, zero_inputs(self.signatures[key])):
                return session
        return self._session(content, settings, settings.intra_op_threads)

    def _session(self, content: bytes, settings: Settings, threads: int) -> Any:
        options = self._onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = settings.inter_op_threads
        options.log_severity_level = 4  # what it refuses, it says in an exception as well
        # Threads that wait in a loop for the next operation take the processor from requests.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            return self._onnxruntime.InferenceSession(
                content, options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # ONNX Runtime's own errors have no common base
            raise _status(error, "DATA_LOSS") from None

    def run(self, signature_name: str, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Run one signature; safe to call from many threads at once.

        Args:
            signature_name: A key of `signatures`.
            inputs: An array for each input of the signature; strings as objects holding bytes.

        Raises:
            StatusError: with ONNX Runtime's text.
        """
        names = list(self.signatures[signature_name].outputs)
        feeds = {name: _text(array) for name, array in inputs.items()}
        options = self._onnxruntime.RunOptions()
        number = self._deadlines.enter(options)
        try:
            values = self._sessions[signature_name].run(names, feeds, options)
        except Exception as error:
            if self._deadlines.passed(number):
                raise StatusError("DEADLINE_EXCEEDED", _TOO_LONG) from None
            raise _status(error) from None
        finally:
            self._deadlines.leave(number)
        return dict(zip(names, map(_array, values), strict=True))

    def close(self) -> None:
        """Free the models' memory; no call may be running."""
        self._sessions.clear()
        self._deadlines.close()


def _takes_no_time(session: Any, inputs: Mapping[str, np.ndarray]) -> bool:
    """Whether waking threads for a run would take about as long as they save."""
    feeds = {name: _text(array) for name, array in inputs.items()}
    try:
        return fastest(functools.partial(session.run, None, feeds), _TRIES) <= _NO_TIME_SECONDS
    except Exception:  # not on zeros: then nothing is known
        return False


def _text(array: np.ndarray) -> np.ndarray:
    """Return strings as ONNX Runtime takes them: as text, not as bytes."""
    if array.dtype.kind != "O":
        return array
    try:
        decoded = [value.decode() for value in array.ravel().tolist()]
    except UnicodeDecodeError as error:
        raise StatusError("INVALID_ARGUMENT", f"A string is not UTF-8: {error}") from None
    return np.array(decoded, object).reshape(array.shape)


def _array(value: np.ndarray) -> np.ndarray:
    if value.dtype.kind not in "OU":
        return value
    found = np.empty(value.size, object)
    found[:] = [text.encode() for text in value.ravel().tolist()]
    return found.reshape(value.shape)


def _status(error: Exception, code: str = "INVALID_ARGUMENT") -> StatusError:
    text = one_line(error)
    if "Failed to allocate memory" in text:
        code = "RESOURCE_EXHAUSTED"
    return StatusError(code, text)


class _Deadlines:
    """Ends runs that take too long, all of them by one thread that is started by the first.

    Args:
        seconds: How long a run may take; 0 for no limit.
    """

    def __init__(self, seconds: float):
        self._seconds = seconds
        self._running: dict[int, tuple[float, Any]] = {}
        self._passed: set[int] = set()
        self._count = 0
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    def enter(self, options: Any) -> int:
        """Begin a run with these options; return its number."""
        if not self._seconds:
            return 0
        with self._lock:
            self._count += 1
            self._running[self._count] = time.monotonic() + self._seconds, options
            if self._thread is None:
                self._thread = threading.Thread(target=self._watch, name="deadlines", daemon=True)
                self._thread.start()
            return self._count

    def leave(self, number: int) -> None:
        """End a run."""
        self._running.pop(number, None)
        self._passed.discard(number)

    def passed(self, number: int) -> bool:
        """Whether a run was ended because it took too long."""
        return number in self._passed

    def close(self) -> None:
        """End the thread."""
        self._closing.set()

    def _watch(self) -> None:
        while not self._closing.wait(self._seconds / _CHECKS):
            now = time.monotonic()
            for number, (end, options) in list(self._running.items()):
                if now > end:
                    self._passed.add(number)
                    options.terminate = True
