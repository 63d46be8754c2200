"""The wheel holds what it should, and works from where it is installed."""

import configparser
import email
import pathlib
import shutil
import subprocess
import sys
import zipfile

import pytest

import dlkit

ROOT = pathlib.Path(__file__).parent.parent


def run(*command, **options):
    """Run a command; return its output, or fail with all that it wrote."""
    finished = subprocess.run(command, capture_output=True, text=True, timeout=200, **options)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return finished.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, built from a copy so that the checkout stays as it is."""
    source, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("dist")
    for name in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    for name in ("dlkit", "tests"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, source / name, ignore=ignored)
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", target, source)
    (built,) = target.iterdir()
    return built


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """The folder that the wheel is installed in, alone."""
    target = tmp_path_factory.mktemp("installed")
    options = ["--no-deps", "--no-index", "--no-compile", "--disable-pip-version-check"]
    run(sys.executable, "-m", "pip", "install", *options, "--target", target, wheel)
    return target


def read(wheel, name):
    with zipfile.ZipFile(wheel) as archive:
        return archive.read(f"dlkit-{dlkit.__version__}.dist-info/{name}").decode()


def test_it_holds_every_module_and_nothing_else(wheel):
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
    modules = {str(path.relative_to(ROOT)) for path in (ROOT / "dlkit").rglob("*.py")}
    assert held == modules | {"dlkit/py.typed"}
    packages = {path.parent for path in (ROOT / "dlkit").rglob("*.py")}
    for package in packages:
        assert f"{package.relative_to(ROOT)}/__init__.py" in held


def test_its_metadata_says_what_the_package_says(wheel):
    metadata = email.message_from_string(read(wheel, "METADATA"))
    assert metadata["Name"] == "dlkit"
    assert metadata["Version"] == dlkit.__version__
    assert metadata["Requires-Python"] == "<3.14,>=3.11"
    assert metadata["License-Expression"] == "Apache-2.0"
    assert "Apache License" in read(wheel, "licenses/LICENSE")
    assert set(metadata.get_all("Provides-Extra")) == {
        "serve",
        "plot",
        "text",
        "graph",
        "onnx",
        "litert",
        "mlflow",
        "tune",
        "ray",
        "hub",
        "gpu",
        "all",
        "dev",
    }
    assert metadata.get_payload() == (ROOT / "README.md").read_text()


def test_it_needs_what_is_declared_and_the_gpu_extra_brings_cuda(wheel):
    metadata = email.message_from_string(read(wheel, "METADATA"))
    required = metadata.get_all("Requires-Dist")
    core = {line.partition(">=")[0] for line in required if "extra ==" not in line}
    assert {"tensorflow", "keras", "keras-tuner", "tensorboard", "scikit-learn"} <= core
    assert 'tensorflow[and-cuda]>=2.21; extra == "gpu"' in required


def test_it_has_the_commands(wheel):
    points = configparser.ConfigParser()
    points.read_string(read(wheel, "entry_points.txt"))
    assert dict(points["console_scripts"]) == {
        "dlkit": "dlkit.cli.commands:main",
        "dlkit-model-server": "dlkit.serving.process.model_server:main",
    }


def test_the_installed_command_runs_from_there(installed, tmp_path):
    """What it imports comes from the wheel; its dependencies from this environment."""
    environment = {"PYTHONPATH": str(installed), "PATH": "/usr/bin:/bin"}
    command = installed / "bin" / "dlkit"
    version = run(sys.executable, command, "--version", cwd=tmp_path, env=environment)
    assert version == f"dlkit {dlkit.__version__}\n"
    listed = run(sys.executable, command, "datasets", cwd=tmp_path, env=environment)
    assert [row.split("\t")[0] for row in listed.splitlines()[1:]] == [
        info.name for info in dlkit.data.list()
    ]
    listed = run(sys.executable, command, "models", cwd=tmp_path, env=environment)
    assert [row.split("\t")[0] for row in listed.splitlines()[1:]] == [
        info.name for info in dlkit.models.list()
    ]
    code = "import dlkit; print(dlkit.__file__)"
    found = run(sys.executable, "-c", code, cwd=tmp_path, env=environment)
    assert found == f"{installed / 'dlkit' / '__init__.py'}\n"


def test_the_command_is_here():
    """`pip install -e` made it beside this Python."""
    command = pathlib.Path(sys.executable).with_name("dlkit")
    assert run(command, "--version") == f"dlkit {dlkit.__version__}\n"


def test_python_m_dlkit_is_the_same():
    version = run(sys.executable, "-m", "dlkit", "--version", cwd=ROOT)
    assert version == f"dlkit {dlkit.__version__}\n"
