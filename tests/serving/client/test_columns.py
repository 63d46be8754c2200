"""Which column goes to which input and as what; test_inputs.py sends them."""

import datetime
import decimal

import numpy as np
import pandas
import pytest

from dlkit.data.files.csv_tables import read_frame
from dlkit.errors import InputError
from dlkit.serving.client.columns import Table, as_dtype, fit_columns, from_rows, is_columns
from dlkit.serving.core.signatures import Signature, TensorInfo


def fitted(columns, texts=None, **dtypes):
    infos = {name: TensorInfo(f"DT_{dtype.upper()}") for name, dtype in dtypes.items()}
    found = Table(columns, texts).fitted(Signature(infos, {}))
    return {name: values.tolist() for name, values in found.items()}


def test_an_inputs_own_name_comes_before_what_an_export_makes_of_a_column():
    columns = {"hours_per_week": [3], "Hours per week": [1], "Hours_per_week": [2], "class": [4]}
    assert fitted(columns, Hours_per_week="float", arg_class="int64") == {
        "Hours_per_week": [2.0],
        "arg_class": [4],
    }
    del columns["Hours_per_week"]
    assert fitted(columns, Hours_per_week="float") == {"Hours_per_week": [1.0]}
    del columns["hours_per_week"]
    assert fitted(columns, hours_per_week="float") == {"hours_per_week": [1.0]}
    assert fitted({7: [1.0]}, **{"7": "float"}) == {"7": [1.0]}


def test_inputs_without_a_column_and_with_two():
    with pytest.raises(
        InputError, match=r"the model's input 'wage'\. Did you mean 'wages'\?.*: wages"
    ):
        fitted({"wages": [1]}, wage="float")
    with pytest.raises(InputError, match=r"Each of the columns \['a b', 'a-b'\] .* input 'a_b'"):
        fitted({"a b": [1], "a-b": [2]}, a_b="float")
    optional = Signature({"power": TensorInfo("DT_FLOAT")}, {}, defaults={"power": np.ones(1)})
    assert Table({"x": [1]}).fitted(optional) == {}


def told(**columns):
    """A signature that tells the column, the dtype and the shape of each input."""
    return Signature(
        {
            name: TensorInfo(f"DT_{dtype}", shape, axes=(column, *[""] * (len(shape) - 1)))
            for name, (column, dtype, shape) in columns.items()
        },
        {},
    )


def test_the_column_that_an_export_tells_is_the_one():
    signature = told(
        a_b=("a_b", "FLOAT", (-1,)),
        a_b_2=("a b", "FLOAT", (-1,)),
        age_1=("Age", "FLOAT", (-1,)),
        arg_class=("class", "STRING", (-1,)),
    )
    columns = {"a_b_2": [9], "age_1": [9], "Age": [3], "a b": [2], "a_b": [1], "class": [" x "]}
    right = {"a_b": [1.0], "a_b_2": [2.0], "age_1": [3.0], "arg_class": ["x"]}
    for names in (list(columns), list(columns)[::-1], list(columns)[2:]):
        found = fit_columns({name: columns[name] for name in names}, signature)
        assert {name: values.tolist() for name, values in found.items()} == right
    by_input = {"a_b": [1], "a_b_2": [2], "age_1": [3], "arg_class": ["x"]}  # as in a request
    assert {k: v.tolist() for k, v in fit_columns(by_input, signature).items()} == right
    del columns["a_b"]
    with pytest.raises(InputError, match=r"the model's input 'a_b'\. Did you mean"):
        fit_columns({**columns, "a-b": [7]}, signature)
    del columns["a_b_2"]
    with pytest.raises(InputError, match=r"the model's input 'a_b_2', 'a b'\. Did you"):
        fit_columns({"a_b": [1], "Age": [3], "class": ["x"]}, signature)


def test_named_arrays_of_other_models_stay_what_they_are():
    for signature in (told(x=("", "FLOAT", (-1,))), told(x=("x", "FLOAT", (-1, 2)))):
        given = {"x": [[1, 2]]}
        assert fit_columns(given, signature) is given
    assert fit_columns([1.0], told(x=("x", "FLOAT", (-1,)))) == [1.0]


@pytest.mark.parametrize(
    ("values", "dtype", "wanted"),
    [
        ([39, None, "NA", "?", "", np.nan, "4e1"], "FLOAT", [39, *[np.nan] * 5, 40]),
        ([None, "NA", " Bern", 3, np.nan], "STRING", ["", "NA", "Bern", "3", ""]),
        ([pandas.Timestamp("2024-01-02 03:04"), pandas.NaT], "STRING", ["2024-01-02 03:04:00", ""]),
        (np.array(["2024-01-02", "NaT"], "M8[ns]"), "STRING", ["2024-01-02T00:00:00", ""]),
        ([np.datetime64("2024-01-02"), None], "STRING", ["2024-01-02", ""]),
        (pandas.Series([1, None], dtype="Int64"), "FLOAT", [1, np.nan]),
        (pandas.Series(["a", None], dtype="category"), "STRING", ["a", ""]),
    ],
)
def test_what_is_missing_and_dates_go_as_training_read_them(values, dtype, wanted):
    signature = told(x=("X", dtype, (-1,)))
    for inputs in ({"X": values}, from_rows([{"X": value} for value in values])):
        np.testing.assert_equal(fit_columns(inputs, signature)["x"].tolist(), wanted)


