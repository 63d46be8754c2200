"""Series read from files, tables and arrays, in time order or refused."""

import numpy as np
import pandas as pd
import pytest

from dlkit.data.series import reading
from dlkit.errors import InputError

DAYS = [f"2020-01-{day:02}" for day in range(1, 11)]


def read(values, date=None):
    return reading.read_series(values, date)


def test_files_frames_and_arrays_hold_the_same_series(tmp_path):
    numbers = np.arange(20.0).reshape(10, 2) / 3
    frame = pd.DataFrame(numbers, columns=["a", "b"])
    dated = pd.DataFrame({"when": pd.to_datetime(DAYS), "a": numbers[:, 0], "b": numbers[:, 1]})
    dated.to_csv(tmp_path / "series.csv.gz", index=False)
    tables = [tmp_path / "series.csv.gz", dated, dated.set_index("when"), dict(dated)]
    for table in tables:
        series = read(table)
        np.testing.assert_allclose(series.values, numbers)
        assert (series.names, series.date) == (("a", "b"), "when")
        assert series.dates[0] == np.datetime64("2020-01-01") and series.gap_text() == ""
    for values in (frame, {"a": numbers[:, 0], "b": numbers[:, 1]}):
        assert read(values).dates is None and read(values).names == ("a", "b")
    assert read(numbers).names == ("variable_1", "variable_2")
    assert read(range(5)).values.tolist() == [[0], [1], [2], [3], [4]]


@pytest.mark.parametrize("pattern", ["%Y%m%d", "%Y%m"])
def test_whole_numbers_may_be_dates(tmp_path, pattern):
    days = pd.date_range("2019-11-01", periods=5, freq="MS")
    frame = pd.DataFrame({"day": [int(day.strftime(pattern)) for day in days], "x": np.arange(5)})
    frame.to_csv(tmp_path / "series.csv", index=False)
    for table in (frame, tmp_path / "series.csv", frame.astype(float), dict(frame.astype(str))):
        for date in (None, "day"):
            series = read(table, date)
            assert (series.names, series.date, series.gap_text()) == (("x",), "day", "")
            assert series.span_text(0, 4) == "2019-11 to 2020-03"


@pytest.mark.parametrize(
    "numbers",
    [[20200101, 20200101, 20200105], [20200102, 20200101], [202013, 202014], [2001, 2002]],
)
def test_other_whole_numbers_are_measurements(numbers):
    assert read({"x": numbers, "y": numbers}).names == ("x", "y")
    with pytest.raises(InputError, match=r"'x' must (hold dates|rise)|dates in 'x' must rise"):
        read({"x": numbers, "y": numbers}, "x")


def test_texts_of_another_country_are_told_with_a_way_out():
    with pytest.raises(InputError, match=r"'0,5' in row 1, .* looks like numbers: .* decimal=','"):
        read({"x": ["0,5", "1,5"]})
    with pytest.raises(InputError, match=r"'d' holds .* looks like dates: .* give dayfirst=True"):
        read({"d": ["28.03.2024", "29.03.2024"], "x": [1, 2]})


def test_columns_are_left_out_by_option(tmp_path):
    table = {"t": DAYS, "town": ["Bern"] * 10, "x": range(10), "gaps": [1.0, None] * 5}
    pd.DataFrame(table).to_csv(tmp_path / "a.csv", index=False)
    dated = pd.DataFrame(table).assign(t=pd.to_datetime(DAYS)).set_index("t")
    for values in (table, dated, tmp_path / "a.csv"):
        series = reading.read_series(values, None, ("town", "gaps"))
        assert series.names == ("x",) and series.date == "t"
        assert series.values[:, 0].tolist() == list(range(10))
        with pytest.raises(InputError, match=r"'town' holds 'Bern' .* with drop='town'"):
            reading.read_series(values, None)
        with pytest.raises(InputError, match=r"drop names the column 'tow', .* mean 'town'"):
            reading.read_series(values, None, "tow")
    assert reading.read_series({"t": DAYS, "x": range(10)}, None, "t").dates is None
    with pytest.raises(InputError, match=r"besides the dates 't' and drop=\('x',\)"):
        reading.read_series({"t": DAYS, "x": range(10)}, None, "x")
    with pytest.raises(InputError, match=r"drop=\('x',\) names columns, and an array has none"):
        reading.read_series(np.arange(9), None, "x")


def test_a_pandas_series_keeps_its_name_and_its_days():
    months = pd.period_range("2020-01", periods=10, freq="M")
    series = read(pd.Series(np.arange(10.0), index=months, name="x"))
    assert (series.names, series.span_text(0, 9)) == (("x",), "2020-01 to 2020-10")
    series = read(pd.Series(np.arange(10.0), index=pd.to_datetime(DAYS)))
    assert (series.names, series.span_text(1, 3)) == (("variable_1",), "2020-01-02 to 2020-01-04")
    assert read(pd.Series([1, 2])).span_text(0, 1) == "steps 0 to 1"


