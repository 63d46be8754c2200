"""The named tables: which files hold them, and what each column is."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from dlkit.argument_validation import check_options
from dlkit.data.catalogue import loading
from dlkit.data.catalogue.cache import find_published
from dlkit.data.files.csv_tables import read_csv

ADULT_COLUMNS = (
    *("age", "workclass", "fnlwgt", "education", "education_num", "marital_status", "occupation"),
    *("relationship", "race", "sex", "capital_gain", "capital_loss", "hours_per_week"),
    *("native_country", "income"),
)
AUTO_MPG_COLUMNS = (
    *("mpg", "cylinders", "displacement", "horsepower", "weight", "acceleration", "model_year"),
    *("origin", "name"),
)
BOSTON_COLUMNS = (
    *("crime", "large_lots", "industry", "by_river", "nitric_oxides", "rooms", "age"),
    *("distance", "highways", "tax", "pupils_per_teacher", "b", "lower_status", "value"),
)
# The measurements were published without names.
MAMMOGRAPHY_COLUMNS = (*(f"feature_{i}" for i in range(1, 7)), "calcification")


class Table(NamedTuple):
    """Raw columns, which of them is the target, the published test split, and kinds to set."""

    columns: Mapping[str, Any]
    target: str
    test: Mapping[str, Any] | None = None
    kinds: Mapping[str, str] | None = None
    class_names: tuple[str, ...] | None = None


def _titanic() -> Table:
    table = read_csv(find_published("tabular/titanic.csv"))
    # A name and a ticket are of one person or family; most cabins are unknown.
    kinds = dict.fromkeys(("PassengerId", "Name", "Ticket", "Cabin"), "drop")
    table["Survived"] = table["Survived"].astype(int)
    return Table(
        table, "Survived", kinds={**kinds, "Pclass": "category"}, class_names=("died", "survived")
    )


def _penguins() -> Table:
    return Table(read_csv(find_published("tabular/penguins.csv")), "species")


def _auto_mpg() -> Table:
    path = find_published("tabular/auto-mpg.data")
    rows = re.findall(r'^\s*(.*?)\s*"(.*)"\s*$', path.read_text(), re.MULTILINE)
    cells = zip(*([*numbers.split(), name] for numbers, name in rows), strict=True)
    table = dict(zip(AUTO_MPG_COLUMNS, cells, strict=True))
    return Table(table, "mpg", kinds={"origin": "category", "name": "drop"})


def _adult() -> Table:
    train = read_csv(find_published("tabular/adult-train.csv.gz"), columns=ADULT_COLUMNS)
    test = read_csv(find_published("tabular/adult-test.csv.gz"), columns=ADULT_COLUMNS)
    # The published test labels end with a point.
    test["income"] = np.array([label.rstrip(".") for label in test["income"]], object)
    # fnlwgt says how many people a row stands for: nothing about the person.
    return Table(train, "income", test=test, kinds={"fnlwgt": "drop"})


def _california_housing() -> Table:
    table = read_csv(find_published("tabular/california_housing.csv.gz"))
    # In 100,000 dollars, as scikit-learn has it: a network starts with answers around 0.
    table["median_house_value"] = table["median_house_value"].astype(float) / 1e5
    return Table(table, "median_house_value")


def _credit_card_fraud() -> Table:
    table = read_csv(find_published("tabular/creditcard_fraud_subset.csv.gz"))
    # Seconds since the first payment of the collection: nothing about a payment.
    return Table(table, "Class", kinds={"Time": "drop"}, class_names=("genuine", "fraud"))


def _mammography() -> Table:
    table = read_csv(find_published("tabular/mammography.csv"), columns=MAMMOGRAPHY_COLUMNS)
    # The published labels are '-1' and '1', quotes included.
    labels = [int(label.strip("'")) for label in table["calcification"]]
    table["calcification"] = (np.array(labels) > 0).astype(int)
    return Table(table, "calcification", class_names=("none", "calcification"))


def _boston_housing() -> Table:
    table = read_csv(find_published("tabular/boston_housing.csv"), columns=BOSTON_COLUMNS)
    # The column was built on race.
    return Table(table, "value", kinds={"b": "drop"})


TABLES: dict[str, Callable[[], Table]] = {
    "titanic": _titanic,
    "penguins": _penguins,
    "auto_mpg": _auto_mpg,
    "adult": _adult,
    "california_housing": _california_housing,
    "credit_card_fraud": _credit_card_fraud,
    "mammography": _mammography,
    "boston_housing": _boston_housing,
}


def load(name: str, **options: Any) -> Any:
    """Return the `Data` of the named table; `options` as `from_dataframe` takes them."""
    from dlkit.data.features.from_tables import from_dataframe

    check_options(name, options, from_dataframe, fixed=("name", "test"))
    table = TABLES[name]()
    options = {
        "task": loading.find_info(name).task,
        "kinds": table.kinds,
        "class_names": table.class_names,
        **options,
    }
    return from_dataframe(table.columns, table.target, test=table.test, name=name, **options)
