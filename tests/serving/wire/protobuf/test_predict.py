"""What needs no server; test_services.py has the rest."""

import pytest
import tensorflow as tf
from tensorflow_serving.apis.predict_pb2 import PredictRequest

from dlkit.serving.core.signatures import Signature, TensorInfo
from dlkit.serving.core.status import StatusError
from dlkit.serving.inference.calls import answer_request
from dlkit.serving.runtimes.tensorflow_model import SavedModel
from dlkit.serving.versions.served_model import ServedModel
from dlkit.serving.wire.protobuf.predict import ProtoPredict, check_inputs
from tests.serving import saved_models


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    base = tmp_path_factory.mktemp("power")
    saved_models.with_default(base / "1")
    model = ServedModel("power", base, SavedModel)
    model.poll()
    yield {"power": model}
    model.close()


def ask(models, **inputs):
    protos = {name: tf.make_tensor_proto(value) for name, value in inputs.items()}
    request = PredictRequest(model_spec={"name": "power"}, inputs=protos)
    return list(
        answer_request(models, "power", None, ProtoPredict(), request).outputs["y"].float_val
    )


def test_q10_an_input_with_a_default_may_be_left_out(models):
    assert ask(models, x=[1.0, 2.0]) == [1.0, 8.0]
    assert ask(models, x=[1.0, 2.0], power=2.0) == [1.0, 4.0]


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ({}, r"0!=2 len\({}\) != len\({power,x}\). Sent extra: {}. Missing but required: {x}."),
        ({"x": 1, "y": 1, "z": 1}, r"3!=2 .* Sent extra: {y,z}. Missing but required: {}."),
        (
            {"power": 2.0},
            r"Signature input alias: x\(feed name: x:0\) not found in request and no default value"
            r" provided. Inputs expected to be in the request {power}, or default input alias set:"
            r" power",
        ),
    ],
)
def test_q8_q9_with_defaults(models, inputs, said):
    with pytest.raises(StatusError, match=said):
        ask(models, **inputs)


def test_q8_a_signature_without_inputs():
    check_inputs({}, Signature({}, {}))
    with pytest.raises(StatusError, match=r"1!=0 .* Sent extra: {x}"):
        check_inputs({"x": TensorInfo("DT_FLOAT")}, Signature({}, {}))
