"""Faults in what the network gets: no numbers, and inputs that are not scaled."""

import dataclasses

import numpy as np

import dlkit as dk
from tests.data.findings import found, of_cancer


def test_what_is_not_scaled_is_told(cancer):
    plain = of_cancer(*cancer)
    unscaled = dataclasses.replace(plain, train=plain.train.map(lambda x, y: (x * 50.0, y)))
    finding = found(unscaled)["scale of inputs"]
    assert finding.level == "warning"
    assert "deviation 5" in finding.detail
    flat = dataclasses.replace(plain, train=plain.train.map(lambda x, y: (x * 0.001, y)))
    told = found(flat)["scale of inputs"].detail
    assert told.startswith("features 0, features 1, features 2 and 27 more: deviation 0.00")
    x = cancer[0].copy()
    x[plain.origin.split.train[7], 4] = 1e4
    finding = found(of_cancer(x, cancer[1]))["scale of inputs"]
    assert finding.level == "note" and finding.detail.endswith("features 4: 20")


def test_many_categories_are_no_matter_of_scale():
    """Nothing is told of 500 one-hot columns, and the numbers beside them are told by name."""
    random = np.random.default_rng(0)
    table = {"kind": random.integers(0, 500, 3000).astype(str), "y": random.integers(0, 2, 3000)}
    table |= {"age": random.normal(size=3000), "wage": random.normal(size=3000)}
    kinds = {"kind": "category"}
    data = dk.data.from_dataframe(table, "y", kinds=kinds, max_categories=1000)
    assert len(data.feature_names) > 400
    assert found(data)["scale of inputs"].level == "ok"
    flat = dataclasses.replace(data, train=data.train.map(lambda x, y: (_scaled(x, data), y)))
    finding = found(flat)["scale of inputs"]
    assert finding.level == "warning"
    assert finding.detail.startswith("age, wage: deviation 0.01")
    alone = dk.data.from_dataframe({"kind": table["kind"], "y": table["y"]}, "y", kinds=kinds)
    assert found(alone)["scale of inputs"].level == "ok"


def _scaled(x, data):
    numbers = np.array([name in ("age", "wage") for name in data.feature_names])
    return x * np.where(numbers, 0.01, 1).astype("float32")


def test_what_is_not_a_number_is_told(cancer):
    plain = of_cancer(*cancer)
    nan = float("nan")
    broken = dataclasses.replace(plain, val=plain.val.map(lambda x, y: (x * nan, y)))
    finding = found(broken)["not a number"]
    assert (finding.level, finding.detail) == (
        "error",
        "46 of the first val inputs hold NaN or infinity",
    )
    labels = dataclasses.replace(plain, test=plain.test.map(lambda x, y: (x, y + 1)))
    finding = found(labels)["targets"]
    assert finding.level == "error"
    assert finding.detail == "label 2 in test, and the classes are 0 to 1"
