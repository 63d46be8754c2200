"""From texts and their labels to the pipelines of a `Data`.

texts -> stratified splits -> encoder learned on the training split -> ids of all texts
      -> batches (see bucketing.py)
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from dlkit.data.core.pipeline import (
    EXAMPLES,
    check_batch_size,
    check_pipeline_options,
    hold_in_memory,
)
from dlkit.data.core.record import Origin, Split
from dlkit.data.core.splits import divide_labels, split_pipelines
from dlkit.data.data import Data
from dlkit.data.text.augment import check_text_augmentation, resolve_text_augmentation
from dlkit.data.text.bucketing import HeldIds, TextFeed
from dlkit.data.text.encoding import Encoder, Encoding, learn_encoder
from dlkit.data.text.files import Texts


@dataclasses.dataclass(frozen=True)
class Feeding:
    """How texts are fed; checked when it is made."""

    batch_size: int
    seed: int
    val_fraction: float
    cache: bool
    augment: Any
    empty: str = "error"
    rare_classes: str = "error"

    def __post_init__(self) -> None:
        check_pipeline_options(self.batch_size, self.seed, self.val_fraction)


def text_data(
    name: str,
    found: Texts,
    held: Texts | None,
    encoding: Encoding,
    options: Feeding,
    *,
    task: str | None = None,
    class_names: Sequence[str] | None = None,
) -> Data:
    """Return the `Data` of texts and their labels; `held` are those of the test split."""
    check_text_augmentation(options.augment, encoding)
    found = found.usable(options.empty)
    names = class_names if found.label_names is None else found.label_names
    texts, held_labels = found.texts, None
    if held is not None:
        held = held.usable(options.empty)
        held_labels, texts = held.labels, np.concatenate([texts, held.texts])
    targets, split = divide_labels(found.labels, held_labels, task, names, options)
    check_batch_size(options.batch_size, len(split.train), len(texts))

    def make(split: Split) -> Data:
        encoder = learn_encoder(texts[np.unique(split.train)], encoding)
        feed = _feed(texts, targets.values, encoder, encoding, options)
        spec, shown = encoder.preprocessing.outputs[0], split.test[:EXAMPLES]
        vector = encoding.encoding != "tokens"
        return Data(
            name=name,
            task=targets.task,
            kind="text",
            **split_pipelines(feed, split),
            input_spec={
                "features" if vector else "tokens": tf.TensorSpec(spec.shape[1:], spec.dtype)
            },
            num_classes=targets.num_classes,
            class_names=targets.class_names,
            preprocessing=encoder.preprocessing,
            examples=(texts[shown], targets.values[shown]) if len(shown) else None,
            feature_names=encoder.vocabulary if vector else None,
            vocabularies=None if vector else {"tokens": encoder.vocabulary},
            origin=Origin(split, targets, lambda rows: texts[rows], feed, make),
        )

    return make(split)


def _feed(
    texts: np.ndarray, targets: np.ndarray, encoder: Encoder, encoding: Encoding, options: Feeding
) -> TextFeed:
    ids = encoder.ids(texts) if options.cache or encoding.bucket else None
    return TextFeed(
        hold_in_memory(texts) if ids is None else HeldIds(ids.ragged()),
        targets,
        options.batch_size,
        options.seed,
        encoder.preprocessing if ids is None else encoder.from_ids,
        resolve_text_augmentation(options.augment, encoding, encoder.vocabulary),
        lengths=ids.lengths if ids is not None and encoding.bucket else None,
    )
