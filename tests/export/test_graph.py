"""What no export can hold is refused before anything is written."""

import dataclasses
import types

import keras
import numpy as np
import pytest
import tensorflow as tf

import dlkit as dk
from dlkit.errors import InputError
from dlkit.export import saved_model
from dlkit.export.graph import prepare_export, write_graph
from tests.export.signatures.test_selection import Reverse


def unbuilt():
    return keras.Sequential([keras.layers.Dense(2)], name="unbuilt")


def stateful():
    return keras.Sequential(
        [keras.Input(batch_shape=(4, 3, 2)), keras.layers.LSTM(3, stateful=True, name="memory")]
    )


def ragged():
    words = keras.layers.TextVectorization(ragged=True, name="words")
    words.adapt(["a b"])
    return keras.Sequential([keras.Input((), dtype="string"), words])


class TwoArguments(keras.Model):
    def call(self, first, second):
        return first + second


def two_arguments():
    model = TwoArguments(name="two")
    model(np.ones((1, 2)), np.ones((1, 2)))
    return model


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (dict, "model must be a keras.Model. Received: dict"),
        (lambda: keras.layers.Dense(1), "Received: Dense"),
        (unbuilt, "Model 'unbuilt' has no weights yet"),
        (stateful, "Layer 'memory' keeps a state"),
        (ragged, "Output 'words' .* is a RaggedTensor"),
        (two_arguments, "Model 'two' cannot predict .* argument: 'second'"),
    ],
)
def test_models_that_cannot_be_served(make, message, tmp_path):
    with pytest.raises(InputError, match=message):
        saved_model(make(), tmp_path / "model")
    assert not list(tmp_path.iterdir())


def test_data_of_another_shape(digits, tiny, tmp_path):
    message = r"'tiny' takes \(None, 4\)\. Received: data 'digits', which gives \(None, 8, 8, 1\)"
    with pytest.raises(InputError, match=message):
        saved_model(tiny, tmp_path / "tiny", digits.data)
    spec = {"row": tf.TensorSpec((5,), tf.float32)}
    with pytest.raises(InputError, match=r"data 'five', which gives \(None, 5\)"):
        saved_model(tiny, tmp_path / "tiny", types.SimpleNamespace(name="five", input_spec=spec))
    assert not list(tmp_path.iterdir())


def test_preprocessing_must_be_a_model(tiny, tmp_path):
    data = types.SimpleNamespace(preprocessing=np.log1p)
    with pytest.raises(InputError, match=r"data\.preprocessing must be .* Received: ufunc"):
        saved_model(tiny, tmp_path / "tiny", data)


def test_a_batch_that_is_known_is_not_asked_again(tiny, monkeypatch):
    signature, batches, expected = prepare_export(tiny, None)
    monkeypatch.setattr(tiny, "predict_on_batch", None)
    for batch, answer in zip(batches, expected, strict=True):
        again = {name: array.copy() for name, array in batch.items()}
        assert signature.reference(again) is answer
    with pytest.raises(TypeError):
        signature.reference({name: array + 1 for name, array in batches[0].items()})


def test_a_model_whose_outputs_are_renamed_is_asked_once(monkeypatch):
    text = keras.Input((), dtype="string", name="text")
    model = keras.Model(text, Reverse(name="packed", dtype="string")(text))
    asked = []
    predict = model.predict_on_batch
    monkeypatch.setattr(model, "predict_on_batch", lambda x: asked.append(x) or predict(x))
    _, batches, expected = prepare_export(model, None)
    assert all(set(answer) == {"packed_bytes"} for answer in expected)
    assert len(asked) == len(batches)


class Numbered(keras.Model):
    """Knows words by a table that it holds itself, in a dict."""

    def __init__(self):
        super().__init__()
        words = tf.lookup.KeyValueTensorInitializer(["no", "yes"], tf.constant([0.0, 1.0]))
        self.tables = {"words": [tf.lookup.StaticHashTable(words, -1.0)]}

    def call(self, texts):
        return self.tables["words"][0].lookup(texts)


def test_a_table_that_a_subclassed_model_holds_goes_with_it(tmp_path):
    model = Numbered()
    model(tf.constant(["no"]))
    texts = np.array(["yes", "no", "?"], dtype=object)
    spec = {"text": tf.TensorSpec((), tf.string)}
    data = types.SimpleNamespace(examples=(texts, None), input_spec=spec)
    loaded = tf.saved_model.load(str(saved_model(model, tmp_path / "numbered", data)))
    (answer,) = loaded.signatures["serving_default"](tf.constant(texts)).values()
    np.testing.assert_array_equal(answer, [1, 0, -1])


def test_the_graph_holds_a_signature_once_and_the_variables(tiny, tmp_path):
    signature = prepare_export(tiny, None).signature
    times = []

    def compute(tensors):
        times.append(tensors)
        return signature.compute(tensors)

    offered = {"serving_default": dataclasses.replace(signature, compute=compute)}
    write_graph(tiny, None, offered, tmp_path)
    assert len(times) == 1
    loaded = tf.saved_model.load(str(tmp_path))
    for one, other in zip(loaded.variables, tiny.variables, strict=True):
        np.testing.assert_array_equal(one, other)
    row = np.ones((1, 4), "float32")
    np.testing.assert_allclose(
        loaded.serving_default({"row": row})["predictions"], tiny(row), rtol=1e-6
    )


def test_a_schedule_that_has_replaced_a_rate_is_no_hindrance(tmp_path):
    digits = dk.data.load("digits")
    model = dk.models.build("perceptron", digits)
    model.optimizer.learning_rate = dk.training.OneCycle(0.1, 10)
    model.fit(digits.train.take(1), verbose=0)
    x = digits.examples[0][:2]
    served = tf.saved_model.load(str(saved_model(model, tmp_path / "model", digits)))
    (answer,) = served.signatures["serving_default"](tf.constant(x)).values()
    np.testing.assert_allclose(answer, model(digits.preprocessing(x)), atol=1e-5)
