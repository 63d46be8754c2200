"""TensorFlow Serving's REST classify and regress, row by row; ids as in test_conformance.py.

`half_plus_two` as in TensorFlow Serving, and a signature that gives its features back.
"""

import base64

import pytest
import tensorflow as tf

from dlkit.serving import Client
from dlkit.serving.core.status import StatusError
from dlkit.serving.wire.rest_json.classify_regress import read_examples
from tests.serving.http_asking import ask


def infer(url, verb, body, signature=""):
    if isinstance(body, dict) and signature:
        body = {"signature_name": signature, **body}
    return ask(url, "POST", f":{verb}", body=body)


def test_c1_regress(sink_url):
    answer = infer(sink_url, "regress", {"examples": [{"x": 80.0}]}, "regress_x_to_y")
    assert (answer.status, answer.json) == (200, {"results": [42.0]})
    assert answer.headers["content-type"] == "application/json"


def test_c2_c16_classify_without_labels(sink_url):
    answer = infer(sink_url, "classify", {"examples": [{"x": 20.0}]}, "classify_x_to_y")
    assert (answer.status, answer.json) == (200, {"results": [[["", 12.0]]]})


def test_c2_labels_and_scores_in_pairs(sink_url):
    examples = [{"names": ["a", "\u00fc"], "f": 0.1, "i": 3}] * 2
    answer = infer(sink_url, "classify", {"examples": examples}, "classify_names")
    assert answer.json == {"results": [[["a", 0.1], ["\u00fc", 3.0]]] * 2}


def test_c14_the_method_that_a_signature_was_made_for_does_not_matter(sink_url):
    """Modules of TensorFlow 2 call each of theirs predict."""
    described = ask(sink_url, path="/v1/models/sink/metadata").json["metadata"]
    signatures = described["signature_def"]["signature_def"]
    for name, verb in (("classify_x_to_y", "classify"), ("regress_x_to_y", "regress")):
        assert signatures[name]["method_name"] == "tensorflow/serving/predict"
        assert infer(sink_url, verb, {"examples": [{"x": 1.0}]}, name).status == 200


@pytest.mark.parametrize("path", ["/v1/models/sink/versions/2:regress", "/V1/models/sink:regress"])
def test_a_version_can_be_named(sink_url, path):
    body = {"signature_name": "regress_x_to_y", "examples": [{"x": 2.0}, {"x": [4.0]}]}
    assert ask(sink_url, "POST", path, body=body).json == {"results": [3.0, 4.0]}


def test_c6_the_context_is_in_each_example(sink_url):
    body = {"context": {"names": ["a", "b"], "i": 1}, "examples": [{"f": 0.5}, {"f": 1.5, "i": 7}]}
    answer = infer(sink_url, "classify", body, "classify_names")
    scores = [[score for _, score in row] for row in answer.json["results"]]
    assert scores == [[0.5, 1.0], [1.5, 7.0]]


def test_c6_a_context_that_would_fill_the_memory_is_refused():
    """Half of a megabyte in each of 10,000 examples is five gigabytes."""
    document = {"context": {"text": "x" * 2**19}, "examples": [{}] * 10_000}
    with pytest.raises(StatusError, match="in each of 10000 examples is more than") as caught:
        read_examples(document, "classify")
    assert caught.value.code == "INVALID_ARGUMENT"


def test_c7_each_kind_of_feature():
    b64 = {"b64": base64.b64encode(b"\xff\x00").decode()}
    context = {"float": 1.5, "int": 2, "flag": True, "text": "\u00fc", "bytes": b64, "none": []}
    (text,) = read_examples({"examples": [context | {"list": [1.0, 2.5]}]}, "classify")
    found = tf.train.Example.FromString(text).features.feature
    assert found["float"].float_list.value == [1.5]
    assert found["int"].int64_list.value == [2]
    assert found["flag"].int64_list.value == [1]
    assert found["text"].bytes_list.value == ["\u00fc".encode()]
    assert found["bytes"].bytes_list.value == [b"\xff\x00"]
    assert found["none"].WhichOneof("kind") is None
    assert found["list"].float_list.value == [1.0, 2.5]
    (text,) = read_examples({"examples": [{"huge": [1e300, -1e300]}]}, "regress")
    huge = tf.train.Example.FromString(text).features.feature["huge"].float_list.value
    assert list(huge) == [float("inf"), -float("inf")]


