"""From the texts of a file to numbers, in the graph, against Python's own reading."""

import random
import re

import keras
import numpy as np
import pytest
import tensorflow as tf

from dlkit.data.files.cell_layers import CellNumbers, named_inputs, series_cells, table_cells
from dlkit.data.files.cells import as_numbers
from dlkit.data.files.csv_tables import NA_VALUES
from dlkit.data.files.table_styles import Style


def read(*texts, na_values=NA_VALUES):
    return CellNumbers(["x"], na_values)([tf.constant(texts)]).numpy()[:, 0].astype("float32")


def test_numbers_are_read_as_training_reads_them():
    chance = random.Random(0)
    texts = [
        f"{chance.choice('+-')}{chance.lognormvariate(0, 9):.{place % 19}g}" for place in range(500)
    ]
    texts += [
        "1.",
        ".5",
        "-0",
        "007",
        "1e3",
        "1E-3",
        "16777217",
        "9007199254740993",
        " 3 ",
        *NA_VALUES,
    ]
    known = np.array(["" if text in NA_VALUES else text.strip() for text in texts], object)
    np.testing.assert_array_equal(read(*texts), as_numbers(known).astype(np.float32))


@pytest.mark.parametrize("text", ["abc", "0x1A", "1_000", "inf", "1,5", "1 2", "--1", "1e", "na"])
def test_what_is_no_number_is_refused_by_its_column(text):
    layer = CellNumbers(["age", "pay"], NA_VALUES)
    with pytest.raises(tf.errors.InvalidArgumentError, match=rf"Column pay .*: {re.escape(text)}"):
        layer([tf.constant(["1", "2"]), tf.constant(["3", text])])


def test_other_words_for_a_gap():
    np.testing.assert_array_equal(read("-999", "1", na_values=["-999"]), [np.nan, 1])
    with pytest.raises(tf.errors.InvalidArgumentError, match="NA"):
        read("NA", na_values=["-999"])


def test_booleans_and_other_marks():
    np.testing.assert_array_equal(read("true", "FALSE", "NA", "2"), [1, 0, np.nan, 2])
    german = CellNumbers(["x"], [""], ",", ".")
    texts = tf.constant(["-0,37", "1.250,50", "12.345.678", "1e3", "TRUE", ""])
    right = np.float32([-0.37, 1250.5, 12345678, 1000, 1, np.nan])
    np.testing.assert_array_equal(german([texts]).numpy()[:, 0].astype("float32"), right)
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"Column x .*: 1\.5"):
        german([tf.constant(["1.5"])])
    for text in ("1", "", "yes"):
        with pytest.raises(tf.errors.InvalidArgumentError, match="x takes true or false, not"):
            CellNumbers(["x"], (), "")([tf.constant([text])])


def test_a_table_and_a_series_by_their_columns():
    table = table_cells(
        {
            **{"age": np.zeros(1), "features": np.array([""], object)},
            **{"a/b": np.zeros(1), "born": np.array([""], object), "tall": np.array([True])},
        },
        Style(("?",), ".", None, None),
    )
    cells = {"age": [" 39", ""], "a/b": ["?", "2.5"], "features": ["x ", ""], "born": ["", "2024"]}
    cells["tall"] = ["true", "FALSE "]
    raw = table({name: tf.constant(values) for name, values in cells.items()})
    assert list(map(bytes.decode, raw["features"].numpy())) == ["x", ""]
    np.testing.assert_array_equal(raw["age"], [39, np.nan])
    np.testing.assert_array_equal(raw["tall"], [True, False])
    np.testing.assert_array_equal(raw["a/b"], np.float32([np.nan, 2.5]))
    series = series_cells(["b", "a"], 3, "float32")
    windows = series({"a": tf.constant([["1", "2", "3"]]), "b": tf.constant([["4", "5", "6"]])})
    np.testing.assert_array_equal(windows, [[[4, 1], [5, 2], [6, 3]]])
    with pytest.raises(tf.errors.InvalidArgumentError, match="takes numbers"):
        series({"a": tf.constant([["1", "", "3"]]), "b": tf.constant([["4", "5", "6"]])})


def test_they_are_saved_and_load_safely(tmp_path):
    model = table_cells(
        {"a/b": np.zeros(1), "cell_numbers": np.ones(1, bool), "features": np.array([""], object)},
        Style(NA_VALUES, ",", ".", None),
    )
    model.save(tmp_path / "cells.keras")
    with pytest.warns(UserWarning, match="all keys in the dict must match"):  # Keras wants no /
        loaded = keras.saving.load_model(tmp_path / "cells.keras")
    cells = {"a/b": ["1,5", "NA"], "cell_numbers": ["true", "False"], "features": ["x", ""]}
    cells = {name: tf.constant(values) for name, values in cells.items()}
    for name, values in model(cells).items():
        np.testing.assert_array_equal(loaded(cells)[name], values)


def test_a_column_may_be_called_as_any_layer():
    """As many as there are, and whatever number Keras is at."""
    layers = [name.lower() for name in dir(keras.layers) if name[0].isupper()]
    names = [f"{name}{end}" for name in layers for end in ("", "_1", "_2")] + [
        "features",
        "a/b",
        "a_b",
    ]
    inputs = {name: keras.Input(()) for name in names}
    total = keras.layers.Add()(list(inputs.values()))
    model = named_inputs(inputs, keras.layers.Rescaling(2.0)(total), "sum")
    rows = {name: np.float32([place]) for place, name in enumerate(names)}
    assert float(model(rows)[0]) == 2 * sum(range(len(names)))
