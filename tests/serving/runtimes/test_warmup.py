"""Rows W1-W9, on the real runtime."""

import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2 as logs

from dlkit.serving.core.settings import Settings
from dlkit.serving.core.status import StatusError
from dlkit.serving.runtimes.tensorflow_model import SavedModel
from dlkit.serving.runtimes.warmup import WARMUP_FILE, run_warmup
from tests.serving import saved_models


class Recorder:
    """A model that writes down what it is asked."""

    def __init__(self, signatures):
        self.signatures, self.calls = signatures, []

    def run(self, signature_name, inputs):
        self.calls.append((signature_name, {name: x.tolist() for name, x in inputs.items()}))


def write(path, records):
    file = path / WARMUP_FILE
    file.parent.mkdir(parents=True, exist_ok=True)
    with tf.io.TFRecordWriter(str(file)) as writer:
        for record in records:
            writer.write(record if isinstance(record, bytes) else record.SerializeToString())


def predict_log(signature="", **inputs):
    log = logs.PredictionLog()
    request = log.predict_log.request
    request.model_spec.name = "another name"  # W9: not used to route
    request.model_spec.signature_name = signature
    for name, value in inputs.items():
        request.inputs[name].CopyFrom(tf.make_tensor_proto(value))
    return log


def example(**features):
    feature = {
        name: tf.train.Feature(float_list=tf.train.FloatList(value=[value]))
        for name, value in features.items()
    }
    return tf.train.Example(features=tf.train.Features(feature=feature))


@pytest.fixture(scope="module")
def signatures(sink):
    model = SavedModel(sink / "00000002")
    yield model.signatures
    model.close()


@pytest.fixture
def version(tmp_path):
    saved_models.affine(tmp_path / "1")
    return tmp_path / "1"


def test_w2_no_file_no_warmup(version):
    model = SavedModel(version)
    assert run_warmup(model, version) == 0
    model.close()


def test_w1_w9_each_request_runs(version, signatures):
    records = [
        predict_log(x=np.float32([1, 2])),
        predict_log("pair", a=np.float32([[1, 2]]), b=np.int32([3])),
        predict_log("upper", text=np.array([b"a"])),
    ]
    write(version, records)
    model = Recorder(signatures)
    assert run_warmup(model, version) == 3
    assert model.calls == [
        ("serving_default", {"x": [1.0, 2.0]}),
        ("pair", {"a": [[1.0, 2.0]], "b": [3]}),
        ("upper", {"text": [b"a"]}),
    ]


def test_w3_examples_run_too(version, signatures):
    classify, regress, several = (logs.PredictionLog() for _ in range(3))
    request = classify.classify_log.request
    request.model_spec.signature_name = "upper"
    request.input.example_list.examples.append(example(a=1.0))
    request = regress.regress_log.request
    request.model_spec.signature_name = "upper"
    request.input.example_list_with_context.examples.append(example(a=1.0))
    request.input.example_list_with_context.context.CopyFrom(example(b=2.0))
    request = several.multi_inference_log.request
    request.input.example_list.examples.append(example(a=3.0))
    request.tasks.add().model_spec.signature_name = "upper"
    request.tasks.add().model_spec.signature_name = "upper"
    write(version, [classify, regress, several])
    model = Recorder(signatures)
    assert run_warmup(model, version) == 3
    found = [tf.train.Example.FromString(call[1]["text"][0]) for call in model.calls]
    assert found == [example(a=1.0), example(a=1.0, b=2.0), example(a=3.0), example(a=3.0)]


def test_w3_other_kinds_are_unimplemented(version, signatures):
    log = logs.PredictionLog()
    log.session_run_log.SetInParent()
    write(version, [log])
    with pytest.raises(StatusError, match="session_run_log") as caught:
        run_warmup(Recorder(signatures), version)
    assert caught.value.code == "UNIMPLEMENTED"


def test_w4_a_thousand_records_and_no_more(version, signatures):
    record = predict_log(x=np.float32([1])).SerializeToString()
    write(version, [record] * 1000)
    assert run_warmup(Recorder(signatures), version) == 1000
    write(version, [record] * 1001)
    sentence = r"Number of warmup records exceeds the maximum \(1000\) at .*tf_serving_warmup"
    with pytest.raises(StatusError, match=sentence):
        run_warmup(Recorder(signatures), version)


@pytest.mark.parametrize(
    ("record", "code", "sentence"),
    [
        (predict_log(), "INVALID_ARGUMENT", "0!=1 .* Missing but required: {x}"),
        (predict_log(y=np.float32([1])), "INVALID_ARGUMENT", "alias: x.*in the request {y}"),
        (predict_log("nope", x=np.float32([1])), "FAILED_PRECONDITION", '"nope" not found'),
        (predict_log(x=np.float64([1])), "INVALID_ARGUMENT", "double"),
        (b"no log", "INVALID_ARGUMENT", "Failed to parse warmup record"),
    ],
)
def test_w5_a_failing_record_fails_the_load(version, record, code, sentence):
    write(version, [predict_log(x=np.float32([1])), record])
    with pytest.raises(StatusError, match=sentence) as caught:
        SavedModel(version)
    assert caught.value.code == code


def test_w6_a_file_of_another_format(version):
    write(version, [])
    (version / WARMUP_FILE).write_bytes(b"this is no TFRecord file, and long enough to tell")
    with pytest.raises(
        StatusError, match="verify your warmup data is in TFRecord format"
    ) as caught:
        SavedModel(version)
    assert caught.value.code == "DATA_LOSS"


def test_w8_switched_off(version):
    write(version, [b"no log"])
    model = SavedModel(version, Settings(warmup=False))
    assert model.run("serving_default", {"x": np.float32([1])})["y"] == 2.5
    model.close()


def test_w8_requests_are_repeated(version, signatures):
    write(version, [predict_log(x=np.float32([1])), predict_log("upper", text=np.array([b"a"]))])
    model = Recorder(signatures)
    assert run_warmup(model, version, 3) == 2
    assert [key for key, _ in model.calls] == ["serving_default"] * 3 + ["upper"] * 3


@pytest.mark.parametrize("iterations", [0, 1])
def test_w8_zero_counts_as_one(version, iterations, monkeypatch):
    write(version, [predict_log(x=np.float32([1]))])
    calls = []
    monkeypatch.setattr(SavedModel, "run", lambda *arguments: calls.append(arguments))
    SavedModel(version, Settings(warmup_iterations=iterations)).close()
    assert len(calls) == 1
