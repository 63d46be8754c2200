"""Changing a server's models over REST, and who may."""

import json
import shutil

import pytest

from dlkit.errors import InputError
from dlkit.serving import Server
from dlkit.serving.core.settings import Settings
from dlkit.serving.core.status import StatusError
from dlkit.serving.rest_api.admin import check_name, is_of_this_machine
from tests.serving import saved_models
from tests.serving.http_asking import ask, predict

CONFIG = "/dlkit/v1/config"


@pytest.fixture(scope="module")
def bases(tmp_path_factory):
    """Two models with two versions each, a broken one, and an empty folder."""
    folder = tmp_path_factory.mktemp("admin")
    for number, name in enumerate(("first", "second")):
        for version in (1, 2):
            saved_models.affine(folder / name / str(version), factor=version, offset=number * 10)
    saved_models.broken(folder / "broken" / "1")
    (folder / "empty").mkdir()
    return folder


@pytest.fixture(scope="module")
def server(bases):
    with Server(bases / "first", rest_port=0, admin=True, poll_seconds=0) as server:
        yield server


@pytest.fixture
def url(server, bases):
    """The server with the first model alone, whatever a test has left there."""
    answer = ask(server.url, "POST", CONFIG, body=listed(bases, "first"))
    assert answer.status == 200, answer.body
    return server.url


def listed(bases, *names, **more):
    configs = [{"name": name, "base_path": str(bases / name), **more} for name in names]
    return {"model_config_list": {"config": configs}}


def ask_of(url, name, x=1.0):
    answer = predict(f"{url.rpartition('/')[0]}/{name}", {"instances": [x]})
    return answer.json["predictions"][0] if answer.status == 200 else answer.status


def test_models_come_and_go(url, bases):
    model = "/dlkit/v1/models/second"
    assert ask_of(url, "second") == 404
    added = ask(url, "PUT", model, body={"base_path": str(bases / "second")})
    assert [state["state"] for state in added.json["model_version_status"]] == ["AVAILABLE"]
    assert (ask_of(url, "second"), ask_of(url, "first")) == (12.0, 2.0)

    old = {
        "base_path": str(bases / "second"),
        "model_version_policy": {"specific": {"versions": 1}},
    }
    assert ask(url, "PUT", model, body=old).status == 400  # a list is wanted
    old["model_version_policy"]["specific"]["versions"] = [1]
    assert ask(url, "PUT", model, body=old | {"version_labels": {"stable": 1}}).status == 200
    assert ask_of(url, "second") == 11.0
    assert ask_of(url, "second/labels/stable") == 11.0

    names = [config["name"] for config in ask(url, path=CONFIG).json["model_config_list"]["config"]]
    assert names == ["first", "second"]
    left = ask(url, "DELETE", "/dlkit/v1/models/first").json
    assert [config["name"] for config in left["model_config_list"]["config"]] == ["second"]
    assert (ask_of(url, "first"), ask_of(url, "second")) == (404, 11.0)


def test_what_is_listed_can_be_sent_back(url, bases):
    ask(url, "POST", CONFIG, body=listed(bases, "first", "second", version_labels={"best": "2"}))
    before = ask(url, path=CONFIG).json
    (first, _) = before["model_config_list"]["config"]
    assert first == {
        "name": "first",
        "base_path": str(bases / "first"),
        "model_platform": "tensorflow",
        "model_version_policy": {"latest": {"num_versions": 1}},
        "version_labels": {"best": "2"},
    }
    assert ask(url, "POST", CONFIG, body=before).json == before


def test_a_reload_finds_a_new_version(url, bases):
    """This server does not look by itself: poll_seconds is 0."""
    saved_models.affine(bases / "first" / "3", factor=3.0, offset=0.0)
    assert ask_of(url, "first") == 2.0
    answer = ask(url, "POST", "/dlkit/v1/models/first:reload", body=b"")
    assert answer.json["model_version_status"][0]["version"] == "3"
    assert ask_of(url, "first") == 3.0
    shutil.rmtree(bases / "first" / "3")
    ask(url, "POST", "/dlkit/v1/models/first:reload", body=b"")
    assert ask_of(url, "first") == 2.0


