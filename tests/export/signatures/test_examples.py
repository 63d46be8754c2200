import types

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

from dlkit.export import saved_model
from dlkit.export.signatures import examples
from dlkit.export.signatures.labels import Unfit
from dlkit.export.signatures.signature import serving_default
from tests.export.asking import answer
from tests.export.signature_def import signature_of
from tests.export.signatures.test_selection import keys_of


def test_examples_of_digits_are_classified(digits):
    raw, _ = digits.data.examples
    texts = np.empty(len(raw), object)
    for row, pixels in enumerate(raw):  # by TensorFlow's own message, as a client would
        example = tf.train.Example()
        example.features.feature["image"].int64_list.value.extend(pixels.ravel().tolist())
        texts[row] = example.SerializeToString()
    got = answer(digits.version, "classify", inputs=texts)
    assert got["classes"].tolist() == [[b"%d" % c for c in range(10)]] * len(raw)
    expected = answer(digits.version, image=raw)["predictions"]
    np.testing.assert_allclose(got["scores"], expected, atol=1e-6)
    signature = signature_of(digits.version, "classify")
    assert sorted(signature.outputs) == ["classes", "scores"]
    assert [dim.size for dim in signature.inputs["inputs"].tensor_shape.dim] == [-1]


def test_a_column_of_each_kind_is_regressed(tmp_path):
    columns = {
        "age": keras.Input((1,), name="age"),
        "rooms": keras.Input((1,), dtype="int32", name="rooms"),
        "garden": keras.Input((1,), dtype="bool", name="garden"),
    }
    floats = [keras.layers.Identity(dtype="float32")(columns["age"])]
    floats += [keras.ops.cast(columns[name], "float32") for name in ("rooms", "garden")]
    price = keras.layers.Dense(1, name="price")
    model = keras.Model(columns, price(keras.layers.Concatenate()(floats)))
    price.set_weights([np.array([[1.0], [10.0], [100.0]]), np.array([0.5])])
    version = saved_model(model, tmp_path / "houses", types.SimpleNamespace(task="regression"))
    features = {
        "age": {"float_list": {"value": [3.0]}},
        "rooms": {"int64_list": {"value": [4]}},
        "garden": {"int64_list": {"value": [1]}},
    }
    text = tf.train.Example(features={"feature": features}).SerializeToString()
    got = answer(version, "regress", inputs=np.array([text], object))["outputs"]
    np.testing.assert_allclose(got, [3 + 40 + 100 + 0.5])
    path = version / "assets.extra" / "tf_serving_warmup_requests"
    logs = [
        prediction_log_pb2.PredictionLog.FromString(record.numpy())
        for record in tf.data.TFRecordDataset(str(path))
    ]
    (log,) = (log.regress_log for log in logs if log.HasField("regress_log"))
    assert log.request.model_spec.signature_name == "regress"
    (example,) = log.request.input.example_list.examples
    assert sorted(example.features.feature) == ["age", "garden", "rooms"]


def test_rows_of_open_length_are_no_examples(tmp_path):
    steps = keras.Input((None, 2), name="series")
    model = keras.Model(steps, keras.layers.Dense(1)(keras.layers.GRU(2)(steps)))
    data = types.SimpleNamespace(task="regression")
    assert keys_of(saved_model(model, tmp_path / "series", data)) == ["serving_default"]
    served = serving_default(model)
    with pytest.raises(Unfit, match=r"no 'series', whose shape \(None, 2\) is"):
        examples.regress_signature(served, {"y": np.zeros((2, 1), "float32")})


@pytest.mark.parametrize("shape", [(2, 3), (2, 1, 1)])
def test_more_than_one_number_a_row_is_no_regression(shape, tiny):
    served = serving_default(tiny)
    with pytest.raises(Unfit, match=r"one number a row, and 'y' has the shape"):
        examples.regress_signature(served, {"y": np.zeros(shape, "float32")})


def test_images_of_open_size_travel_in_examples_as_files(tmp_path):
    from tests.export.conftest import Decode
    from tests.export.signatures.test_files import png

    files = keras.Input((), dtype="string", name="image_bytes")
    image = keras.Input((None, None), dtype="uint8", name="image")
    grown = keras.ops.expand_dims(keras.ops.cast(image, "float32"), -1)
    mean = keras.layers.GlobalAveragePooling2D(name="mean")(grown)
    decoding = keras.Model(files, Decode((4, 4), dtype="uint8")(files))
    data = types.SimpleNamespace(task="regression", decoding=decoding)
    version = saved_model(keras.Model(image, mean), tmp_path / "open", data)
    pixels = np.arange(16, dtype="uint8").reshape(4, 4)
    feature = {"image_bytes": {"bytes_list": {"value": [png(pixels)]}}}
    text = tf.train.Example(features={"feature": feature}).SerializeToString()
    got = answer(version, "regress", inputs=np.array([text], object))["outputs"]
    np.testing.assert_allclose(got, [7.5])


def test_text_and_lists_become_features():
    (text,) = examples.serialized_examples(
        {"word": np.array(["gr\u00fcn"]), "flags": np.array([[True, False]])}
    )
    feature = tf.train.Example.FromString(text).features.feature
    assert feature["word"].bytes_list.value[0].decode() == "gr\u00fcn"
    assert list(feature["flags"].int64_list.value) == [1, 0]
