"""gRPC's Classify, Regress and MultiInference, row by row, asked with TF Serving's stubs."""

import grpc
import pytest
import tensorflow as tf
from tensorflow_serving.apis import (
    classification_pb2,
    inference_pb2,
    input_pb2,
    prediction_service_pb2_grpc,
    regression_pb2,
)

from dlkit.serving.core.status import StatusError
from dlkit.serving.wire.protobuf.classify_regress import serialized
from tests.serving.grpc_api.test_services import CODE, SECONDS, refusal, spec

CLASSIFY, REGRESS = "tensorflow/serving/classify", "tensorflow/serving/regress"


@pytest.fixture(scope="module")
def predictions(grpc_target):
    with grpc.insecure_channel(grpc_target, [("grpc.enable_http_proxy", 0)]) as channel:
        yield prediction_service_pb2_grpc.PredictionServiceStub(channel)


def example(**features):
    found = tf.train.Example()
    for name, value in features.items():
        kind = {float: "float_list", int: "int64_list", list: "bytes_list"}[type(value)]
        values = value if isinstance(value, list) else [value]
        getattr(found.features.feature[name], kind).value.extend(values)
    return found


def listed(*examples):
    return {"example_list": {"examples": examples}}


def test_q1_regress(predictions):
    message = regression_pb2.RegressionRequest(
        model_spec=spec(signature="regress_x_to_y"), input=listed(example(x=80.0), example(x=2.0))
    )
    answer = predictions.Regress(message, timeout=SECONDS)
    assert [regression.value for regression in answer.result.regressions] == [42.0, 3.0]
    assert (answer.model_spec.name, answer.model_spec.version.value) == ("sink", 2)
    assert answer.model_spec.signature_name == "regress_x_to_y"


def test_q1_c16_classify(predictions):
    message = classification_pb2.ClassificationRequest(
        model_spec=spec(signature="classify_x_to_y"), input=listed(example(x=20.0))
    )
    answer = predictions.Classify(message, timeout=SECONDS)
    ((found,),) = (row.classes for row in answer.result.classifications)
    assert (found.label, found.score) == ("", 12.0)


def test_c6_labels_and_a_context(predictions):
    context = example(names=[b"a", b"b"], i=1)
    given = {"context": context, "examples": [example(f=0.5), example(f=2.0, i=7)]}
    message = classification_pb2.ClassificationRequest(
        model_spec=spec(signature="classify_names"), input={"example_list_with_context": given}
    )
    answer = predictions.Classify(message, timeout=SECONDS)
    rows = [[(c.label, c.score) for c in row.classes] for row in answer.result.classifications]
    assert rows == [[("a", 0.5), ("b", 1.0)], [("a", 2.0), ("b", 7.0)]]


def test_c6_a_context_that_would_fill_the_memory_is_refused():
    given = {"context": example(names=[b"x" * 2**19]), "examples": [example()] * 10_000}
    with pytest.raises(StatusError, match="in each of 10000 examples is more than"):
        serialized(input_pb2.Input(example_list_with_context=given))


def tasks(*given, name="sink"):
    return [{"model_spec": spec(name, key), "method_name": method} for key, method in given]


def test_q21_several_tasks_share_one_input(predictions):
    message = inference_pb2.MultiInferenceRequest(
        tasks=tasks(("regress_x_to_y", REGRESS), ("classify_x_to_y", CLASSIFY)),
        input=listed(example(x=80.0)),
    )
    first, second = predictions.MultiInference(message, timeout=SECONDS).results
    assert first.regression_result.regressions[0].value == 42.0
    assert second.classification_result.classifications[0].classes[0].score == 42.0
    assert first.model_spec.signature_name == "regress_x_to_y"
    assert second.model_spec.version.value == 2


@pytest.mark.parametrize(
    ("row", "given", "code", "text"),
    [
        ("Q4", [], CODE.INVALID_ARGUMENT, "ModelSpec has no name specified."),
        (
            "Q22-names",
            tasks(("regress_x_to_y", REGRESS)) + tasks(("", REGRESS), name="other"),
            CODE.INVALID_ARGUMENT,
            "All ModelSpecs in a MultiInferenceRequest must access the same model name.",
        ),
        (
            "Q22-empty",
            tasks(("regress_x_to_y", REGRESS)) + tasks(("", REGRESS), name=""),
            CODE.INVALID_ARGUMENT,
            "Found ModelSpec with an empty model name.",
        ),
        (
            "Q22-twice",
            tasks(("regress_x_to_y", REGRESS), ("regress_x_to_y", REGRESS)),
            CODE.INVALID_ARGUMENT,
            "Duplicate evaluation of signature: regress_x_to_y",
        ),
        (
            "Q22-method",
            tasks(("regress_x_to_y", "tensorflow/serving/predict")),
            CODE.UNIMPLEMENTED,
            "Unsupported signature method_name: tensorflow/serving/predict",
        ),
        (
            "Q22-signature",
            tasks(("nope", REGRESS)),
            CODE.INVALID_ARGUMENT,
            "Requested signature not found in model graph: nope",
        ),
        ("Q5", tasks(("", REGRESS), name="no"), CODE.NOT_FOUND, "Latest(no)"),
    ],
)
def test_tasks_that_are_refused(predictions, row, given, code, text):
    message = inference_pb2.MultiInferenceRequest(tasks=given, input=listed(example(x=1.0)))
    found = refusal(predictions.MultiInference, message)
    assert found[0] is code, row
    assert found[1].endswith(text)


def test_q3_c15_refusals(predictions):
    message = regression_pb2.RegressionRequest(input=listed(example(x=1.0)))
    assert refusal(predictions.Regress, message) == (CODE.INVALID_ARGUMENT, "Missing ModelSpec")
    message = regression_pb2.RegressionRequest(model_spec=spec(signature="regress_x_to_y"))
    assert refusal(predictions.Regress, message) == (CODE.INVALID_ARGUMENT, "Input is empty.")
    message = classification_pb2.ClassificationRequest(
        model_spec=spec(), input=listed(example(x=1.0))
    )
    code, text = refusal(predictions.Classify, message)
    assert code is CODE.FAILED_PRECONDITION
    assert text.startswith("No classification inputs found in SignatureDef: ")
