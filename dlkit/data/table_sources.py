"""The named tables: which files hold them, and what each column is."""

from __future__ import annotations

import os
import pathlib
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from dlkit.data.table_files import read_csv
from dlkit.errors import InputError

ADULT_COLUMNS = (
    *("age", "workclass", "fnlwgt", "education", "education_num", "marital_status", "occupation"),
    *("relationship", "race", "sex", "capital_gain", "capital_loss", "hours_per_week"),
    *("native_country", "income"),
)
AUTO_MPG_COLUMNS = (
    *("mpg", "cylinders", "displacement", "horsepower", "weight", "acceleration", "model_year"),
    *("origin", "name"),
)


class Table(NamedTuple):
    """Raw columns, which of them is the target, the published test split, and kinds to set."""

    columns: Mapping[str, Any]
    target: str
    test: Mapping[str, Any] | None = None
    kinds: Mapping[str, str] | None = None
    class_names: tuple[str, ...] | None = None


def _titanic() -> Table:
    table = read_csv(find_file("titanic.csv"))
    # A name and a ticket are of one person or family; most cabins are unknown.
    kinds = dict.fromkeys(("PassengerId", "Name", "Ticket", "Cabin"), "drop")
    table["Survived"] = table["Survived"].astype(int)
    return Table(
        table, "Survived", kinds={**kinds, "Pclass": "category"}, class_names=("died", "survived")
    )


def _penguins() -> Table:
    return Table(read_csv(find_file("penguins.csv")), "species")


def _auto_mpg() -> Table:
    path = find_file("auto-mpg.data")
    rows = [
        re.fullmatch(r'\s*(.*?)\s*"(.*)"\s*', line).groups()
        for line in path.read_text().splitlines()
    ]
    cells = zip(*([*numbers.split(), name] for numbers, name in rows), strict=True)
    table = dict(zip(AUTO_MPG_COLUMNS, cells, strict=True))
    return Table(table, "mpg", kinds={"origin": "category", "name": "drop"})


def _adult() -> Table:
    train = read_csv(find_file("adult-train.csv.gz"), columns=ADULT_COLUMNS)
    test = read_csv(find_file("adult-test.csv.gz"), columns=ADULT_COLUMNS)
    # The published test labels end with a point.
    test["income"] = np.array([label.rstrip(".") for label in test["income"]], object)
    # fnlwgt says how many people a row stands for: nothing about the person.
    return Table(train, "income", test=test, kinds={"fnlwgt": "drop"})


def _california_housing() -> Table:
    table = read_csv(find_file("california_housing.csv.gz"))
    # In 100,000 dollars, as scikit-learn has it: a network starts with answers around 0.
    table["median_house_value"] = table["median_house_value"].astype(float) / 1e5
    return Table(table, "median_house_value")


TABLES: dict[str, Callable[[], Table]] = {
    "titanic": _titanic,
    "penguins": _penguins,
    "auto_mpg": _auto_mpg,
    "adult": _adult,
    "california_housing": _california_housing,
}


def find_file(name: str) -> pathlib.Path:
    """Return the path of a table's file in `DLKIT_DATA` or Keras's cache.

    Raises:
        InputError: when it is in none of the folders, naming them.
    """
    folders = []
    if shared := os.environ.get("DLKIT_DATA"):
        folders += [pathlib.Path(shared), pathlib.Path(shared) / "tabular"]
    keras_home = os.environ.get("KERAS_HOME") or os.path.join(os.path.expanduser("~"), ".keras")
    folders.append(pathlib.Path(keras_home) / "datasets")
    for folder in folders:
        if (folder / name).is_file():
            return folder / name
    raise InputError(
        f"{name} is not on this machine: put it into one of {', '.join(map(str, folders))}, or"
        " set DLKIT_DATA to the folder that holds it."
    )


def load(name: str, *, task: str, **feeding: Any) -> Any:
    """Return the `Data` of the named table; `feeding` as `from_dataframe` takes it."""
    from dlkit.data.tables import from_dataframe

    table = TABLES[name]()
    return from_dataframe(
        table.columns,
        table.target,
        test=table.test,
        task=task,
        kinds=table.kinds,
        class_names=table.class_names,
        name=name,
        **feeding,
    )
