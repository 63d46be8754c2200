"""The files under jobs/: read by what will read them, agreeing with one another, and run."""

import os
import pathlib
import re
import shlex
import subprocess
import sys

import pytest
import typer.main
import yaml

from dlkit.cli.commands import app

ROOT = pathlib.Path(__file__).parent.parent
JOBS = ROOT / "jobs"
SLURM = JOBS / "slurm" / "search.sh"
README = (JOBS / "README.md").read_text()
MANIFESTS = [
    path for path in sorted((JOBS / "kubernetes").glob("*.yaml")) if path.stem != "kustomization"
]
# The checkers are installed beside this Python, which need not be on the PATH.
TOOLS = pathlib.Path(sys.executable).parent


def manifests(name):
    return list(yaml.safe_load_all((JOBS / "kubernetes" / f"{name}.yaml").read_text()))


def pod(name):
    (job,) = manifests(name)
    return job["spec"]["template"]["spec"]


def container(name):
    (found,) = pod(name)["containers"]
    return found


def parse(words):
    """Read a command line as `dlkit` does, without running it; return the options of `tune`."""
    name, *rest = words
    return typer.main.get_command(app).commands[name].make_context(name, rest).params


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.stem)
def test_manifests_keep_to_kubernetes_schemas(path):
    checked = subprocess.run([TOOLS / "kubernetes-validate", "--strict", path], capture_output=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_what_is_applied_again_and_removed_does_not_hold_the_searches():
    (kustomization,) = manifests("kustomization")
    names = {path.name for path in MANIFESTS} - {"volume.yaml"}
    assert set(kustomization["resources"]) == names
    (claim,) = manifests("volume")
    assert "ReadWriteMany" in claim["spec"]["accessModes"]
    for job in ("chief", "workers"):
        claims = [v["persistentVolumeClaim"] for v in pod(job)["volumes"] if "emptyDir" not in v]
        assert claims == [{"claimName": claim["metadata"]["name"]}]


def test_chief_and_workers_search_the_same_and_find_each_other():
    told = {job: parse(container(job)["args"]) for job in ("chief", "workers")}
    chief, worker = told["chief"].pop("chief"), told["workers"].pop("worker")
    assert told["chief"].pop("worker") is None and told["workers"].pop("chief") is None
    assert told["chief"] == told["workers"]
    service, policy = manifests("service")
    (port,) = service["spec"]["ports"]
    (own,) = container("chief")["ports"]
    assert worker == f"{service['metadata']['name']}:{port['port']}"
    assert chief == f"0.0.0.0:{own['containerPort']}"
    assert port["targetPort"] == own["name"]
    labels = {job: manifests(job)[0]["spec"]["template"]["metadata"]["labels"]
              for job in ("chief", "workers")}  # fmt: skip
    assert service["spec"]["selector"] == labels["chief"] != labels["workers"]
    assert policy["spec"]["podSelector"]["matchLabels"] == labels["chief"]
    (rule,) = policy["spec"]["ingress"]
    assert rule["from"] == [{"podSelector": {"matchLabels": labels["workers"]}}]
    assert rule["ports"] == [{"port": own["name"]}]


def test_pods_agree_but_for_their_part():
    for key in ("image", "securityContext", "volumeMounts"):
        assert container("chief")[key] == container("workers")[key], key
    for key in ("volumes", "securityContext", "restartPolicy"):
        assert pod("chief")[key] == pod("workers")[key], key
    for job in ("chief", "workers"):
        mounts = {mount["name"] for mount in container(job)["volumeMounts"]}
        assert mounts == {volume["name"] for volume in pod(job)["volumes"]}
        paths = {mount["mountPath"] for mount in container(job)["volumeMounts"]}
        (folder,) = re.findall("^WORKDIR (.*)", (ROOT / "Dockerfile").read_text(), re.MULTILINE)[1:]
        assert folder in paths
        for variable in container(job)["env"]:
            assert "value" not in variable or variable["value"].startswith(tuple(paths))


def test_workers_are_a_queue_of_work_and_outlast_a_late_chief():
    (job,) = manifests("workers")
    assert "completions" not in job["spec"]
    # Three failures each, of 60 s and growing pauses, are more than five minutes.
    assert job["spec"]["backoffLimit"] >= 3 * job["spec"]["parallelism"]


def commands():
    """Yield what stands in the files as a command of dlkit's."""
    for job in ("chief", "workers"):
        yield f"{job}.yaml", container(job)["args"]
    script = SLURM.read_text()
    (default,) = re.findall(r"^ *set -- (.*)$", script, re.MULTILINE)
    for given in re.findall(r"dlkit (tune .*?) *(?:&&.*)?$", script, re.MULTILINE):
        given = given.replace('"$@"', default)
        yield "search.sh", shlex.split(re.sub(r"\$\w+", "8000", given))
    for line in re.findall(r"^(?:#   )?sbatch (?:-\S+ )*\S+search.sh (.*)$", script + README, re.M):
        yield "sbatch", ["tune", *shlex.split(line, comments=True)]
    for line in re.findall(r"^dlkit (.*)$", README, re.MULTILINE):
        yield "README.md", shlex.split(line, comments=True)


@pytest.mark.parametrize("words", [w for _, w in commands()], ids=[name for name, _ in commands()])
def test_each_command_is_one_that_dlkit_takes(words):
    assert parse(words)


def test_the_files_hold_the_commands_that_the_test_above_reads():
    names = [name for name, _ in commands()]
    assert {"chief.yaml", "workers.yaml", "sbatch", "README.md"} < set(names)
    assert names.count("search.sh") == 2


def test_the_batch_script_is_one_of_bashs():
    checked = subprocess.run(["bash", "-n", SLURM], capture_output=True, text=True)
    assert (checked.returncode, checked.stderr) == (0, "")
    lines = SLURM.read_text().splitlines()
    first = next(number for number, line in enumerate(lines) if not line.startswith("#"))
    assert not any(line.startswith("#SBATCH") for line in lines[first:])  # which sbatch skips


SRUN = """#!/bin/bash
# Starts the tasks on this machine; like srun, its status is the highest of theirs.
while [[ $1 == --* ]]; do shift; done
for ((task = 0; task < SLURM_NTASKS; task++)); do
    SLURM_PROCID=$task "$@" &
    tasks+=($!)
done
status=0
for task in "${tasks[@]}"; do
    wait "$task" || { code=$?; ((code > status)) && status=$code; }
done
exit $status
"""
SCONTROL = """#!/bin/bash
[ "$*" = "show hostnames node[1-2]" ] && printf 'localhost\\nnode2\\n'
"""


@pytest.fixture
def slurm(tmp_path):
    """Return a function that runs the batch script as Slurm would, with tasks of this machine."""
    tools = tmp_path / "tools"
    tools.mkdir()
    dlkit = f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m dlkit "$@"\n'
    for name, text in {"srun": SRUN, "scontrol": SCONTROL, "dlkit": dlkit}.items():
        (tools / name).write_text(text)
        (tools / name).chmod(0o755)

    def submit(*arguments, dlkit=None):
        if dlkit is not None:
            (tools / "dlkit").write_text(dlkit)
        told = {"SLURM_JOB_ID": str(os.getpid()), "SLURM_JOB_NODELIST": "node[1-2]"}
        told |= {"SLURM_NTASKS": "3", "PATH": f"{tools}:{os.environ['PATH']}"}
        return subprocess.run(
            ["bash", SLURM, *arguments],
            cwd=tmp_path,
            env=os.environ | told | {"PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=250,
        )

    return submit


def test_the_batch_script_runs_a_search(slurm, tmp_path):
    search = "perceptron --data iris --trials 4 --epochs 2 --strategy random --seed 3"
    done = slurm(*search.split(), "--space", "learning_rate=0.01..0.1:log")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Next: dlkit train perceptron" in done.stdout
    assert "attempt" not in done.stderr and " of 5)" not in done.stderr
    (project,) = (tmp_path / "searches").iterdir()
    assert len(list(project.glob("trial_*/checkpoint.weights.h5"))) == 4


def test_a_task_that_fails_begins_anew_and_the_jobs_status_is_the_chiefs(slurm, tmp_path):
    log = tmp_path / "log"
    told = f"""#!/bin/sh
echo "$SLURM_PROCID $*" >> {log}
case "$*" in
    *--chief*) exit 143;;
    *) [ "$SLURM_PROCID" = 1 ] && exit 2; [ $(grep -c "^2 " {log}) -gt 2 ];;
esac
"""
    done = slurm("cnn", "--space", "units=8|16,8", "--trials", "4", dlkit=told)
    assert done.returncode == 143
    port = 20000 + os.getpid() % 10000
    words = "tune cnn --space units=8|16,8 --trials 4"
    asked = sorted(log.read_text().splitlines())
    worker = f"{words} --worker localhost:{port}"
    assert asked == [
        f"0 {words} --chief 0.0.0.0:{port}",
        *[f"1 {worker}"] * 5,
        *[f"2 {worker}"] * 3,
    ]
    assert "Worker 1 ended with status 2 (5 of 5)." in done.stderr
