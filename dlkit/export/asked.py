"""What an export was asked before it appears under its name, and what it answered."""

import pathlib
from typing import Any

from dlkit.errors import ExportError
from dlkit.export import checking, scoring
from dlkit.export.signatures import Arrays

BATCH_SIZES = (1, 3)
_DEFAULT = "serving_default"


class Asked:
    """All that a SavedModel was asked, in one fresh process.

    Args:
        directory: Where it is.
        checks: Calls and what they should give: for each signature one of each of `BATCH_SIZES`.
        rows: Test rows and the model's score on them, if there are any.

    Attributes:
        known: Signature key, inputs and the SavedModel's answer, for each call.
    """

    def __init__(
        self,
        directory: pathlib.Path,
        checks: list[checking.Check],
        rows: scoring.HeldOut | None,
    ):
        self._checks, self._rows = checks, rows
        calls = [(check.key, check.inputs) for check in checks]
        calls += [(_DEFAULT, batch) for batch in (rows.batches if rows else [])]
        mixed = [(check.key, _mixed(check.inputs)) for check in self._largest()]
        answers = checking.ask(directory, calls + mixed)
        self._answers, self._mixed = answers[: len(calls)], answers[len(calls) :]
        self.known = [
            (key, inputs, answer)
            for (key, inputs), answer in zip(calls, self._answers, strict=True)
        ]

    def _largest(self) -> list[checking.Check]:
        """Return the check of the most rows for each signature."""
        return list({check.key: check for check in self._checks}.values())

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
            "max_difference": checking.compare(self._answers[:count], self._checks, limit),
            "tolerance": limit,
        }
        test = None if self._rows is None else scoring.compare(self._rows, self._answers[count:])
        return {"check": check, "test": test}

    def rowwise(self, limit: float) -> list[str]:
        """Return the signatures that answer each row by itself, whatever rows are beside it.

        Only of those may a server run several requests as one.

        Args:
            limit: The tolerance.
        """
        found = []
        for check, answer in zip(self._largest(), self._mixed, strict=True):
            try:
                expected = check.unordered(_mixed(check.expected))
                answer = check.unordered(answer)
                checking.compare_answers([answer], [expected], limit, check.key)
            except (ExportError, IndexError):  # an output that has no rows, too
                continue
            found.append(check.key)
        return found


def _mixed(arrays: Arrays) -> Arrays:
    """Return three rows in another order, one of them twice."""
    return {name: array[[1, 0, 2, 1]] for name, array in arrays.items()}
