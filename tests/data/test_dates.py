"""The layer that reads dates, held to Python's datetime."""

import datetime
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from dlkit.data.dates import PARTS, DateParts, is_date


def test_parts_are_those_of_datetime():
    """Every 97th hour over four centuries, so that each rule for leap years is met."""
    first = datetime.datetime(1799, 12, 31)
    times = [first + datetime.timedelta(hours=97 * i) for i in range(37_000)]
    expected = [[t.year, t.month, t.day, t.weekday(), t.hour] for t in times]
    parts = DateParts()(tf.constant([t.isoformat(sep=" ") for t in times])).numpy()
    np.testing.assert_array_equal(parts, expected)
    assert len(PARTS) == parts.shape[1]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-02-29", [2024, 2, 29, 3, 0]),
        ("2024/02/29", [2024, 2, 29, 3, 0]),
        ("2024-02-29T23:59:59.123+02:00", [2024, 2, 29, 3, 23]),
        ("2000-01-01 07", [2000, 1, 1, 5, 7]),
    ],
)
def test_the_ways_to_write_a_date(text, expected):
    assert is_date(text)
    np.testing.assert_array_equal(DateParts()(tf.constant([text]))[0], expected)


@pytest.mark.parametrize("text", ["", "29.2.2024", "2024-13-01", "2024-01-32", "2024-1-1", "24:00"])
def test_what_is_no_date_is_missing(text):
    assert not is_date(text)
    assert np.isnan(DateParts()(tf.constant([text, "2024-01-01"]))[0]).all()


def test_it_loads_in_a_fresh_process(tmp_path):
    when = keras.Input((), dtype="string", name="when")
    keras.Model(when, DateParts()(when)).save(tmp_path / "parts.keras")
    code = (
        "import keras, tensorflow as tf, dlkit.data.dates;"
        f"model = keras.saving.load_model({str(tmp_path / 'parts.keras')!r}, safe_mode=True);"
        "print(model(tf.constant(['2024-02-29'])).numpy().tolist())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=200)
    assert "[[2024.0, 2.0, 29.0, 3.0, 0.0]]" in done.stdout, done.stderr
