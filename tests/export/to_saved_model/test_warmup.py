import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

from dlkit.errors import InputError
from dlkit.export import saved_model
from dlkit.export.parity.cpp_loader import load
from dlkit.export.to_saved_model import warmup
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
    with load(digits.version) as session:
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


SPECS = {
    "image": tf.TensorSpec((None, None, 8, 3), tf.uint8),
    "text": tf.TensorSpec((None,), tf.string),
    "size": tf.TensorSpec((None, 2), tf.float64),
    "flag": tf.TensorSpec((None, 5), tf.bool),
}


def test_made_up_rows_fit_the_specs_and_vary():
    rows = warmup.samples(SPECS, None, 3)
    assert {name: (row.shape, row.dtype.name) for name, row in rows.items()} == {
        "image": ((3, 32, 8, 3), "uint8"),
        "text": ((3,), "object"),
        "size": ((3, 2), "float64"),
        "flag": ((3, 5), "bool"),
    }
    assert set(np.unique(rows["image"])) == {0, 1}  # an index into any vocabulary
    assert all(isinstance(text, bytes) for text in rows["text"])
    assert rows["flag"].any() and not rows["flag"].all()
    again = warmup.samples(SPECS, None, 3)
    assert all(np.array_equal(rows[name], again[name]) for name in rows)


def test_too_few_examples_are_repeated_and_take_the_input_s_type():
    spec = {"row": tf.TensorSpec((None, 2), tf.float32)}
    rows = warmup.samples(spec, np.array([[1, 2], [3, 4]]), 5)["row"]
    assert rows.dtype == np.float32
    np.testing.assert_array_equal(rows, [[1, 2], [3, 4], [1, 2], [3, 4], [1, 2]])


def test_named_examples_and_texts():
    specs = {name: SPECS[name] for name in ("text", "size")}
    examples = {"size": np.zeros((2, 2)), "text": np.array(["one", "two"])}
    rows = warmup.samples(specs, examples, 3)
    assert rows["text"].tolist() == ["one", "two", "one"]
    assert rows["size"].shape == (3, 2)


@pytest.mark.parametrize(
    ("examples", "message"),
    [
        (np.zeros((3, 5)), r"input 'row', which is \(None, 2\)\. Received: .* shape \(3, 5\)"),
        (np.zeros((0, 2)), r"Received: examples of shape \(0, 2\)"),
        ({"column": np.zeros((3, 2))}, r"the inputs \['row'\]\. Received: \['column'\]"),
    ],
)
def test_examples_that_do_not_fit(examples, message):
    with pytest.raises(InputError, match=message):
        warmup.samples({"row": tf.TensorSpec((None, 2), tf.float32)}, examples, 3)
