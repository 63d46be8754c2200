"""TensorFlow Serving's REST API, row by row.

The ids (R2, P18, ...) are rows of the table that lists what TensorFlow Serving does. Everything
here goes over HTTP to one URL, so that it also runs against TensorFlow Serving itself: conftest.py
says how. Where dlkit differs on purpose is in test_deviations.py.
"""

import base64
import gzip
import json
import math
import re

import numpy as np
import pytest

from tests.serving.http_asking import ask, predict

NAN, INF = float("nan"), float("inf")


def b64(data):
    return {"b64": base64.b64encode(data).decode()}


def same(found, wanted):
    """Equality in which NaN equals NaN."""
    if isinstance(wanted, float) and math.isnan(wanted):
        return isinstance(found, float) and math.isnan(found)
    if isinstance(wanted, list) and isinstance(found, list):
        return len(found) == len(wanted) and all(map(same, found, wanted))
    if isinstance(wanted, dict) and isinstance(found, dict):
        return found.keys() == wanted.keys() and all(same(found[k], wanted[k]) for k in wanted)
    if isinstance(wanted, float):  # the digits are those of float32
        return isinstance(found, float) and np.float32(found) == np.float32(wanted)
    return found == wanted and isinstance(found, bool) == isinstance(wanted, bool)


def rows(*cases):
    """Parametrise with (id, ...) tuples."""
    return [pytest.param(*case[1:], id=case[0]) for case in cases]


# ---------------------------------------------------------------- 1. routing


@pytest.mark.parametrize("path", ["/", "/statuspage", "/v2/models/sink", "/monitoring"])
def test_r1_other_paths_are_an_html_404(sink_url, path):
    answer = ask(sink_url, "GET", path)
    assert answer.status == 404
    assert b"<TITLE>404 Not Found</TITLE>" in answer.body


MALFORMED = rows(
    ("R2-get", "GET", "/v1/foo"),
    ("R2-post", "POST", "/v1/foo"),
    ("R4-post-models", "POST", "/v1/models"),
    ("R4-post-metadata", "POST", "/v1/models/foo/metadata"),
    ("R4-slash-in-name", "GET", "/v1/models/debug/model_name"),
    ("R4-empty-name", "GET", "/v1/models/"),
    ("R4-trailing-slash", "GET", "/v1/models/foo/"),
    ("R5", "GET", "/v1/models/foo:predict"),
    ("R6-singular", "POST", "/v1/models/foo/version/50:predict"),
    ("R6-word", "POST", "/v1/models/foo/versions/HELLO:regress"),
    ("R6-label", "POST", "/v1/models/foo/label/some_label:regress"),
    ("R6-both", "POST", "/v1/models/foo/versions/50/labels/some_label:regress"),
    ("R8-put", "PUT", "/v1/models/foo"),
    ("R8-delete", "DELETE", "/v1/models/foo"),
    ("R8-patch", "PATCH", "/v1/models/foo"),
    ("R11", "POST", "/v1/models/foo:PREDICT"),
)


@pytest.mark.parametrize(("method", "path"), MALFORMED)
def test_malformed_requests(sink_url, method, path):
    answer = ask(sink_url, method, path, body=b"{}" if method == "POST" else None)
    assert answer.status == 400
    assert answer.error == f"Malformed request: {method} {path}"


def test_r8_head_is_malformed_too(sink_url):
    assert ask(sink_url, "HEAD", "").status == 400


@pytest.mark.parametrize("path", rows(("R3", "/v1/models"), ("S13", "/v1/models/versions/1")))
def test_a_missing_model_name(sink_url, path):
    answer = ask(sink_url, "GET", path)
    assert (answer.status, answer.error) == (400, "Missing model name in request.")


def test_r7_version_beyond_int64(sink_url):
    path = "/v1/models/foo/versions/18446744073709551615:regress"
    assert ask(sink_url, "POST", path, body=b"{}").status == 400


def test_r10_the_prefix_has_no_case(sink_url):
    answer = ask(sink_url, "POST", "/V1/MODELS/sink:predict", body={"instances": [1.0]})
    assert answer.json == {"predictions": [2.5]}


