import pathlib
import time

import pytest
from google.protobuf import text_format
from tensorflow_serving.config.model_server_config_pb2 import ModelServerConfig

from dlkit.errors import InputError
from dlkit.export import promote
from dlkit.serving import Server
from dlkit.serving.versions.model_config import read_config_file
from tests.serving import saved_models
from tests.serving.http_asking import ask


@pytest.fixture
def base(tmp_path):
    for version in (1, 2, 10):
        (tmp_path / "digits" / str(version)).mkdir(parents=True)
    return tmp_path / "digits"


def entries(path):
    found = text_format.Parse(pathlib.Path(path).read_text(), ModelServerConfig())
    return {entry.name: entry for entry in found.model_config_list.config}


def test_labels_are_added_moved_and_moved_back(base, tmp_path):
    config = tmp_path / "models.config"
    assert promote(base, 1, config=config) == config
    promote(base, 10, label="canary", config=config)
    entry = entries(config)["digits"]
    assert entry.base_path == str(base) and entry.model_platform == "tensorflow"
    assert dict(entry.version_labels) == {"stable": 1, "canary": 10}
    assert list(entry.model_version_policy.specific.versions) == [1, 10]
    promote(base, 10, config=config)
    entry = entries(config)["digits"]
    assert dict(entry.version_labels) == {"stable": 10, "canary": 10}
    assert list(entry.model_version_policy.specific.versions) == [10]
    promote(base, 2, config=config)
    assert list(entries(config)["digits"].model_version_policy.specific.versions) == [2, 10]
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []
    (model,) = read_config_file(config)  # dlkit's own server takes it
    assert dict(model.labels) == {"stable": 2, "canary": 10}


def test_a_running_server_follows(tmp_path):
    base, config = tmp_path / "line", tmp_path / "models.config"
    for version in (1, 2):
        saved_models.affine(base / str(version), factor=0.0, offset=float(version))
    promote(base, 1, config=config)
    options = {"model_config_file": config, "model_config_poll_seconds": 0.05, "poll_seconds": 0.05}
    with Server(rest_port=0, **options) as server:
        root = server.url.partition("/v1")[0]

        def answer():
            path = "/v1/models/line/labels/stable:predict"
            return ask(root, "POST", path, body={"instances": [0.0]}).json

        assert answer() == {"predictions": [1.0]}
        promote(base, 2, config=config)
        deadline = time.monotonic() + 60
        while answer() != {"predictions": [2.0]}:
            assert time.monotonic() < deadline
            time.sleep(0.05)


WRITTEN = """
model_config_list {
  config { name: "other" base_path: "/models/other" model_platform: "tensorflow" }
  config {
    name: "numbers" base_path: "BASE" model_platform: "tensorflow"
    model_version_policy { POLICY }
  }
}
"""


@pytest.mark.parametrize(
    ("policy", "kept"),
    [("all {}", None), ("specific { versions: 2 }", [1, 2]), ("latest { num_versions: 2 }", [1])],
)
def test_what_the_file_says_stays(policy, kept, base, tmp_path):
    config = tmp_path / "models.config"
    config.write_text(WRITTEN.replace("BASE", f"{base}/").replace("POLICY", policy))
    promote(base, 1, config=config)
    found = entries(config)
    assert list(found) == ["other", "numbers"]
    assert found["other"].base_path == "/models/other" and not found["other"].version_labels
    version_policy = found["numbers"].model_version_policy
    if kept is None:
        assert version_policy.HasField("all")
    else:
        assert list(version_policy.specific.versions) == kept


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"version": 3}, "has no version 3; it has: 1, 2, 10."),
        ({"version": "1"}, "Received: version='1'"),
        ({"label": "a/b"}, "Received: label='a/b'"),
        ({"label": 5}, "Received: label=5"),
        ({"base": "nothing"}, "has no version 1; it has: none."),
        ({"config": "missing/models.config"}, "cannot be written: No such file"),
        ({"config": "text"}, "text format of ModelServerConfig. Received: 'text'"),
        ({"config": "custom"}, "config='custom' has a custom_model_config"),
        ({"config": "taken"}, "another model called 'digits', at '/other/digits', than base="),
    ],
)
def test_what_is_refused(options, message, base, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pathlib.Path("text").write_text("models: digits")
    pathlib.Path("custom").write_text("custom_model_config {}")
    pathlib.Path("taken").write_text(
        'model_config_list { config { name: "digits" base_path: "/other/digits" } }'
    )
    before = sorted(tmp_path.rglob("*"))
    given = {"base": base, "version": 1} | options
    with pytest.raises(InputError) as caught:
        promote(given.pop("base"), given.pop("version"), **given)
    assert message in str(caught.value)
    assert sorted(tmp_path.rglob("*")) == before
