import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

from dlkit.export import saved_model
from dlkit.export.parity.cpp_loader import load_session
from tests.export.signature_def import signature_of


def requests_of(version):
    path = version / "assets.extra" / "tf_serving_warmup_requests"
    logs = [
        prediction_log_pb2.PredictionLog.FromString(record.numpy())
        for record in tf.data.TFRecordDataset(str(path))
    ]
    assert {log.WhichOneof("log_type") for log in logs} <= {"predict_log", "classify_log"}
    requests = [log.predict_log.request for log in logs if log.HasField("predict_log")]
    return [r for r in requests if r.model_spec.signature_name == "serving_default"]


def test_requests_are_real_examples_and_run(digits):
    raw = digits.data.examples[0]
    requests = requests_of(digits.version)
    assert [request.model_spec.name for request in requests] == ["digits", "digits"]
    assert {request.model_spec.signature_name for request in requests} == {"serving_default"}
    images = [tf.make_ndarray(request.inputs["image"]) for request in requests]
    np.testing.assert_array_equal(images[0], raw[:1])
    np.testing.assert_array_equal(images[1], raw[:3])
    signature = signature_of(digits.version)
    with load_session(digits.version) as session:
        for image in images:
            feeds = {signature.inputs["image"].name: image}
            (answer,) = session.run(feeds, [signature.outputs["predictions"].name])
            np.testing.assert_allclose(answer.sum(axis=1), np.ones(len(image)), rtol=1e-5)


def test_a_model_without_data_is_warmed_up_with_its_own_shapes(tiny, tmp_path):
    requests = requests_of(saved_model(tiny, tmp_path / "rows"))
    assert [request.model_spec.name for request in requests] == ["rows", "rows"]
    rows = [tf.make_ndarray(request.inputs["row"]) for request in requests]
    assert [(row.shape, row.dtype.name) for row in rows] == [
        ((1, 4), "float32"),
        ((3, 4), "float32"),
    ]
