"""How good a model and its export are on the same raw rows of the test split.

data.origin (or data.examples) -> raw test rows -> model.predict -> score
                                                -> the export    -> score: alike?
"""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from dlkit.errors import ExportError
from dlkit.export.sample_inputs import raw_columns, sample_inputs
from dlkit.export.signatures.signature import Arrays, Signature
from dlkit.tasks import TASKS

MAX_LOSS = 0.001  # of the accuracy or R2, where nothing is rounded on purpose
_ROWS, _BYTES, _BATCH = 1024, 2**26, 64


@dataclasses.dataclass(frozen=True)
class HeldOut:
    """Raw test rows, what is right for them, and the model's own score.

    Attributes:
        task: What is predicted.
        batches: Raw input by name.
        y: The targets of all batches.
        score: The model's accuracy, or its R2 for a regression.
    """

    task: str
    batches: list[Arrays]
    y: np.ndarray
    score: float

    @property
    def measure(self) -> str:
        """What the score is called."""
        return "R2" if self.task == "regression" else "accuracy"


def held_out_rows(signature: Signature, data: Any) -> HeldOut | None:
    """Return up to 1,024 raw test rows of `data` and the model's score on them, if it has any.

    Args:
        signature: From raw input to predictions.
        data: What has `task`, and `origin` or `examples`, as far as it has them.
    """
    found = raw_test_rows(data)
    if found is None:
        return None
    raw, y = found
    prepared = row_batches(sample_inputs(signature.inputs, raw, len(y)))
    answers = [signature.reference(batch) for batch in prepared]
    before = score_answers(data.task, y, answers)
    return None if before is None else HeldOut(data.task, prepared, y, before)


def row_batches(rows: Arrays) -> list[Arrays]:
    """Return rows in batches that no network needs much memory for."""
    count = len(next(iter(rows.values())))
    return [
        {name: column[start : start + _BATCH] for name, column in rows.items()}
        for start in range(0, count, _BATCH)
    ]


def raw_test_rows(data: Any) -> tuple[Arrays, np.ndarray] | None:
    """Return raw columns and targets: of the test split, or of the few examples of it.

    There are up to 1,024 rows, or 64 MiB of them; `None` where the data has none, or no score.
    """
    if getattr(data, "task", None) not in TASKS:
        return None
    origin, examples = getattr(data, "origin", None), getattr(data, "examples", None)
    if origin is not None and origin.targets is not None and len(origin.split.test):
        rows = np.asarray(origin.split.test[:_ROWS])
        rows = rows[: _bounded(raw_columns(origin.raw(rows[:1])))]
        return raw_columns(origin.raw(rows)), origin.targets.values[rows]
    if examples is None or examples[1] is None:
        return None
    raw, y = raw_columns(examples[0]), np.asarray(examples[1])
    count = min(len(y), _bounded(raw))
    return {name: np.asarray(column)[:count] for name, column in raw.items()}, y[:count]


def _bounded(raw: dict[str, Any]) -> int:
    """Return how many rows like the first one are not too many."""
    size = sum(np.asarray(column[:1]).nbytes for column in raw.values())
    return min(_ROWS, max(_BATCH, _BYTES // max(1, size)))


def _is_scored(task: str, y: np.ndarray, answer: Arrays) -> bool:
    if len(answer) != 1:
        return False
    (predictions,) = answer.values()
    if task == "multiclass":
        return predictions.ndim == 2
    return predictions.dtype.kind == "f" and predictions[0].size == y[0].size


def score_answers(task: str, y: np.ndarray, answers: Sequence[Arrays]) -> float | None:
    """Return the score of answers to batches, or `None` where their shape has none."""
    if not _is_scored(task, y, answers[0]):
        return None
    return score_predictions(task, y, _joined(answers))


def _joined(answers: Sequence[Arrays]) -> np.ndarray:
    return np.concatenate([value for answer in answers for value in answer.values()])


def compare_scores(rows: HeldOut, answers: Sequence[Arrays]) -> dict[str, Any]:
    """Score an export's answers to the batches of `rows` beside the model's.

    Returns:
        What a model card tells of it.

    Raises:
        ExportError: when the two differ by more than 0.001 and, for a classifier, one row.
    """
    after = score_predictions(rows.task, rows.y, _joined(answers))
    limit = _limit(rows)
    both_nan = np.isnan(after) and np.isnan(rows.score)  # of which a warning has told
    if not (abs(after - rows.score) <= limit + 1e-9 or both_nan):
        raise ExportError(
            f"The exported model's {rows.measure} on {len(rows.y)} test rows is {after:.4f}, and"
            f" model.predict's {rows.score:.4f}: they differ by more than {limit:.3g}."
        )
    return {
        "measure": rows.measure,
        "rows": len(rows.y),
        "keras": rows.score,
        "export": after,
        "tolerance": limit,
    }


def _limit(rows: HeldOut) -> float:
    if rows.task != "regression":
        return max(MAX_LOSS, 1 / len(rows.y))  # a tie must not decide
    return MAX_LOSS * max(1.0, abs(np.nan_to_num(1 - rows.score)))  # R2 has no lower bound


def score_predictions(task: str, y: np.ndarray, predictions: np.ndarray) -> float:
    """Return the accuracy of predictions, or R2 for a regression.

    Example:
        >>> score_predictions("binary", np.array([0, 1]), np.array([[0.2], [0.4]]))
        0.5
    """
    if task == "multiclass":
        classes = y.argmax(axis=-1) if y.ndim > 1 else y
        return float(np.mean(predictions.argmax(axis=-1) == classes))
    y = y.reshape(predictions.shape)
    if task == "regression":
        rest, spread = np.square(predictions - y).sum(), np.square(y - y.mean(axis=0)).sum()
        return float(1 - rest / max(spread, 1e-12))
    return float(np.mean((predictions >= 0.5) == (y >= 0.5)))
