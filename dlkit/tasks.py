"""The tasks that a network is trained for: data, losses, models."""

from typing import Literal, get_args

Task = Literal["binary", "multiclass", "multilabel", "regression"]
TASKS: tuple[str, ...] = get_args(Task)  # with one target an example: a class, or a row of numbers
# Those of networks besides, whose targets have a structure of their own: boxes with their classes,
# a class for each pixel, or the token that comes next at each place.
MODEL_TASKS: tuple[str, ...] = (*TASKS, "detection", "segmentation", "language_model")
PLACE_TASKS = MODEL_TASKS[-2:]  # with a class for each place of an example
