"""A log of what is asked and answered, as features, for `dlkit monitor`.

A line a sampled request, in JSON: when, which model, version and signature, how long it took, and
the features of its rows and of their predictions (`dlkit.profiles`). Those of numbers, of short
texts and of small pictures are their values in clear: whoever reads the log reads them. The file is
rotated, so that it never fills the disk.
"""

import json
import logging
import logging.handlers
import math
import os
import random
import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from dlkit import profiles
from dlkit.errors import InputError

log = logging.getLogger("dlkit.serving")

_ROWS = 1000  # of one request; what is larger is a batch job, not traffic


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
        try:
            self._file = logging.handlers.RotatingFileHandler(
                path, maxBytes=max_bytes, backupCount=parts, encoding="utf-8"
            )
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
        """
        if self._random.random() >= self._share:
            return
        features = profiles.input_features(_first_rows(inputs))
        features |= profiles.prediction_features(_first_rows(outputs))
        line = {
            "time": time.time(),
            "model": model,
            "version": version,
            "signature": signature,
            "milliseconds": round(seconds * 1000, 3),
            "features": {name: _plain(values) for name, values in features.items()},
        }
        text = json.dumps(line, ensure_ascii=False)
        # The handler locks, rotates and flushes; a full disk must not fail the answer.
        self._file.handle(logging.LogRecord("requests", logging.INFO, "", 0, text, None, None))

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class Logged:
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

    def run(self, signature_name: str, inputs: Mapping[str, np.ndarray]) -> Any:
        """Return the outputs by name, after the request is logged."""
        start = time.perf_counter()
        outputs = self._runtime.run(signature_name, inputs)
        seconds = time.perf_counter() - start
        told = (self._model, self._version, signature_name, inputs, outputs, seconds)
        try:
            self._requests.record(*told)
        except Exception:  # whatever it is, the client has its answer
            log.exception("A request to %s could not be logged", self._model)
        return outputs

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
    return [None if math.isnan(value) else value for value in profiles.rounded(values).tolist()]
