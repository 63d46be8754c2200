"""One record a kind: what stands there is there, and a new kind is a folder and a line."""

import dataclasses
import pathlib
import subprocess
import sys
import types

import pytest

import dlkit as dk
from dlkit.data.catalogue.sets import SETS
from dlkit.data.core import kinds
from dlkit.data.core.kinds import KINDS, Kind, find_kind, load_part
from dlkit.data.core.wording import Finding
from tests.data.findings import found

DATA = pathlib.Path(dk.data.__file__).parent


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_a_kind_has_a_folder_and_the_modules_that_it_names(kind):
    assert (DATA / kind.name).is_dir()
    drawing = load_part(kind.drawing)
    assert hasattr(drawing, "draw_figure") != hasattr(drawing, "draw_example")
    assert callable(load_part(kind.checks).check_raw)


def test_each_named_set_is_of_a_known_kind():
    assert {info.kind for info in SETS} <= set(KINDS)
    assert KINDS[kinds.UNTOLD].name == dk.data.Data("", "", None, None, None, {}, 1).kind


def test_of_an_unknown_kind_nothing_is_known():
    assert find_kind("smell") == Kind("smell")
    assert found(dataclasses.replace(dk.data.load("iris"), kind="smell"))["examples"].level == "ok"


def test_the_records_load_no_kind_and_nothing_heavy():
    told = subprocess.run(
        [
            *(sys.executable, "-c"),
            "import sys; from dlkit.data.core import kinds\n"
            "print({name.split('.')[2] for name in sys.modules if name.startswith('dlkit.data.')},"
            " {'numpy', 'keras', 'tensorflow'} & set(sys.modules))",
        ],
        cwd=DATA.parents[1],
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout == "{'core'} set()\n"


def test_a_new_kind_is_a_folder_and_a_line(monkeypatch):
    """Its modules are found, and what its line says is kept to."""

    def check_raw(view):
        yield Finding("ok", "smell", f"{len(view.raw['train'])} look fine")

    def draw_example(axis, example, target, data):
        axis.set_title("smells")

    modules = {"checks": check_raw, "drawing": draw_example}
    for name, function in modules.items():
        module = types.SimpleNamespace(**{function.__name__: function})
        monkeypatch.setitem(sys.modules, f"dlkit.data.smell.{name}", module)
    smell = Kind("smell", "smell.drawing", "smell.checks", augmented=False, distinct=False)
    monkeypatch.setitem(KINDS, "smell", smell)
    data = dataclasses.replace(dk.data.load("iris"), kind="smell")
    by_name = found(data)
    assert by_name["smell"].detail == "108 look fine"
    assert not {"scale of inputs", "same in two splits"} & set(by_name)
    assert data.show(count=1).axes[0].get_title() == "smells"
    with pytest.raises(dk.errors.InputError, match="of kind 'smell' is not augmented"):
        data.show(augmented=True)
    with pytest.raises(dk.errors.InputError, match=r"kind features or sequence\. Received"):
        data.without_outliers()


@pytest.mark.parametrize(
    "kind", [kind for kind in KINDS.values() if kind.files], ids=lambda kind: kind.name
)
def test_files_of_a_kind_are_told_apart_and_have_their_functions(kind):
    others = [other.files.endings for other in KINDS.values() if other.files and other != kind]
    assert not set(kind.files.endings) & set(sum(others, ()))
    assert callable(getattr(dk.data, f"from_{kind.name}_folder"))
    assert not kind.files.in_tables or callable(getattr(dk.data, f"from_{kind.name}_table"))
    if kind.files.inspect:
        assert load_part(kind.files.inspect)("nowhere") == ("", "does not exist")
