"""TensorFlow Serving's gRPC services, row by row, asked with the stubs of tensorflow-serving-api.

The ids are rows of the table that test_conformance.py follows for REST. Differences on purpose are
at the end.
"""

import grpc
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.framework.tensor_pb2 import TensorProto
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from dlkit.serving import Client
from dlkit.serving.grpc_api.services import HINT, PredictionService
from tests.serving import saved_models

CODE = grpc.StatusCode
SECONDS = 60


@pytest.fixture(scope="module")
def channel(grpc_target):
    with grpc.insecure_channel(grpc_target, [("grpc.enable_http_proxy", 0)]) as channel:
        yield channel


@pytest.fixture(scope="module")
def predictions(channel):
    return prediction_service_pb2_grpc.PredictionServiceStub(channel)


@pytest.fixture(scope="module")
def models(channel):
    return model_service_pb2_grpc.ModelServiceStub(channel)


def spec(name="sink", signature="", **choice):
    if "version" in choice:
        choice["version"] = {"value": choice["version"]}
    return {"name": name, "signature_name": signature, **choice}


def request(signature="", spec_=None, output_filter=(), **inputs):
    protos = {
        name: value if isinstance(value, TensorProto) else tf.make_tensor_proto(value)
        for name, value in inputs.items()
    }
    return predict_pb2.PredictRequest(
        model_spec=spec_ or spec(signature=signature), inputs=protos, output_filter=output_filter
    )


def refusal(method, message, **options):
    with pytest.raises(grpc.RpcError) as caught:
        method(message, timeout=SECONDS, **options)
    return caught.value.code(), caught.value.details()


X = np.float32([1.0, 2.0])


def test_q2_predict(predictions):
    answer = predictions.Predict(request(x=X), timeout=SECONDS)
    assert list(answer.outputs["y"].float_val) == [2.5, 3.0]
    assert answer.outputs["y"].tensor_content == b""
    assert [dim.size for dim in answer.outputs["y"].tensor_shape.dim] == [2]
    assert answer.model_spec.name == "sink"
    assert answer.model_spec.signature_name == "serving_default"
    assert answer.model_spec.version.value == 2


def test_q2_a_version_and_a_signature_are_named_in_the_answer(predictions):
    old = predictions.Predict(request(spec_=spec(version=1), x=X), timeout=SECONDS)
    assert list(old.outputs["y"].float_val) == [10.0, 20.0]
    assert old.model_spec.version.value == 1
    scalar = predictions.Predict(request("scalar", x=np.float32(3)), timeout=SECONDS)
    assert list(scalar.outputs["y"].float_val) == [4.0]
    assert scalar.model_spec.signature_name == "scalar"


def test_q2_every_dtype_in_its_typed_field(predictions):
    ends = {
        name: [True, False] if kind is tf.bool else [kind.min, kind.max]
        for name, kind in saved_models.KINDS.items()
    }
    ends["f64"] = [np.pi, -1e-300]
    arrays = {
        name: np.array(value, saved_models.KINDS[name].as_numpy_dtype)
        for name, value in ends.items()
    }
    answer = predictions.Predict(request("kinds", **arrays), timeout=SECONDS)
    for name, array in arrays.items():
        found = answer.outputs[f"{name}_out"]
        assert found.tensor_content == b"", name
        np.testing.assert_array_equal(tf.make_ndarray(found), array)
    assert list(answer.outputs["u32_out"].uint32_val) == ends["u32"]
    assert list(answer.outputs["i64_out"].int64_val) == ends["i64"]
    assert list(answer.outputs["flag_out"].bool_val) == ends["flag"]


def test_typed_inputs_are_read_as_content_is(predictions):
    typed = TensorProto(dtype=tf.float32.as_datatype_enum, float_val=X)
    typed.tensor_shape.dim.add().size = 2
    answer = predictions.Predict(request(x=typed), timeout=SECONDS)
    assert list(answer.outputs["y"].float_val) == [2.5, 3.0]


def test_strings_are_bytes(predictions):
    text = [b"a\x00\xff", "é".encode(), b""]
    answer = predictions.Predict(request("text", text=text), timeout=SECONDS)
    assert list(answer.outputs["raw_bytes"].string_val) == text
    assert list(answer.outputs["upper"].string_val) == [b"A\x00\xff", "é".encode(), b""]


def test_half_precision_travels_over_grpc(predictions):
    answer = predictions.Predict(request("half", h=np.float16([0.5])), timeout=SECONDS)
    assert list(answer.outputs["y"].float_val) == [0.5]
    answer = predictions.Predict(request("complex", x=np.float32([1, 2])), timeout=SECONDS)
    np.testing.assert_array_equal(tf.make_ndarray(answer.outputs["c"]), [1 + 1j, 2 + 2j])


MISSING = "Servable not found for request: "


