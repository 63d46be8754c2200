import json
import os
import pathlib
import stat
import subprocess
import sys
import threading
import types

import keras
import numpy as np
import pytest
import tensorflow as tf

import dlkit
from dlkit.errors import ExportError, InputError
from dlkit.export import saved_model, versions
from dlkit.export.parity.cpp_loader import load_session
from tests.export.signature_def import signature_of


def predicted(version, feeds, output="predictions"):
    """Run an export through the C++ loader, with feeds by input name."""
    signature = signature_of(version)
    named = {signature.inputs[name].name: value for name, value in feeds.items()}
    with load_session(version) as session:
        return session.run(named, [signature.outputs[output].name])[0]


def test_raw_digits_give_the_predictions_of_the_trained_model(digits):
    raw, labels = digits.data.examples
    network_input = digits.data.preprocessing.predict(raw, verbose=0)
    expected = digits.model.predict(network_input, verbose=0)
    answer = predicted(digits.version, {"image": raw})
    np.testing.assert_allclose(answer, expected, rtol=1e-5, atol=1e-6)
    assert np.mean(answer.argmax(axis=1) == labels) > 0.6  # it has learned: chance is 0.1


def test_the_signature_takes_what_a_client_has(digits):
    signature = signature_of(digits.version)
    assert list(signature.inputs) == ["image"]
    assert list(signature.outputs) == ["predictions"]
    image = signature.inputs["image"]
    assert tf.as_dtype(image.dtype) == tf.uint8
    assert [dim.size for dim in image.tensor_shape.dim] == [-1, 8, 8]
    assert signature.method_name == "tensorflow/serving/predict"


def test_inference_equals_numpy_by_hand(tmp_path):
    """Dropout is off and batch normalisation uses its moving statistics."""
    model = keras.Sequential(
        [
            keras.Input((4,), name="row"),
            keras.layers.BatchNormalization(epsilon=0.5),
            keras.layers.Dropout(0.9),
            keras.layers.Dense(2, name="predictions"),
        ]
    )
    model.layers[0].set_weights([np.full(4, 2.0), np.full(4, 1.0), np.arange(4.0), np.full(4, 3.5)])
    kernel = np.arange(8.0).reshape(4, 2)
    model.layers[2].set_weights([kernel, np.array([1.0, -1.0])])
    rows = np.random.default_rng(1).random((5, 4)).astype("float32")
    normalised = 2.0 * (rows - np.arange(4)) / np.sqrt(3.5 + 0.5) + 1.0
    answer = predicted(saved_model(model, tmp_path / "tiny"), {"row": rows})
    np.testing.assert_allclose(answer, normalised @ kernel + [1.0, -1.0], rtol=1e-5)