def test_r12_names_are_decoded_after_routing(sink_url):
    assert ask(sink_url, "GET", "/v1/models/%73ink").status == 200
    answer = ask(sink_url, "GET", "/v1/models/a%2Fb%3Ac%21")
    assert answer.error == "Could not find any versions of model a/b:c!"
    answer = ask(sink_url, "POST", "/v1/models/a%2Fb:predict", body={"instances": [1.0]})
    assert answer.error == "Servable not found for request: Latest(a/b)"


def test_r15_every_answer_is_json_without_charset(sink_url):
    answers = [
        ask(sink_url),
        ask(sink_url, path="/v1/models/sink/metadata"),
        predict(sink_url, {"instances": [1.0]}),
        predict(sink_url, {}),
        ask(sink_url, "GET", "/v1/foo"),
    ]
    assert [answer.status for answer in answers] == [200, 200, 200, 400, 400]
    assert {answer.headers["content-type"] for answer in answers} == {"application/json"}


@pytest.mark.parametrize(
    "headers", [{}, {"Content-Type": "application/x-www-form-urlencoded"}, {"Content-Type": "a/b"}]
)
def test_r16_the_requests_content_type_does_not_matter(sink_url, headers):
    answer = ask(sink_url, "POST", ":predict", body={"instances": [1.0]}, headers=headers)
    assert answer.json == {"predictions": [2.5]}


def test_r17_an_error_is_one_string_laid_out_with_four_spaces(sink_url):
    answer = predict(sink_url, {})
    assert isinstance(answer.error, str)
    assert answer.body.startswith(b'{\n    "error": "')


@pytest.mark.parametrize(
    ("verb", "body", "status"),
    [
        pytest.param("predict", {"inputs": ["x"]}, 400, id="INVALID_ARGUMENT"),
        pytest.param("predict", {"inputs": 1, "signature_name": "half"}, 501, id="UNIMPLEMENTED"),
        pytest.param(
            "classify",
            {"examples": [{"x": 1.0}], "signature_name": "upper"},
            400,
            id="FAILED_PRECONDITION",
        ),
    ],
)
def test_r18_each_code_has_its_status(sink_url, verb, body, status):
    """NOT_FOUND is that of V1, UNAVAILABLE of B8, DEADLINE_EXCEEDED of R19."""
    assert ask(sink_url, "POST", f":{verb}", body=body).status == status


# ---------------------------------------------------------------- 2. gzip and CORS


def test_g1_a_gzipped_request(sink_url):
    body = gzip.compress(b'{"instances": [1.0]}')
    for encoding in ("gzip", "GZIP", "x-gzip"):
        headers = {"Content-Encoding": encoding}
        answer = ask(sink_url, "POST", ":predict", body=body, headers=headers)
        assert answer.json == {"predictions": [2.5]}


@pytest.mark.parametrize(
    "body",
    rows(
        ("G2-plain", b'{"instances": [1.0]}'),
        ("G2-cut", gzip.compress(b'{"instances": [1.0]}')[:-9]),
        ("G3", gzip.compress(b" " * (101 * 2**20))),
    ),
)
def test_bad_gzip_counts_as_empty(sink_url, body):
    answer = ask(sink_url, "POST", ":predict", body=body, headers={"Content-Encoding": "gzip"})
    assert (answer.status, answer.error) == (400, "JSON Parse error: The document is empty")


@pytest.mark.parametrize(
    ("body", "answer"),
    rows(
        ("P26a", "[Inf, -Inf, -NaN, Infinity]", [INF, -INF, NAN, INF]),
        ("P26a-deep", "[[Inf], " + "[" * 982 + "]" * 983, "Failed to process element: 1 of"),
        (
            "P26b",
            "[1e400]",
            r"JSON Parse error: Number too big to be stored in double\. at offset: ",
        ),
        ("P26b-digits", f"[{'1' * 5000}]", "JSON Parse error: Number too big"),
        ("P26b-beside", f"[NaN, {'1' * 5000}.5]", "JSON Parse error: Number too big"),
    ),
)
def test_numbers_that_json_does_not_have(sink_url, body, answer):
    text = f'{{"signature_name": "echo", "instances": {body}}}'
    for mark in ("", "\ufeff"):  # P26c
        found = predict(sink_url, mark + text)
        if isinstance(answer, str):
            assert found.status == 400
            assert re.search(answer, found.error)
        else:
            np.testing.assert_array_equal(found.json["predictions"], answer)


