"""What a data set is: its fields, and what it was made of.

All examples of a data set, those of its test split too, are numbered. A `Split` says which numbers
train, validate and test; `Origin.remake` turns another one into another `Data`, and learns its
preprocessing from that one's training rows. Folds, balance, filters and checks need nothing else,
whatever kind of input the data holds.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from dlkit.data.core.kinds import find_kind

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

    from dlkit.data.core.graph import Graph
    from dlkit.data.core.pipeline import Feed
    from dlkit.data.core.stored import Stored
    from dlkit.data.core.targets import Targets
    from dlkit.data.core.wording import Finding

# A record, and what is made of it: of the same class.
AnyRecord = TypeVar("AnyRecord", bound="Record")


@dataclasses.dataclass(frozen=True)
class Split:
    """Row numbers of the three splits.

    Attributes:
        train: What is trained on; a row that stands twice is seen twice an epoch.
        val: What is validated on; may be empty.
        test: What is tested on; may be empty.
        weights: How much each example of the data set counts in training, by row number, or `None`.
        published: Whether the test split was given, rather than cut off here. Defaults to False.
        groups: The group of each row where some must stay in one split, as the translations of one
            sentence, or `None`.
    """

    train: np.ndarray
    val: np.ndarray
    test: np.ndarray
    weights: np.ndarray | None = None
    published: bool = False
    groups: np.ndarray | None = None

    @property
    def kept(self) -> np.ndarray:
        """The row numbers that are not for testing, each once, in rising order."""
        return np.union1d(self.train, self.val)


@dataclasses.dataclass(frozen=True)
class Column:
    """What is known of a table's column.

    Attributes:
        name: Its name.
        kind: `"numeric"`, `"boolean"`, `"category"`, `"hash"`, `"date"`, `"cross"` or `"drop"`.
        note: What its training rows hold, or why it is dropped, in words.
        finding: What `Data.check` tells where its values look like another kind. Defaults to None.

    Example:
        >>> Column("age", "numeric", "mean 39, 2 missing").kind
        'numeric'
    """

    name: str
    kind: str
    note: str
    finding: Finding | None = None


@dataclasses.dataclass(frozen=True)
class Origin:
    """What a `Data` was made of.

    Attributes:
        split: Which rows the `Data` trains, validates and tests on.
        targets: The targets of all rows, or `None` for a task without one target an example.
        raw: From row numbers to raw inputs, as the preprocessing takes them: an array, or a dict
            of arrays by name.
        feed: Makes the pipelines; `feed.batches(rows)` has prepared rows in their order.
        remake: From another `Split` to another `Data` with the same options.
        paths: The files of the rows, or `None` where the examples are not a file each.
        stored: The cache that the pipelines read, after `Data.cache_to`, or `None`.
        overlap: Rows that are at most this far apart may share values, as the windows of a series
            do; 0 where each example stands for itself. Defaults to 0.
        when: From row numbers to the time that their targets span, in words; or `None`.
        times: When each row was, where the splits are by time and rows stand in another order, or
            `None`.
        target_scale: Mean and deviation of the targets, each one a column, where they are those by
            which the inputs were standardised; or `None`.
    """

    split: Split
    targets: Targets | None
    raw: Callable[[np.ndarray], Any]
    feed: Feed
    remake: Callable[[Split], Any]  # a `Data`, which stands above the core
    paths: np.ndarray | None = None
    stored: Stored | None = None
    overlap: int = 0
    when: Callable[[np.ndarray], str] | None = None
    times: np.ndarray | None = None
    target_scale: tuple[np.ndarray, np.ndarray] | None = None

    @property
    def count(self) -> int:
        """How many examples there are, those that no split uses too."""
        if self.targets is not None:
            return len(self.targets.values)
        split = self.split
        return 1 + int(np.concatenate([split.train, split.val, split.test]).max())


@dataclasses.dataclass(frozen=True)
class Record:
    """What a data set is, ready for `model.fit`.

    Attributes:
        name: The data set's name.
        task: `"binary"`, `"multiclass"`, `"multilabel"` or `"regression"`; `"detection"` has boxes
            for targets (`from_voc`).
        train: Batches of `(inputs, targets)`, in a new seeded order each epoch.
        val: Batches for validation, or `None`.
        test: Batches for the final test, or `None`.
        input_spec: Input name -> `tf.TensorSpec` of what the network takes, without the batch axis.
        num_classes: Classes (2 for binary), labels (multilabel) or target columns (regression).
        class_names: The classes' names in the order of their index, or `None`.
        preprocessing: A Keras model from the raw input, as a client has it, to what the network
            takes; an export puts it inside. `None` where the network takes the raw input.
        examples: A few raw inputs and their targets, for warm-up requests and demonstrations. The
            inputs are an array, or column name -> array for a table.
        columns: What a table's columns are, or `None` for anything else.
        feature_names: What each number of a table's vector stands for, or `None`.
        feature_columns: Which column of a table each number of its vector is of, counted from 0 in
            the order of the vector, or `None`.
        target_columns: Which of a series' variables are predicted, by their places, or `None`.
        vocabularies: Input name -> what each of its whole numbers stands for, in their order; or
            `None`.
        graph: The arrays of the graph that the nodes belong to, or `None`.
        kind: What one input is: `"features"`, `"image"`, `"sequence"`, and so on.
        decoding: A Keras model from what is in a file (its bytes, or the cells of a table by
            column, as texts) to what `preprocessing` takes, or `None`; an export offers it as a
            second signature.
        postprocessing: A Keras model from what a network writes, as a language model the ids of
            tokens, to what a client reads, or `None`; an export puts it behind.
        origin: All raw examples, and how to make the data again from other rows; or `None`.

    Example:
        >>> import dlkit as dk
        >>> data = dk.data.load("iris")
        >>> data.task, data.num_classes, data.input_spec["features"].shape
        ('multiclass', 3, TensorShape([4]))
    """

    name: str
    task: str
    train: tf.data.Dataset
    val: tf.data.Dataset | None
    test: tf.data.Dataset | None
    input_spec: dict[str, tf.TensorSpec]
    num_classes: int
    class_names: tuple[str, ...] | None = None
    preprocessing: keras.Model | None = None
    examples: tuple[np.ndarray | dict[str, np.ndarray], np.ndarray] | None = dataclasses.field(
        default=None, repr=False
    )
    columns: tuple[Column, ...] | None = dataclasses.field(default=None, repr=False)
    feature_names: tuple[str, ...] | None = dataclasses.field(default=None, repr=False)
    feature_columns: tuple[int, ...] | None = dataclasses.field(default=None, repr=False)
    target_columns: tuple[int, ...] | None = dataclasses.field(default=None, repr=False)
    vocabularies: dict[str, tuple[str, ...]] | None = dataclasses.field(default=None, repr=False)
    graph: Graph | None = dataclasses.field(default=None, repr=False, compare=False)
    kind: str = "features"
    decoding: keras.Model | None = None
    postprocessing: keras.Model | None = None
    origin: Origin | None = dataclasses.field(default=None, repr=False, compare=False)

    @property
    def vocabulary(self) -> tuple[str, ...] | None:
        """For texts: the token of each id, or the word of each number of a vector; else `None`."""
        if not find_kind(self.kind).vocabulary:
            return None
        return self.feature_names or (self.vocabularies or {}).get("tokens")