def test_an_export_runs_where_neither_keras_nor_dlkit_can_be_imported(digits, tmp_path):
    raw = digits.data.examples[0][:4]
    np.save(tmp_path / "raw.npy", raw)
    code = (
        "import sys; sys.modules['keras'] = sys.modules['dlkit'] = None\n"
        "import numpy as np, tensorflow as tf\n"
        f"loaded = tf.saved_model.load({str(digits.version)!r})\n"
        "raw = tf.constant(np.load('raw.npy'))\n"
        "np.save('out.npy', loaded.signatures['serving_default'](image=raw)['predictions'])\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True, capture_output=True)
    np.testing.assert_allclose(
        np.load(tmp_path / "out.npy"),
        digits.model.predict(digits.data.preprocessing.predict(raw, verbose=0), verbose=0),
        rtol=1e-5,
        atol=1e-6,
    )


def test_extra_files_tell_what_the_model_is(digits):
    extra = digits.version / "assets.extra"
    names = json.loads((extra / "class_names.json").read_text(encoding="utf-8"))
    assert names == list("0123456789")
    card = json.loads((extra / "model_card.json").read_text(encoding="utf-8"))
    assert card["name"] == "digits"
    assert card["data"] == "digits"
    assert card["task"] == "multiclass"
    assert card["class_names"] == names
    # 3x3x1x8 + 8, 4 x 8 of the batch normalisation, 6x6x8 x 10 + 10
    assert card["parameters"] == 80 + 32 + 2890
    assert card["created"].endswith("+00:00")
    assert card["versions"] == {
        "dlkit": dlkit.__version__,
        "keras": keras.__version__,
        "tensorflow": tf.__version__,
    }
    assert card["check"]["batch_sizes"] == [1, 3]
    assert card["check"]["tolerance"] == 1e-5
    assert 0 <= card["check"]["max_difference"] <= 1e-5


def test_without_class_names_there_is_no_file_of_them(tiny, tmp_path):
    version = saved_model(tiny, tmp_path / "tiny")
    assert not (version / "assets.extra" / "class_names.json").exists()
    card = json.loads((version / "assets.extra" / "model_card.json").read_text())
    assert card["class_names"] is None
    assert card["data"] is None


def test_versions_count_upwards_and_others_may_read_them(tiny, tmp_path):
    base = tmp_path / "models" / "tiny"
    assert [saved_model(tiny, base).name, saved_model(tiny, str(base)).name] == ["1", "2"]
    (base / "7").mkdir()
    (base / "notes.txt").write_text("not a version")
    assert saved_model(tiny, base) == base / "8"
    assert versions(base) == (1, 2, 7, 8)
    assert not list(base.glob(".*"))
    (tmp_path / "plain").mkdir()
    plain = stat.S_IMODE((tmp_path / "plain").stat().st_mode)
    assert stat.S_IMODE((base / "8").stat().st_mode) == plain  # a server runs as somebody else


def test_a_watcher_never_sees_half_of_a_version(tiny, tmp_path):
    base = tmp_path / "tiny"
    base.mkdir()
    wanted = ("saved_model.pb", "variables/variables.index", "assets.extra/model_card.json")
    wanted += ("assets.extra/tf_serving_warmup_requests",)
    done = threading.Event()
    seen: set[str] = set()
    broken: list[str] = []

    def watch():
        while not done.is_set():
            for child in os.listdir(base):
                if child.isdecimal() and child not in seen:
                    seen.add(child)
                    broken.extend(f for f in wanted if not (base / child / f).exists())

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        for _ in range(3):
            saved_model(tiny, base)
    finally:
        done.set()
        watcher.join()
    assert broken == []
    assert {"1", "2"} <= seen


class Branches(keras.Model):
    """A subclassed model with a dict of inputs and nested outputs."""

    def __init__(self):
        super().__init__()
        self.dense = keras.layers.Dense(2, kernel_initializer="ones")
        self.dropout = keras.layers.Dropout(0.5)

    def call(self, x, training=None):
        both = self.dropout(self.dense(x["left"]) + self.dense(x["right"]), training=training)
        return {"sum": both, "pair": [x["left"], x["right"]]}


def test_a_subclassed_model_with_many_inputs_and_outputs(tmp_path):
    model = Branches()
    left, right = np.ones((2, 3), "float32"), np.full((2, 3), 2, "float32")
    model({"left": left, "right": right})
    version = saved_model(model, tmp_path / "branches")
    assert sorted(signature_of(version).outputs) == ["pair_0", "pair_1", "sum"]
    feeds = {"left": left, "right": right}
    np.testing.assert_allclose(predicted(version, feeds, "sum"), np.full((2, 2), 9.0))
    np.testing.assert_array_equal(predicted(version, feeds, "pair_1"), right)


def test_a_functional_model_with_lists_keeps_layer_names(tmp_path):
    """Unnamed inputs get a name that does not depend on what else the process has built."""
    first, second = keras.Input((2, 2)), keras.Input((2,), name="Petal length (cm)")
    sequence, state, cell = keras.layers.LSTM(2, return_state=True, name="lstm")(first)
    total = keras.layers.Add(name="total")([sequence, second])
    model = keras.Model([first, second], [sequence, state, cell, total])
    version = saved_model(model, tmp_path / "many")
    signature = signature_of(version)
    assert sorted(signature.inputs) == ["Petal_length__cm_", "inputs"]
    assert sorted(signature.outputs) == ["lstm", "lstm_1", "lstm_2", "total"]
    random = np.random.default_rng(2)
    rows, more = random.random((3, 2, 2), np.float32), random.random((3, 2), np.float32)
    feeds = {"inputs": rows, "Petal_length__cm_": more}
    expected = model.predict([rows, more], verbose=0)
    for name, value in zip(("lstm", "lstm_1", "lstm_2", "total"), expected, strict=True):
        np.testing.assert_allclose(predicted(version, feeds, name), value, atol=1e-6)


def test_a_text_model_carries_its_vocabulary(tmp_path):
    words = keras.layers.TextVectorization(6, output_mode="count", name="counts")
    words.adapt(["good good film", "bad film"])
    text = keras.Input((), dtype="string", name="text")
    version = saved_model(keras.Model(text, words(text)), tmp_path / "text")
    order = words.get_vocabulary()
    asked = np.array([b"Good film, good actors!", b""], dtype=object)
    expected = np.zeros((2, len(order)))
    expected[0, order.index("good")] = 2
    expected[0, order.index("film")] = expected[0, order.index("[UNK]")] = 1
    np.testing.assert_array_equal(predicted(version, {"text": asked}, "counts"), expected)


def test_string_answers_are_compared_too(tmp_path):
    label = keras.layers.StringLookup(
        vocabulary=["red", "a colour whose name is longer than a small string"], invert=True
    )
    index = keras.Input((1,), dtype="int64", name="index")
    model = keras.Model(index, keras.layers.Identity(name="label_bytes")(label(index)))
    version = saved_model(model, tmp_path / "labels")
    answer = predicted(version, {"index": np.array([[2], [1]])}, "label_bytes")
    assert answer.tolist() == [[b"a colour whose name is longer than a small string"], [b"red"]]


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_half_precision_answers_as_float32(dtype, tmp_path):
    model = keras.Sequential(
        [
            keras.Input((4,), name="row", dtype=dtype),
            keras.layers.Dense(16, dtype=dtype),
            keras.layers.Dense(3, dtype=dtype, name="predictions"),
        ]
    )
    version = saved_model(model, tmp_path / "half")
    signature = signature_of(version)
    assert tf.as_dtype(signature.inputs["row"].dtype) == tf.float32
    assert tf.as_dtype(signature.outputs["predictions"].dtype) == tf.float32
    rows = np.random.default_rng(3).random((3, 4), np.float32)
    first, second = ([w.astype("float32") for w in layer.get_weights()] for layer in model.layers)
    exact = (rows @ first[0] + first[1]) @ second[0] + second[1]
    np.testing.assert_allclose(predicted(version, {"row": rows}), exact, atol=0.1)


def test_any_sequence_length_and_batch_size(tmp_path):
    model = keras.Sequential(
        [
            keras.Input((None, 2), name="series"),
            keras.layers.GRU(4),
            keras.layers.Dense(1, name="predictions"),
        ]
    )
    version = saved_model(model, tmp_path / "series")
    for rows, steps in ((1, 5), (7, 40)):
        series = np.random.default_rng(steps).random((rows, steps, 2), np.float32)
        np.testing.assert_allclose(
            predicted(version, {"series": series}),
            model.predict(series, verbose=0),
            rtol=1e-5,
            atol=1e-6,
        )


def test_a_subclassed_text_model_is_told_its_type_by_the_data(tmp_path):
    class Words(keras.Model):
        def __init__(self):
            super().__init__()
            self.words = keras.layers.TextVectorization(6, output_mode="count")
            self.words.adapt(["good good film", "bad film"])

        def call(self, x):
            return self.words(x)

    model = Words()
    model(tf.constant(["good"]))
    with pytest.raises(InputError, match=r"made-up input \(inputs float32 \(1,\)\).*input_spec"):
        saved_model(model, tmp_path / "words")
    assert not (tmp_path / "words").exists()
    data = types.SimpleNamespace(input_spec={"text": tf.TensorSpec((), tf.string)})
    version = saved_model(model, tmp_path / "words", data)
    answer = predicted(version, {"text": np.array([b"bad bad"], dtype=object)}, "output_0")
    assert answer.sum() == 2


class Noise(keras.layers.Layer):
    """Random at inference too: no two answers are the same."""

    def __init__(self, **options):
        super().__init__(**options)
        self.seed = keras.random.SeedGenerator(1)

    def call(self, x):
        return x + keras.random.normal(keras.ops.shape(x), seed=self.seed)


class Callback(keras.layers.Layer):
    """Calls back into Python, which no model server has."""

    def call(self, x):
        doubled = tf.numpy_function(lambda rows: rows * 2, [x], tf.float32)
        doubled.set_shape(x.shape)
        return doubled

    def compute_output_shape(self, shape):
        return shape


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (Noise(name="noise"), r"output 'noise' differs .* batch size 1 by .*more than 1e-05"),
        (Callback(name="callback"), "could not run the model: .*PyFunc"),
    ],
)
@pytest.mark.parametrize("exists", [True, False])
def test_a_failed_check_leaves_nothing_behind(layer, message, exists, tmp_path):
    base = tmp_path / "models" / "broken"
    if exists:
        base.mkdir(parents=True)
    model = keras.Sequential([keras.Input((3,)), layer])
    with pytest.raises(ExportError, match=message):
        saved_model(model, base)
    assert sorted(tmp_path.rglob("*")) == ([base.parent, base] if exists else [])


def test_an_older_version_survives_a_failed_export(tiny, tmp_path):
    base = tmp_path / "model"
    saved_model(tiny, base)
    before = sorted(base.rglob("*"))
    with pytest.raises(ExportError):
        saved_model(keras.Sequential([keras.Input((3,)), Noise()]), base)
    assert sorted(base.rglob("*")) == before


def test_nan_predictions_are_told(tiny, tmp_path):
    tiny.layers[0].set_weights([np.full((4, 3), np.nan), np.zeros(3)])
    with pytest.warns(UserWarning, match="'predictions' is NaN") as caught:
        version = saved_model(tiny, tmp_path / "nan")
    assert {pathlib.Path(warning.filename) for warning in caught} == {pathlib.Path(__file__)}
    assert version.name == "1"
