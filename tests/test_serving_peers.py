"""The servers beside dlkit's in benchmarks/serving.py: what each needs, and if one is gone."""

import contextlib
import os
import pathlib
import re
import shutil
import subprocess

import pytest

from benchmarks.serving_sides import SIDES, start

ROOT = pathlib.Path(__file__).parent.parent
SETS = ROOT / "benchmarks" / "serving_peers"
NAMES = {side.server.partition(" ")[0] for side in SIDES} - {"dlkit", "former"}


def test_each_has_an_environment_of_its_own():
    assert {path.stem for path in SETS.glob("*.txt")} == NAMES


@pytest.mark.parametrize("name", sorted(NAMES))
def test_each_package_is_pinned_once(name):
    lines = (SETS / f"{name}.txt").read_text().splitlines()
    pins = [line for line in lines if not line.startswith("#")]
    assert all(re.fullmatch(r"[\w.-]+==[\d.]+(?:[a-z]+\d+)?(?:\.post\d+)?", pin) for pin in pins)
    packages = [re.sub(r"[._-]+", "-", pin.partition("==")[0]).lower() for pin in pins]
    assert len(set(packages)) == len(packages)
    assert {name, "tensorflow"} <= set(packages)


def test_a_server_that_is_not_installed_is_told_and_no_other_program_taken(tmp_path, monkeypatch):
    """Programs of the same name may lie elsewhere on PATH, with other versions."""
    program = tmp_path / "elsewhere" / "uvicorn"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\ntouch {tmp_path}/started\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    (tmp_path / "peers" / "fastapi" / "bin").mkdir(parents=True)
    with (
        contextlib.ExitStack() as stack,
        pytest.raises(RuntimeError, match=r"there is no .*uvicorn"),
    ):
        start("fastapi", tmp_path, tmp_path / "peers", stack)
    assert not (tmp_path / "started").exists()


def test_one_that_cannot_be_installed_does_not_keep_the_others_out(tmp_path):
    """A Python that fails for one of the two stands for an index that lacks a package."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    (tmp_path / "benchmarks" / "serving_peers").mkdir(parents=True)
    for name in ("gone", "here"):
        (tmp_path / "benchmarks" / "serving_peers" / f"{name}.txt").write_text("a==1\n")
    python = tmp_path / "python"
    python.write_text(
        '#!/bin/sh\nmkdir -p "$3/bin"; printf "#!/bin/sh\\ncase \\$0 in *gone*) exit 1; esac"'
        ' > "$3/bin/pip"; chmod +x "$3/bin/pip"\n'
    )
    python.chmod(0o755)
    command = ["env", "-i", f"PATH={os.environ['PATH']}", "make", "peers", f"PYTHON={python}"]
    for _ in range(2):  # what is missing is tried again, what is there is not
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0
        assert done.stderr == "gone cannot be installed: it is left out of the comparison.\n"
    assert "Installing gone into" in done.stdout and "here" not in done.stdout
    assert [path.name for path in (tmp_path / ".venv-peers").iterdir()] == ["here"]
