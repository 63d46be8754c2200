"""Which versions of a model are loaded: watch the base path, load, swap, drain, unload.

The rules are TensorFlow Serving's: `<base>/<integer>/` holds a version, a policy says which of them
are served, a new one is loaded before an old one goes (so that no request is refused in between), a
version that fails to load never replaces a good one, and a request finishes on the version that it
started on.
"""

import contextlib
import logging
import pathlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from dlkit.serving.core import base_path
from dlkit.serving.core.runtime import Runtime
from dlkit.serving.core.status import StatusError, invalid, not_available
from dlkit.serving.core.version import Version, Wanted
from dlkit.serving.observability import metrics
from dlkit.serving.versions.memory import settle_memory
from dlkit.serving.versions.policy import VersionPolicy

log = logging.getLogger("dlkit.serving")

_MAX_GONE = 1000  # of the versions that were removed, how many stay listed


class ServedModel:
    """The versions of one model under a base path.

    Args:
        name: The model's name in URLs.
        base: The base path.
        load: Loads a version directory; raises StatusError when it cannot.
        policy: Which versions are served. Defaults to None, the highest one.
        max_retries: How often a failed load is tried again. Defaults to 5.
        retry_seconds: How long to wait before that. Defaults to 60.
    """

    def __init__(
        self,
        name: str,
        base: pathlib.Path,
        load: Callable[[pathlib.Path], Runtime],
        *,
        policy: VersionPolicy | None = None,
        max_retries: int = 5,
        retry_seconds: float = 60.0,
    ):
        self.name = name
        self.base = base
        self.policy = policy or VersionPolicy()
        self.labels: Mapping[str, int] = {}  # replaced as a whole, never changed
        self._load = load
        self._max_retries = max_retries
        self._retry_seconds = retry_seconds
        self._versions: dict[int, Version] = {}
        self._available: dict[int, Version] = {}  # of those, what requests may run on
        self._wanted: list[int] | None = None
        self._lock = threading.Lock()
        self._complaint = ""
        metrics.know_model(name)

    # ------------------------------------------------------------ requests

    @contextlib.contextmanager
    def use(self, wanted: Wanted = None) -> Iterator[Version]:
        """Hold a version for the length of a request, so that it is not unloaded under it.

        Args:
            wanted: The version's number or a label of it; None for the highest one available.

        Raises:
            StatusError: NOT_FOUND when it is not available, INVALID_ARGUMENT for an unknown label.
        """
        version = self.acquire(wanted)
        try:
            yield version
        finally:
            self.release(version)

    def acquire(self, wanted: Wanted = None) -> Version:
        """Hold a version until `release` gets it back, where there is no block of code for `use`.

        Raises:
            StatusError: as `use` does.
        """
        with self._lock:
            number = max(self._available, default=None) if wanted is None else self._find(wanted)
            version = None if number is None else self._available.get(number)
            if version is None:
                raise not_available(self.name, number)
            version.users += 1
            return version

    def _find(self, wanted: Wanted) -> int | None:
        """Return the number that is meant."""
        if isinstance(wanted, str):
            if wanted not in self.labels:
                raise unknown_label(wanted)
            return self.labels[wanted]
        return wanted

    def release(self, version: Version) -> None:
        """Let go of a version that `acquire` returned."""
        with self._lock:
            version.users -= 1
            last = version.users == 0 and version.state == "UNLOADING"
        if last:  # elsewhere, so that this request need not wait for it
            threading.Thread(target=self._close_last, args=(version,), daemon=True).start()

    @property
    def ready(self) -> bool:
        """Whether some version is available."""
        return bool(self._available)

    def is_available(self, number: int) -> bool:
        """Whether requests may ask for version `number`."""
        return number in self._available

    def status_json(self, wanted: Wanted = None) -> dict[str, Any]:
        """Return the answer of `GET /v1/models/<name>[/versions/<number>]`.

        Raises:
            StatusError: NOT_FOUND for a version that never was, INVALID_ARGUMENT for an unknown
                label.
        """
        with self._lock:
            number = self._find(wanted)
            known = sorted(self._versions.values(), key=lambda v: -v.number)
            states = [v.state_json() for v in known if number in (None, v.number)]
        if not states:
            what = "any versions" if number is None else f"version {number}"
            raise StatusError("NOT_FOUND", f"Could not find {what} of model {self.name}")
        return {"model_version_status": states}

    def first_failure(self) -> tuple[int, StatusError] | None:
        """Return the highest version that could not be loaded, and why; None where all could."""
        failed = [(v.number, v.error) for v in self._versions.values() if v.error is not None]
        return max(failed, key=lambda failure: failure[0], default=None)

    # ------------------------------------------------------------ what is loaded

    def poll(self) -> None:
        """Look at the base path once and bring the loaded versions in line with it.

        Only one thread at a time may call this and the methods below. Loading happens here;
        requests go on meanwhile.
        """
        loaded = self.load_wanted()
        if (gone := self.retire_others()) or loaded:
            settle_memory(gone)

    def load_wanted(self) -> bool:
        """Load what the policy wants and is not there; nothing goes yet. Say if any was loaded."""
        self._wanted = None
        found = base_path.find_versions(self.base)
        if found is None:
            self._complain(f"{base_path.unlisted_text(self.base)} for servable {self.name}")
            return False
        self._complain(self._complaint_about(found))
        self._forget(found)
        wanted = self.policy.select(found)
        loaded = [self._ensure(number, found[number]) for number in wanted]
        # A policy that names nothing which is there is a mistake: what serves goes on.
        self._wanted = wanted if wanted or not found else None
        return any(loaded)

    def retire_others(self) -> bool:
        """Unload what the policy does not want, unless nothing else could answer."""
        return self._wanted is not None and self._retire_all_but(self._wanted)

    def _forget(self, found: Mapping[int, pathlib.Path]) -> None:
        """Forget what was tried of removed versions, and the lowest of them altogether."""
        ended = (number for number, version in self._versions.items() if version.state == "END")
        gone = sorted(number for number in ended if number not in found)
        for number in gone:
            self._versions[number].attempts = 0
        with self._lock:
            for number in gone[:-_MAX_GONE]:
                del self._versions[number]

    def _complaint_about(self, found: Mapping[int, pathlib.Path]) -> str:
        missing = self.policy.missing(found)
        if found and missing:
            return (
                f"Versions {missing} of servable {self.name}, which its version policy asks for,"
                f" were not found under base path {self.base}"
            )
        if not found:
            return base_path.no_versions_text(self.name, self.base)
        return base_path.duplicates_text(self.base, found)

    def _complain(self, text: str) -> None:
        if text and text != self._complaint:  # once, not every second
            log.warning("%s", text)
        self._complaint = text

    def _ensure(self, number: int, path: pathlib.Path) -> bool:
        """Load a version that is not there; return whether one was."""
        version = self._versions.get(number)
        if version is not None and version.state != "END":
            return False
        if version is None or version.error is None or not version.attempts:
            version = Version(number, path, model=self.name)
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
            self._available[version.number] = version
        log.info("Version %s of %s is available", version.number, self.name)
        return True

    def _give_up(self, version: Version, error: StatusError) -> bool:
        log.error("Version %s of %s: %s", version.number, self.name, error.message)
        version.retry_at = time.monotonic() + self._retry_seconds
        version.error, version.state = error, "END"
        return False

    def _retire_all_but(self, wanted: list[int]) -> bool:
        with self._lock:
            leaving = self._available.keys() - set(wanted)
            if wanted and leaving == self._available.keys():
                return False
            idle = _mark_unloading([self._available.pop(number) for number in leaving])
        return self._close_all(idle)

    def _close_all(self, versions: list[Version]) -> bool:
        for version in versions:
            self._close(version)
        return bool(versions)

    def _close_last(self, version: Version) -> None:
        self._close(version)
        settle_memory(gone=True)

    def _close(self, version: Version) -> None:
        runtime = version.runtime
        version.runtime = None  # type: ignore[assignment]  # no request holds it any more
        if runtime is not None:
            runtime.close()
        version.state = "END"
        log.info("Version %s of %s is unloaded", version.number, self.name)

    def move_to(self, other: "ServedModel") -> None:
        """Serve what `other` has loaded from another base path; what was served here goes.

        Args:
            other: A model that nobody else uses, and that is ready.
        """
        with self._lock:
            leaving = list(self._available.values())
            self._versions, self._available = other._versions, other._available
            self._wanted = other._wanted
            self.base, self.policy, self.labels = other.base, other.policy, other.labels
            idle = _mark_unloading(leaving)
        self._close_all(idle)

    def close(self) -> None:
        """Unload everything; the running requests finish first."""
        self._retire_all_but([])


def _mark_unloading(versions: list[Version]) -> list[Version]:
    """Let no more requests onto `versions`; return those that no request runs on."""
    for version in versions:
        version.state = "UNLOADING"
    return [version for version in versions if version.users == 0]


def unknown_label(label: str) -> StatusError:
    """Return TensorFlow Serving's answer for a label that no version has."""
    return invalid(f"Unrecognized servable version label: {label}")
