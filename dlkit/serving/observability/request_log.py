"""A log of what is asked and answered, as features, for `dlkit monitor`.

A line a sampled request, in JSON: when, which model, version and signature, how long it took, and
the features of its rows and of their predictions (`dlkit.feature_profiles`). Those of numbers, of
short texts and of small pictures are their values in clear: whoever reads the log reads them. It is
rotated, so that it never fills the disk. Where the disk is full all the same, requests are answered
without being logged, and no half a line is left.
"""

import contextlib
import errno
import io
import itertools
import json
import logging
import math
import os
import random
import threading
import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from dlkit import feature_profiles
from dlkit.errors import InputError
from dlkit.serving.core.runtime import Runtime

log = logging.getLogger("dlkit.serving")

_ROWS = 1000  # of one request; what is larger is a batch job, not traffic
_QUIET = 60.0  # seconds between two lines about requests that could not be logged


class RequestLog:
    """Writes sampled requests; safe to use from many threads.

    Args:
        path: The file; its older parts are called `<path>.1` and so on.
        share: The share of requests to log, above 0 and at most 1. Defaults to 1.0.
        max_bytes: The size at which a new part is begun. Defaults to 64 MiB.
        parts: How many older parts are kept. Defaults to 4.
        seed: Of the choice of requests. Defaults to None: another one in each process.

    Raises:
        InputError: when the file cannot be written.

    Example:
        >>> import pathlib, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     log = RequestLog(pathlib.Path(folder, "requests.log"))
        ...     log.record("iris", 1, "serving_default", {"x": np.ones((2, 1))}, {}, 0.001)
        ...     log.close()
        ...     json.loads(pathlib.Path(folder, "requests.log").read_text())["features"]
        {'x': [1.0, 1.0]}
    """

    def __init__(
        self,
        path: str | os.PathLike,
        *,
        share: float = 1.0,
        max_bytes: int = 64 * 2**20,
        parts: int = 4,
        seed: int | None = None,
    ):
        self._share = share
        self._random = random.Random(seed)
        self._path, self._max_bytes, self._parts = os.path.abspath(path), max_bytes, parts
        self._lock = threading.Lock()
        try:
            self._file = self._open()
        except OSError as error:
            raise InputError(f"The request log {path} cannot be written: {error}.") from None

    def record(
        self,
        model: str,
        version: int,
        signature: str,
        inputs: Mapping[str, np.ndarray],
        outputs: Mapping[str, np.ndarray],
        seconds: float,
    ) -> None:
        """Write one request, if it is among those that are sampled.

        Args:
            model: The model's name.
            version: The version that answered.
            signature: The signature's name.
            inputs: Its inputs, the rows along the first axis.
            outputs: The answer.
            seconds: How long it took to compute.

        Raises:
            OSError: when the line cannot be written; the log is as it was before.
        """
        if self._random.random() >= self._share:
            return
        features = feature_profiles.input_features(_first_rows(inputs))
        features |= feature_profiles.prediction_features(_first_rows(outputs))
        line = {
            "time": time.time(),
            "model": model,
            "version": version,
            "signature": signature,
            "milliseconds": round(seconds * 1000, 3),
            "features": {name: _plain(values) for name, values in features.items()},
        }
        content = json.dumps(line, ensure_ascii=False).encode() + b"\n"
        with self._lock:
            self._append(content)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _open(self) -> io.FileIO:
        return open(self._path, "ab", buffering=0)  # no rest of a line waits for room

    def _append(self, content: bytes) -> None:
        size = os.fstat(self._file.fileno()).st_size
        if size and size + len(content) > self._max_bytes:
            self._rotate()
            size = os.fstat(self._file.fileno()).st_size
        try:
            if self._file.write(content) != len(content):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError as error:
            with contextlib.suppress(OSError):
                self._file.truncate(size)
            raise OSError(error.errno, error.strerror, self._path) from None

    def _rotate(self) -> None:
        if os.path.exists(self._path):  # else it was moved before, and could not be made anew
            parts = [self._path, *(f"{self._path}.{i}" for i in range(1, self._parts + 1))]
            for newer, older in reversed(list(itertools.pairwise(parts))):
                with contextlib.suppress(FileNotFoundError):
                    os.replace(newer, older)
        made = self._open()
        self._file.close()
        self._file = made


class Logged(Runtime):
    """A loaded version whose requests are logged; otherwise as it was.

    Args:
        runtime: The loaded version.
        requests: The log.
        model: The model's name.
        version: The version's number.
    """

    def __init__(self, runtime: Any, requests: RequestLog, model: str, version: int):
        self.signatures = runtime.signatures
        self._runtime, self._requests = runtime, requests
        self._model, self._version = model, version
        self._missed, self._quiet_until, self._lock = 0, 0.0, threading.Lock()

    def run(self, signature_name: str, inputs: Mapping[str, np.ndarray]) -> Any:
        """Return the outputs by name, after the request is logged."""
        start = time.perf_counter()
        outputs = self._runtime.run(signature_name, inputs)
        seconds = time.perf_counter() - start
        told = (self._model, self._version, signature_name, inputs, outputs, seconds)
        try:
            self._requests.record(*told)
        except Exception as error:  # whatever it is, the client has its answer
            self._complain(error)
        return outputs

    def _complain(self, error: Exception) -> None:
        with self._lock:
            self._missed += 1
            if time.monotonic() < self._quiet_until:
                return
            self._quiet_until = time.monotonic() + _QUIET
        log.error(
            "A request to %s could not be logged: %s (%d so far; this is said once a minute)",
            *(self._model, error, self._missed),
            # What a full disk is needs no explanation.
            exc_info=None if isinstance(error, OSError) else error,
        )

    def close(self) -> None:
        """Free what the version holds; the log stays open for others."""
        self._runtime.close()


def _first_rows(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    # What has no rows, as a scalar has none, says nothing about a row.
    return {name: array[:_ROWS] for name, array in arrays.items() if np.ndim(array)}


def _plain(values: np.ndarray) -> list[Any]:
    """Return a feature's values as JSON has them: what is missing is null."""
    if values.dtype.kind in "OSU":
        return [value if value is None else str(value) for value in values]
    return [
        None if math.isnan(value) else value
        for value in feature_profiles.rounded_numbers(values).tolist()
    ]
