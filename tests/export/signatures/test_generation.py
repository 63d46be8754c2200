"""A language model that writes on the server as it does in Keras."""

import json
import urllib.error
import urllib.request

import numpy as np
import pytest

import dlkit as dk
from dlkit.errors import InputError

LINE = "she sells sea shells by the shore\n"


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    path = tmp_path_factory.mktemp("text") / "sea.txt"
    path.write_text(LINE * 200)
    data = dk.data.from_text_file(path, window=24, batch_size=8)
    size = {"hidden_dim": 16, "depth": 1, "num_heads": 2}
    model = dk.models.build("gpt", data, learning_rate=1e-2, seed=0, **size)
    model.fit(data.train, epochs=1, verbose=0)
    return model, data


@pytest.fixture(scope="module")
def url(trained, tmp_path_factory):
    version = dk.export.saved_model(trained[0], tmp_path_factory.mktemp("sea"), data=trained[1])
    with dk.serving.Server(version.parent, rest_port=0) as server:
        yield server.url


def ask(url, *rows):
    given = {"length": 5, "temperature": 0.0, "top_k": 0, "top_p": 1.0, "seed": 0}
    body = {"signature_name": "generate", "instances": [{**given, **row} for row in rows]}
    request = urllib.request.Request(f"{url}:predict", json.dumps(body).encode())
    with urllib.request.urlopen(request) as answer:
        return json.loads(answer.read())["predictions"]


def test_the_server_writes_what_keras_writes(trained, url):
    for prompt, length in (("she ", 9), ("the sh", 1), (LINE * 3, 12)):
        (wanted,) = dk.data.generate(*trained, [prompt], length, temperature=0)
        assert ask(url, {"text": prompt, "length": length}) == [wanted]


def test_each_row_has_its_own_options_and_stands_alone(url):
    rows = [
        {"text": "she ", "length": 9},
        {"text": LINE, "length": 3, "temperature": 1.0, "seed": 1},
        {"text": "by", "length": 20, "temperature": 1.5, "top_k": 3, "seed": 2},
        {"text": "by", "length": 20, "temperature": 1.5, "top_p": 0.5, "seed": 2},
    ]
    assert ask(url, *rows) == [ask(url, row)[0] for row in rows]
    drawn = {"text": "s", "temperature": 2.0, "length": 15}
    assert ask(url, {**drawn, "seed": 1}) == ask(url, {**drawn, "seed": 1})
    assert ask(url, {**drawn, "seed": 1}) != ask(url, {**drawn, "seed": 2})


def test_the_default_signature_gives_what_may_come_next(trained, url):
    found = dk.serving.Client(url).predict(["she sell"])
    model, data = trained
    wanted = model.predict(data.preprocessing(np.array(["she sell"])), verbose=0)
    np.testing.assert_allclose(found, wanted, atol=1e-5)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"length": 24}, "length must be below 24"),
        ({"length": 0}, "length must be at least 1"),
        ({"temperature": -1.0}, "temperature is below 0"),
        ({"top_p": 0.0}, "top_p must be above 0"),
        ({"top_k": -1}, "top_k is below 0"),
    ],
)
def test_bad_requests_are_answered_by_a_sentence(url, options, words):
    with pytest.raises(urllib.error.HTTPError) as caught:
        ask(url, {"text": "she", **options})
    assert caught.value.code == 400
    assert words in caught.value.read().decode()


def test_other_models_have_no_such_signature(tmp_path):
    data = dk.data.load("iris")
    model = dk.models.build("perceptron", data)
    with pytest.raises(InputError, match="a model that writes on"):
        dk.export.saved_model(model, tmp_path / "iris", data=data, signatures=["generate"])
