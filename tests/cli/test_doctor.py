"""`dlkit doctor`: what is here, what is missing and how to mend it."""

import configparser
import importlib.metadata
import pathlib
import platform
import re
import sys

import pytest

import dlkit
from dlkit.cli import commands, doctor

ROOT = pathlib.Path(__file__).parents[2]


def run_doctor(monkeypatch, capsys):
    """Run `dlkit doctor`; return the exit status and its rows by name."""
    monkeypatch.setattr(sys, "argv", ["dlkit", "doctor"])
    with pytest.raises(SystemExit) as end:
        commands.main()
    rows = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert rows[0] == ["what", "found", "fix"]
    return end.value.code, {name: (found, fix) for name, found, fix in rows[1:]}


def test_all_is_well_here(monkeypatch, capsys):
    status, rows = run_doctor(monkeypatch, capsys)
    assert status == 0
    assert {fix for _, fix in rows.values()} == {""}
    assert rows["dlkit"][0] == dlkit.__version__
    assert rows["python"][0].startswith(platform.python_version())
    for library in ("tensorflow", "keras", "numpy", "matplotlib", "uvicorn"):
        assert rows[library][0] == importlib.metadata.version(library)
    assert rows["keras backend"][0] == "tensorflow"
    assert "GPUs" in rows


@pytest.mark.parametrize(
    ("extra", "fix"),
    [(None, 'pip install "dlkit"'), ("plot", 'pip install "dlkit[plot]"')],
)
def test_what_is_missing_is_named_with_its_fix(monkeypatch, capsys, extra, fix):
    monkeypatch.setitem(doctor.PACKAGES, "no-such-distribution", extra)
    status, rows = run_doctor(monkeypatch, capsys)
    assert status == 1
    assert rows["no-such-distribution"] == ("missing", fix)
    assert [name for name, (_, fix) in rows.items() if fix] == ["no-such-distribution"]


def test_a_library_that_does_not_load_is_a_finding(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    status, rows = run_doctor(monkeypatch, capsys)
    assert status == 1
    found, fix = rows["import tensorflow"]
    assert "tensorflow" in found and found.startswith("ModuleNotFoundError: ")
    assert fix == "pip install --force-reinstall tensorflow keras"
    assert rows["matplotlib"][1] == ""  # the rest is still told


@pytest.mark.parametrize(
    ("version", "well"), [((3, 10), 0), ((3, 11), 1), ((3, 13), 1), ((3, 14), 0)]
)
def test_another_python_is_named(monkeypatch, version, well):
    monkeypatch.setattr(sys, "version_info", (*version, 0, "final", 0))
    (found, *_) = doctor.examine_installation()
    assert (found.fix is None) == bool(well)
    assert well or found.fix == "dlkit runs on Python 3.11 to 3.13"


@pytest.mark.parametrize("driver", [True, False])
def test_a_gpu_that_tensorflow_does_not_see_is_named(monkeypatch, driver):
    import tensorflow as tf

    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [])
    monkeypatch.setattr(platform, "system", lambda: "Linux")
    monkeypatch.setattr(doctor, "_has_nvidia_driver", lambda: driver)
    gpus = doctor.examine_installation()[-1]
    assert (gpus.name, gpus.value) == ("GPUs", "none")
    wanted = 'TensorFlow does not see the NVIDIA GPU: pip install "dlkit[gpu]"'
    assert gpus.fix == (wanted if driver else None)


def test_it_looks_at_everything_that_is_required():
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    extras = setup["options.extras_require"]

    def names(text):
        return re.findall(r"^([\w-]+)[>=]", text, re.MULTILINE)

    for name in names(setup["options"]["install_requires"]):
        assert doctor.PACKAGES[name] is None
    for extra in ("serve", "plot"):
        for name in names(extras[extra]):
            assert doctor.PACKAGES[name] == extra


def test_what_it_calls_supported_is_what_setup_says():
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    assert setup["options"]["python_requires"] == ">=3.11,<3.14"
