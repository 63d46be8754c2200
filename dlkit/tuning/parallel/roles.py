"""What a process is in a search on several: told by KerasTuner's own environment variables.

    KERASTUNER_TUNER_ID      "chief", or the name of a worker
    KERASTUNER_ORACLE_IP     where the chief is, or where it should listen
    KERASTUNER_ORACLE_PORT

Workers that a chief starts on its own machine run the same command as it does, so two more say
which of a script's searches they are for, and whether they end after a trial.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import pathlib
from collections.abc import Iterator

from dlkit.errors import InputError

_ID, _HOST, _PORT = "KERASTUNER_TUNER_ID", "KERASTUNER_ORACLE_IP", "KERASTUNER_ORACLE_PORT"
_SEARCH, _ONE_TRIAL = "DLKIT_SEARCH", "DLKIT_SEARCH_ONE_TRIAL"


@dataclasses.dataclass(frozen=True)
class Role:
    """What this process is in a search.

    Attributes:
        tuner_id: Its name; a chief's is `"chief"`.
        host: Where the chief listens.
        port: Its port.
        one_trial: Whether a worker ends after a trial.
    """

    tuner_id: str
    host: str
    port: int
    one_trial: bool = False

    @property
    def is_chief(self) -> bool:
        """Whether it has the oracle."""
        return "chief" in self.tuner_id

    def environment(self, project: pathlib.Path) -> dict[str, str]:
        """Return the variables that make a process this, for one search."""
        told = {_ID: self.tuner_id, _HOST: self.host, _PORT: str(self.port)}
        told[_SEARCH] = str(project.absolute())
        return told | ({_ONE_TRIAL: "1"} if self.one_trial else {})


def is_for_another(project: pathlib.Path) -> bool:
    """Return whether this process is a worker of another search, which comes later in its script.

    The search at `project` has then ended, and is read alone.
    """
    return os.environ.get(_SEARCH, here := str(project.absolute())) != here


def find_role(project: pathlib.Path) -> Role | None:
    """Return what this process is in the search at `project`; `None` is one that searches alone.

    Raises:
        InputError: when the variables contradict each other.
    """
    if _HOST not in os.environ or is_for_another(project):
        return None
    try:
        port = int(os.environ[_PORT])
        return Role(os.environ[_ID], os.environ[_HOST], port, _ONE_TRIAL in os.environ)
    except (KeyError, ValueError):
        told = {name: os.environ.get(name) for name in (_ID, _HOST, _PORT)}
        raise InputError(
            f"A search on several processes needs {_ID}, {_HOST} and a number as {_PORT}."
            f" Received: {told}."
        ) from None


def is_started_by_chief() -> bool:
    """Return whether this process is a worker that its chief has started."""
    return _SEARCH in os.environ


@contextlib.contextmanager
def taken_by(role: Role | None) -> Iterator[None]:
    """Show KerasTuner the variables of a worker, and none to what has the oracle itself."""
    kept = {name: os.environ.pop(name) for name in (_ID, _HOST, _PORT) if name in os.environ}
    if role is not None and not role.is_chief:
        os.environ.update({_ID: role.tuner_id, _HOST: role.host, _PORT: str(role.port)})
    try:
        yield
    finally:
        for name in (_ID, _HOST, _PORT):
            os.environ.pop(name, None)
        os.environ.update(kept)
