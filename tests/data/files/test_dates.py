"""The layer that reads dates, held to Python's datetime."""

import datetime
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from dlkit.data.files.dates import PARTS, DateParts, iso_date


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
        ("20240229", [2024, 2, 29, 3, 0]),
    ],
)
def test_the_ways_to_write_a_date(text, expected):
    assert iso_date(text)
    np.testing.assert_array_equal(DateParts()(tf.constant([text]))[0], expected)


@pytest.mark.parametrize("pattern", ["%d.%m.%Y", "%d/%m/%Y %H:%M", "%-d-%-m-%Y", "%d.%-m.%Y %H"])
@pytest.mark.parametrize("dayfirst", [True, False])
def test_the_day_or_the_month_first(pattern, dayfirst):
    """Every hour of two years, in any way to write it, held to datetime."""
    if not dayfirst:
        pattern = pattern.replace("d", "?").replace("m", "d").replace("?", "m")
    first = datetime.datetime(2023, 1, 1)
    times = [first + datetime.timedelta(hours=31 * i) for i in range(600)]
    texts = [time.strftime(pattern) for time in times]
    hours = [time.hour if "H" in pattern else 0 for time in times]
    expected = [
        [t.year, t.month, t.day, t.weekday(), hour] for t, hour in zip(times, hours, strict=True)
    ]
    parts = DateParts(dayfirst=dayfirst)(tf.constant(texts)).numpy()
    np.testing.assert_array_equal(parts, expected)
    assert [iso_date(text, dayfirst)[:10] for text in texts] == [str(t.date()) for t in times]
    # With a layout of its own, ISO 8601 is read too.
    iso = DateParts(dayfirst=dayfirst)(tf.constant([t.isoformat() for t in times])).numpy()
    np.testing.assert_array_equal(iso[:, :4], parts[:, :4])


@pytest.mark.parametrize(
    ("text", "dayfirst"),
    [
        *(("29.2.2024", None), ("01/02/2024", None), ("2024-13-01", None), ("2024-01-32", None)),
        *(("2024-1-1", None), ("24:00", None), ("202402290", None), ("\u0662024-01-01", None)),
        *(("13/13/2024", True), ("28.03.2024", False), ("03/28/2024", True), ("1.2.24", True)),
    ],
)
def test_what_training_refuses_is_refused(text, dayfirst):
    assert iso_date(text, dayfirst) is None
    parts = DateParts("born", dayfirst)
    with pytest.raises(
        tf.errors.InvalidArgumentError, match=r"Column born takes dates like 2026-11"
    ):
        parts(tf.constant([text, "2024-01-01"]))


def test_what_is_missing_is_no_number():
    parts = DateParts(na_values=["NA", "?"])(tf.constant(["", "NA", "?", "2024-01-01"]))
    assert np.isnan(parts[:3]).all() and not np.isnan(parts[3]).any()
    with pytest.raises(tf.errors.InvalidArgumentError, match="NA"):
        DateParts()(tf.constant(["NA"]))


def test_it_loads_in_a_fresh_process(tmp_path):
    when = keras.Input((), dtype="string", name="when")
    keras.Model(when, DateParts(dayfirst=True)(when)).save(tmp_path / "parts.keras")
    script = tmp_path / "load.py"
    script.write_text(
        "import keras, tensorflow as tf, dlkit.data.files.dates\n"
        f"model = keras.saving.load_model({str(tmp_path / 'parts.keras')!r}, safe_mode=True)\n"
        "print(model(tf.constant(['29.2.2024'])).numpy().tolist())\n"
    )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=200)
    assert "[[2024.0, 2.0, 29.0, 3.0, 0.0]]" in done.stdout, done.stderr
