import types

import keras
import numpy as np
import onnxruntime
import pytest
import tensorflow as tf

from dlkit.errors import ExportError, InputError
from dlkit.export import litert, networks, onnx
from dlkit.export.signatures.signature import serving_default
from dlkit.export.to_litert.files import run_litert


def test_rows_are_bounded_and_come_in_order():
    model = keras.Sequential([keras.Input((2,), name="row"), keras.layers.Dense(1)])
    network = serving_default(model)
    x = np.arange(40, dtype="float32").reshape(20, 2)
    dataset = tf.data.Dataset.from_tensor_slices((x, x[:, 0])).batch(8)
    batches = list(networks.split_rows(network, dataset, 13, 5))
    assert [len(y) for _, y in batches] == [5, 3, 5]
    np.testing.assert_array_equal(np.concatenate([b["row"] for b, _ in batches]), x[:13])
    np.testing.assert_array_equal(np.concatenate([y for _, y in batches]), x[:13, 0])


@pytest.fixture(scope="module")
def reviews():
    """A network of word indices, and the texts that it was trained on."""
    texts = np.array(["a fine film", "a dull film", "fine fine acting", "dull and long"] * 8)
    y = np.array([1, 0, 1, 0] * 8)
    words = keras.layers.TextVectorization(output_sequence_length=4)
    words.adapt(texts)
    text = keras.Input((), dtype="string", name="text")
    tokens = keras.Input((4,), dtype="int64", name="tokens")
    x = keras.layers.Embedding(words.vocabulary_size(), 4)(tokens)
    x = keras.layers.GlobalAveragePooling1D()(x)
    model = keras.Model(tokens, keras.layers.Dense(1, "sigmoid", name="predictions")(x))
    split = tf.data.Dataset.from_tensor_slices((texts, y)).batch(8)
    split = split.map(lambda text, y: (words(text), y))
    model.compile(keras.optimizers.Adam(0.1), "binary_crossentropy")
    model.fit(split, epochs=5, verbose=0)
    data = types.SimpleNamespace(
        task="binary",
        preprocessing=keras.Model(text, words(text)),
        input_spec={"tokens": tf.TensorSpec((4,), tf.int64)},
        train=split,
        test=split,
        examples=(texts[:4], y[:4]),
    )
    return model, data, texts


@pytest.mark.parametrize("export", [onnx, litert])
def test_text_says_that_the_network_can_go_alone(export, reviews, tmp_path):
    model, data, _ = reviews
    ending = ".onnx" if export is onnx else ".tflite"
    message = (
        r"(?:StringSplitV2).*\(text in 'text' needs a SavedModel; inputs='network' writes the"
        r" network alone, which takes tokens\)\.$"
    )
    with pytest.raises(ExportError, match=message):
        export(model, tmp_path / f"text{ending}", data)
    assert not list(tmp_path.iterdir())


def test_the_network_alone_takes_what_the_preprocessing_gives(reviews, tmp_path):
    model, data, texts = reviews
    tokens = data.preprocessing.predict(tf.constant(texts[:6]), verbose=0)
    expected = model.predict(tokens, verbose=0)
    path = onnx(model, tmp_path / "words.onnx", data, inputs="network")
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (answer,) = session.run(["predictions"], {"tokens": tokens})
    np.testing.assert_allclose(answer, expected, atol=1e-5)
    for quantize in (None, "int8"):
        path = litert(
            model, tmp_path / f"{quantize}.tflite", data, inputs="network", quantize=quantize
        )
        (answer,) = run_litert(path.read_bytes(), [{"tokens": tokens}])
        np.testing.assert_allclose(answer["predictions"], expected, atol=0.1 if quantize else 1e-4)


def test_several_inputs_reach_the_network_by_name_in_every_format(tmp_path):
    """The data's dict and the model's list are in different orders, and the shapes differ."""
    raw = {
        "edges": keras.Input((2, 3), dtype="uint8", name="edges"),
        "nodes": keras.Input((3,), dtype="uint8", name="nodes"),
    }
    halves = {name: keras.layers.Rescaling(0.5)(tensor) for name, tensor in raw.items()}
    nodes, edges = keras.Input((3,), name="nodes"), keras.Input((2, 3), name="edges")
    near = keras.layers.GlobalAveragePooling1D()(edges)
    model = keras.Model([nodes, edges], keras.layers.Subtract(name="gap")([nodes, near]))
    random = np.random.default_rng(0)
    given = {
        "edges": random.integers(0, 9, (40, 2, 3), dtype="uint8"),
        "nodes": random.integers(0, 9, (40, 3), dtype="uint8"),
    }
    gap = given["nodes"] / 2 - given["edges"].mean(axis=1) / 2
    prepared = {name: (values / 2).astype("float32") for name, values in given.items()}
    split = tf.data.Dataset.from_tensor_slices((prepared, gap.astype("float32"))).batch(8)
    data = types.SimpleNamespace(
        task="regression",
        preprocessing=keras.Model(raw, halves),
        train=split,
        test=split,
        examples=(given, gap),
    )
    path = onnx(model, tmp_path / "graph.onnx", data)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    np.testing.assert_allclose(session.run(["gap"], given)[0], gap, atol=1e-5)
    for quantize, tolerance in ((None, 1e-5), ("int8", 0.2)):
        path = litert(model, tmp_path / f"{quantize}.tflite", data, quantize=quantize)
        (answer,) = run_litert(path.read_bytes(), [given])
        np.testing.assert_allclose(answer["gap"], gap, atol=tolerance)


def test_an_unknown_kind_of_inputs(tiny, tmp_path):
    with pytest.raises(InputError, match=r"one of: raw, network\. Received: .*'net'"):
        onnx(tiny, tmp_path / "tiny.onnx", inputs="net")
    with pytest.raises(InputError, match="inputs='Network'"):
        litert(tiny, tmp_path / "tiny.tflite", inputs="Network")
    assert not list(tmp_path.iterdir())


def test_errors_that_text_has_no_part_in_stay_as_they_are(tiny):
    error = ExportError("no.")
    assert networks.explain_refusal(error, serving_default(tiny), None) is error
