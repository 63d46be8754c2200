"""The options of `dlkit serve`: each reaches the server, and a configuration file is followed."""

import os
import re
import signal
import subprocess

import pytest

from dlkit.cli import serve
from dlkit.serving.core.settings import Settings
from tests.cli.command_line import call, start, wait_until
from tests.serving import saved_models
from tests.serving.http_asking import ask
from tests.serving.waiting import wait_for


@pytest.fixture
def asked_of_serve(monkeypatch, tmp_path):
    """Run `dlkit serve`, and return what the server was asked for."""
    (tmp_path / "m" / "1").mkdir(parents=True)
    (tmp_path / "m" / "1" / "saved_model.pb").write_bytes(b"")
    (tmp_path / "models.config").write_text(config(tmp_path, "m"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(serve, "load_tensorflow", lambda: None)

    def run(*arguments):
        found = {}
        monkeypatch.setattr("dlkit.serving.serve", lambda base, **options: found.update(options))
        assert call(monkeypatch, "serve", *arguments) == 0
        return found

    return run


def config(folder, *names):
    entry = 'config {{ name: "{0}" base_path: "{1}/{0}" model_platform: "tensorflow" }}'
    return f"model_config_list {{ {' '.join(entry.format(name, folder) for name in names)} }}"


def test_the_defaults_are_the_servers(asked_of_serve):
    found = asked_of_serve("m")
    where = {name: found.pop(name) for name in ("name", "host", "rest_port", "grpc_port")}
    assert where == {"name": None, "host": "127.0.0.1", "rest_port": 8501, "grpc_port": None}
    assert Settings.of("serve", found) == Settings()


def test_a_configuration_from_a_pipe_is_left_to_the_server(asked_of_serve, tmp_path):
    """Whoever reads it first has it: to look which models it names would leave none to serve."""
    os.mkfifo(tmp_path / "pipe")
    found = asked_of_serve("--model-config-file", str(tmp_path / "pipe"))
    assert found["model_config_file"] == tmp_path / "pipe"


@pytest.mark.parametrize(
    ("arguments", "option", "value"),
    [
        ("--request-log-share 0.25", "request_log_share", 0.25),
        ("--monitoring-config-file m.config", "monitoring_config_file", "m.config"),
        ("--enable-batching", "batching", True),
        ("--batching-parameters-file b.config", "batching_parameters_file", "b.config"),
        ("--max-body-bytes 1000", "max_body_bytes", 1000),
        ("--client-seconds 5", "client_seconds", 5),
        ("--drain-seconds 0", "drain_seconds", 0),
    ],
)
def test_an_option_reaches_the_server(asked_of_serve, arguments, option, value):
    found = asked_of_serve("m", *arguments.split())[option]
    assert type(value)(found) == value


@pytest.mark.parametrize(
    ("arguments", "seconds"),
    [
        ("", 1),
        ("--model-config-poll-seconds 30", 30),
        ("--model-config-poll-seconds 0", 0),
        ("--admin", 0),  # what is changed over REST would be taken back
    ],
)
def test_how_often_the_configuration_is_read(asked_of_serve, arguments, seconds):
    found = asked_of_serve("--model-config-file", "models.config", *arguments.split())
    assert found.get("model_config_poll_seconds", 0) == seconds


def test_the_help_tells_how_private_a_log_is_and_when_a_file_is_read(monkeypatch, capsys):
    assert call(monkeypatch, "serve", "--help") == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "keep it as private as the requests" in text
    assert "By default every second, and never with --admin" in text


def test_an_edit_of_the_configuration_takes_effect(tmp_path):
    for name in ("first", "second"):
        saved_models.affine(tmp_path / name / "1")
    file = tmp_path / "models.config"
    file.write_text(config(tmp_path, "first"))
    log = tmp_path / "serve.log"
    with log.open("w") as written:
        server = start(
            *("serve", "--model-config-file", file, "--port", 0),
            stdout=written,
            stderr=subprocess.STDOUT,
        )
    try:
        shown = re.compile(r"^Serving first at (http\S+)$", re.MULTILINE)
        url = wait_until(lambda: shown.search(log.read_text()), server, "its announcement")[1]
        assert ask(url, path="/v1/models/second").status == 404
        file.write_text(config(tmp_path, "first", "second"))
        wait_for(lambda: ask(url, path="/v1/models/second/metadata").status == 200)
    finally:
        server.send_signal(signal.SIGTERM)
        assert server.wait(60) == 0