@pytest.mark.parametrize(
    ("message", "code", "text"),
    [
        pytest.param(*case[1:], id=case[0])
        for case in (
            ("Q3", predict_pb2.PredictRequest(), "INVALID_ARGUMENT", "Missing ModelSpec"),
            (
                "Q4",
                request(spec_=spec("")),
                "INVALID_ARGUMENT",
                "ModelSpec has no name specified.",
            ),
            ("Q5-model", request(spec_=spec("test")), "NOT_FOUND", f"{MISSING}Latest(test)"),
            (
                "Q5-version",
                request(spec_=spec(version=9)),
                "NOT_FOUND",
                f"{MISSING}Specific(sink, 9)",
            ),
            (
                "Q6",
                request(spec_=spec(version_label="stable"), x=X),
                "INVALID_ARGUMENT",
                "Unrecognized servable version label: stable",
            ),
            (
                "Q7",
                request("s", x=X),
                "FAILED_PRECONDITION",
                'Serving signature key "s" not found.',
            ),
            (
                "Q8-none",
                request(),
                "INVALID_ARGUMENT",
                "input size does not match signature: 0!=1 len({}) != len({x})."
                " Sent extra: {}. Missing but required: {x}.",
            ),
            (
                "Q8-several",
                request(b=X, a=X),
                "INVALID_ARGUMENT",
                "input size does not match signature: 2!=1 len({a,b}) != len({x})."
                " Sent extra: {a,b}. Missing but required: {x}.",
            ),
            (
                "Q9",
                request("scalar", z=X),
                "INVALID_ARGUMENT",
                "Signature input alias: x(feed name: scalar_x:0) not found in request and no"
                " default value provided. Inputs expected to be in the request {z}, or default"
                " input alias set: ",
            ),
            (
                "Q11-float",
                request(x=np.float64(X)),
                "INVALID_ARGUMENT",
                "Expects arg[0] to be float but double is provided",
            ),
            (
                "Q11-string",
                request("pair", a=[[1.0, 2.0]], b=[b"3"]),
                "INVALID_ARGUMENT",
                "Expects arg[1] to be int32 but string is provided",
            ),
            (
                "Q12",
                request(x=TensorProto(dtype=1, tensor_content=b"123")),
                "INVALID_ARGUMENT",
                "tensor parsing error: x",
            ),
            (
                "Q14",
                request(x=X, output_filter=["f"]),
                "INVALID_ARGUMENT",
                "output tensor alias not found in signature: f Outputs expected to be in the set"
                " {y}.",
            ),
            (
                "Q15",
                request(x=X, output_filter=["y", "y"]),
                "INVALID_ARGUMENT",
                "duplicate output tensor alias: y",
            ),
        )
    ],
)
def test_refusals(predictions, message, code, text):
    assert refusal(predictions.Predict, message) == (CODE[code], text)


def test_q13_output_filter(predictions):
    inputs = {"a": np.float32([[1, 2]]), "b": np.int32([3])}
    for wanted in (["scaled"], ["sum"], ["sum", "scaled"], ["scaled", "sum"]):
        message = request("pair", output_filter=wanted, **inputs)
        answer = predictions.Predict(message, timeout=SECONDS)
        assert set(answer.outputs) == set(wanted)


def test_q16_the_clients_deadline(predictions):
    message = request("repeat", n=np.int32([3000]))
    with pytest.raises(grpc.RpcError) as caught:
        predictions.Predict(message, timeout=0.01)
    assert caught.value.code() is CODE.DEADLINE_EXCEEDED
    predictions.Predict(request(x=X), timeout=SECONDS)


def test_q16_the_servers_own_limit(tight_server):
    with grpc.insecure_channel(tight_server.grpc_target) as channel:
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        found = refusal(stub.Predict, request("repeat", n=np.int32([10**8])))
    assert found[0] is CODE.DEADLINE_EXCEEDED


def test_q16_a_request_that_waited_too_long_is_not_run():
    class Expired:
        def time_remaining(self):
            return 0

        def abort(self, code, details):
            raise TimeoutError(code, details)

    with pytest.raises(TimeoutError) as caught:
        PredictionService({}).Predict(request(x=X), Expired())
    assert caught.value.args == (CODE.DEADLINE_EXCEEDED, "Deadline Exceeded")


def test_q17_long_texts_are_cut(predictions):
    name = "m" * 2000
    _, text = refusal(predictions.Predict, request(spec_=spec(name), x=X))
    assert text == f"{MISSING}Latest({name}"[:1024] + "...TRUNCATED"


def test_errors_of_the_model_come_through(predictions):
    message = request("table", rows=np.ones((2, 3), np.float32))
    code, text = refusal(predictions.Predict, message)
    assert code is CODE.INVALID_ARGUMENT
    assert "Matrix size-incompatible" in text


