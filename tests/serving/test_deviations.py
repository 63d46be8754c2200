"""Where dlkit answers otherwise than TensorFlow Serving on purpose, and what it adds.

The ids are rows of level D in the same table that test_conformance.py follows.
"""

import gzip

import pytest

from tests.serving.http_asking import ask, predict


def test_r7_a_version_beyond_int64_gets_json(sink_url):
    answer = ask(
        sink_url, "POST", "/v1/models/foo/versions/18446744073709551615:predict", body=b"{}"
    )
    assert answer.status == 400
    assert answer.error == "Failed to convert version: 18446744073709551615 to numeric."


def test_r7_digits_without_end_cost_nothing(sink_url):
    answer = ask(sink_url, "GET", f"/v1/models/foo/versions/{'9' * 5000}")
    assert answer.status == 400
    assert answer.error.startswith("Failed to convert version: 999")


def test_r13_r14_a_query_is_no_part_of_the_name(sink_url):
    assert ask(sink_url, path="/v1/models/sink?x=1").status == 200
    answer = ask(sink_url, "POST", ":predict?x=1", body={"instances": [1.0]})
    assert answer.json == {"predictions": [2.5]}


def test_s8_an_unknown_label_is_refused_in_status_too(sink_url):
    answer = ask(sink_url, path="/v1/models/sink/labels/stable")
    assert answer.status == 400
    assert answer.error == "Unrecognized servable version label: stable"


@pytest.mark.parametrize(("name", "value"), [("u8", 300), ("u8", -1), ("i8", 128), ("i16", 40000)])
def test_p23_small_integers_out_of_range_are_refused(sink_url, name, value):
    answer = predict(sink_url, {"inputs": {name: [value]}}, f"one_{name}")
    assert answer.status == 400
    assert f"JSON Value: {value} Type: Number is not of expected type: " in answer.error


def test_p44_o17_the_last_of_two_keys_counts_and_the_answer_is_one_line(sink_url):
    answer = ask(sink_url, "POST", ":predict", body=b'{"instances": [1.0], "instances": [3.0]}')
    assert answer.body == b'{"predictions":[3.5]}'


def test_p6_text_after_the_object_is_refused_where_orjson_sees_it(sink_url):
    """RapidJSON stops reading there. So does the slow way; either way nothing crashes."""
    answer = ask(sink_url, "POST", ":predict", body=b'{"instances": [1.0]} trailing')
    assert (answer.status, answer.json) == (200, {"predictions": [2.5]})


def test_too_large_a_body_is_413_and_not_read(tight_url):
    headers = {"Content-Length": str(10**9)}
    answer = ask(tight_url, "POST", ":predict", headers=headers)
    assert answer.status == 413
    assert answer.error == "Request body is larger than 20000 bytes"
    assert answer.headers["connection"] == "close"


def test_too_large_a_chunked_body_is_413(tight_url):
    answer = ask(
        tight_url, "POST", ":predict", chunks=[b"[" * 9000] * 3, headers={"Connection": "close"}
    )
    assert answer.status == 413


def test_a_zip_bomb_is_capped(tight_url):
    body = gzip.compress(b'{"instances": [1.0], "a": "' + b" " * 10_000_000 + b'"}')
    assert len(body) < 20_000
    answer = ask(tight_url, "POST", ":predict", body=body, headers={"Content-Encoding": "gzip"})
    assert (answer.status, answer.error) == (400, "JSON Parse error: The document is empty")


# ---------------------------------------------------------------- additions


def test_probes(sink_url):
    assert ask(sink_url, path="/healthz").json == {"status": "ok"}
    answer = ask(sink_url, path="/readyz")
    assert (answer.status, answer.json) == (200, {"ready": True, "waiting": []})


