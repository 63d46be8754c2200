"""Faults in the splits: what is in two of them, rare classes, targets out of range."""

import dataclasses

import numpy as np

import dlkit as dk
from tests.data.findings import found, of_cancer


def test_rows_that_leak_into_the_test_split_are_counted(cancer):
    x, y = cancer[0].copy(), cancer[1]
    split = of_cancer(x, y).origin.split
    x[split.test[:3]] = x[split.train[:3]]  # the same
    x[split.test[5:9]] = x[split.train[5:9]] * (1 + 1e-5)  # nearly
    x[split.train[20]] = x[split.train[21]]
    by_name = found(of_cancer(x, y))
    assert by_name["same in two splits"].level == "warning"
    assert "3 of 114 (2.6%) test examples" in by_name["same in two splits"].detail
    assert by_name["same in training"].detail.startswith("1 of 409")
    near = by_name["alike in test and train"]
    assert near.level == "warning" and near.detail.startswith("4 of 114")
    assert f"{split.test[5]} and {split.train[5]}" in near.detail
    assert by_name["alike in val and train"].level == "ok"


def test_one_input_with_two_labels_is_told(cancer):
    x, y = cancer[0].copy(), cancer[1]
    other = np.flatnonzero(y != y[0])[0]
    x[other] = x[0]
    finding = found(of_cancer(x, y))["same input, other target"]
    assert finding.detail == f"inputs with different targets: 1, as that of rows 0, {other}"


def test_rare_and_absent_classes_are_told(cancer, shared_data):
    x, y = cancer
    rare = np.concatenate([np.flatnonzero(y == 1), np.flatnonzero(y == 0)[:20]])
    finding = found(of_cancer(x[rare], y[rare]))["class balance"]
    assert finding.level == "warning"
    assert "'malignant'" in finding.detail and "data.balanced()" in finding.advice
    names = ("malignant", "benign", "unknown")
    absent = dk.data.from_arrays(x, y, class_names=names, task="multiclass", val_fraction=0)
    findings = absent.check(show=False)
    lacking = [f for f in findings if f.what == "class counts"]
    assert [f.level for f in lacking] == ["error", "warning"]
    assert lacking[0].detail == "no train example of unknown"
    assert found(dk.data.load("credit_card_fraud"))["class balance"].level == "note"


def test_the_range_and_the_counts_of_labels_are_told(cancer):
    iris = found(dk.data.load("iris"))["labels"]
    assert iris.detail == "0 to 2; in training: setosa 36, versicolor 36, virginica 36"
    digits = found(dk.data.load("digits"))["labels"]
    assert digits.detail.startswith("0 to 9; in training: 0 ") and digits.detail.endswith("5 more")


def test_labels_count_each_for_itself():
    x = np.random.default_rng(0).normal(size=(300, 4))
    y = np.stack([x[:, 0] > 0, x[:, 1] > 2.2], axis=1).astype(int)
    data = dk.data.from_arrays(x, y, class_names=("often", "seldom"), val_fraction=0)
    assert "'seldom'" in found(data)["label balance"].detail


def test_targets_of_a_regression_are_told():
    diabetes = dk.data.load("diabetes")
    finding = found(diabetes)["targets"]
    assert finding.level == "note"
    assert finding.detail.startswith("25 to 346, mean 148.7")
    broken = dataclasses.replace(
        diabetes, train=diabetes.train.map(lambda x, y: (x, y * float("inf")))
    )
    assert found(broken)["targets"].detail == "NaN or infinity in the train targets"
    same = dk.data.from_arrays(np.random.default_rng(0).normal(size=(90, 3)), np.full(90, 2.5))
    assert found(same)["targets"].level == "error"
