"""What an export calls the columns of a table."""

import subprocess
import sys

import pytest

from dlkit.column_names import input_name, input_names


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        *(("Age", "Age"), ("SibSp", "SibSp"), ("petal_length", "petal_length"), ("x2", "x2")),
        *(("Petal length (cm)", "Petal_length__cm_"), ("km/h", "km_h"), ("Größe", "Gr__e")),
        *(("2nd", "arg_2nd"), ("_row", "arg__row"), ("", "arg_"), (" ", "arg__"), ("名", "arg__")),
        *(("class", "arg_class"), ("Class", "Class"), ("None", "arg_None"), ("self", "arg_self")),
        *(("tensors", "arg_tensors"), (3, "arg_3")),
    ],
)
def test_a_column_keeps_what_may_be_in_a_name(column, expected):
    assert input_name(column) == expected
    assert input_name(expected) == expected


def test_alike_names_are_numbered():
    assert input_names(["Age", "age", "AGE_1", "Sex"]) == ["Age", "age_2", "AGE_1", "Sex"]
    assert input_names(["a b", "a-b", "a_b", "2", "arg_2"]) == [
        *("a_b_1", "a_b_2", "a_b", "arg_2_1", "arg_2"),
    ]
    assert input_names([]) == []


def test_a_name_that_needs_no_change_is_nobody_elses():
    assert input_names(["a b", "a_b", "a_b_1"]) == ["a_b_2", "a_b", "a_b_1"]
    assert input_names(["class", "arg_class", "ARG_CLASS_1"])[1:] == ["arg_class", "ARG_CLASS_1"]
    assert input_names(["x", "x"]) == ["x", "x_1"]  # of two dictionaries in one


def test_many_columns_take_no_longer_each():
    """A table of Chinese names is 20,000 times `arg__`."""
    names = input_names([chr(0x4E00 + place) for place in range(20_000)])
    assert len({name.lower() for name in names}) == 20_000


def test_the_rule_needs_neither_tensorflow_nor_keras():
    found = (
        "import sys, dlkit.column_names; print({'tensorflow', 'keras', 'numpy'} & {*sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", found], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
