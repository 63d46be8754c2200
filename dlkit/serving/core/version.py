"""One version of a model, and what has become of it."""

import pathlib
from dataclasses import dataclass
from typing import Any

from dlkit.serving.core.runtime import Runtime
from dlkit.serving.core.status import StatusError

MAX_VERSION = 2**63 - 1  # versions are int64 in the protos
# What a request may ask for: a version's number, the label of one, or None for the highest.
Wanted = int | str | None


@dataclass
class Version:
    """One version of a model and what has become of it.

    Args:
        number: The version number.
        path: Its directory.
        state: START, LOADING, AVAILABLE, UNLOADING or END.
        error: Why it could not be loaded, if so.
        runtime: The loaded model; None before and after there is one.
        users: How many requests are running on it.
        attempts: How often loading was tried since its directory came.
        retry_at: When to try again, on the monotonic clock.
        model: The model's name.
    """

    number: int
    path: pathlib.Path
    state: str = "START"
    error: StatusError | None = None
    runtime: Runtime = None  # type: ignore[assignment]  # no request holds a version without it
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
