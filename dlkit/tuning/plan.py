"""What a search was told, checked before anything is loaded or built."""

from __future__ import annotations

import dataclasses
from typing import Any

from dlkit.argument_validation import check_choice, check_integer, is_number
from dlkit.errors import InputError
from dlkit.tuning.oracles.strategies import STRATEGIES

PRUNINGS = ("median",)


@dataclasses.dataclass(frozen=True)
class Plan:
    """What a search was told, checked; the fields are `search`'s arguments."""

    strategy: str
    max_trials: int
    epochs: int
    executions: int
    folds: int | None
    patience: int | None
    pruning: str | None
    max_minutes: float | None
    seed: int

    def __post_init__(self) -> None:
        check_choice("strategy", self.strategy, STRATEGIES)
        for argument in ("max_trials", "epochs", "executions"):
            check_integer(argument, getattr(self, argument))
        check_integer("seed", self.seed, minimum=0)
        if self.patience is not None:
            check_integer("patience", self.patience, minimum=0)
        if self.pruning is not None:
            check_choice("pruning", self.pruning, PRUNINGS)
        if self.folds is not None:
            check_integer("folds", self.folds, minimum=2)
        if self.folds and self.executions > 1:
            raise InputError(
                "A trial is trained on folds or several times, not both. Received:"
                f" folds={self.folds}, executions={self.executions}."
            )
        minutes = self.max_minutes
        number = is_number(minutes)
        if minutes is not None and not (number and minutes > 0):
            raise InputError(
                f"max_minutes must be a number above 0. Received: max_minutes={minutes!r}."
            )

    def facts(self) -> dict[str, Any]:
        """Return what a search that goes on must have in common with the one before."""
        own = dataclasses.asdict(self)
        return {key: own[key] for key in own if key not in ("max_trials", "max_minutes")}
