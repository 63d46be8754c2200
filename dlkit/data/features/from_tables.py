"""`from_csv` and `from_dataframe`: tables of mixed columns become pipelines.

    file or frame -> columns of texts and numbers -> stratified splits -> kinds of columns
                  -> preprocessing learned on the training split -> batches

The preprocessing is a Keras model that takes raw columns by name, so that an export does too.
"""

from __future__ import annotations

import functools
import inspect
import os
import warnings
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from dlkit.argument_validation import check_integer, check_names
from dlkit.data.core import precision, target_rows
from dlkit.data.core.augmentation import without_recipes
from dlkit.data.core.pipeline import (
    EXAMPLES,
    Feed,
    check_batch_size,
    check_pipeline_options,
    hold_in_memory,
    preprocess_arrays,
    take_rows,
)
from dlkit.data.core.record import Column, Origin, Split
from dlkit.data.core.splits import divide_targets, split_pipelines
from dlkit.data.core.targets import Targets, read_targets
from dlkit.data.data import Data
from dlkit.data.features import layers
from dlkit.data.features.columns import check_crosses, check_kept, infer_columns, raw_columns
from dlkit.data.features.targets import join_test_targets, read_test_table, with_targets
from dlkit.data.files import csv_tables
from dlkit.data.files.cell_layers import table_cells
from dlkit.data.files.table_columns import check_target, read_target
from dlkit.data.files.table_styles import NUMBERS, Style


def from_csv(
    path: str | os.PathLike,
    target: str,
    *,
    test: str | os.PathLike | None = None,
    columns: Sequence[str] | None = None,
    delimiter: str = ",",
    na_values: Collection[str] = csv_tables.NA_VALUES,
    **options: Any,
) -> Data:
    r"""Make a `Data` record of a CSV file: numbers, categories and dates, with gaps.

    Blanks around cells and labels are stripped. The export of a model that was trained on it takes
    the raw columns by name (with _ for what is not in A-Z, a-z, 0-9): numbers, NaN where one is
    missing, and texts, one of `na_values` where one is missing.

    Args:
        path: The file, UTF-8, plain or `.gz`.
        target: The column to predict.
        test: A second such file, for testing. `None` takes a stratified fifth of the rows, the same
            one for every seed. Defaults to None.
        columns: The columns' names, where the file has no header line. Defaults to None.
        delimiter: What stands between two cells. Defaults to ",".
        na_values: Texts that stand for a missing value.
            Defaults to ('', '?', 'NA', 'N/A', 'NaN', 'nan', 'null', 'NULL').
        **options: What `from_dataframe` takes besides: `task`, `kinds`, `crosses`, `batch_size` and
            so on.

    Returns:
        A `Data` record.

    Raises:
        InputError: when a file or an option cannot be used.

    Example:
        >>> import pathlib, tempfile
        >>> import dlkit as dk
        >>> lines = [f"{i % 7},{'ab'[i % 2]},{i % 2}" for i in range(60)]
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = pathlib.Path(folder, "table.csv")
        ...     _ = path.write_text("\n".join(["size,shape,good", *lines]))
        ...     data = dk.data.from_csv(path, "good", batch_size=8)
        >>> [(column.name, column.kind) for column in data.columns]
        [('size', 'numeric'), ('shape', 'category')]
    """
    read = functools.partial(
        csv_tables.read_csv, columns=columns, delimiter=delimiter, na_values=na_values
    )
    known = inspect.signature(from_dataframe).parameters
    check_names("from_csv", options, {*read.keywords, *list(known)[2:]})
    table, target = read(path), str(target)
    check_target(table, target, str(path))
    options.setdefault("name", os.path.basename(path).partition(".")[0])
    held = None if test is None else read(test)
    return from_dataframe(table, target, test=held, na_values=na_values, **options)


