"""The tasks that a network is trained for with one target an example: data, losses, models."""

from typing import Literal, get_args

Task = Literal["binary", "multiclass", "multilabel", "regression"]
TASKS: tuple[str, ...] = get_args(Task)
