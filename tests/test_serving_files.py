"""The files under serving/: each read by what will read it, and agreeing with one another."""

import json
import os
import pathlib
import re
import subprocess
import sys

import pytest
import yaml
from google.protobuf import text_format
from tensorflow_serving.config import model_server_config_pb2

ROOT = pathlib.Path(__file__).parent.parent
SERVING = ROOT / "serving"
DOCKERFILES = [ROOT / "Dockerfile", *sorted(SERVING.glob("*.Dockerfile"))]
MANIFESTS = [
    path
    for path in sorted((SERVING / "kubernetes").glob("*.yaml"))
    if path.stem not in ("kustomization", "adapter_values")
]


# The checkers are installed beside this Python, which need not be on the PATH.
TOOLS = pathlib.Path(sys.executable).parent


def config(name):
    return (SERVING / "config" / name).read_text()


def test_dockerfiles_keep_to_hadolints_rules():
    checked = subprocess.run([TOOLS / "hadolint", *DOCKERFILES], capture_output=True, text=True)
    assert (checked.returncode, checked.stdout) == (0, "")


def test_images_run_as_a_user_of_their_own_and_are_pinned():
    for path in DOCKERFILES:
        lines = path.read_text().splitlines()
        assert "USER 1000" in lines, path.name
        tags = [line.split()[1] for line in lines if line.startswith("FROM")]
        assert all(":" in tag and "latest" not in tag for tag in tags), path.name


def test_what_images_copy_exists_or_is_made_by_the_commands():
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    for path in DOCKERFILES:
        for line in path.read_text().splitlines():
            if line.startswith("COPY") and "--from" not in line:
                for source in line.split()[1:-1]:
                    assert source == "exports" or (ROOT / source).exists(), line
                    assert f"!{source.split('/')[0]}" in ignored, f"{source} is kept out"


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.stem)
def test_manifests_keep_to_kubernetes_schemas(path):
    checked = subprocess.run([TOOLS / "kubernetes-validate", "--strict", path], capture_output=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert path.name in (SERVING / "kubernetes" / "kustomization.yaml").read_text()


def test_the_monitor_runs_a_command_that_there_is_and_its_alert_names_its_jobs():
    (job,) = [path for path in MANIFESTS if path.stem == "monitor"]
    manifest = yaml.safe_load(job.read_text())
    pod = manifest["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    assert mounts.keys() == {volume["name"] for volume in pod["volumes"]}
    (script,) = container["args"]
    assert script.count("dlkit monitor ") == 1
    assert all(f"{path}/" in script for path in mounts.values())
    alerts = yaml.safe_load((SERVING / "prometheus/alerts.yml").read_text())
    (rule,) = [
        rule
        for group in alerts["groups"]
        for rule in group["rules"]
        if rule["alert"] == "FeaturesDrifted"
    ]
    (pattern,) = re.findall(r'job_name=~"(.*)"', rule["expr"])
    assert re.fullmatch(pattern, f"{manifest['metadata']['name']}-29000000")


def test_the_monitors_script_takes_the_newest_version(tmp_path):
    """By the shell, with a `dlkit` that tells what it is asked."""
    for version in ("2", "10", "9"):
        (tmp_path / "models/digits" / version).mkdir(parents=True)
    (tmp_path / "dlkit").write_text('#!/bin/sh\necho "$@"\nexit 1\n')
    (tmp_path / "dlkit").chmod(0o755)
    manifest = yaml.safe_load((SERVING / "kubernetes/monitor.yaml").read_text())
    pod = manifest["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    script = pod["containers"][0]["args"][0].replace("/models", f"{tmp_path}/models")
    done = subprocess.run(
        ["sh", "-c", script],
        env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
    )
    assert done.stdout == f"monitor {tmp_path}/models/digits/10 /logs/requests.log\n"
    assert done.returncode == 1  # the job's own


def test_the_readmes_request_is_one_for_its_model(tmp_path):
    text = (SERVING / "README.md").read_text()
    (step,) = re.findall(r"^python3 -c .* > request.json$", text, re.MULTILINE)
    subprocess.run(["sh", "-c", step], cwd=tmp_path, check=True)
    (image,) = json.loads((tmp_path / "request.json").read_text())["instances"]
    assert [len(row) for row in image] == [8] * 8


def test_the_configuration_is_what_tensorflow_serving_reads():
    models = model_server_config_pb2.ModelServerConfig()
    text_format.Parse(config("models.config"), models)
    (digits,) = models.model_config_list.config
    assert (digits.name, digits.base_path) == ("digits", "/models/digits")
    assert digits.model_version_policy.latest.num_versions == 2

    # The other two protos are not among the published stubs.
    (path,) = re.findall(r'path: "(.*)"', config("monitoring.config"))
    (scraped,) = yaml.safe_load((SERVING / "prometheus/prometheus.yml").read_text())[
        "scrape_configs"
    ]
    assert "enable: true" in config("monitoring.config")
    assert scraped["metrics_path"] == path

    batching = config("batching.config")
    allowed = [int(size) for size in re.findall(r"allowed_batch_sizes: (\d+)", batching)]
    (largest,) = re.findall(r"max_batch_size \{ value: (\d+) \}", batching)
    assert allowed == sorted(allowed) and allowed[-1] == int(largest)


def test_both_overlays_take_the_services_flags():
    base = yaml.safe_load((SERVING / "compose.yaml").read_text())["services"]
    for overlay in ("gpu", "cpu"):
        laid = yaml.safe_load((SERVING / f"compose.{overlay}.yaml").read_text())["services"]
        assert laid.keys() == {"model-server"}
        # A command of its own would replace the flags.
        assert "command" not in laid["model-server"]
    mounts = [volume.split(":")[1] for volume in base["model-server"]["volumes"]]
    files = [flag.split("=")[1] for flag in base["model-server"]["command"] if "file=" in flag]
    assert len(files) == 3
    for file in files:
        assert any(file.startswith(mount) for mount in mounts)
        assert (SERVING / "config" / pathlib.PurePath(file).name).is_file()


def test_the_dashboard_and_the_alerts_ask_for_the_servers_metrics():
    board = json.loads((SERVING / "grafana/dashboards/model_server.json").read_text())
    asked = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    alerts = yaml.safe_load((SERVING / "prometheus/alerts.yml").read_text())
    asked += [rule["expr"] for group in alerts["groups"] for rule in group["rules"]]
    asked.append((SERVING / "kubernetes/adapter_values.yaml").read_text())
    names = {name for text in asked for name in re.findall(r":tensorflow[\w:]*", text)}
    histograms = {"request_latency", "runtime_latency", "batching_session:queuing_latency"}
    histograms.add("batching_session:processed_batch_size")
    known = {":tensorflow:serving:request_count"}
    known |= {f":tensorflow:serving:{h}_{end}" for h in histograms for end in PARTS}
    assert names <= known
    assert len(names) >= 5


PARTS = ("bucket", "sum", "count")
