import json
import types

import keras
import numpy as np
import pytest
import sklearn.datasets
import sklearn.metrics

from dlkit.errors import ExportError
from dlkit.export import litert, onnx, saved_model
from dlkit.export.parity import scoring
from dlkit.export.signatures.signature import serving_default
from tests.export.broken import Unlike


def test_scores_are_those_of_scikit_learn():
    random = np.random.default_rng(0)
    for task, y, p in (
        ("multiclass", random.integers(0, 3, 50), random.random((50, 3))),
        ("binary", random.integers(0, 2, 50), random.random((50, 1))),
        ("multilabel", random.integers(0, 2, (50, 4)), random.random((50, 4))),
        ("regression", random.normal(size=50), random.normal(size=(50, 1))),
    ):
        got = scoring.score_predictions(task, y, p)
        if task == "regression":
            expected = sklearn.metrics.r2_score(y, p[:, 0])
        elif task == "multiclass":
            expected = sklearn.metrics.accuracy_score(y, p.argmax(axis=1))
            one_hot = np.eye(3)[y]
            assert scoring.score_predictions(task, one_hot, p) == pytest.approx(expected)
        else:
            expected = sklearn.metrics.accuracy_score(y.ravel(), (p >= 0.5).ravel())
        assert got == pytest.approx(expected)


def test_the_card_tells_the_accuracy_on_the_test_split(digits):
    """The same rows and labels by scikit-learn, which splits nothing and knows no Data."""
    rows = digits.data.origin.split.test
    bunch = sklearn.datasets.load_digits()
    raw = bunch.images.astype("uint8")[rows]
    scores = digits.model.predict(digits.data.preprocessing.predict(raw, verbose=0), verbose=0)
    accuracy = sklearn.metrics.accuracy_score(bunch.target[rows], scores.argmax(axis=1))
    card = json.loads((digits.version / "assets.extra" / "model_card.json").read_text())
    assert card["test"]["rows"] == len(rows) == 360
    assert card["test"]["measure"] == "accuracy"
    assert card["test"]["keras"] == card["test"]["export"] == pytest.approx(accuracy)
    assert card["test"]["tolerance"] == pytest.approx(1 / 360)


def line(answers):
    """A regression that is checked with `answers` as the truth."""
    model = keras.Sequential([keras.Input((1,), name="x"), keras.layers.Dense(1, name="y")])
    model.layers[0].set_weights([np.array([[2.0]]), np.zeros(1)])
    x = np.arange(8, dtype="float32").reshape(8, 1)
    return model, types.SimpleNamespace(task="regression", examples=(x, np.asarray(answers)))


def test_without_a_test_split_the_examples_are_scored(tmp_path):
    y = 2 * np.arange(8.0) + np.tile([0.5, -0.5], 4)
    model, data = line(y)
    version = saved_model(model, tmp_path / "line", data)
    told = json.loads((version / "assets.extra" / "model_card.json").read_text())["test"]
    expected = sklearn.metrics.r2_score(y, 2 * np.arange(8.0))
    assert (told["measure"], told["rows"]) == ("R2", 8)
    assert told["keras"] == pytest.approx(expected)
    assert told["export"] == pytest.approx(expected, abs=1e-6)


def test_what_has_no_score_is_not_scored():
    model, data = line(np.zeros((8, 3)))
    signature = serving_default(model)
    for other in (data, None, types.SimpleNamespace(task="translation", examples=data.examples)):
        assert scoring.held_out_rows(signature, other) is None
    assert scoring.held_out_rows(signature, types.SimpleNamespace(task="regression")) is None
    assert scoring.held_out_rows(signature, line(np.zeros(8))[1]) is not None


class OnlyFew(keras.layers.Layer):
    """Right for what an export is first checked with, and wrong for larger batches."""

    def __init__(self, **options):
        super().__init__(**options)
        self.unlike = Unlike()

    def call(self, x):
        few = keras.ops.shape(x)[0] < 5
        return keras.ops.where(few, x, self.unlike(x) * 10)


@pytest.mark.parametrize(
    ("export", "name"), [(saved_model, "few"), (onnx, "few.onnx"), (litert, "few.tflite")]
)
def test_another_accuracy_on_more_rows_is_refused(export, name, tmp_path):
    model = keras.Sequential([keras.Input((1,), name="x"), OnlyFew(name="y")])
    x = np.arange(8, dtype="float32").reshape(8, 1)
    data = types.SimpleNamespace(task="regression", examples=(x, 20 * x))
    message = (
        r"The exported model's R2 on 8 test rows is -?\d.*, and model\.predict's .* than 0\.001"
    )
    with pytest.raises(ExportError, match=message):
        export(model, tmp_path / name, data)
    assert not list(tmp_path.iterdir())


def test_nan_is_as_good_as_nan():
    rows = scoring.HeldOut("regression", [{}], np.zeros(2), float("nan"))
    assert scoring.compare_scores(rows, [{"y": np.full(2, np.nan)}])["rows"] == 2
    with pytest.raises(ExportError, match=r"is 1\.0000, and model\.predict's nan"):
        scoring.compare_scores(rows, [{"y": np.zeros(2)}])