@pytest.mark.parametrize("encoding", ["deflate", "br"])
def test_g4_other_encodings_are_not_decoded(sink_url, encoding):
    headers = {"Content-Encoding": encoding}
    answer = ask(sink_url, "POST", ":predict", body=b'{"instances": [1.0]}', headers=headers)
    assert answer.json == {"predictions": [2.5]}


@pytest.mark.parametrize(
    ("origin", "status"),
    rows(
        ("G6-http", "http://a.example", 200),
        ("G6-https", "https://a.example", 200),
        ("G7-other", "file://", 400),
        ("G7-none", None, 400),
    ),
)
def test_preflight(sink_url, origin, status):
    headers = {"Origin": origin} if origin else {}
    answer = ask(sink_url, "OPTIONS", ":predict", headers=headers)
    assert (answer.status, answer.body) == (status, b"")


def test_g9_no_cors_headers_unless_asked_for(sink_url):
    answer = ask(sink_url, headers={"Origin": "http://a.example"})
    assert not [name for name in answer.headers if name.startswith("access-control")]


# ---------------------------------------------------------------- 3. status


def available(version):
    status = {"error_code": "OK", "error_message": ""}
    return {"version": version, "state": "AVAILABLE", "status": status}


@pytest.mark.parametrize(
    ("path", "versions"),
    rows(("S1-S4", "", ["2", "1"]), ("S5", "/versions/1", ["1"]), ("D8", "/METADATA", ["2", "1"])),
)
def test_status(sink_url, path, versions):
    answer = ask(sink_url, path=f"/v1/models/sink{path}")
    assert answer.status == 200
    assert answer.json == {"model_version_status": [available(version) for version in versions]}


@pytest.mark.parametrize(
    ("path", "error"),
    rows(
        ("S6", "sink/versions/99", "Could not find version 99 of model sink"),
        ("S7", "foo", "Could not find any versions of model foo"),
        ("S12", "metadata", "Could not find any versions of model metadata"),
    ),
)
def test_status_of_what_is_not_there(sink_url, path, error):
    answer = ask(sink_url, path=f"/v1/models/{path}")
    assert (answer.status, answer.error) == (404, error)


# ---------------------------------------------------------------- 4. metadata


def test_d1_to_d5_metadata(sink_url):
    answer = ask(sink_url, path="/v1/models/sink/metadata")
    assert answer.status == 200
    spec = {"name": "sink", "signature_name": "", "version": "2"}
    assert answer.json.keys() == {"model_spec", "metadata"}
    assert answer.json["model_spec"] == spec
    signatures = answer.json["metadata"]["signature_def"]["signature_def"]
    assert {"serving_default", "pair", "__saved_model_init_op"} <= signatures.keys()
    pair = signatures["pair"]
    assert pair["method_name"] == "tensorflow/serving/predict"
    assert pair["defaults"] == {}
    assert pair["inputs"]["a"] == {
        "dtype": "DT_FLOAT",
        "tensor_shape": {
            "dim": [{"size": "-1", "name": ""}, {"size": "2", "name": ""}],
            "unknown_rank": False,
        },
        "name": "pair_a:0",
    }
    assert pair["outputs"].keys() == {"sum", "scaled"}
    unknown = signatures["any"]["inputs"]["x"]["tensor_shape"]
    assert unknown == {"dim": [], "unknown_rank": True}


def test_d4_metadata_of_one_version(sink_url):
    answer = ask(sink_url, path="/v1/models/sink/versions/1/metadata")
    assert answer.json["model_spec"]["version"] == "1"


