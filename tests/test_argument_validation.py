"""The checks: what passes comes back as it should be, what does not is named in one sentence."""

import sys
import time

import numpy as np
import pytest

from dlkit.argument_validation import (
    check_choice,
    check_fraction,
    check_integer,
    check_names,
    check_options,
    closest,
    require,
)
from dlkit.errors import InputError, MissingExtraError


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("adma", "adam"),
        ("ADAM", "adam"),
        ("Addam", "adam"),
        ("rmsporp", "rmsprop"),
        ("zzz", None),
        (3, None),
        ("", None),
    ],
)
def test_closest_offers_what_is_alike(name, found):
    options = ["sgd", "adam", "rmsprop"]
    assert closest(name, options) == (f" Did you mean '{found}'?" if found else "")


def test_closest_does_not_look_through_a_name_of_megabytes():
    long = "adam" * 3
    assert closest(long, ["adam"]) == " Did you mean 'adam'?"
    assert closest(long + "a", ["adam"]) == ""
    start = time.thread_time()
    assert closest("a" * 2**24, ["adam"]) == ""
    assert time.thread_time() - start < 0.5
    assert closest("a", []) == ""


def test_closest_gives_a_name_as_it_is_written():
    assert closest("onecycle", ["OneCycle"]) == " Did you mean 'OneCycle'?"


def test_a_choice_comes_back():
    assert check_choice("task", "binary", iter(("binary", "multiclass"))) == "binary"


@pytest.mark.parametrize("value", ["zzz", None, 1, ["binary"], {"binary": 1}])
def test_another_choice_is_refused_with_the_choices(value):
    with pytest.raises(InputError) as error:
        check_choice("task", value, ("binary", "multiclass"))
    message = f"task must be one of: binary, multiclass. Received: task={value!r}."
    assert str(error.value).startswith(message)


def test_the_closest_choice_is_offered():
    with pytest.raises(InputError, match=r"task='bianry'\. Did you mean 'binary'\?$"):
        check_choice("task", "bianry", ("binary", "multiclass"))


def test_known_names_pass_and_the_first_unknown_one_is_named():
    check_names("mlp", ["units"], iter(["units", "dropout"]))
    check_names("mlp", [], [])
    with pytest.raises(InputError) as error:
        check_names("mlp", ["dropout", "unit", "x"], ["units", "dropout"])
    assert str(error.value) == (
        "mlp has no option 'unit'. Did you mean 'units'? Its options: dropout, units."
    )


@pytest.mark.parametrize("value", [1, 5, np.int64(3), np.uint8(7)])
def test_whole_numbers_come_back_as_int(value):
    checked = check_integer("epochs", value)
    assert type(checked) is int
    assert checked == value


@pytest.mark.parametrize("value", [0, -1, 1.0, 1.5, "3", None, True, [1], np.float64(2)])
def test_other_numbers_are_refused(value):
    with pytest.raises(InputError) as error:
        check_integer("epochs", value)
    assert str(error.value) == (
        f"epochs must be a whole number of at least 1. Received: epochs={value!r}."
    )


def test_the_minimum_counts_itself():
    assert check_integer("seed", 0, minimum=0) == 0
    with pytest.raises(InputError, match=r"of at least 0\. Received: seed=-1\."):
        check_integer("seed", -1, minimum=0)


@pytest.mark.parametrize("value", [0, 0.0, 0.5, 0.999, np.float64(0.25), np.float32(0.5)])
def test_fractions_come_back_as_float(value):
    checked = check_fraction("dropout", value)
    assert type(checked) is float
    assert checked == value


@pytest.mark.parametrize("value", [1, 1.0, 1.5, -0.1, "0.5", None, False, float("nan"), [0.5]])
def test_what_is_no_fraction_is_refused(value):
    with pytest.raises(InputError) as error:
        check_fraction("dropout", value)
    assert str(error.value) == f"dropout must be in [0, 1). Received: dropout={value!r}."


def test_the_range_of_a_fraction_can_be_chosen():
    assert check_fraction("x", 1.5, low=1, high=2) == 1.5
    with pytest.raises(InputError, match=r"x must be in \[1, 2\)\. Received: x=0\.5\."):
        check_fraction("x", 0.5, low=1, high=2)


def test_require_returns_what_is_installed():
    import json.decoder

    assert require("json", "serve") is json
    assert require("json.decoder", "serve") is json.decoder


@pytest.mark.parametrize("module", ["nosuchmodule", "nosuchmodule.inner"])
def test_require_names_the_extra(module):
    with pytest.raises(MissingExtraError) as error:
        require(module, "serve")
    assert str(error.value) == (
        'nosuchmodule is not installed; it comes with: pip install "dlkit[serve]"'
    )
    assert error.value.name == "nosuchmodule"


def test_require_does_not_blame_the_extra_for_what_it_lacks_itself(tmp_path, monkeypatch):
    (tmp_path / "halfinstalled.py").write_text("import nosuchmodule")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="No module named 'nosuchmodule'") as error:
        require("halfinstalled", "serve")
    assert not isinstance(error.value, MissingExtraError)
    assert "halfinstalled" not in sys.modules


def test_options_that_no_function_takes_are_refused():
    def one(first, *, second=0, name=""):
        pass

    def other(*, third=0, **more):
        pass

    check_options("iris", {"second": 1, "third": 2}, one, other)
    for option in ("first", "name", "more"):
        with pytest.raises(InputError, match=rf"iris has no option '{option}'.* second, third\."):
            check_options("iris", [option], one, other)
    check_options("iris", ["name"], one, fixed=())
