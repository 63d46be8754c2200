"""From predictions to the names of classes.

    (B, K) scores -> in the order of the classes, beside their names:  classify
                  -> the best first:                                   labels

A network with one sigmoid tells the second class from the first: its scores are 1 - p and p.
"""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from dlkit.export.signatures.signature import Arrays, Signature


class Unfit(Exception):  # noqa: N818 - the reason why a model has no such signature, not a fault
    """A signature that a model or its data cannot have; the text says why."""


@dataclasses.dataclass(frozen=True)
class Classes:
    """The one output of a classifier, and what its columns stand for.

    Attributes:
        output: The output's name.
        names: A name for each class.
        binary: Whether there is one column for two classes.
    """

    output: str
    names: tuple[str, ...]
    binary: bool

    def scores(self, outputs: Mapping[str, tf.Tensor]) -> tf.Tensor:
        """Return a column for each class, from a signature's outputs."""
        scores = tf.cast(outputs[self.output], tf.float32)
        return tf.concat([1 - scores, scores], axis=1) if self.binary else scores

    def scores_of_arrays(self, outputs: Arrays) -> np.ndarray:
        """Return the same for arrays."""
        scores = outputs[self.output].astype("float32")
        return np.concatenate([1 - scores, scores], axis=1) if self.binary else scores


def read_classes(data: Any, answer: Arrays, *, named: bool) -> Classes:
    """Find out which classes a model tells apart.

    Args:
        data: What has `task` and `class_names`, as far as it has them.
        answer: What the model predicts, by output name.
        named: Whether the classes must have names; otherwise numbers may stand for them.

    Raises:
        Unfit: when it tells none apart, or they have no names.
    """
    task = getattr(data, "task", None)
    if task not in ("binary", "multiclass", "multilabel"):
        raise Unfit(f"it needs data of a classification task, and the task is {task!r}")
    output, scores = one_output(answer)
    if scores.ndim != 2:
        raise Unfit(f"it needs a score for each class, and '{output}' has {scores.ndim} axes")
    binary = task == "binary" and scores.shape[1] == 1
    count = 2 if binary else scores.shape[1]
    names = getattr(data, "class_names", None)
    if not names and named:
        raise Unfit("it needs data with class_names")
    names = tuple(map(str, names or range(count)))
    if len(names) != count:
        raise Unfit(f"'{output}' has {count} classes, and data.class_names {len(names)}")
    return Classes(output, names, binary)


def one_output(answer: Arrays) -> tuple[str, np.ndarray]:
    """Return the name and the values of a model's only output.

    Raises:
        Unfit: when there are several, or it holds no floats.
    """
    if len(answer) != 1:
        raise Unfit(f"it needs one output, and the model has {', '.join(answer)}")
    ((name, values),) = answer.items()
    if values.dtype.kind != "f":
        raise Unfit(f"it needs an output of floats, and '{name}' holds {values.dtype}")
    return name, values


def labels_signature(given: Signature, classes: Classes) -> Signature:
    """Return the signature from the inputs of `given` to class names and scores, best first.

    Args:
        given: A signature with the output that `classes` names.
        classes: What its columns stand for.
    """

    def compute(tensors: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        scores = classes.scores(given.compute(tensors))
        lowest = tf.where(tf.math.is_nan(scores), -np.inf, scores)  # NaN has no place in an order
        order = tf.math.top_k(lowest, k=len(classes.names)).indices
        names = tf.gather(tf.constant(classes.names), order)
        return {"classes": names, "scores": tf.gather(scores, order, batch_dims=1)}

    def reference(arrays: Arrays) -> Arrays:
        scores = classes.scores_of_arrays(given.reference(arrays))
        order = np.argsort(-np.nan_to_num(scores, nan=-np.inf), axis=1, kind="stable")
        names = np.array([name.encode() for name in classes.names], dtype=object)
        return {"classes": names[order], "scores": np.take_along_axis(scores, order, axis=1)}

    return dataclasses.replace(
        given, compute=compute, reference=reference, unordered=_in_the_order_of_names
    )


def _in_the_order_of_names(answer: Arrays) -> Arrays:
    """Sort by name: two scores that differ by rounding alone may stand in either order."""
    order = np.argsort(answer["classes"], axis=1, kind="stable")
    return {name: np.take_along_axis(value, order, axis=1) for name, value in answer.items()}


def classified_outputs(given: Callable, classes: Classes) -> Callable[[Any], dict[str, tf.Tensor]]:
    """Return `given`, tensors to outputs, with the outputs of a classify signature."""

    def compute(tensors: Any) -> dict[str, tf.Tensor]:
        scores = classes.scores(given(tensors))
        names = tf.tile(tf.constant([classes.names]), [tf.shape(scores)[0], 1])
        return {"classes": names, "scores": scores}

    return compute
