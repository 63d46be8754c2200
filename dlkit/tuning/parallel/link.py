"""A worker's side: is the chief there, and does it know that the worker is."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from typing import Any

from dlkit.errors import InputError
from dlkit.tuning.parallel.roles import Role

_BEAT = 10.0  # seconds between two signs of life


class Link:
    """What a worker knows of its chief.

    Attributes:
        trial_id: The trial that runs, or `None`.

    Args:
        role: The worker's.
        wait: Seconds until a chief that does not answer is gone.
    """

    def __init__(self, role: Role, wait: float) -> None:
        self.role, self._wait = role, wait
        self.trial_id: str | None = None

    def reach(self) -> None:
        """See that the chief is there, and wait for it a while.

        Raises:
            InputError: when it does not answer in time.
        """
        deadline = time.monotonic() + self._wait
        while True:
            try:
                socket.create_connection((self.role.host, self.role.port), timeout=5).close()
                return
            except OSError as error:
                if time.monotonic() > deadline:
                    raise InputError(
                        f"No chief answers at {self.role.host}:{self.role.port} for"
                        f" {self._wait:.0f} s ({error}): start it first, as by `dlkit tune --chief"
                        f" {self.role.host}:{self.role.port}`, and let its port through."
                    ) from None
            time.sleep(0.3)

    def keep_alive(self, oracle: Any) -> None:
        """Tell the chief from now on, while a trial runs, that the worker is alive."""

        def beat() -> None:
            while True:
                time.sleep(_BEAT)
                if (trial := self.trial_id) is not None:
                    with contextlib.suppress(Exception):  # the worker itself finds out
                        oracle.get_trial(trial)

        threading.Thread(target=beat, daemon=True).start()
