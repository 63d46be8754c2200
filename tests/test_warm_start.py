"""A process that starts warm is like another one, but for the modules that it has."""

import json
import os
import signal
import subprocess
import sys

import pytest

from tests import warm_start

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's prctl")

TELL = """
import json, os, sys
told = [sys.argv, sys.stdin.read(), os.getcwd(), os.getppid(), dict(os.environ), sys.path]
print(json.dumps([__name__, *told, "tensorflow" in sys.modules, "dlkit" in sys.modules]))
print("to the other stream", file=sys.stderr)
sys.exit(3)
"""
NEST = """
import subprocess, sys
print(subprocess.run([sys.executable, "tell.py"], input="", text=True).returncode)
"""


@pytest.fixture
def script(tmp_path):
    (tmp_path / "tell.py").write_text(TELL)
    (tmp_path / "nest.py").write_text(NEST)
    return tmp_path / "tell.py"


def tell(arguments, **options):
    options = {"input": "given", "capture_output": True, "text": True, **options}
    done = subprocess.run([sys.executable, *arguments], **options)
    assert (done.returncode, done.stderr) == (3, "to the other stream\n")
    return json.loads(done.stdout)


def test_it_has_its_own_of_what_a_process_has(script, tmp_path):
    environment = {**os.environ, "ONE": "=1=", "PYTHONPATH": "/a:/b"}
    warm = tell([script, "--x", "y z"], cwd=tmp_path, env=environment)
    with warm_start.cold():
        cold = tell([script, "--x", "y z"], cwd=tmp_path, env=environment)
    assert warm[:7] == cold[:7]
    assert warm[4:6] == [os.getpid(), environment]
    assert warm[7] is True
    assert cold[7:] == [False, False] and warm[8] is False


def test_a_module_is_looked_for_where_the_process_is(script, tmp_path):
    warm = tell(["-m", "tell", "1"], cwd=tmp_path)
    assert warm[1] == [str(script), "1"]
    assert warm[6][0] == str(tmp_path)
    assert warm[7] is True


def test_without_pipes_it_writes_where_this_process_does(script, capfd):
    tell([script], capture_output=False, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    subprocess.run([sys.executable, script], stdin=subprocess.DEVNULL)
    assert json.loads(capfd.readouterr().out)[0] == "__main__"


def test_what_it_starts_is_warm_as_well(script, tmp_path):
    done = subprocess.run(
        [sys.executable, "nest.py"], cwd=tmp_path, stdout=subprocess.PIPE, text=True
    )
    told, status = done.stdout.splitlines()
    assert status == "3"
    assert json.loads(told)[7] is True


def test_it_can_be_killed_and_fail(tmp_path):
    (tmp_path / "wait.py").write_text("print('here', flush=True); input()")
    command = [sys.executable, tmp_path / "wait.py"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, **pipes) as process:
        assert process.stdout.readline() == b"here\n"
        process.kill()
        assert process.wait(60) == -signal.SIGKILL
    with subprocess.Popen(command, **pipes) as process:
        assert b"EOFError" in process.communicate()[1]
    assert process.returncode == 1


def test_what_a_test_wants_cold_is_cold(script, cold_start):
    assert tell([script])[7] is False


@pytest.mark.parametrize("options", [["-I"], ["-X", "utf8"]])
def test_another_option_of_pythons_is_cold(script, options):
    assert tell([*options, script])[7] is False


def test_it_may_have_a_session_of_its_own(tmp_path):
    (tmp_path / "session.py").write_text("import os; print(os.getsid(0) == os.getpid())")
    for own in (False, True):
        done = subprocess.run(
            [sys.executable, tmp_path / "session.py"],
            start_new_session=own,
            capture_output=True,
            text=True,
        )
        assert done.stdout == f"{own}\n"


def test_another_setting_for_tensorflow_is_cold(script):
    assert tell([script], env={**os.environ, "TF_ENABLE_ONEDNN_OPTS": "0"})[7] is False


def test_what_checks_an_export_has_the_library_and_no_python_of_tensorflow(tmp_path):
    package = tmp_path.joinpath(*warm_start._BARE.split(".")[:-1])
    package.mkdir(parents=True)
    maps = "open('/proc/self/maps').read()"
    script = f"import sys; print('libtensorflow_cc' in {maps}, 'tensorflow' in sys.modules)"
    (package / "subprocess_runner.py").write_text(script)
    done = subprocess.run(
        [sys.executable, "-m", warm_start._BARE], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.stdout == "True False\n"