def test_q18_status(models, sink_url):
    message = get_model_status_pb2.GetModelStatusRequest(model_spec={"name": "sink"})
    answer = models.GetModelStatus(message, timeout=SECONDS)
    found = [(s.version, s.state, s.status.error_code) for s in answer.model_version_status]
    available = get_model_status_pb2.ModelVersionStatus.AVAILABLE
    assert found == [(2, available, 0), (1, available, 0)]
    message.model_spec.version.value = 1
    answer = models.GetModelStatus(message, timeout=SECONDS)
    assert [s.version for s in answer.model_version_status] == [1]


@pytest.mark.parametrize(
    ("asked", "code", "text"),
    [
        (None, "INVALID_ARGUMENT", "Missing ModelSpec"),
        (spec("X"), "NOT_FOUND", "Could not find any versions of model X"),
        (spec(version=9), "NOT_FOUND", "Could not find version 9 of model sink"),
    ],
)
def test_q18_refusals(models, asked, code, text):
    message = get_model_status_pb2.GetModelStatusRequest(model_spec=asked)
    assert refusal(models.GetModelStatus, message) == (CODE[code], text)


def metadata_request(*fields, **options):
    return get_model_metadata_pb2.GetModelMetadataRequest(
        model_spec=spec(**options), metadata_field=fields
    )


def test_q19_metadata(predictions, sink):
    answer = predictions.GetModelMetadata(metadata_request("signature_def"), timeout=SECONDS)
    assert (answer.model_spec.name, answer.model_spec.version.value) == ("sink", 2)
    found = get_model_metadata_pb2.SignatureDefMap()
    assert answer.metadata["signature_def"].Unpack(found)
    with tf.compat.v1.Session(graph=tf.Graph()) as session:
        loader = tf.compat.v1.saved_model.loader
        loaded = loader.load(session, ["serve"], str(sink / "00000002")).signature_def
    assert dict(found.signature_def) == dict(loaded)


@pytest.mark.parametrize(
    ("message", "code", "text"),
    [
        (
            get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"]),
            "INVALID_ARGUMENT",
            "Missing ModelSpec",
        ),
        (
            metadata_request(),
            "INVALID_ARGUMENT",
            "GetModelMetadataRequest must specify at least one metadata_field",
        ),
        (
            metadata_request("signature_def", "X"),
            "INVALID_ARGUMENT",
            "Metadata field X is not supported",
        ),
        (metadata_request("signature_def", name="X"), "NOT_FOUND", f"{MISSING}Latest(X)"),
    ],
)
def test_q20_refusals(predictions, message, code, text):
    assert refusal(predictions.GetModelMetadata, message) == (CODE[code], text)


def test_q23_large_messages(grpc_target):
    options = [("grpc.max_receive_message_length", -1)]
    array = np.random.default_rng(0).normal(size=5_000_000).astype(np.float32)
    with grpc.insecure_channel(grpc_target, options) as channel:
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        answer = stub.Predict(request("echo", x=array), timeout=SECONDS)
    assert np.array(answer.outputs["y"].float_val, np.float32).tobytes() == array.tobytes()


def test_q29_fields_for_language_models_are_ignored(predictions):
    message = request(x=X)
    message.client_id = b"me"
    message.request_options.max_cache_length = 7
    message.predict_streamed_options.request_state = 1
    answer = predictions.Predict(message, timeout=SECONDS)
    assert list(answer.outputs["y"].float_val) == [2.5, 3.0]


def test_rest_and_grpc_give_the_same_numbers(predictions, sink_url):
    x = np.random.default_rng(0).normal(size=(64, 2, 2)).astype(np.float32)
    answer = predictions.Predict(request("image", image=x), timeout=SECONDS)
    with Client(sink_url) as client:
        over_rest = client.predict(x, signature_name="image").astype(np.float32)
    assert tf.make_ndarray(answer.outputs["total"]).tobytes() == over_rest.tobytes()


# ---------------------------------------------------------------- where dlkit differs


def test_s8_an_unknown_label_is_refused_in_status_too(models):
    message = get_model_status_pb2.GetModelStatusRequest(model_spec=spec(version_label="stable"))
    found = refusal(models.GetModelStatus, message)
    assert found == (CODE.INVALID_ARGUMENT, "Unrecognized servable version label: stable")


def test_hints_travel_beside_the_message(predictions):
    with pytest.raises(grpc.RpcError) as caught:
        predictions.Predict(request(spec_=spec("sing")), timeout=SECONDS)
    assert caught.value.details() == f"{MISSING}Latest(sing)"
    found = dict(caught.value.trailing_metadata())[HINT].decode()
    assert found == "This server has: sink. Did you mean 'sink'?"


def test_a_bug_is_an_internal_error(caplog):
    class Context:
        def time_remaining(self):
            return None

        def abort(self, code, details):
            raise TimeoutError(code, details)

    with pytest.raises(TimeoutError) as caught:
        PredictionService(None).Predict(request(x=X), Context())
    assert caught.value.args[0] is CODE.INTERNAL
    assert "AttributeError" in caught.value.args[1]
    assert "Predict failed" in caplog.text