@pytest.mark.parametrize(
    ("path", "status", "error"),
    rows(
        ("D6-model", "foo", 404, "Servable not found for request: Latest(foo)"),
        ("D6-version", "foo/versions/99", 404, "Servable not found for request: Specific(foo, 99)"),
        ("D6-old", "sink/versions/99", 404, "Servable not found for request: Specific(sink, 99)"),
        ("D7", "sink/labels/X", 400, "Unrecognized servable version label: X"),
    ),
)
def test_metadata_of_what_is_not_there(sink_url, path, status, error):
    answer = ask(sink_url, path=f"/v1/models/{path}/metadata")
    assert (answer.status, answer.error) == (status, error)


# ---------------------------------------------------------------- 5. and 7. requests and answers

KINDS = {
    "f64": 1.5,
    "i8": -128,
    "i16": -32768,
    "i32": 2**31 - 1,
    "i64": 2**63 - 1,
    "u8": 255,
    "u32": 2**32 - 1,
    "u64": 2**64 - 1,
    "flag": True,
}
KINDS_OUT = {f"{name}_out": value for name, value in KINDS.items()}

ANSWERED = rows(
    ("P1", None, {"instances": [1.0, 2.0, 5.0]}, {"predictions": [2.5, 3.0, 4.5]}),
    (
        "P1-matrix",
        "any",
        {"instances": [[1.0, 2.0], [3.0, 4.0]]},
        {"predictions": [[2.0, 4.0], [6.0, 8.0]]},
    ),
    ("P2", None, {"inputs": [3.0, 4.0]}, {"outputs": [3.5, 4.0]}),
    ("P7", None, {"x": {"y": 1}, "instances": [1.0], "a": [2]}, {"predictions": [2.5]}),
    ("P13-object", None, {"instances": [{"x": 1.0}, {"x": 2.0}]}, {"predictions": [2.5, 3.0]}),
    ("P21", None, {"instances": [1, 2.0, 3]}, {"predictions": [2.5, 3.0, 3.5]}),
    ("P21-large", "echo", {"instances": [1435774380]}, {"predictions": [1435774336.0]}),
    ("P24", "kinds", {"instances": [KINDS]}, {"predictions": [KINDS_OUT]}),
    ("P26", "echo", {"instances": [NAN, INF, -INF, 1]}, {"predictions": [NAN, INF, -INF, 1.0]}),
    ("P27", "echo", {"instances": [1e300, -1e300, 1e-300]}, {"predictions": [INF, -INF, 0.0]}),
    (
        "P29",
        "grid",
        {"instances": [[b64(b"\xff"), b64(b"b")]]},
        {"predictions": [[b64(b"\xff"), b64(b"b")]]},
    ),
    ("P29-named", "upper", {"instances": [{"text": b64(b"a")}]}, {"predictions": ["A"]}),
    ("P33", "upper", {"instances": ["a", "\u00e9"]}, {"predictions": ["A", "\u00e9"]}),
    ("P34-extra", None, {"inputs": {"x": [1.0], "y": 3}}, {"outputs": [2.5]}),
    ("P34-batches", "join", {"inputs": {"a": [1.0], "b": [2, 3]}}, {"outputs": [1.0, 2.0, 3.0]}),
    ("P37", "scalar", {"inputs": 2}, {"outputs": 3.0}),
    ("O9", "scalar", {"inputs": 2.5}, {"outputs": 3.5}),
    ("P37-text", "word", {"inputs": "a"}, {"outputs": "A"}),
    ("P37-b64", "length", {"inputs": b64(b"hello")}, {"outputs": 5}),
    ("P40-empty", "", {"instances": [1.0]}, {"predictions": [2.5]}),
    (
        "O2",
        "pair",
        {"instances": [{"a": [1, 2], "b": 3}, {"a": [4, 5], "b": 6}]},
        {"predictions": [{"sum": 4.0, "scaled": [2.0, 4.0]}, {"sum": 10.0, "scaled": [8.0, 10.0]}]},
    ),
    (
        "O4",
        "pair",
        {"inputs": {"a": [[1, 2]], "b": [3]}},
        {"outputs": {"sum": [4.0], "scaled": [[2.0, 4.0]]}},
    ),
    ("O6-columns", "mean", {"inputs": [1.0, 2.0]}, {"outputs": 1.5}),
    ("O7-columns", "uneven", {"inputs": [1, 2]}, {"outputs": {"all": [1.0, 2.0], "first": [1.0]}}),
    ("O8", "none", {"instances": [1.0]}, {"predictions": []}),
    ("O11-columns", "echo", {"inputs": [NAN]}, {"outputs": [NAN]}),
    (
        "O12",
        "kinds",
        {"inputs": {k: [v] for k, v in KINDS.items()}},
        {"outputs": {k: [v] for k, v in KINDS_OUT.items()}},
    ),
    (
        "O13",
        "text",
        {"instances": ["a"]},
        {"predictions": [{"upper": "A", "raw_bytes": b64(b"a")}]},
    ),
)