ONE = "When method is VERB, key 'examples' is expected and was not found"
BAD = [
    ("C3", {}, f"JSON Value: {{}} {ONE}"),
    ("C4-object", {"examples": {}}, "Expecting 'examples' value to be an list/array"),
    ("C4-empty", {"examples": []}, "'examples' value is an empty array"),
    ("C5-number", {"examples": [1]}, "Example must be JSON object but got JSON Number"),
    ("C5-list", {"examples": [[]]}, "Example must be JSON object but got JSON Array"),
    ("C5-context", {"context": "c", "examples": [{}]}, "JSON object but got JSON String"),
    ("C8-int", {"examples": [{"x": [1, 1.5]}]}, "type in feature: x expecting type: int64"),
    ("C8-float", {"examples": [{"x": [1.5, 1]}]}, "type in feature: x expecting type: float"),
    ("C8-bytes", {"examples": [{"x": ["a", 1]}]}, "type in feature: x expecting type: bytes"),
    ("C9-null", {"examples": [{"x": None}]}, "element with unexpected JSON type: Null"),
    ("C9-list", {"examples": [{"x": [[1]]}]}, "element with unexpected JSON type: Array"),
    ("C9-object", {"examples": [{"x": {"y": 1}}]}, "element with unexpected JSON type: Object"),
    ("C10", {"examples": [{"x": 2**63}]}, "x has uint64_t element. Only int64_t is supported."),
    ("P32", {"examples": [{"x": {"b64": "!"}}]}, "Unable to base64 decode"),
]


@pytest.mark.parametrize("verb", ["classify", "regress"])
@pytest.mark.parametrize(("body", "error"), [pytest.param(*c[1:], id=c[0]) for c in BAD])
def test_bodies_that_are_refused(verb, body, error):
    with pytest.raises(StatusError) as caught:
        read_examples(body, verb)
    assert caught.value.http_status == 400
    assert str(caught.value).endswith(error.replace("VERB", verb))


@pytest.mark.parametrize(
    ("row", "verb", "body", "signature", "status", "error"),
    [
        ("C3", "regress", {}, "", 400, "JSON Value: {} " + ONE.replace("VERB", "regress")),
        ("P3", "classify", b"", "", 400, "JSON Parse error: The document is empty"),
        ("C11", "classify", {"examples": [{"x": 1.0}]}, "nope", 400, "with the name: nope"),
        ("C12", "classify", {"examples": [{"x": 1.0}]}, "pair", 400, "Expected one input Tensor."),
        ("C12", "classify", {"examples": [{"x": 1.0}]}, "", 400, "No classification inputs found"),
        ("C12", "classify", {"examples": [{"x": 1.0}]}, "regress_x_to_y", 400, "at least one of"),
        ("C13", "regress", {"examples": [{"x": 1.0}]}, "", 400, "No regression inputs found in"),
        ("C13", "regress", {"examples": [{"x": 1.0}]}, "classify_names", 400, "one output Tensor."),
    ],
)
def test_requests_that_are_refused(sink_url, row, verb, body, signature, status, error):
    answer = infer(sink_url, verb, body, signature)
    assert answer.status == status, row
    assert error in answer.error


def test_a_feature_of_another_kind_says_how_json_tells_them_apart(sink_url):
    answer = infer(sink_url, "regress", {"examples": [{"x": 80}]}, "regress_x_to_y")
    assert answer.status == 400
    assert answer.json["hint"] == "In JSON, 1.0 is a float feature, and 1 an int64 feature."


def test_v1_the_json_is_read_before_the_model_is_looked_for(sink_url):
    path = "/v1/models/nothing:classify"
    assert ask(sink_url, "POST", path, body={}).status == 400
    answer = ask(sink_url, "POST", path, body={"examples": [{"x": 1.0}]})
    assert (answer.status, answer.error) == (404, "Servable not found for request: Latest(nothing)")


def test_an_export_of_dlkits_is_classified(sink_url):
    """The hint of a refused signature names what dlkit's exports call theirs."""
    answer = infer(sink_url, "classify", {"examples": [{"x": 1.0}]})
    assert "call it classify or regress" in answer.json["hint"]
    with Client(sink_url) as client:  # predict takes the same strings
        example = tf.train.Example()
        example.features.feature["x"].float_list.value.append(80.0)
        found = client.predict([example.SerializeToString()], signature_name="regress_x_to_y")
    assert found.tolist() == [[42.0]]