@pytest.mark.parametrize(
    ("method", "path", "body", "hint"),
    [
        ("POST", "/v1/models/sin:predict", {}, "This server has: sink. Did you mean 'sink'?"),
        ("GET", "/v1/models/sin", None, "This server has: sink. Did you mean 'sink'?"),
        ("GET", ":predict", None, "Send predict requests with POST."),
        ("POST", "", {}, "POST /v1/models/sink:predict, GET /v1/models/sink and"),
        ("POST", ":predict", {}, 'Send {"instances": [...]} (a list of rows)'),
        ("POST", ":predict", {"signature_name": "pear", "instances": [1]}, "Did you mean 'pair'?"),
        ("POST", ":predict", {"instances": [{"b64": "YQ=="}]}, "the signature takes 'x' (float)."),
        ("POST", ":predict", {"instances": [None]}, "write NaN for a missing float"),
        ("POST", ":predict", {"instances": [{"y": 1.0}]}, "The signature takes 'x' (float)."),
        ("POST", ":predict", {"signature_name": "upper", "inputs": [1]}, "bytes as {"),
        ("POST", ":predict", {"signature_name": "repeat", "inputs": [1.0]}, "without a decimal"),
        ("POST", ":predict", {"signature_name": "any", "instances": [[1], [1, 2]]}, "same shape"),
        (
            "POST",
            ":predict",
            {"signature_name": "image", "inputs": [[1.0, 2.0], [3.0, float("nan")]]},
            None,
        ),
        (
            "POST",
            ":predict",
            {"signature_name": "image", "inputs": [1.0, 2.0, 3.0]},
            "Input 'image' takes shape [-1,2,2] but got: [3].",
        ),
        (
            "POST",
            ":predict",
            {"signature_name": "table", "inputs": [1.0, 2.0]},
            "Input 'rows' takes shape [-1,2] but got: [2]: is the batch axis missing?",
        ),
    ],
)
def test_hints_beside_errors(sink_url, method, path, body, hint):
    answer = ask(sink_url, method, path, body=body)
    if hint is None:  # four numbers fit the graph's reshape: no error, as in TensorFlow Serving
        assert answer.status == 200
        return
    assert answer.status >= 400
    assert answer.json.keys() == {"error", "hint"}
    assert hint in answer.json["hint"]


@pytest.mark.parametrize(
    ("body", "headers", "hint"),
    [
        (b"{'instances': [1.0]}", {}, "JSON has double quotes around names and texts"),
        (b"{\"inputs\": ['a']}", {}, "JSON has double quotes around names and texts"),
        (b"{instances: [1.0]}", {}, "JSON has double quotes around names and texts"),
        (b"no gzip", {"Content-Encoding": "gzip"}, "in gzip, a whole one"),
        (b"", {}, "Send a JSON object"),
    ],
)
def test_a_body_that_is_no_json_gets_a_hint(sink_url, body, headers, hint):
    answer = ask(sink_url, "POST", ":predict", body=body, headers=headers)
    assert answer.error.startswith("JSON Parse error: ")
    assert hint in answer.json["hint"]


def test_an_error_without_a_known_cure_has_no_hint(sink_url):
    assert ask(sink_url, "POST", ":predict", body=b"{").json.keys() == {"error"}


# ---------------------------------------------------------------- options turned the other way


def test_g8_cors_headers_on_every_v1_answer(tight_url):
    wanted = {
        "access-control-allow-origin": "*",
        "access-control-allow-methods": "POST, GET",
        "access-control-allow-headers": "Content-Type",
    }
    origin = {"Origin": "http://a.example"}
    answers = [
        ask(tight_url),
        predict(tight_url, {"instances": [1.0]}),
        predict(tight_url, {}),
        ask(tight_url, "OPTIONS", ":predict", headers=origin),
    ]
    assert [answer.status for answer in answers] == [200, 200, 400, 200]
    for answer in answers:
        assert wanted.items() <= answer.headers.items()
    assert "access-control-allow-origin" not in ask(tight_url, path="/healthz").headers


def test_r19_a_prediction_past_the_timeout_is_504(tight_url):
    answer = predict(tight_url, {"inputs": [2**31 - 1]}, "repeat")
    assert (answer.status, answer.error) == (504, "Timed out waiting for notification")
    assert predict(tight_url, {"instances": [1.0]}).json == {"predictions": [2.5]}


def test_a_version_directory_is_served_under_its_parents_name(tight_url):
    """`tight_url` serves <exports>/sink/00000002 itself."""
    (state,) = ask(tight_url).json["model_version_status"]
    assert (state["version"], state["state"]) == ("2", "AVAILABLE")
