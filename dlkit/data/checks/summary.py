"""The lines of `Data.summary`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlkit.data.core.kinds import find_kind
from dlkit.data.core.wording import listed

if TYPE_CHECKING:
    import tensorflow as tf

    from dlkit.data.core.record import Record

_UNITS = {
    "regression": ("target", "targets"),
    "multilabel": ("label", "labels"),
    "language_model": ("token", "tokens"),
}


def summary_lines(data: Record) -> list[str]:
    """Return what a data set holds, one fact a line."""
    names = ""
    if data.class_names:
        more = ", ..." if len(data.class_names) > 10 else ""
        names = f" ({', '.join(data.class_names[:10])}{more})"
    unit = _UNITS.get(data.task, ("class", "classes"))[data.num_classes != 1]
    lines = [f"{data.name}: {data.task}, {data.num_classes} {unit}{names}"]
    for name, spec in data.input_spec.items():
        lines.append(f"network input  {name} {tuple(spec.shape)} {spec.dtype.name}")
    for column in data.columns or ():
        lines.append(f"column         {column.name}: {column.kind}, {column.note}")
    if data.feature_names and find_kind(data.kind).variables:
        lines.append(f"variables      {listed(list(data.feature_names), 10)}")
    if data.preprocessing is not None and not data.columns:
        for raw in data.preprocessing.inputs:
            lines.append(f"raw input      {raw.name} {tuple(raw.shape[1:])} {raw.dtype}")
    if data.decoding is not None and not isinstance(data.decoding.input, dict):
        lines.append(f"file           {data.decoding.inputs[0].name}, decoded to the raw input")
    if data.vocabulary:
        lines.append(f"vocabulary     {len(data.vocabulary):,} tokens of the training texts")
    for split in ("train", "val", "test"):
        lines.append(f"{split:<14} {_batches(data, split)}")
    return lines


def _batches(data: Record, split: str) -> str:
    dataset = getattr(data, split)
    if dataset is None:
        return "none"
    count = int(dataset.cardinality())
    size = _size(data, dataset, split)
    weighted = ", weighted" if len(dataset.element_spec) == 3 else ""
    return (
        f"{count} batch{'' if count == 1 else 'es'} of up to {size}{weighted}{_when(data, split)}"
    )


def _when(data: Record, split: str) -> str:
    origin = data.origin
    if origin is None or origin.when is None:
        return ""
    return f", {origin.when(getattr(origin.split, split))}"


def _size(data: Record, dataset: tf.data.Dataset, split: str) -> int:
    if data.origin is not None:  # nothing is read for it
        return min(data.origin.feed.batch_size, len(getattr(data.origin.split, split)))

    import tensorflow as tf

    return tf.nest.flatten(next(iter(dataset))[1])[0].shape[0]
