import gc
import json
import socket
import subprocess
import sys
import threading

import numpy as np
import pandas
import pytest

from dlkit.errors import InputError, ServerError
from dlkit.serving import Client
from tests.serving.scripted import GOOD

# ---------------------------------------------------------------- against the real server


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "int64", "uint8", "bool"])
def test_predict_takes_arrays_of_any_number(client, dtype):
    values = np.array([0, 1, 5]).astype(dtype)
    if dtype == "bool":
        with pytest.raises(ServerError, match="JSON Value: false Type: False is not of expected"):
            client.predict(values)
        return
    np.testing.assert_array_equal(client.predict(values), values.astype("float64") / 2 + 2)


def test_floats_come_back_with_the_models_own_digits(client):
    values = np.random.default_rng(0).standard_normal(100).astype("float32")
    found = client.predict(values, signature_name="echo")
    np.testing.assert_array_equal(found.astype("float32"), values)


def test_nan_and_infinity_make_the_round_trip(client):
    values = np.array([np.nan, np.inf, -np.inf, 1.5], np.float32)
    np.testing.assert_array_equal(client.predict(values, signature_name="echo"), values)
    np.testing.assert_array_equal(client.predict([np.nan, 1.0], signature_name="echo"), [np.nan, 1])


def test_views_and_other_byte_orders(client):
    values = np.arange(8, dtype=">f4")[::2]
    np.testing.assert_array_equal(client.predict(values, signature_name="echo"), [0, 2, 4, 6])


def test_several_inputs_and_outputs(client):
    found = client.predict(
        {"a": np.array([[1.0, 2.0], [3.0, 4.0]]), "b": np.array([10, 20])}, signature_name="pair"
    )
    assert found.keys() == {"sum", "scaled"}
    np.testing.assert_array_equal(found["sum"], [11, 23])
    np.testing.assert_array_equal(found["scaled"], [[2, 4], [6, 8]])


@pytest.mark.parametrize(
    "given",
    [
        ["caf\u00e9", "b"],
        np.array(["caf\u00e9", "b"]),
        np.array(["caf\u00e9", "b"], object),
        ["caf\u00e9".encode(), b"b"],
        np.array(["caf\u00e9".encode(), b"b"], object),
    ],
)
def test_strings_and_bytes(client, given):
    found = client.predict(given, signature_name="text")
    assert found["raw_bytes"].tolist() == ["caf\u00e9".encode(), b"b"]
    assert found["upper"].tolist() == ["CAF\u00e9", "B"]


def test_bytes_that_are_no_text(client):
    image = bytes(range(256))
    found = client.predict([[image, b"\0"]], signature_name="grid")
    assert found.shape == (1, 2)
    assert found.tolist() == [[image, b"\0"]]


def test_scalars(client):
    assert client.predict(2.0, signature_name="scalar") == 3.0
    assert client.predict(b"hello", signature_name="length") == 5


def test_status_and_metadata(client):
    assert [state["version"] for state in client.status()] == ["2", "1"]
    signatures = client.metadata()["metadata"]["signature_def"]["signature_def"]
    assert signatures["serving_default"]["inputs"]["x"]["dtype"] == "DT_FLOAT"


def test_one_version_by_its_url(client):
    with Client(f"{client.url}/versions/1") as old:
        np.testing.assert_array_equal(old.predict([1.0]), [10.0])


@pytest.mark.parametrize(
    ("inputs", "signature", "sentence"),
    [
        (["a"], None, 'JSON Value: "a" Type: String is not of expected type: float'),
        ([[1.0], [1.0, 2.0]], "any", "Encountered list at unexpected size: 2 at level: 1"),
        ([1.0], "nope", 'name: "nope" not found in signature def .The model\'s signatures: '),
        (np.ones(3), "image", r"reshape.*Input 'image' takes shape \[-1,2,2\] but got: \[3\]"),
        ([1.0, 2.0], "table", "is the batch axis missing"),
    ],
)
def test_a_refusal_carries_the_servers_sentence(client, inputs, signature, sentence):
    with pytest.raises(ServerError, match="(?s)" + sentence):
        client.predict(inputs, signature_name=signature)


def test_threads_may_share_a_client(client):
    wrong = []

    def ask(number):
        if client.predict([float(number)]).tolist() != [number / 2 + 2]:
            wrong.append(number)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


# ---------------------------------------------------------------- against a server with troubles


@pytest.mark.parametrize("trouble", [(503, b'{"error": "queue full"}'), None])
def test_unavailable_and_lost_connections_are_tried_again(scripted, trouble):
    url, answers, seen = scripted
    answers += [trouble, trouble, GOOD]
    with Client(url) as client:
        assert client.predict([1.0]).tolist() == [1.0]
    assert seen == [("/v1/models/m:predict", b'{"inputs":[1.0]}')] * 3


