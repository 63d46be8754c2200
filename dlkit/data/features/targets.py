"""The target column of a table, and of the table for testing."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from dlkit.argument_validation import check_choice, closest
from dlkit.data.core import target_rows
from dlkit.data.core.targets import Targets, encode_targets
from dlkit.data.files.cells import as_numbers, as_texts
from dlkit.data.files.table_columns import read_target
from dlkit.data.files.table_styles import Style
from dlkit.errors import InputError


def with_targets(
    table: dict[str, np.ndarray], target: str, missing: str, where: str
) -> dict[str, np.ndarray]:
    """Return the rows of a table that have a target, or with `missing="error"` all of them.

    Raises:
        InputError: for another choice, or when no row has a target.
    """
    check_choice("missing_targets", missing, target_rows.MISSING)
    if missing == "error":
        return table
    rows = target_rows.rows_with_target(as_texts(table[target]) == "", where)
    return {name: values[rows] for name, values in table.items()}


def read_test_table(
    test: Any, target: str, like: Mapping[str, np.ndarray], style: Style, missing: str
) -> dict[str, np.ndarray]:
    """Return the table for testing, which has the target and all columns of `like`.

    Raises:
        InputError: naming the column that it lacks, or as `with_targets`.
    """
    held = style.read(test, [name for name in like if as_numbers(like[name]) is None])
    for name in (target, *like):
        if name not in held:
            raise InputError(
                f"The test table has no column '{name}', which the training table has."
                f"{closest(name, held)} Its columns: {', '.join(held)}."
            )
    return with_targets(held, target, missing, "the test table")


def join_test_targets(targets: Targets, cells: np.ndarray, target: str) -> Targets:
    """Return the targets with those in the column `cells` of the test table behind them."""
    labels = read_target(cells, target, targets.task)
    values = np.concatenate([targets.values, encode_targets(labels, targets)])
    return dataclasses.replace(targets, values=values)
