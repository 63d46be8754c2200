"""Which versions of a model are loaded: watch the base path, load, swap, drain, unload.

The rules are TensorFlow Serving's: `<base>/<integer>/` holds a version, the highest ones are
served, a new one is loaded before an old one goes (so that no request is refused in between), a
version that fails to load never replaces a good one, and a request finishes on the version that it
started on.
"""

import contextlib
import gc
import logging
import pathlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from dlkit.serving.base_path import find_versions, no_versions_text
from dlkit.serving.signatures import Signature
from dlkit.serving.status import StatusError, not_available

log = logging.getLogger("dlkit.serving")


class Runtime(Protocol):
    """A loaded version, whatever library runs it."""

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
        attempts: How often loading was tried.
        retry_at: When to try again, on the monotonic clock.
    """

    number: int
    path: pathlib.Path
    state: str = "START"
    error: StatusError | None = None
    runtime: Runtime | None = None
    users: int = 0
    attempts: int = 0
    retry_at: float = 0.0


class ServedModel:
    """The versions of one model under a base path.

    Args:
        name: The model's name in URLs.
        base: The base path.
        load: Loads a version directory; raises StatusError when it cannot.
        num_versions: How many of the highest versions are served at a time. Defaults to 1.
        max_retries: How often a failed load is tried again. Defaults to 5.
        retry_seconds: How long to wait before that. Defaults to 60.
    """

    def __init__(
        self,
        name: str,
        base: pathlib.Path,
        load: Callable[[pathlib.Path], Runtime],
        *,
        num_versions: int = 1,
        max_retries: int = 5,
        retry_seconds: float = 60.0,
    ):
        self.name = name
        self.base = base
        self._load = load
        self._num_versions = max(1, num_versions)
        self._max_retries = max_retries
        self._retry_seconds = retry_seconds
        self._versions: dict[int, Version] = {}
        self._lock = threading.Lock()
        self._complaint = ""

    # ------------------------------------------------------------ requests

    @contextlib.contextmanager
    def use(self, number: int | None = None) -> Iterator[Version]:
        """Hold a version for the length of a request, so that it is not unloaded under it.

        Args:
            number: The version; None for the highest one that is available.

        Raises:
            StatusError: NOT_FOUND when it is not available.
        """
        version = self._acquire(number)
        try:
            yield version
        finally:
            self._release(version)

    def _acquire(self, number: int | None) -> Version:
        with self._lock:
            if number is None:
                number = max(self._available(), default=None)
            version = self._versions.get(number) if number is not None else None
            if version is None or version.state != "AVAILABLE":
                raise not_available(self.name, number)
            version.users += 1
            return version

    def _release(self, version: Version) -> None:
        with self._lock:
            version.users -= 1
            last = version.users == 0 and version.state == "UNLOADING"
        if last:  # elsewhere, so that this request need not wait for it
            threading.Thread(target=self._close_last, args=(version,), daemon=True).start()

    def _available(self) -> list[int]:
        return [number for number, v in self._versions.items() if v.state == "AVAILABLE"]

    @property
    def ready(self) -> bool:
        """Whether some version is available."""
        with self._lock:
            return bool(self._available())

    def status_json(self, number: int | None = None) -> dict[str, Any]:
        """Return the answer of `GET /v1/models/<name>[/versions/<number>]`.

        Raises:
            StatusError: NOT_FOUND for a version that never was.
        """
        with self._lock:
            known = sorted(self._versions.values(), key=lambda v: -v.number)
            states = [_state_json(v) for v in known if number in (None, v.number)]
        if not states:
            what = "any versions" if number is None else f"version {number}"
            raise StatusError("NOT_FOUND", f"Could not find {what} of model {self.name}")
        return {"model_version_status": states}

    def first_error(self) -> StatusError | None:
        """Return why the highest version that failed did so, or None."""
        failed = [v for v in self._versions.values() if v.error is not None]
        return max(failed, key=lambda v: v.number).error if failed else None

    # ------------------------------------------------------------ the watcher

    def poll(self) -> None:
        """Look at the base path once and bring the loaded versions in line with it.

        Only one thread may call it. Loading happens here; requests go on meanwhile.
        """
        found = find_versions(self.base)
        if found is None:
            self._complain(f"Could not find base path {self.base} for servable {self.name}")
            return
        self._complain("" if found else no_versions_text(self.name, self.base))
        wanted = sorted(found)[-self._num_versions :]
        changed = [self._ensure(number, found[number]) for number in wanted]
        if self._retire_all_but(wanted) or any(changed):
            settle_memory()

    def _complain(self, text: str) -> None:
        if text and text != self._complaint:  # once, not every second
            log.warning("%s", text)
        self._complaint = text

    def _ensure(self, number: int, path: pathlib.Path) -> bool:
        """Load a version that is not there; return whether one was."""
        version = self._versions.get(number)
        if version is not None and version.state != "END":
            return False
        if version is None or version.error is None:
            version = Version(number, path)
            with self._lock:
                self._versions[number] = version
        elif version.attempts > self._max_retries or time.monotonic() < version.retry_at:
            return False
        return self._bring_up(version)

    def _bring_up(self, version: Version) -> bool:
        version.state, version.error = "LOADING", None
        version.attempts += 1
        try:
            runtime = self._load(version.path)
        except StatusError as error:
            return self._give_up(version, error)
        except Exception as error:  # of a loader that should have known better
            unknown = StatusError("UNKNOWN", f"{type(error).__name__}: {error}")
            return self._give_up(version, unknown)
        with self._lock:
            version.runtime, version.state = runtime, "AVAILABLE"
        log.info("Version %s of %s is available", version.number, self.name)
        return True

    def _give_up(self, version: Version, error: StatusError) -> bool:
        log.error("Version %s of %s: %s", version.number, self.name, error.message)
        version.retry_at = time.monotonic() + self._retry_seconds
        version.error, version.state = error, "END"
        return False

    def _retire_all_but(self, wanted: list[int]) -> bool:
        """Unload what is no longer wanted, unless nothing else could answer; say if any was."""
        with self._lock:
            available = self._available()
            if wanted and not set(available) & set(wanted):
                return False
            leaving = [self._versions[number] for number in available if number not in wanted]
            for version in leaving:
                version.state = "UNLOADING"
            idle = [version for version in leaving if version.users == 0]
        for version in idle:
            self._close(version)
        return bool(idle)

    def _close_last(self, version: Version) -> None:
        self._close(version)
        settle_memory()

    def _close(self, version: Version) -> None:
        runtime, version.runtime = version.runtime, None
        if runtime is not None:
            runtime.close()
        version.state = "END"
        log.info("Version %s of %s is unloaded", version.number, self.name)

    def close(self) -> None:
        """Unload everything; the running requests finish first."""
        self._retire_all_but([])


class Watcher:
    """A thread that polls models until it is stopped.

    Args:
        models: What to poll.
        seconds: The time between two looks.
    """

    def __init__(self, models: list[ServedModel], seconds: float):
        self._models = models
        self._seconds = seconds
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="versions", daemon=True)

    def start(self) -> None:
        """Begin to poll, the first time after one interval."""
        self._thread.start()

    def stop(self) -> None:
        """Stop polling, and wait for a load that is under way."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._stopping.wait(self._seconds):
            for model in self._models:
                try:
                    model.poll()
                except Exception:  # the disk may do anything; the server goes on
                    log.exception("Looking for versions of %s failed", model.name)


def settle_memory() -> None:
    """Free what is gone and take what stays out of the garbage collector's sight.

    TensorFlow holds 368,000 objects, and a full collection over them stops requests for 0.2 s.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()


def _state_json(version: Version) -> dict[str, Any]:
    error = version.error
    return {
        "version": str(version.number),
        "state": version.state,
        "status": {
            "error_code": error.code if error else "OK",
            "error_message": error.message if error else "",
        },
    }
