"""The named tables: which files hold them, and what each column is."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from dlkit.data import catalogue
from dlkit.data.published import find
from dlkit.data.table_files import read_csv

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
    table = read_csv(find("tabular/titanic.csv"))
    # A name and a ticket are of one person or family; most cabins are unknown.
    kinds = dict.fromkeys(("PassengerId", "Name", "Ticket", "Cabin"), "drop")
    table["Survived"] = table["Survived"].astype(int)
    return Table(
        table, "Survived", kinds={**kinds, "Pclass": "category"}, class_names=("died", "survived")
    )


def _penguins() -> Table:
    return Table(read_csv(find("tabular/penguins.csv")), "species")


def _auto_mpg() -> Table:
    path = find("tabular/auto-mpg.data")
    rows = [
        re.fullmatch(r'\s*(.*?)\s*"(.*)"\s*', line).groups()
        for line in path.read_text().splitlines()
    ]
    cells = zip(*([*numbers.split(), name] for numbers, name in rows), strict=True)
    table = dict(zip(AUTO_MPG_COLUMNS, cells, strict=True))
    return Table(table, "mpg", kinds={"origin": "category", "name": "drop"})


def _adult() -> Table:
    train = read_csv(find("tabular/adult-train.csv.gz"), columns=ADULT_COLUMNS)
    test = read_csv(find("tabular/adult-test.csv.gz"), columns=ADULT_COLUMNS)
    # The published test labels end with a point.
    test["income"] = np.array([label.rstrip(".") for label in test["income"]], object)
    # fnlwgt says how many people a row stands for: nothing about the person.
    return Table(train, "income", test=test, kinds={"fnlwgt": "drop"})


def _california_housing() -> Table:
    table = read_csv(find("tabular/california_housing.csv.gz"))
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


def load(name: str, **options: Any) -> Any:
    """Return the `Data` of the named table; `options` as `from_dataframe` takes them."""
    from dlkit.data.tables import from_dataframe

    table = TABLES[name]()
    options = {
        "task": catalogue.find(name).task,
        "kinds": table.kinds,
        "class_names": table.class_names,
        **options,
    }
    return from_dataframe(table.columns, table.target, test=table.test, name=name, **options)