@pytest.mark.parametrize(("signature", "body", "wanted"), ANSWERED)
def test_predict(sink_url, signature, body, wanted):
    answer = predict(sink_url, body, signature)
    assert answer.status == 200, answer.body
    assert same(answer.json, wanted), answer.body


ELEMENT = "Failed to process element: {} of 'instances' list. Error: INVALID_ARGUMENT: {}"


def element(index, text):
    return ELEMENT.format(index, text)


def bad_type(value, kind, dtype):
    return f"JSON Value: {value} Type: {kind} is not of expected type: {dtype}"


REFUSED = rows(
    ("P8", None, {}, "Missing 'inputs' or 'instances' key"),
    (
        "P9",
        None,
        {"inputs": 1, "instances": [1]},
        'JSON Value: {"inputs":1,"instances":[1]} Not formatted correctly expecting only one of'
        " 'inputs' or 'instances' keys to exist ",
    ),
    ("P10", None, {"instances": 1.5}, "Expecting 'instances' to be an list/array"),
    ("P11", None, {"instances": []}, "No values in 'instances' array"),
    (
        "P12",
        "pair",
        {"instances": [1, 2]},
        "instances is a plain list, but expecting list of objects as multiple input tensors"
        " required as per tensorinfo_map",
    ),
    (
        "P14",
        None,
        {"instances": [{"foo": 1}]},
        "Failed to process element: 0 key: foo of 'instances' list. Error: INVALID_ARGUMENT:"
        " JSON object: does not have named input: foo",
    ),
    (
        "P15",
        "pair",
        {"instances": [{"a": [1, 2]}]},
        "Failed to process element: 0 of 'instances' list. JSON object: {\"a\":[1,2]}"
        " keys must be equal to: a,b",
    ),
    (
        "P16",
        None,
        {"instances": [{"x": 1}, 2]},
        "Expecting object but got list at item 1 of input list",
    ),
    (
        "P17",
        None,
        {"instances": [1, {"x": 2}]},
        "Expecting value/list but got object at item 1 of input list",
    ),
    (
        "P18",
        "any",
        {"instances": [[1, 2], [3, 4], [5, 6, 7]]},
        element(2, "Expecting tensor size: 2 but got: 3"),
    ),
    (
        "P19",
        "any",
        {"instances": [[1, 2], [3, 4], [[5, 6]]]},
        element(2, "Expecting shape [2] but got: [1,2]"),
    ),
    ("P19-scalar", "any", {"instances": [1, [1]]}, element(1, "Expecting shape [] but got: [1]")),
    ("P20", None, {"instances": ["x"]}, element(0, bad_type('"x"', "String", "float"))),
    ("P20-columns", None, {"inputs": ["x"]}, bad_type('"x"', "String", "float")),
    ("P20-number", "upper", {"inputs": [1]}, bad_type("1", "Number", "string")),
    ("P22", "repeat", {"instances": [1.0]}, element(0, bad_type("1.0", "Number", "int32"))),
    ("P23-int32", "repeat", {"inputs": [2**31]}, bad_type("2147483648", "Number", "int32")),
    (
        "P23-unsigned",
        "kinds",
        {"instances": [KINDS | {"u32": -1}]},
        bad_type("-1", "Number", "uint32"),
    ),
    ("P24-float", None, {"instances": [1.0, True]}, element(1, bad_type("true", "True", "float"))),
    ("P24-int", "repeat", {"inputs": [False]}, bad_type("false", "False", "int32")),
    ("P25", None, {"instances": [None]}, element(0, bad_type("null", "Null", "float"))),
    ("P28", "half", {"instances": [1]}, "Conversion of JSON Value: 1 to type: half"),
    ("P30", None, {"instances": [b64(b"a")]}, bad_type('{"b64":"YQ=="}', "Object", "float")),
    (
        "P31",
        "grid",
        {"instances": [[{"foo": 1}, "a"]]},
        'JSON Value: {"foo":1} not formatted correctly for base64 data',
    ),
    ("P32", "upper", {"instances": [{"b64": "*"}]}, "Unable to base64 decode"),
    ("P35", None, {"inputs": {"y": [1.0]}}, "Missing named input: x in 'inputs' object."),
    (
        "P36",
        "pair",
        {"inputs": [1.0]},
        "inputs is a plain value/list, but expecting an object as multiple input tensors required"
        " as per tensorinfo_map",
    ),
    (
        "P38-size",
        "any",
        {"inputs": [[1, 2], [3]]},
        "Encountered list at unexpected size: 1 at level: 1 expected size: 2",
    ),
    ("P38-level", "any", {"inputs": [1, [2]]}, "Encountered list at unexpected level: 1"),
    (
        "P38-value",
        "any",
        {"inputs": [[1], 2]},
        "JSON Value: 2 found at incorrect level: 2 in the JSON DOM. Expected at level: 2",
    ),
    ("P39", 5, {"instances": [1]}, "'signature_name' key must be a string value."),
    (
        "P41",
        "nope",
        {"instances": [1]},
        'Serving signature name: "nope" not found in signature def',
    ),
    ("P42", "constant", {"inputs": {}}, "Failed to get input map for signature: constant"),
    ("O6", "mean", {"instances": [1.0]}, "Tensor name: mean has no shape information "),
    (
        "O7",
        "uneven",
        {"instances": [1.0, 2.0]},
        "has inconsistent batch size: ",
    ),
    (
        "O15",
        "complex",
        {"instances": [1.0]},
        "Failed to write JSON value for tensor type: complex64",
    ),
)