def test_but_not_for_ever(scripted):
    url, answers, seen = scripted
    answers += [(503, b'{"error": "queue full"}')] * 2
    with Client(url, retries=1) as client, pytest.raises(ServerError, match="queue full"):
        client.predict([1.0])
    assert len(seen) == 2


def test_other_errors_are_not_tried_again(scripted):
    url, answers, seen = scripted
    answers += [(500, b'{"error": "broken"}')]
    with Client(url) as client, pytest.raises(ServerError, match="broken"):
        client.predict(["a"])
    assert len(seen) == 1


def test_against_tensorflow_serving_the_client_says_what_is_missing(scripted):
    url, answers, _ = scripted
    dims = [{"size": "-1", "name": ""}, {"size": "28", "name": ""}, {"size": "28", "name": ""}]
    info = {
        "dtype": "DT_FLOAT",
        "tensor_shape": {"dim": dims, "unknown_rank": False},
        "name": "x:0",
    }
    signatures = {"serving_default": {"inputs": {"image": info}}}
    metadata = {"metadata": {"signature_def": {"signature_def": signatures}}}
    answers += [(400, b'{"error": "bad shape"}'), (200, json.dumps(metadata).encode())]
    sentence = r"bad shape Input 'image' lacks the batch axis.*x\[np.newaxis\]"
    with Client(url) as client, pytest.raises(ServerError, match=sentence):
        client.predict(np.zeros((28, 28)))


def test_an_answer_that_is_no_tensorflow_serving(scripted):
    url, answers, _ = scripted
    answers += [(200, b"<html>")]
    with Client(url) as client, pytest.raises(ServerError, match="answered 200 without"):
        client.status()


def test_no_server_there():
    sentence = "No server answers at http://127.0.0.1:9/v1/models/m"
    client = Client("http://127.0.0.1:9/v1/models/m", retries=0)
    with client, pytest.raises(ServerError, match=sentence):
        client.predict([1.0])


def test_a_server_that_is_too_slow():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/v1/models/m"
        client = Client(url, timeout=0.05)
        with client, pytest.raises(ServerError, match="did not answer: timed out"):
            client.predict([1.0])


@pytest.mark.parametrize(
    "url", ["localhost:8501", "http://127.0.0.1:8501", "digits", "ftp://a/v1/models/m"]
)
def test_urls_that_are_no_models(url):
    with pytest.raises(InputError, match=f"url must be a model's URL.*url='{url}'"):
        Client(url)


def test_a_url_with_the_verb_is_understood():
    with Client("http://127.0.0.1:8501/v1/models/m:predict") as client:
        assert client.url == "http://127.0.0.1:8501/v1/models/m"


@pytest.mark.parametrize("value", [[1j], [object()], np.array([1j]), {"x": [set()]}])
def test_values_that_json_cannot_carry(value):
    sentence = "predict takes numbers, booleans, strings and bytes"
    client = Client("http://127.0.0.1:9/v1/models/m")
    with client, pytest.raises(InputError, match=sentence):
        client.predict(value)


def test_a_forgotten_client_closes_its_connections(client):
    """Otherwise the sockets' ResourceWarning would fail this test run."""
    assert Client(client.url).predict([1.0]).tolist() == [2.5]
    gc.collect()


def test_no_proxy_stands_before_this_machine(client, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    with Client(client.url) as other:
        assert other.predict([1.0]).tolist() == [2.5]


def test_the_client_needs_neither_tensorflow_nor_keras():
    code = (
        "import sys; from dlkit.serving import Client; Client('http://h/v1/models/m').close();"
        "print(*{name.partition('.')[0] for name in sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert {"dlkit", "httpx", "orjson"} <= set(done.stdout.split())
    assert not {"tensorflow", "keras", "uvicorn"} & set(done.stdout.split())


def test_without_metadata_a_dataframe_goes_as_columns(scripted):
    url, answers, seen = scripted
    answers += [(404, b'{"error": "no such URL"}'), GOOD]
    frame = pandas.DataFrame(
        {"age": [20, 30], "job": ["cook", "clerk"], "tall": [1.5, float("nan")]}
    )
    with Client(url) as client:
        client.predict(frame)
    (path, _), (_, body) = seen
    assert path == "/v1/models/m/metadata"
    sent = json.loads(body)["inputs"]
    assert sent["age"] == [20, 30] and sent["job"] == ["cook", "clerk"]
    assert sent["tall"][0] == 1.5 and np.isnan(sent["tall"][1])
