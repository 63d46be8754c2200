"""What an export was asked before it appears under its name, and what it answered."""

import pathlib
from collections.abc import Mapping
from typing import Any

from dlkit.errors import ExportError
from dlkit.export.parity import comparison, scoring
from dlkit.export.parity.row_trials import Trial
from dlkit.export.signatures.signature import DEFAULT_SIGNATURE, Arrays

BATCH_SIZES = (1, 3)


class ParityRun:
    """All that a SavedModel was asked, in one fresh process.

    Args:
        directory: Where it is.
        checks: Calls and what they should give: for each signature one of each of `BATCH_SIZES`.
        rows: Test rows and the model's score on them, if there are any.
        trials: A trial of its rows for each signature that has one.

    Attributes:
        known: Signature key, inputs and the SavedModel's answer, for each call that is no trial.
        trials: The trials.

    Raises:
        ExportError: when it cannot be loaded, or refuses a call that is no trial.
    """

    def __init__(
        self,
        directory: pathlib.Path,
        checks: list[comparison.Check],
        rows: scoring.HeldOut | None,
        trials: Mapping[str, Trial],
    ):
        self._checks, self._rows, self.trials = checks, rows, trials
        calls = [(check.key, check.inputs) for check in checks]
        calls += [(DEFAULT_SIGNATURE, batch) for batch in (rows.batches if rows else [])]
        tried = [(key, batch) for key, trial in trials.items() for batch in trial.batches]
        answers = comparison.run_signatures(directory, calls + tried)
        self._answers: list[Arrays] = []
        for answer in answers[: len(calls)]:
            if isinstance(answer, str):
                raise ExportError(answer)
            self._answers.append(answer)
        # Companions may be refused in a trial, whatever the reason.
        self._tried = [None if isinstance(a, str) else a for a in answers[len(calls) :]]
        self.known = [
            (key, inputs, answer)
            for (key, inputs), answer in zip(calls, self._answers, strict=True)
        ]

    def facts(self, limit: float) -> dict[str, Any]:
        """Return what the model card tells of the answers.

        Args:
            limit: The tolerance.

        Raises:
            ExportError: when they are not those of the model.
        """
        count = len(self._checks)
        check = {
            "batch_sizes": list(BATCH_SIZES),
            "max_difference": comparison.compare_checks(self._answers[:count], self._checks, limit),
            "tolerance": limit,
        }
        rows, answers = self._rows, self._answers[count:]
        return {"check": check, "test": rows and scoring.compare_scores(rows, answers)}

    def rowwise(self, limit: float) -> list[str]:
        """Return the signatures that answer each row by itself, whatever rows are beside it.

        Only of those may a server run several requests as one.

        Args:
            limit: The tolerance.

        Raises:
            ExportError: when another one was required to.
        """
        answers = iter(self._tried)
        found = []
        for key, trial in self.trials.items():
            if trial.passes([next(answers) for _ in trial.batches], limit):
                found.append(key)
            elif trial.required:
                raise ExportError(
                    f"join_requests=True, and the signature '{key}' answers a row otherwise when"
                    " others stand beside it; leave join_requests out."
                )
        return found