def from_dataframe(  # noqa: PLR0913 - what the columns are, and how to feed them: keyword-only
    frame: Any,
    target: str,
    *,
    test: Any = None,
    task: str | None = None,
    class_names: Sequence[str] | None = None,
    missing_targets: str = "error",
    rare_classes: str = "error",
    kinds: Mapping[str, str] | None = None,
    crosses: Sequence[Sequence[str]] = (),
    max_categories: int = 100,
    hash_bins: int = 64,
    na_values: Collection[str] = csv_tables.NA_VALUES,
    decimal: str = ".",
    thousands: str | None = None,
    dayfirst: bool | None = None,
    name: str = "table",
    batch_size: int = 64,
    seed: int = 0,
    val_fraction: float = 0.1,
    cache: bool = True,
    augment: Any = None,
) -> Data:
    """Make a `Data` record of a pandas DataFrame, or of a mapping of names to columns.

    Columns become one vector of floats. Numbers have their gaps filled with the median and are
    standardised, beside a column that is 1 where there was a gap. Booleans (`True`, `TRUE`, `true`,
    ...) are 1 or 0; with gaps, such numbers. Categories are one-hot by a vocabulary; values that
    occur once share a column, gaps have one, and a value that training never showed is zeros. Dates
    (ISO 8601) become year, month, day, weekday and hour. Whole numbers with zeros in front, as
    post codes, are texts. Medians, means and vocabularies are those of the training split.

    Args:
        frame: The table. pandas is needed only to make a DataFrame.
        target: The column to predict.
        test: A second such table, for testing. `None` takes a stratified fifth of the rows, the
            same one for every seed. Defaults to None.
        task: `"binary"`, `"multiclass"` or `"regression"`; `None` reads it from the target: texts,
            and up to 20 different whole numbers, are classes, other numbers a regression; `check`
            tells which. Defaults to None.
        class_names: The classes' names in the order of their index. Defaults to None.
        missing_targets: What a row without a target does: `"error"` names it, `"drop"` leaves such
            rows out and prints how many. Defaults to "error".
        rare_classes: What a class of too few rows for every split does, of one row for instance:
            `"error"` names it, `"drop"` leaves such classes out, `"merge"` makes them one class,
            "other", and both print which. Defaults to "error".
        kinds: Column -> `"numeric"`, `"boolean"`, `"category"`, `"hash"`, `"date"` or `"drop"`,
            where it is to differ from what its values look like. Defaults to None.
        crosses: Groups of columns whose combinations are features too, as `[("age", "job")]`;
            numbers count by their tenth of the training rows. Defaults to ().
        max_categories: A column of texts with more different values than this is hashed, or
            dropped where no value occurs twice. Defaults to 100.
        hash_bins: Features of a hashed column, and of a cross. Defaults to 64.
        na_values: Texts that stand for a missing value.
            Defaults to ('', '?', 'NA', 'N/A', 'NaN', 'nan', 'null', 'NULL').
        decimal: What stands before the decimals in texts, as "," in `-0,37`. Defaults to ".".
        thousands: What stands between groups of digits, as "." in `1.250,50`. Defaults to None.
        dayfirst: Read dates like `01.02.2024` and `1/2/2024` too, with the day first (`True`) or
            the month (`False`). Defaults to None: ISO 8601 alone.
        name: What the data set is called. Defaults to "table".
        batch_size: Examples a batch. Defaults to 64.
        seed: Chooses the validation split and the order of each epoch. Defaults to 0.
        val_fraction: Part of the training rows kept for validation, in [0, 1); 0 keeps none.
            Defaults to 0.1.
        cache: Prepare all rows once and hold them in memory; `False` prepares each batch anew.
            Defaults to True.
        augment: A function `(features, seed) -> features` or a Keras layer for training batches.
            Defaults to None.

    Returns:
        A `Data` record; its `columns` tell what was made of each column.

    Raises:
        InputError: when the table or an option cannot be used.

    Example:
        >>> import dlkit as dk
        >>> table = {"age": [39, 50, None, 28] * 15, "job": ["clerk", "?", "cook", "cook"] * 15}
        >>> table["rich"] = [0, 1, 0, 1] * 15
        >>> data = dk.data.from_dataframe(table, "rich", batch_size=8)
        >>> data.task, data.feature_names
        ('binary', ('age', 'age missing', 'job missing', 'job=clerk', 'job=cook'))
    """
    _check_numbers(batch_size, seed, val_fraction, max_categories, hash_bins)
    style = Style(csv_tables.check_na_values(na_values), decimal, thousands, dayfirst)
    kinds, target = kinds or {}, str(target)
    table = style.read(frame, [name for name in kinds if kinds[name] not in NUMBERS])
    check_target(table, target, "The table")
    table = with_targets(table, target, missing_targets, "the table")
    labels = read_target(table.pop(target), target, task)
    targets, held = read_targets(labels, task, class_names), None
    if test is not None:
        held = read_test_table(test, target, table, style, missing_targets)
        targets = join_test_targets(targets, held.pop(target), target)
    held_rows = None if held is None else len(next(iter(held.values())))
    targets = target_rows.without_rare_classes(targets, held_rows, val_fraction, rare_classes, task)
    split = divide_targets(targets, held_rows, val_fraction, seed)
    check_batch_size(batch_size, len(split.train), len(targets.values))

    def make(split: Split) -> Data:
        columns = infer_columns(table, split.train, kinds, max_categories, dayfirst)
        check_kept(columns)
        check_crosses(crosses, columns)
        x = _raw(columns, table, held, dayfirst)
        preprocessing, *features = layers.build(
            columns, take_rows(x, split.train), style, crosses=crosses, hash_bins=hash_bins
        )
        feed = Feed(
            hold_in_memory(preprocess_arrays(x, preprocessing) if cache else x),
            *(targets.values, batch_size, seed),
            None if cache else preprocessing,
            without_recipes(augment, 2),
        )
        origin = Origin(split, targets, lambda rows: take_rows(x, rows), feed, make)
        told = columns + _crossed(crosses, hash_bins)
        return _record(name, told, features, preprocessing, style, targets, origin)

    data = make(split)
    _warn(data.columns or ())
    return data


