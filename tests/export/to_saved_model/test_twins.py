import hashlib
import json

import keras
import numpy as np
import onnxruntime
import pytest
import tensorflow as tf

from dlkit.errors import ExportError, InputError
from dlkit.export import saved_model
from dlkit.export.signatures.signature import serving_default
from dlkit.export.to_onnx import files
from dlkit.export.to_saved_model.twins import FILE
from tests.export.broken import Unlike


@pytest.fixture(scope="module")
def twinned(digits, tmp_path_factory):
    base = tmp_path_factory.mktemp("twinned") / "digits"
    kept = ["labels", "classify", "image_bytes"]
    return saved_model(
        digits.model, base, digits.data, signatures=kept, runtimes=["onnx", "litert"]
    )


@pytest.fixture(scope="module")
def told(twinned):
    return json.loads((twinned / "assets.extra" / FILE).read_text())


def test_the_server_is_told_what_the_saved_model_says_of_itself(twinned, told):
    loaded = tf.saved_model.load(str(twinned))
    assert told["signatures"].keys() - {"__saved_model_init_op"} == set(loaded.signatures)
    assert told["signatures"]["serving_default"]["inputs"] == {
        "image": {"dtype": "DT_UINT8", "shape": [-1, 8, 8], "name": "serving_default_image:0"}
    }
    outputs = told["signatures"]["serving_default"]["outputs"]
    assert (outputs["predictions"]["dtype"], outputs["predictions"]["shape"]) == (
        "DT_FLOAT",
        [-1, 10],
    )
    content = (twinned / "saved_model.pb").read_bytes()
    assert told["saved_model"]["sha256"] == hashlib.sha256(content).hexdigest()
    assert told["signatures"]["classify"]["method_name"] == "tensorflow/serving/classify"


def test_twins_are_made_of_what_the_formats_can_hold(twinned, told):
    """Neither decodes image files nor parses tf.Examples."""
    for runtime in ("onnx", "litert"):
        found = told["runtimes"][runtime]
        assert found["signatures"].keys() == {"serving_default", "labels"}
        for entry in found["signatures"].values():
            content = (twinned / "assets.extra" / entry["file"]).read_bytes()
            assert entry["sha256"] == hashlib.sha256(content).hexdigest()
        # batches of 1 and 3 of two signatures, and the rows of the test split
        assert found["check"]["rows"] > 300
        assert found["check"]["max_difference"] <= found["check"]["tolerance"] == 1e-4


def test_the_twin_answers_as_the_saved_model(twinned, told, digits):
    path = twinned / "assets.extra" / told["runtimes"]["onnx"]["signatures"]["labels"]["file"]
    session = onnxruntime.InferenceSession(path)
    raw, _ = digits.data.examples
    classes, scores = session.run(["classes", "scores"], {"image": raw[:5]})
    labels = tf.saved_model.load(str(twinned)).signatures["labels"]
    expected = labels(image=tf.constant(raw[:5]))
    np.testing.assert_allclose(scores, expected["scores"], atol=1e-6)
    assert classes[:, 0].tolist() == [t.decode() for t in expected["classes"].numpy()[:, 0]]


class Looked(keras.layers.Layer):
    """A table without Keras's own care for what is no index."""

    def build(self, _):
        self.table = self.add_weight(shape=(50, 3))

    def call(self, ids):
        return tf.gather(self.table, ids)


def test_a_twin_that_takes_what_tensorflow_refuses_is_no_twin(tmp_path):
    counts = keras.layers.CategoryEncoding(5, output_mode="multi_hot")  # TensorFlow looks at them
    model = keras.Sequential([keras.Input((2,), dtype="int32", name="ids"), counts])
    with pytest.raises(ExportError, match=r"onnx twin .*: one of them refuses .* 'ids' is -1"):
        saved_model(model, tmp_path / "table", runtimes=["onnx"])
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("table", [keras.layers.Embedding(50, 3), Looked(dtype="float32")])
def test_a_table_has_a_twin(tmp_path, table):
    model = keras.Sequential([keras.Input((2,), dtype="int32", name="ids"), table])
    version = saved_model(model, tmp_path / "words", runtimes=["onnx"])
    assert (version / "assets.extra" / "onnx" / "serving_default.onnx").is_file()


@pytest.mark.parametrize("runtime", ["onnx", "litert"])
def test_text_has_no_twin_and_the_way_out_is_none(runtime, tmp_path):
    """It is a SavedModel that was asked for."""
    words = keras.layers.TextVectorization(6, output_mode="int", vocabulary=["good", "bad"])
    text = keras.Input((), dtype="string", name="text")
    model = keras.Model(text, words(text), name="words")
    message = (
        rf"no {runtime} twin; leave '{runtime}' out of runtimes \(--runtimes\): Model 'words'"
        r" cannot be written .*, which has no [^;]*StringSplitV2[^;]*\.$"
    )
    with pytest.raises(ExportError, match=message):
        saved_model(model, tmp_path / "words", runtimes=[runtime])
    assert not any(tmp_path.iterdir())


def test_a_twin_that_answers_otherwise_leaves_nothing_behind(tmp_path, tiny, monkeypatch):
    other = keras.models.clone_model(tiny)
    content = files.convert_to_onnx(other, serving_default(other), None)
    monkeypatch.setattr(files, "convert_to_onnx", lambda *_: content)
    with pytest.raises(ExportError, match="The onnx twin does not answer as the SavedModel: "):
        saved_model(tiny, tmp_path / "tiny", runtimes=["onnx"])
    assert not any(tmp_path.iterdir())


def test_what_onnx_cannot_hold_leaves_nothing_behind(tmp_path):
    model = keras.Sequential([keras.Input((4,), name="row"), Unlike()])
    with pytest.raises(ExportError):
        saved_model(model, tmp_path / "unlike", runtimes=["onnx"])
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("runtimes", "message"),
    [("onnx", "runtimes must be a list"), (["onyx"], "runtimes='onyx'. Did you mean 'onnx'")],
)
def test_other_runtimes_are_refused(tiny, tmp_path, runtimes, message):
    with pytest.raises(InputError, match=message):
        saved_model(tiny, tmp_path / "tiny", runtimes=runtimes)
    assert not any(tmp_path.iterdir())