@pytest.mark.parametrize(("signature", "body", "error"), REFUSED)
def test_predict_refuses(sink_url, signature, body, error):
    answer = predict(sink_url, body, signature)
    assert answer.status == 400
    assert error in answer.error


@pytest.mark.parametrize(("value", "shown"), [([1], "1"), ([], "[]")])
def test_p28_half_precision_columns_are_unimplemented(sink_url, value, shown):
    answer = predict(sink_url, {"inputs": value}, "half")
    assert answer.status == 501
    assert answer.error == f"Conversion of JSON Value: {shown} to type: half"


@pytest.mark.parametrize(
    ("body", "error"),
    rows(
        ("P3", b"", "JSON Parse error: The document is empty"),
        ("P4", b"instances = [1, 2]", "JSON Parse error: Invalid value"),
        ("P4-cut", b'{"instances": [1, 2', "JSON Parse error: "),
        ("P5-array", b'[{"instances": [1]}]', 'JSON Value: [{"instances":[1]}] Is not object'),
        ("P5-string", b'"instances"', 'JSON Value: "instances" Is not object'),
    ),
)
def test_bodies_that_are_no_json_object(sink_url, body, error):
    answer = ask(sink_url, "POST", ":predict", body=body)
    assert answer.status == 400
    assert answer.error.startswith(error)


def test_p4_names_the_offset(sink_url):
    answer = ask(sink_url, "POST", ":predict", body=b'{"instances": [1, x]}')
    assert answer.error == "JSON Parse error: Invalid value. at offset: 18"


