import json
import sys

import keras
import numpy as np
import onnx as onnx_format
import onnxruntime
import pytest

from dlkit.errors import ExportError, InputError, MissingExtraError
from dlkit.export import onnx
from tests.export.broken import Unlike


def session(path):
    return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])


@pytest.fixture(scope="module")
def exported(digits, tmp_path_factory):
    return onnx(digits.model, tmp_path_factory.mktemp("onnx") / "digits.onnx", digits.data)


def test_raw_digits_give_the_predictions_of_the_trained_model(digits, exported):
    raw, labels = digits.data.examples
    expected = digits.model.predict(digits.data.preprocessing.predict(raw, verbose=0), verbose=0)
    for rows in (1, 2, 31):
        (answer,) = session(exported).run(["predictions"], {"image": raw[:rows]})
        np.testing.assert_allclose(answer, expected[:rows], rtol=1e-5, atol=1e-5)
    assert np.mean(answer.argmax(axis=1) == labels[:31]) > 0.6


def test_the_file_says_what_it_takes_and_means(exported):
    onnx_format.checker.check_model(onnx_format.load(exported), full_check=True)
    (image,), (predictions,) = session(exported).get_inputs(), session(exported).get_outputs()
    assert (image.name, image.type, image.shape) == ("image", "tensor(uint8)", ["batch", 8, 8])
    assert (predictions.name, predictions.shape) == ("predictions", ["batch", 10])
    names = session(exported).get_modelmeta().custom_metadata_map["class_names"]
    assert json.loads(names) == list("0123456789")


@pytest.mark.parametrize("opset", [13, 18])
def test_the_opset_is_that_which_was_asked_for(opset, tiny, tmp_path):
    written = onnx_format.load(onnx(tiny, tmp_path / "tiny.onnx", opset=opset))
    assert {entry.domain: entry.version for entry in written.opset_import}[""] == opset


def test_many_inputs_and_outputs_keep_their_names(tmp_path):
    left, right = keras.Input((3,), name="left"), keras.Input((3,), name="right")
    total = keras.layers.Add(name="total")([left, right])
    apart = keras.layers.Subtract(name="apart")([left, right])
    path = onnx(keras.Model([left, right], [total, apart]), tmp_path / "two.onnx")
    feeds = {"left": np.full((2, 3), 5, "float32"), "right": np.full((2, 3), 3, "float32")}
    total, apart = session(path).run(["total", "apart"], feeds)
    np.testing.assert_array_equal(total, np.full((2, 3), 8))
    np.testing.assert_array_equal(apart, np.full((2, 3), 2))


def test_recurrent_layers_take_any_length(tmp_path):
    model = keras.Sequential(
        [
            keras.Input((None, 2), name="series"),
            keras.layers.Bidirectional(keras.layers.LSTM(4)),
            keras.layers.Dense(1, name="predictions"),
        ]
    )
    path = onnx(model, tmp_path / "series.onnx")
    for rows, steps in ((1, 5), (7, 40)):
        series = np.random.default_rng(steps).random((rows, steps, 2), np.float32)
        (answer,) = session(path).run(["predictions"], {"series": series})
        expected = model.predict(series, verbose=0)
        np.testing.assert_allclose(answer, expected, rtol=1e-5, atol=1e-5)


def test_half_precision_answers_as_float32(tmp_path):
    model = keras.Sequential(
        [
            keras.Input((4,), name="row"),
            keras.layers.Dense(16, dtype="mixed_float16", activation="relu"),
            keras.layers.Dense(3, dtype="mixed_float16", name="predictions"),
        ]
    )
    (output,) = session(onnx(model, tmp_path / "half.onnx")).get_outputs()
    assert output.type == "tensor(float)"


def test_bfloat16_is_refused_with_a_way_out(tmp_path):
    dense = keras.layers.Dense(3, dtype="mixed_bfloat16", name="wide")
    model = keras.Sequential([keras.Input((4,), name="row"), dense], name="half")
    with pytest.raises(ExportError, match=r"'half' .* bfloat16 \(wide\); build it without mixed_p"):
        onnx(model, tmp_path / "half.onnx")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("exists", [True, False])
def test_a_failed_check_leaves_nothing_behind(exists, tmp_path):
    model = keras.Sequential([keras.Input((3,)), Unlike(name="unlike")])
    path = tmp_path / "models" / "broken.onnx"
    if exists:
        path.parent.mkdir()
        path.write_text("the last good one")
    with pytest.raises(ExportError, match=r"'unlike' differs .* batch size 1 by .* than 1e-05"):
        onnx(model, path)
    assert sorted(tmp_path.rglob("*")) == ([path.parent, path] if exists else [])
    assert not exists or path.read_text() == "the last good one"


def test_a_model_that_onnx_has_no_words_for(tmp_path):
    words = keras.layers.TextVectorization(6, output_mode="count", name="counts")
    words.adapt(["good good film", "bad film"])
    text = keras.Input((), dtype="string", name="text")
    model = keras.Model(text, words(text), name="words")
    with pytest.raises(
        ExportError, match=r"'words' cannot be .* ONNX, which has no .*StringSplitV2"
    ):
        onnx(model, tmp_path / "words.onnx")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"opset": 12}, "opset must be a whole number of at least 13. Received: opset=12"),
        ({"opset": "18"}, "opset must be a whole number .* Received: opset='18'"),
        ({"opset": 19}, "opset must be at most 18. Received: opset=19"),
        ({"path": "tiny.pb"}, r"path must end in \.onnx. Received: path='tiny.pb'"),
        ({"model": "tiny"}, "model must be a keras.Model. Received: str"),
    ],
)
def test_wrong_inputs(arguments, message, tiny, tmp_path):
    path = tmp_path / "tiny.onnx"
    with pytest.raises(InputError, match=message):
        onnx(**{"model": tiny, "path": path, **arguments})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("module", ["tf2onnx", "onnx", "onnxruntime"])
def test_the_extra_is_named_when_it_is_missing(module, tiny, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtraError, match=rf'{module} is not installed.*"dlkit\[onnx\]"'):
        onnx(tiny, tmp_path / "tiny.onnx")