def test_the_last_window_of_a_series_goes():
    signature = told(power=("power", "STRING", (-1, 3)))
    found = fit_columns({"power": [1.0, 2.5, 3, 4], "date": ["a"] * 4}, signature)
    assert found["power"].tolist() == [["2.5", "3", "4"]]
    windows = [["1", "2", "3"], ["4", "5", "6"]]
    assert fit_columns({"power": windows}, signature)["power"].tolist() == windows
    with pytest.raises(InputError, match=r"'power' takes the last 3 steps .* Received: 2 steps"):
        fit_columns({"power": [1.0, 2.0]}, signature)


@pytest.mark.parametrize(
    "rows", [[{"a": 1}, {"b": 1}], [{"a": 1}, {"a": 1, "b": 2}], [{"a": 1}, 2]]
)
def test_rows_of_different_names(rows):
    with pytest.raises(InputError, match=r"inputs holds rows with different names: row 2 is"):
        from_rows(rows)


def test_what_may_be_columns():
    for inputs in ({"a": [1]}, {"a": (None,), "b": np.zeros(2)}, {"a": pandas.Series([1])}, {}):
        assert is_columns(inputs)
    for inputs in ([1], {"a": []}, {"a": 1.0}, {"a": [[1]]}, {"a": np.zeros((2, 2))}, {"a": [{}]}):
        assert not is_columns(inputs)


@pytest.mark.parametrize(
    ("values", "dtype", "wanted"),
    [
        ([3, 1], "string", ["3", "1"]),
        ([3.0, np.nan, 2.5], "string", ["3", "", "2.5"]),
        ([True, ""], "string", ["True", ""]),
        ([datetime.date(2024, 1, 2)], "string", ["2024-01-02"]),
        ([b"\xff", "a", ""], "string", [b"\xff", "a", ""]),
        (["40", "", "1e3"], "float", [40.0, np.nan, 1000.0]),
        (["9007199254740993"], "int64", [9007199254740993]),
        ([str(10**25), "1"], "float", [float(np.float32(1e25)), 1.0]),
        ([1.0, 255.0], "uint8", [1, 255]),
        ([1, 2], "double", [1.0, 2.0]),
        ([[1, 2], [3, 4]], "float", [[1.0, 2.0], [3.0, 4.0]]),
        ([True, False], "bool", [True, False]),
        (["true", "FALSE"], "bool", [True, False]),
        (["True", "", "false"], "float", [1.0, np.nan, 0.0]),
        ([True, None, False], "float", [1.0, np.nan, 0.0]),
        ([True, False], "float", [1.0, 0.0]),
        (["TRUE", "false"], "string", ["TRUE", "false"]),
        ([0.5], "half", [0.5]),  # NumPy has it and REST has not: the server says so
    ],
)
def test_values_become_what_the_input_takes(values, dtype, wanted):
    column = np.array(values, object if dtype == "string" or isinstance(values[0], str) else None)
    np.testing.assert_equal(fitted({"x": column}, x=dtype), {"x": wanted})


@pytest.mark.parametrize(
    ("values", "dtype", "said"),
    [
        (["3", "high"], "float", "give float numbers or nothing. Received: 'high'"),
        ([1.0, 2.5], "int64", "give int64 numbers. Received: 2.5"),
        ([np.nan], "int64", "Received: nan"),
        (["True", "2.5"] * 50, "float", r"Received: \['True', '2.5', .{60,70}\.$"),
        ([1.0, 256.0], "uint8", "Received: 256.0"),
        ([-1], "uint32", "Received: -1"),
        ([2.0**63], "int64", r"Received: 9.22\d+e\+18"),
        ([str(10**25)], "int64", "give int64 numbers. Received: '1000000000000000"),
        (["1_000"], "float", "give float numbers or nothing. Received: '1_000'"),
        (["9" * 400], "float", "give float numbers or nothing. Received: '999"),
        ([1, 0], "bool", "give true or false. Received: 1"),
        (["True", ""], "bool", "give true or false. Received: "),
        (["yes", "no"], "bool", "give true or false. Received: 'yes'"),
    ],
)
def test_a_column_that_does_not_fit_is_named(values, dtype, said):
    with pytest.raises(InputError, match=f"Column 'X' goes to the model's input 'x': .*{said}"):
        fitted({"X": np.array(values)}, x=dtype)


def test_a_file_gives_its_texts_as_they_stand():
    table = Table({"id": [7.0], "x": [7.0]}, {"id": ["007.0"], "x": ["007.0"]})
    infos = {"id": TensorInfo("DT_STRING"), "x": TensorInfo("DT_FLOAT")}
    found = table.fitted(Signature(infos, {}))
    assert (found["id"].tolist(), found["x"].tolist()) == (["007.0"], [7.0])


def test_what_training_reads_as_texts_goes_as_them():
    month = pandas.Period("2023-01", "M")
    cells = [datetime.time(3, 4), month, decimal.Decimal("1.50"), datetime.date(2023, 1, 2), None]
    cells += [True, 2.0, np.float32(0.5), " a ", pandas.Timestamp("2023-01-02", tz="UTC")]
    found = fit_columns({"x": cells}, told(x=("x", "STRING", (-1,))))
    assert found["x"].tolist() == read_frame({"x": cells})["x"].tolist()


def test_large_numbers_are_held_exactly():
    last = 2**63 - 1
    for array in (np.array([last]), np.array([-(2.0**63)]), np.float16([4])):
        found = as_dtype(array, TensorInfo("DT_INT64"))
        assert found.dtype == np.int64 and found[0] == array[0]
    assert as_dtype(np.array([2.0**64]), TensorInfo("DT_UINT64")).dtype == np.float64
