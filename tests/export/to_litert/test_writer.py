import keras
import numpy as np
import pytest
import tensorflow as tf

from dlkit.errors import ExportError, InputError
from dlkit.export import litert
from dlkit.export.to_litert.files import _interpreter_of_tensorflow, run_litert
from tests.export.broken import Unlike


def answer(path, output="predictions", **feeds):
    return run_litert(path.read_bytes(), [feeds])[0][output]


@pytest.fixture(scope="module")
def files(digits, tmp_path_factory):
    folder = tmp_path_factory.mktemp("litert")
    return {
        quantize: litert(
            digits.model, folder / f"{quantize}.tflite", digits.data, quantize=quantize
        )
        for quantize in (None, "float16", "dynamic", "int8")
    }


def test_raw_digits_give_the_predictions_of_the_trained_model(digits, files):
    raw = digits.data.examples[0]
    expected = digits.model.predict(digits.data.preprocessing.predict(raw, verbose=0), verbose=0)
    for rows in (1, 2, 31):
        got = answer(files[None], image=raw[:rows])
        np.testing.assert_allclose(got, expected[:rows], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("quantize", "limit"), [("float16", 0.01), ("dynamic", 0.1), ("int8", 0.2)]
)
def test_quantized_files_take_raw_digits_too(quantize, limit, digits, files):
    raw = digits.data.examples[0]
    expected = digits.model.predict(digits.data.preprocessing.predict(raw, verbose=0), verbose=0)
    for rows in (1, 7):
        got = answer(files[quantize], image=raw[:rows])
        np.testing.assert_allclose(got, expected[:rows], atol=limit)
    assert np.abs(answer(files[quantize], image=raw) - expected).max() > 0  # it is quantized


def test_sizes_fall_with_the_weights_width(files):
    sizes = [files[quantize].stat().st_size for quantize in (None, "float16", "dynamic")]
    assert sizes == sorted(sizes, reverse=True)
    assert files["int8"].stat().st_size < sizes[1]


def test_only_the_network_computes_in_8_bits(files):
    """Normalization of raw grey values stays in floats, before the first 8-bit tensor."""
    interpreter_types = {}
    for quantize in (None, "int8"):
        with _interpreter_of_tensorflow():
            interpreter = tf.lite.Interpreter(model_content=files[quantize].read_bytes())
        details = interpreter.get_tensor_details()
        interpreter_types[quantize] = {np.dtype(entry["dtype"]).name for entry in details}
        (image,) = interpreter.get_input_details()
        assert image["dtype"] == np.uint8
        assert image["shape_signature"].tolist() == [-1, 8, 8]
    assert "int8" not in interpreter_types[None]
    assert {"int8", "float32", "uint8"} <= interpreter_types["int8"]


def test_recurrent_layers_work_unrolled_and_are_told_to_be(tmp_path):
    def recurrent(unroll):
        return keras.Sequential(
            [
                keras.Input((3, 2), name="series"),
                keras.layers.GRU(4, unroll=unroll),
                keras.layers.Dense(1, name="predictions"),
            ],
            name="recurrent",
        )

    with pytest.raises(ExportError, match=r"'recurrent' .*TensorListReserve.* unroll=True"):
        litert(recurrent(False), tmp_path / "series.tflite")
    assert not list(tmp_path.iterdir())
    model = recurrent(True)
    path = litert(model, tmp_path / "series.tflite")
    series = np.random.default_rng(0).random((7, 3, 2), np.float32)
    expected = model.predict(series, verbose=0)
    np.testing.assert_allclose(answer(path, series=series), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("exists", [True, False])
def test_a_failed_check_leaves_nothing_behind(exists, tmp_path):
    model = keras.Sequential([keras.Input((3,)), Unlike(name="unlike")])
    path = tmp_path / "models" / "broken.tflite"
    if exists:
        path.parent.mkdir()
        path.write_text("the last good one")
    with pytest.raises(ExportError, match=r"'unlike' differs .* batch size 1 by .* than 0.0001"):
        litert(model, path)
    assert sorted(tmp_path.rglob("*")) == ([path.parent, path] if exists else [])
    assert not exists or path.read_text() == "the last good one"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"quantize": "int4"}, "one of: float16, dynamic, int8. Received: quantize='int4'"),
        ({"quantize": "int8"}, "'int8' needs data with a train split.* Received: data=None"),
        ({"path": "tiny.lite"}, r"path must end in \.tflite. Received: path='tiny.lite'"),
        ({"model": "tiny"}, "model must be a keras.Model. Received: str"),
    ],
)
def test_wrong_inputs(arguments, message, tiny, tmp_path):
    with pytest.raises(InputError, match=message):
        litert(**{"model": tiny, "path": tmp_path / "tiny.tflite", **arguments})
    assert not list(tmp_path.iterdir())
