"""The document of a running server, and that server's own traffic held against it."""

import jsonschema
import pytest

from dlkit.serving.rest_api.openapi import openapi_document
from tests.serving import test_conformance
from tests.serving.http_asking import ask, predict


@pytest.fixture(scope="module")
def document(sink_server):
    answer = ask(sink_server.url, path="/openapi.json")
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    return answer.json


def check(document, schema, value):
    whole = schema | {"components": document["components"]}
    jsonschema.Draft202012Validator(whole).validate(value)


def body_schema(document, path):
    operation = document["paths"][path]["post"]
    return operation["requestBody"]["content"]["application/json"]["schema"]


def answer_schema(document, path, status="200", method="post"):
    answer = document["paths"][path][method]["responses"][status]
    return answer["content"]["application/json"]["schema"]


def test_every_path_of_the_model_is_there(document):
    base = "/v1/models/sink"
    wanted = {"/healthz": "get", "/readyz": "get"}
    for which in ("", "/versions/{version}"):
        wanted |= {base + which: "get", f"{base}{which}/metadata": "get"}
        verbs = ("predict", "classify", "regress")
        wanted |= {f"{base}{which}:{verb}": "post" for verb in verbs}
    found = {path: next(iter(item)) for path, item in document["paths"].items()}
    assert found == wanted
    assert document["openapi"] == "3.1.0"
    assert "security" not in document


# The conformance tests' good requests: what TensorFlow Serving answers.
GOOD = next(m for m in test_conformance.test_predict.pytestmark if m.name == "parametrize").args[1]


@pytest.mark.parametrize(("id_", "values"), [(case.id, case.values) for case in GOOD])
def test_what_the_server_answers_is_in_the_document(document, sink_server, id_, values):
    signature, body, _ = values
    if signature is not None:
        body = {"signature_name": signature, **body}
    answer = predict(sink_server.url, body)
    assert answer.status == 200
    if id_ in UNDESCRIBED:
        with pytest.raises(jsonschema.ValidationError):
            check(document, body_schema(document, "/v1/models/sink:predict"), body)
        return
    check(document, body_schema(document, "/v1/models/sink:predict"), body)
    check(document, answer_schema(document, "/v1/models/sink:predict"), answer.json)


UNDESCRIBED = {
    "P13-object": "the short form of one input is the one that is described",
    "P29-named": "likewise",
    "P34-extra": "likewise, and a name that is ignored is better left out",
    "P40-empty": "no name at all says the same",
}


def test_refusals_and_what_is_read_are_in_it_as_well(document, sink_server):
    url = sink_server.url
    refused = predict(url, {"instances": ["x"]})
    path = "/v1/models/sink:predict"
    check(document, answer_schema(document, path, str(refused.status)), refused.json)
    for path in ("/v1/models/sink", "/v1/models/sink/metadata", "/healthz", "/readyz"):
        check(document, answer_schema(document, path, method="get"), ask(url, path=path).json)
    path = "/v1/models/sink:regress"
    body = {"signature_name": "regress_x_to_y", "examples": [{"x": 2.0}]}
    found = ask(url, "POST", ":regress", body=body)
    assert found.json == {"results": [3.0]}
    check(document, body_schema(document, path), body)
    check(document, answer_schema(document, path), found.json)


class Model:
    """A model that has labels and no version yet."""

    def __init__(self):
        self.labels = {"stable": 1}

    def use(self):
        from dlkit.serving.core.status import not_available

        raise not_available("a b", None)


def test_a_model_without_a_version_keys_and_labels():
    document = openapi_document({"a b": Model()}, keys=True)
    assert set(document["paths"]) == {
        *("/healthz", "/readyz", "/v1/models/a%20b", "/v1/models/a%20b/metadata"),
        *(f"/v1/models/a%20b/versions/{{version}}{end}" for end in ("", "/metadata")),
        *(f"/v1/models/a%20b/labels/{{label}}{end}" for end in ("", "/metadata")),
    }
    assert document["security"] == [{"bearer": []}, {"key": []}]
    assert "401" in document["paths"]["/v1/models/a%20b"]["get"]["responses"]
    assert document["paths"]["/healthz"]["get"]["security"] == []
    (label,) = document["paths"]["/v1/models/a%20b/labels/{label}"]["parameters"]
    assert label["schema"] == {"enum": ["stable"]}