def _record(
    name: str,
    columns: tuple[Column, ...],
    features: Sequence[Any],
    preprocessing: keras.Model,
    style: Style,
    targets: Targets,
    origin: Origin,
) -> Data:
    shown = origin.split.test[:EXAMPLES]
    names, columns_of = features
    return Data(
        name=name,
        task=targets.task,
        kind="features",
        **split_pipelines(origin.feed, origin.split),
        input_spec={"features": tf.TensorSpec((len(names),), tf.float32)},
        num_classes=targets.num_classes,
        class_names=targets.class_names,
        preprocessing=preprocessing,
        decoding=table_cells(origin.raw(shown), style),
        examples=(origin.raw(shown), targets.values[shown]),
        columns=columns,
        feature_names=names,
        feature_columns=columns_of,
        origin=origin,
    )


def _warn(columns: Sequence[Column]) -> None:
    for column in columns:
        told = []
        if column.kind == "drop" and column.note != "as told":
            told.append(f"is dropped: {column.note}")
        if column.finding and column.finding.level == "warning":
            told.append(f"{column.finding.detail}; {column.finding.advice}")
        if told:
            warnings.warn(f"Column '{column.name}' {'; it '.join(told)}.", stacklevel=3)


def _check_numbers(
    batch_size: int, seed: int, val_fraction: float, max_categories: int, hash_bins: int
) -> None:
    check_pipeline_options(batch_size, seed, val_fraction)
    check_integer("max_categories", max_categories)
    check_integer("hash_bins", hash_bins, minimum=2)


def _raw(
    columns: Sequence[Column],
    table: Mapping[str, np.ndarray],
    held: Mapping[str, np.ndarray] | None,
    dayfirst: bool | None,
) -> dict[str, np.ndarray]:
    """Return the raw columns, with those of the test table behind them."""
    x = raw_columns(columns, table, "", dayfirst)
    if held is not None:
        test = raw_columns(columns, held, " of the test rows", dayfirst)
        x = {name: np.concatenate([values, test[name]]) for name, values in x.items()}
    return {name: precision.narrowed(values) for name, values in x.items()}


def _crossed(crosses: Sequence[Sequence[str]], bins: int) -> tuple[Column, ...]:
    note = f"combinations in {bins} bins"
    return tuple(Column(" x ".join(cross), "cross", note) for cross in crosses)
