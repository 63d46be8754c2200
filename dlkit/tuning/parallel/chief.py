"""The chief: it has the oracle, and answers workers in KerasTuner's own gRPC protocol.

    worker: CreateTrial -> UpdateTrial, an epoch each -> EndTrial -> CreateTrial ... -> "STOPPED"
            GetTrial meanwhile, as a sign of life

KerasTuner's own chief waits for a worker that has died for ever, and up to 20 s at the end.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent import futures
from typing import Any

import grpc
from keras_tuner.engine.trial import Trial
from keras_tuner.src import protos  # its protocol is nowhere else
from keras_tuner.src.distribute.oracle_chief import OracleServicer

from dlkit.errors import InputError
from dlkit.tuning.oracles.oracle import SearchOracle

SILENCE = 60.0  # seconds after which a worker is taken for dead
_THREADS = 16


class Chief(OracleServicer):
    """Answers the workers of one search, and knows who is alive.

    Attributes:
        error: What an answer has failed with, or `None`: the search cannot go on.
        heard: Worker -> when it was heard of last, as `time.monotonic` counts.

    Args:
        oracle: What is asked.
    """

    def __init__(self, oracle: SearchOracle) -> None:
        super().__init__(oracle)
        self.error: Exception | None = None
        self.heard: dict[str, float] = {}

    def CreateTrial(self, request: Any, context: Any) -> Any:  # noqa: N802 - the protocol's name
        """Return the next trial, or that there is none yet.

        A worker stays while others train: it has the trial of one that dies. They may be on
        machines where nothing else would come for it.
        """
        self.heard[request.tuner_id] = time.monotonic()
        lost = self.oracle._retry_queue
        if self.stop_triggered and not lost and self._may_be_needed(request.tuner_id):
            return _not_yet(self.oracle)
        answer = self._answer(super().CreateTrial, request, context)
        if answer.trial.status == protos.get_proto().TrialStatus.STOPPED:
            if self._may_be_needed(request.tuner_id):
                return _not_yet(self.oracle)
            self.heard.pop(request.tuner_id, None)
        return answer

    def UpdateTrial(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Record an epoch; the answer says whether to go on."""
        self._hear(request.trial_id)
        return self._answer(super().UpdateTrial, request, context)

    def EndTrial(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Record the end of a trial."""
        trial_id = request.trial.trial_id
        self._hear(trial_id)
        answer = self._answer(super().EndTrial, request, context)
        self.heard.pop(_nameless(trial_id), None)
        return answer

    def GetTrial(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Return a trial."""
        self._hear(request.trial_id)
        return self._answer(super().GetTrial, request, context)

    def release_silent(self) -> list[str]:
        """Take their trials back from workers that were not heard of for long; return who."""
        now = time.monotonic()
        silent = [name for name, when in list(self.heard.items()) if now - when > SILENCE]
        for name in silent:
            self.release(name, f"worker {name} was silent for {SILENCE:.0f} s")
        return silent

    def release(self, name: str, reason: str) -> None:
        """Take its trial back from a worker."""
        self.heard.pop(name, None)
        self.oracle.release(name, reason)

    def is_done(self) -> bool:
        """Return whether the search has ended, and each worker knows."""
        oracle = self.oracle
        return self.stop_triggered and not (
            oracle.ongoing_trials or self.heard or oracle.has_lost_trials()
        )

    def _may_be_needed(self, tuner_id: str) -> bool:
        """Return whether a worker without a trial may have one of those that run or are lost."""
        running = self.oracle.ongoing_trials
        open_trials = running or self.oracle._retry_queue
        return bool(open_trials) and tuner_id not in running and not self.oracle.is_late()

    def _hear(self, trial_id: str) -> None:
        for name, trial in list(self.oracle.ongoing_trials.items()):
            if trial.trial_id == trial_id:
                self.heard[name] = time.monotonic()
                return
        if self.oracle.take_up(_nameless(trial_id), trial_id):
            self.heard[_nameless(trial_id)] = time.monotonic()

    def _answer(self, method: Callable[..., Any], request: Any, context: Any) -> Any:
        try:
            return method(request, context)
        except Exception as error:
            self.error = error
            raise


def _nameless(trial_id: str) -> str:
    """Return what a worker is called that goes on with a lost trial: only its trial is known."""
    return f"worker of trial {trial_id}"


def _not_yet(oracle: SearchOracle) -> Any:
    trial = Trial(oracle.get_space(), trial_id="", status="IDLE")
    return protos.get_service().CreateTrialResponse(trial=trial.to_proto())


class Listening:
    """A chief that listens, in a `with` block.

    Attributes:
        port: Where it listens.

    Args:
        chief: What answers.
        host: The address to listen at.
        port: The port, or 0 for any that is free.

    Raises:
        InputError: when it cannot listen there.
    """

    def __init__(self, chief: Chief, host: str, port: int) -> None:
        self._server = grpc.server(futures.ThreadPoolExecutor(_THREADS))
        protos.get_service_grpc().add_OracleServicer_to_server(chief, self._server)
        try:
            self.port = self._server.add_insecure_port(f"{host}:{port}")
        except RuntimeError:
            self.port = 0
        if not self.port:
            raise InputError(
                f"The chief cannot listen at {host}:{port}: give a free port, and an address of"
                " this machine."
            )

    def __enter__(self) -> Listening:
        self._server.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self._server.stop(grace=1.0).wait()
