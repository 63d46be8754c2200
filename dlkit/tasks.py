"""The tasks that a network is trained for: data, losses, models."""

from typing import Literal, get_args

Task = Literal["binary", "multiclass", "multilabel", "regression"]
TASKS: tuple[str, ...] = get_args(Task)  # with one target an example: a class, or a row of numbers
# Those of networks besides, whose targets have a structure of their own: boxes with their classes,
# or a class for each pixel.
MODEL_TASKS: tuple[str, ...] = (*TASKS, "detection", "segmentation")
