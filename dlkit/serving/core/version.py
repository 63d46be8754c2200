"""One version of a model, and what has become of it."""

import pathlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from dlkit.serving.core.signatures import Signature
from dlkit.serving.core.status import StatusError

MAX_VERSION = 2**63 - 1  # versions are int64 in the protos
# What a request may ask for: a version's number, the label of one, or None for the highest.
Wanted = int | str | None


class Runtime(Protocol):
    """A loaded version, whatever library runs it.

    One that has `rowwise`, keys of `signatures`, may be given the rows of several requests at once,
    and its `times`, a `RunTimes`, say how long such runs take.
    """

    signatures: Mapping[str, Signature]

    def run(self, signature_name: str, inputs: Mapping[str, np.ndarray]) -> Any:
        """Return the outputs by name."""

    def close(self) -> None:
        """Free what it holds."""


@dataclass
class Version:
    """One version of a model and what has become of it.

    Args:
        number: The version number.
        path: Its directory.
        state: START, LOADING, AVAILABLE, UNLOADING or END.
        error: Why it could not be loaded, if so.
        runtime: The loaded model while there is one.
        users: How many requests are running on it.
        attempts: How often loading was tried since its directory came.
        retry_at: When to try again, on the monotonic clock.
        model: The model's name.
    """

    number: int
    path: pathlib.Path
    state: str = "START"
    error: StatusError | None = None
    runtime: Runtime | None = None
    users: int = 0
    attempts: int = 0
    retry_at: float = 0.0
    model: str = ""

    def state_json(self) -> dict[str, Any]:
        """Return the version's entry in the answer of the status API.

        Example:
            >>> Version(3, pathlib.Path("exports/digits/3")).state_json()["version"]
            '3'
        """
        error = self.error
        return {
            "version": str(self.number),
            "state": self.state,
            "status": {
                "error_code": error.code if error else "OK",
                "error_message": error.message if error else "",
            },
        }
