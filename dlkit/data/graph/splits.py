"""The nodes of a graph that have a label, and which of them train, validate and test."""

from __future__ import annotations

import dataclasses
import numbers
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from dlkit.argument_validation import check_fraction
from dlkit.data.core import splits, target_rows
from dlkit.data.core.record import Split
from dlkit.data.core.targets import Targets, read_targets, split_stratified
from dlkit.errors import InputError


def read_node_labels(
    labels: Any, count: int, class_names: Sequence[str] | None
) -> tuple[Targets, np.ndarray]:
    """Return the targets of all nodes, and which of these are known.

    Raises:
        InputError: when there are more or fewer labels than nodes, no label, or a single class.

    Example:
        >>> targets, known = read_node_labels(["b", None, "a"], 3, None)
        >>> targets.values, known
        (array([ 1, -1,  0]), array([ True, False,  True]))
    """
    # Not as an array first: beside texts, NumPy would write NaN as one.
    given = labels.tolist() if hasattr(labels, "tolist") else list(labels)
    if len(given) != count or any(isinstance(label, list | tuple) for label in given):
        raise InputError(
            f"labels must hold one label for each of {count} nodes, None where it is not known."
            f" Received shape {np.shape(labels)}."
        )
    known = np.array([not _is_missing(label) for label in given])
    if not known.any():
        raise InputError(f"None of {count} nodes has a label; give some to learn from.")
    targets = read_targets([label for label in given if not _is_missing(label)], None, class_names)
    filler = np.nan if targets.values.dtype.kind == "f" else -1
    values = np.full(count, filler, targets.values.dtype)
    values[known] = targets.values
    return dataclasses.replace(targets, values=values), known


def without_rare_nodes(
    targets: Targets,
    known: np.ndarray,
    rows: Mapping[str, Any],
    val_fraction: float,
    rare: str,
) -> tuple[Targets, np.ndarray]:
    """Return targets without rare classes, as `rare` says, and which nodes still have one.

    Nodes that `rows` names need be enough for what is cut off them alone.

    Raises:
        InputError: for an unknown choice, or when less than two classes are left.
    """
    held = 0 if _are_named(rows["train"]) else None
    cut = val_fraction if rows["val"] is None else 0
    targets = target_rows.without_rare_classes(targets, held, cut, rare, None)
    return targets, known & np.isin(np.arange(len(known)), target_rows.rows_in_use(targets))


def divide_nodes(
    targets: Targets,
    known: np.ndarray,
    rows: Mapping[str, Any],
    val_fraction: float,
    seed: int,
) -> Split:
    """Return the split: the nodes that `rows` names by split, or drawn from those with a label.

    Raises:
        InputError: when a node is named that is not there, has no label, or is in two splits.
    """
    part = rows["train"]
    if _are_named(part):
        return _named(targets, known, rows, val_fraction, seed)
    for name in ("val", "test"):
        if rows[name] is not None:
            raise InputError(
                f"{name} names nodes, so train must name nodes too. Received: train={part!r}."
            )
    labelled = np.flatnonzero(known)
    split = splits.divide_targets(targets.take(labelled), None, val_fraction, seed)
    train, val, test = (labelled[places] for places in (split.train, split.val, split.test))
    if part is not None:
        check_fraction("train", part, low=np.finfo(float).tiny)
        train = train[split_stratified(targets.take(train), float(part), seed)[1]]
    return Split(train, val, test)


def _named(
    targets: Targets,
    known: np.ndarray,
    rows: Mapping[str, Any],
    val_fraction: float,
    seed: int,
) -> Split:
    if rows["test"] is None:
        raise InputError(
            f"train names nodes, so test must name nodes too. Received: test={rows['test']}; give"
            " the numbers of the nodes to test on."
        )
    nodes = {k: _nodes(k, given, known) for k, given in rows.items() if given is not None}
    if "val" not in nodes:
        kept, held = split_stratified(targets.take(nodes["train"]), val_fraction, seed)
        nodes = {**nodes, "val": nodes["train"][held], "train": nodes["train"][kept]}
    for first, second in (("train", "val"), ("train", "test"), ("val", "test")):
        both = np.intersect1d(nodes[first], nodes[second])
        if len(both):
            raise InputError(
                f"Node {both[0]} is in {first} and in {second} ({len(both)} such nodes); let each"
                " be in one split."
            )
    return Split(nodes["train"], nodes["val"], nodes["test"], published=True)


def _nodes(split: str, given: Any, known: np.ndarray) -> np.ndarray:
    array = np.asarray(given)
    if array.dtype.kind == "b" and array.shape == known.shape:
        array = np.flatnonzero(array)
    if array.ndim != 1 or array.dtype.kind not in "iu" or not len(array):
        raise InputError(
            f"{split} must be node numbers (n,), or a mask of {len(known)} nodes. Received:"
            f" {array.dtype} of shape {array.shape}."
        )
    outside = array[(array < 0) | (array >= len(known))]
    if len(outside):
        raise InputError(
            f"{split} names node {outside[0]}, which does not exist: the nodes are 0 to"
            f" {len(known) - 1}."
        )
    missing = array[~known[array]]
    if len(missing):
        raise InputError(
            f"Node {missing[0]} is in {split} and has no label ({len(missing)} of {len(array)} have"
            " none); label it or leave it out."
        )
    return np.unique(array).astype(np.int64)


def _is_missing(label: Any) -> bool:
    if isinstance(label, str):
        return not label.strip()
    return label is None or label != label or (not isinstance(label, bool) and label == -1)


def _are_named(train: Any) -> bool:
    """Return whether `train` names nodes, rather than a part of them or none."""
    return train is not None and not isinstance(train, numbers.Real)