DEEP = json.loads("[" * 900 + "]" * 900)


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "sentence"),
    [
        ("PUT", "models/x", {"base_path": "BASE/empty"}, 400, "No versions of servable x found"),
        ("PUT", "models/x", {"base_path": "BASE/nosuch"}, 400, "Could not find base path"),
        ("PUT", "models/x", {"base_path": "relative"}, 400, "to have an absolute path"),
        ("PUT", "models/x", {"base_path": "BASE/broken"}, 400, "did not become available"),
        ("PUT", "models/first", {"base_path": "BASE/broken"}, 400, "did not become available"),
        ("PUT", "models/x", {"path": "BASE/first"}, 400, "No ModelConfig of TensorFlow Serving"),
        ("PUT", "models/x", {"version_labels": DEEP}, 400, "No ModelConfig of TensorFlow Serving"),
        ("PUT", "models/x", {"model_version_policy": DEEP}, 400, "No ModelConfig"),
        ("PUT", "models/x", [1], 400, "Expected a JSON object"),
        ("PUT", "models/x", b"{", 400, "JSON Parse error"),
        ("PUT", "models/..%2f..%2fetc", {"base_path": "BASE/first"}, 400, "has no '/'"),
        ("PUT", "models/%2e%2e", {"base_path": "BASE/first"}, 400, "has no '/'"),
        ("PUT", "models/a%0ab", {"base_path": "BASE/first"}, 400, "control characters"),
        ("PUT", "models/../x", {"base_path": "BASE/first"}, 400, "Malformed request: PUT"),
        ("DELETE", "models/nosuch", None, 404, "Servable not found for request: Latest(nosuch)"),
        ("POST", "models/nosuch:reload", b"", 404, "Servable not found"),
        ("GET", "models/first", None, 400, "Malformed request: GET /dlkit/v1/models/first"),
        ("PUT", "models/first:reload", {}, 400, "Malformed request"),
        ("DELETE", "config", None, 400, "Malformed request"),
        ("POST", "config", {}, 400, "Expected {"),
        ("POST", "config", {"model_config_list": {"config": [1]}}, 400, "absolute path"),
        ("POST", "config", "TWICE", 400, "listed twice"),
        ("POST", "config", "BROKEN", 400, "did not become available"),
        ("PUT", "models/x", b" " * 200_000_000, 413, "larger than"),
    ],
)
def test_what_is_refused_changes_nothing(url, bases, method, path, body, status, sentence):
    if body in ("TWICE", "BROKEN"):
        body = listed(bases, "first", "first" if body == "TWICE" else "broken")
    if isinstance(body, dict):
        body = json.loads(json.dumps(body).replace("BASE", str(bases)))
    if isinstance(body, list):
        body = json.dumps(body)
    headers = None
    if isinstance(body, bytes) and len(body) > 1000:
        headers, body = {"Content-Length": str(len(body))}, None
    answer = ask(url, method, f"/dlkit/v1/{path}", body=body, headers=headers)
    assert (answer.status, sentence in answer.error) == (status, True), answer.body
    assert ask_of(url, "first") == 2.0
    assert ask_of(url, "x") == 404


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Host": "evil.example:8501"},
        {"X-Forwarded-For": "127.0.0.1"},
        {"Forwarded": "for=127.0.0.1"},
        {"Via": "1.1 proxy"},
    ],
)
def test_browsers_and_proxies_of_this_machine_are_not_it(url, headers):
    answer = ask(url, "DELETE", "/dlkit/v1/models/first", headers=headers)
    assert answer.status in (400, 403)
    assert answer.status == 403 or "Host" in headers
    assert ask_of(url, "first") == 2.0


@pytest.mark.parametrize(
    ("client", "host", "accepted"),
    [
        ("127.0.0.1", "127.0.0.1:8501", True),
        ("127.0.0.1", "localhost", True),
        ("127.8.0.1", "LOCALHOST:1", True),
        ("::1", "[::1]:8501", True),
        ("::ffff:127.0.0.1", "[::1]", True),
        ("10.0.0.7", "127.0.0.1:8501", False),
        ("::ffff:10.0.0.7", "localhost", False),
        ("127.0.0.1", "evil.example:8501", False),
        ("127.0.0.1", "127.0.0.1.evil.example", False),
        ("127.0.0.1", "", False),
        ("", "localhost", False),
    ],
)
def test_who_is_of_this_machine(client, host, accepted):
    scope = {"client": (client, 1), "headers": [(b"host", host.encode())]}
    assert is_of_this_machine(scope) is accepted
    assert not is_of_this_machine({"headers": scope["headers"]})


def test_names():
    assert check_name("digits v1.2") == "digits v1.2"
    for name in ("a/b", "a:b", "..", ".", "", "a\x00", "x" * 256):
        with pytest.raises(StatusError, match="A model's name has no"):
            check_name(name)


def test_it_is_off_unless_asked_for(sink_url):
    assert ask(sink_url, path=CONFIG).status == 404
    assert Settings().admin is False


def test_with_keys_whoever_has_one(bases, tmp_path):
    keys = tmp_path / "keys"
    keys.write_text("a-key-of-some-length\n")
    with Server(bases / "first", rest_port=0, admin=True, api_key_file=keys) as server:
        assert ask(server.url, path=CONFIG).status == 401
        headers = {"x-api-key": "a-key-of-some-length", "X-Forwarded-For": "10.0.0.7"}
        assert ask(server.url, path=CONFIG, headers=headers).status == 200


def test_a_file_that_is_read_again_would_undo_it(tmp_path):
    with pytest.raises(InputError, match=r"admin and model_config_poll_seconds.*seconds=5"):
        Server(saved_models_base(tmp_path), rest_port=0, admin=True, model_config_poll_seconds=5)


def saved_models_base(folder):
    saved_models.broken(folder / "m" / "1")
    return folder / "m"
