"""The page at /docs, read as a browser would read it."""

import html.parser
import json
import re
import shlex
import subprocess

import numpy as np
import pytest
import tensorflow as tf

from dlkit.serving import Server
from dlkit.serving.core.classify_regress import METHODS
from dlkit.serving.core.signatures import Signature, TensorInfo
from dlkit.serving.rest_api.docs_page import example_body, examples_body, models_page
from tests.serving import saved_models
from tests.serving.http_asking import ask, predict


class Reader(html.parser.HTMLParser):
    """Collects tags, what they point to, and the text of <pre>."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.targets, self.commands, self._open = [], [], [], []
        self.feed(text)
        assert self._open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.targets += [value for name, value in attrs if name in ("href", "src")]
        if tag != "meta":
            self._open.append(tag)
        if tag == "pre":
            self.commands.append("")

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        if self._open[-1:] == ["pre"]:
            self.commands[-1] += data


@pytest.fixture(scope="module")
def answer(sink_server):
    return ask(sink_server.url, path="/docs")


def test_it_needs_nothing_from_elsewhere(answer):
    assert answer.status == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    found = Reader(answer.body.decode())
    assert found.targets == ["openapi.json"]
    assert not {"script", "link", "img", "iframe"} & set(found.tags)


def test_its_commands_work(answer, sink_server):
    commands = Reader(answer.body.decode()).commands
    assert len(commands) > 10
    for command in commands:
        curl, flag, body, url = shlex.split(command)
        assert (curl, flag, url) == ("curl", "-d", "http://HOST:PORT/v1/models/sink:predict")
        found = predict(sink_server.url, json.loads(body))
        known_to_fail = re.search("repeat|inputs_|Example", body)
        assert found.status == 200 or known_to_fail or found.status == 400, (body, found.body)


def test_the_commands_for_values_examples_and_files_work_in_a_shell(tmp_path):
    saved_models.person_and_photo(tmp_path / "m" / "1")
    (tmp_path / "photo.jpg").write_bytes(tf.io.encode_png(np.full((9, 9, 1), 7, np.uint8)).numpy())
    answers = {}
    with Server(tmp_path / "m", rest_port=0) as server:
        host = server.url.split("/")[2]
        for command in Reader(ask(server.url, path="/docs").body.decode()).commands:
            shell = command.replace("HOST:PORT", host).replace("curl ", "curl --noproxy '*' -s ")
            done = subprocess.run(
                ["sh", "-c", shell], cwd=tmp_path, capture_output=True, text=True, check=True
            )
            answers[command.rpartition(":")[2], "photo.jpg" in command] = json.loads(done.stdout)
    assert answers == {
        ("predict", False): {"outputs": [[0.0, 0.0]]},
        ("classify", False): {"results": [[["", 0.0], ["", 0.0]]]},
        ("predict", True): {"outputs": [7.0]},
    }


def test_what_is_in_examples_is_not_made_up():
    unknown = Signature({"inputs": TensorInfo("DT_STRING", (-1,))}, {}, METHODS["classify"])
    image = Signature({"x": TensorInfo("DT_FLOAT", (-1, 28, 28))}, {})
    assert examples_body("serving_default", {"serving_default": unknown}) is None
    assert examples_body("classify", {"classify": unknown}) is None
    assert examples_body("classify", {"classify": unknown, "serving_default": image}) is None


def test_other_methods_are_not_its(sink_server):
    assert ask(sink_server.url, "POST", "/docs", body=b"").status == 404
    assert ask(sink_server.url, "HEAD", "/docs").body == b""


class Nothing:
    def use(self):
        from dlkit.serving.core.status import not_available

        raise not_available("m", None)


def test_names_are_text_and_no_html():
    text = models_page({"<script>alert(1)</script>": Nothing()})
    assert "<script>" not in text
    assert "&lt;script&gt;" in text
    assert "No version of it answers now." in text


def test_examples_are_short_or_not_there():
    image = Signature({"x": TensorInfo("DT_FLOAT", (-1, 28, 28))}, {})
    assert example_body("serving_default", image) is None
    assert example_body("s", Signature({}, {})) is None
    assert example_body("s", Signature({"x": TensorInfo("DT_FLOAT", None)}, {})) is None
    row = Signature({"x": TensorInfo("DT_INT32", (-1, 2)), "t": TensorInfo("DT_STRING", (-1,))}, {})
    assert example_body("s", row) == {
        "signature_name": "s",
        "inputs": {"x": [[0, 0]], "t": [""]},
    }