def test_p7_deep_nesting_in_an_unknown_key(sink_url):
    deep = b"[" * 500_000 + b"]" * 500_000
    answer = ask(sink_url, "POST", ":predict", body=b'{"a": ' + deep + b', "instances": [1.0]}')
    assert (answer.status, answer.json) == (200, {"predictions": [2.5]})
    answer = ask(sink_url, "POST", ":predict", body=b'{"instances": ' + deep + b"}")
    assert answer.status == 400


def test_p26_nan_and_infinity_are_bare_tokens(sink_url):
    body = b'{"signature_name": "echo", "instances": [NaN, Infinity, -Infinity]}'
    answer = ask(sink_url, "POST", ":predict", body=body)
    assert answer.status == 200
    assert b"NaN" in answer.body
    assert b"-Infinity" in answer.body


def test_p43_a_message_never_echoes_a_large_value(sink_url):
    answer = predict(sink_url, {"inputs": ["x" * 1_000_000]})
    assert answer.status == 400
    assert len(answer.error) < 1000


def test_p45_a_shape_that_the_graph_refuses(sink_url):
    answer = predict(sink_url, {"instances": [[1.0, 2.0, 3.0]]}, "image")
    assert answer.status == 400
    assert "reshape" in answer.error


@pytest.mark.parametrize("key", rows(("O1", "instances"), ("O3", "inputs")))
def test_one_output_comes_without_its_name(sink_url, key):
    answers = {"instances": "predictions", "inputs": "outputs"}
    assert predict(sink_url, {key: [1.0]}).json == {answers[key]: [2.5]}


@pytest.mark.parametrize(
    ("value", "texts"),
    [
        (0.1, {b"0.1"}),
        (1 / 3, {b"0.333333343", b"0.33333334"}),
        (9000000, {b"9e+06", b"9000000.0"}),
        (999999, {b"999999.0"}),
        (3e-05, {b"3e-05", b"0.00003"}),
        (0, {b"0.0"}),
        (-2, {b"-2.0"}),
    ],
)
def test_o10_floats_are_short_and_never_look_like_integers(sink_url, value, texts):
    answer = predict(sink_url, {"instances": [value]}, "echo")
    text = answer.body.partition(b"[")[2].partition(b"]")[0].strip()
    assert text in texts


def test_o14_text_that_is_not_utf8_leaves_as_it_is(sink_url):
    answer = predict(sink_url, {"instances": [b64(b"\xff\xfe")]}, "upper")
    assert answer.status == 200
    assert b'"\xff\xfe"' in answer.body


# ---------------------------------------------------------------- 6. which model answers


@pytest.mark.parametrize(
    ("path", "status", "error"),
    rows(
        ("V1", "half", 404, "Servable not found for request: Latest(half)"),
        ("V2", "foo/versions/50", 404, "Servable not found for request: Specific(foo, 50)"),
        ("V2-known", "sink/versions/50", 404, "Servable not found for request: Specific(sink, 50)"),
        ("V6", "sink/labels/X", 400, "Unrecognized servable version label: X"),
    ),
)
def test_predict_with_what_is_not_there(sink_url, path, status, error):
    answer = ask(sink_url, "POST", f"/v1/models/{path}:predict", body={"instances": [1.0]})
    assert (answer.status, answer.error) == (status, error)


@pytest.mark.parametrize(
    ("path", "prediction"),
    rows(("V3", "", 2.5), ("V4", "/versions/1", 10.0), ("V4-2", "/versions/2", 2.5)),
)
def test_versions_answer(sink_url, path, prediction):
    path = f"/v1/models/sink{path}:predict"
    answer = ask(sink_url, "POST", path, body={"instances": [1.0]})
    assert answer.json == {"predictions": [prediction]}


def test_trap_6_bad_json_is_seen_before_an_unknown_model(sink_url):
    answer = ask(sink_url, "POST", "/v1/models/half:predict", body=json.dumps([1]))
    assert answer.status == 400
    assert "Is not object" in answer.error
