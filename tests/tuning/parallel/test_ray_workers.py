import json
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).parents[3]


def test_the_tasks_of_a_local_cluster_search(tmp_path):
    environment = os.environ | {"HOME": str(tmp_path), "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}
    finished = subprocess.run(
        [sys.executable, "-m", "tests.tuning.searches", "random", str(tmp_path / "searches"),
         "launcher='ray'", "max_trials=2"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=280,
    )  # fmt: skip
    assert finished.returncode == 0, finished.stdout + finished.stderr
    trials = json.loads(finished.stdout.splitlines()[-1])
    assert [status for _, status, *_ in trials] == ["COMPLETED"] * 2