def test_hours_of_a_time_zone_are_those_of_utc():
    """On 25 October 2020, Berlin had the hour from 2 to 3 twice."""
    hours = pd.date_range("2020-10-24 22:00", periods=6, freq="h", tz="UTC")
    berlin = hours.tz_convert("Europe/Berlin")
    x = np.arange(6.0)
    told = [hour.isoformat(sep=" ") for hour in berlin]
    assert told[2:4] == ["2020-10-25 02:00:00+02:00", "2020-10-25 02:00:00+01:00"]
    for table in (
        {"t": told, "x": x},
        {"t": [hour.strftime("%Y-%m-%dT%HZ") for hour in hours], "x": x},
        {"t": [hour.strftime("%Y/%m/%d %H:%M:00.5-0000") for hour in hours], "x": x},
        pd.DataFrame({"x": x}, index=berlin),
        pd.DataFrame({"t": berlin, "x": x}),
    ):
        series = read(table)
        assert series.gap_text() == ""
        assert series.span_text(0, 5) == "2020-10-24 22:00:00 to 2020-10-25 03:00:00"
    west = read({"t": [f"2020-01-0{day} 23:30-0330" for day in (1, 2, 3)], "x": np.arange(3)})
    assert series.dates[0] == np.datetime64("2020-10-24T22")
    assert west.span_text(0, 2) == "2020-01-02 03:00:00 to 2020-01-04 03:00:00"


@pytest.mark.parametrize(
    ("dates", "gaps"),
    [
        (["1949-11", "1949-12", "1950-01", "1950-02"], ""),
        (["1949-01-01", "1949-02-01", "1949-03-01"], ""),  # months are of 28 to 31 days
        (["1969-12", "1970-01", "1970-02"], ""),
        (["1949-01", "1949-02", "1949-04"], "1 gap in 't', the first between 1949-02 and 1949-04"),
        (
            ["2016/07/01", "2016/07/02", "2016/07/04", "2016/07/05", "2016/07/09", "2016/07/10"],
            "2 gaps in 't', the first between 2016-07-02 and 2016-07-04",
        ),
        (
            ["2016-07-01 22:00:00", "2016-07-01 23:00:00", "2016-07-02 00:00:00", "2016-07-02 02"],
            "1 gap in 't', the first between 2016-07-02 and 2016-07-02 02:00:00",
        ),
    ],
)
def test_gaps_are_told_by_their_dates(dates, gaps):
    assert read({"x": np.arange(len(dates)), "t": dates}).gap_text() == gaps


@pytest.mark.parametrize(
    ("dates", "message"),
    [
        (
            [*DAYS[:4], *DAYS[3:9]],
            r"in 't' must rise: row 5 \(2020-01-04\) follows row 4 \(2020-01",
        ),
        (DAYS[::-1], r"row 2 \(2020-01-09\) follows row 1 \(2020-01-10\); sort the rows"),
        ([*DAYS[:9], "2021-02-31"], "must hold dates like .* Received '2021-02-31' in row 10"),
        ([*DAYS[:9], "2020-01-10+01:00"], r"Received '2020-01-10\+01:00' in row 10"),
        ([*DAYS[:9], ""], "Received '' in row 10"),
    ],
)
def test_dates_that_do_not_rise_or_are_none_are_refused(dates, message):
    with pytest.raises(InputError, match=message):
        read({"t": dates, "x": np.arange(10)}, "t")


def test_cells_that_commas_do_not_divide_are_told(tmp_path):
    path = tmp_path / "power.csv"
    path.write_text("date;power\n2020-01-01;3\n2020-01-02;4\n")
    with pytest.raises(
        InputError, match=r"a single column, 'date;power'.* divided by ';' .*sep=';'"
    ):
        read(path, None)


@pytest.mark.parametrize(
    ("values", "date", "message"),
    [
        ([1, 2, np.nan, 4, np.inf], None, r"'variable_1' has no finite value in row 3, and 2 such"),
        (
            {"t": DAYS, "x": [*range(9), None]},
            None,
            r"'x' has no finite value in row 10 \(2020-01-10\), and 1 such cell is in .* fill gaps",
        ),
        ({"x": ["1", "2", "three"]}, None, "Column 'x' holds 'three' in row 3, which is no number"),
        ({"t": DAYS}, None, "no column besides the dates 't'"),
        ({"time": DAYS, "x": DAYS}, "tim", "no column 'tim' of dates. Did you mean 'time'"),
        ([1, 2, 3], "t", "date='t' names a column, and an array has none"),
        (np.zeros((2, 2, 2)), None, r"an array of numbers .* of shape \(2, 2, 2\)"),
        ([], None, r"Received: float64 of shape \(0,\)"),
        (["a"], None, "Received: <U1"),
        ("nowhere.csv", None, r"There is no file nowhere\.csv"),
    ],
)
def test_what_is_no_series_is_refused(values, date, message):
    with pytest.raises(InputError, match=message):
        read(values, date)
