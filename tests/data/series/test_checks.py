"""Checks of series: levels that move, constant variables, and the naive forecast."""

import numpy as np
import pytest

import dlkit as dk


def found(data):
    return {finding.what: finding for finding in data.check(show=False)}


def test_a_level_that_rises_and_a_constant_are_told_by_their_names():
    steps = np.arange(200.0)
    values = {"up": steps, "wave": np.sin(steps), "still": np.full(200, 3.0)}
    data = dk.data.from_series(values, window=6, horizon=2, targets=["wave", "up"], batch_size=8)
    findings = found(data)
    assert findings["constant columns"].detail == "still: one value in all training rows"
    level = findings["level over time"]
    # Training targets are steps 6 to 142 and 7 to 143, those of the test 160 to 199.
    assert (level.level, level.detail) == ("note", "up: mean 74.5 in training, 179.5 in test")
    naive = findings["naive forecast"]
    assert naive.detail.endswith(", up by 1.5") and naive.detail.startswith("saying the last value")
    rows = np.arange(160, 199)
    expected = np.mean(
        [np.abs(np.sin(rows) - np.sin(rows - 1)), np.abs(np.sin(rows + 1) - np.sin(rows - 1))]
    )
    assert f"wave by {expected:.4g}" in naive.detail


@pytest.mark.parametrize("start", [0, 1467331200, 1.5e9])
def test_variables_that_only_count_are_told(start):
    steps = np.arange(300)
    values = {"row": start + 3600 * steps, "x": np.sin(steps), "y": steps**1.5, "z": -steps}
    finding = found(dk.data.from_series(values, window=6, batch_size=8))["counting variables"]
    assert (finding.level, finding.detail.partition(":")[0]) == ("warning", "row")
    del values["row"]
    assert "counting variables" not in found(dk.data.from_series(values, window=6, batch_size=8))


def test_melbourne_is_alike_in_all_years(shared_data):
    findings = found(dk.data.load("melbourne_temperatures"))
    assert findings["level over time"].detail == "alike in training and test"
    assert findings["naive forecast"].detail.endswith("Temp by 1.953")
    assert "rescale_outputs(model, data), or divide them" in findings["targets"].advice


@pytest.mark.parametrize(("fractions", "told"), [((0.2, 0), "on val"), ((0, 0), None)])
def test_the_latest_span_is_looked_at(fractions, told):
    val, test = fractions
    data = dk.data.from_series(
        np.sin(np.arange(99.0)), window=5, batch_size=8, val_fraction=val, test_fraction=test
    )
    finding = found(data).get("naive forecast")
    assert (finding is None) if told is None else (told in finding.detail)
