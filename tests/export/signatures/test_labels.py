import types

import keras
import numpy as np
import pytest

from dlkit.export import saved_model
from dlkit.export.signatures.labels import Classes, Unfit, labels_signature, read_classes
from dlkit.export.signatures.signature import serving_default
from tests.export.asking import answer


def test_labels_are_the_class_names_from_the_likeliest_down(digits):
    raw, _ = digits.data.examples
    scores = digits.model.predict(digits.data.preprocessing.predict(raw, verbose=0), verbose=0)
    got = answer(digits.version, "labels", image=raw)
    np.testing.assert_allclose(got["scores"], -np.sort(-scores, axis=1), atol=1e-6)
    assert got["classes"][:, 0].tolist() == [str(c).encode() for c in scores.argmax(axis=1)]
    for row, names in zip(scores, got["classes"], strict=True):
        assert sorted(names) == sorted(b"%d" % c for c in range(10))
        by_name = [row[int(name)] for name in names]
        assert np.all(np.diff(by_name) <= 1e-6)


def one_layer(activation, units, kernel):
    model = keras.Sequential(
        [keras.Input((2,), name="row"), keras.layers.Dense(units, activation, name="predictions")]
    )
    model.layers[0].set_weights([np.array(kernel, "float32"), np.zeros(units)])
    return model


def test_one_sigmoid_tells_two_classes_apart(tmp_path):
    model = one_layer("sigmoid", 1, [[2.0], [0.0]])
    data = types.SimpleNamespace(task="binary", class_names=("ham", "spam"))
    version = saved_model(model, tmp_path / "mail", data)
    rows = np.array([[1, 0], [-1, 0]], "float32")
    p = 1 / (1 + np.exp(-2.0))
    got = answer(version, "labels", row=rows)
    assert got["classes"].tolist() == [[b"spam", b"ham"], [b"ham", b"spam"]]
    np.testing.assert_allclose(got["scores"], [[p, 1 - p]] * 2, rtol=1e-6)


def test_each_label_of_a_picture_has_its_own_score(tmp_path):
    model = one_layer("sigmoid", 3, [[1.0, -1.0, 3.0], [0.0, 0.0, 0.0]])
    data = types.SimpleNamespace(task="multilabel", class_names=("cat", "d\u00f6g", "sky"))
    got = answer(saved_model(model, tmp_path / "m", data), "labels", row=np.eye(2, dtype="f4")[:1])
    assert [name.decode() for name in got["classes"][0]] == ["sky", "cat", "d\u00f6g"]
    np.testing.assert_allclose(got["scores"][0], 1 / (1 + np.exp([-3.0, -1.0, 1.0])), rtol=1e-6)


def test_nan_is_told_once_and_stands_last(tmp_path):
    model = one_layer("sigmoid", 3, [[1.0, np.nan, 3.0], [0.0, 0.0, 0.0]])
    data = types.SimpleNamespace(task="multilabel", class_names=("a", "b", "c"))
    with pytest.warns(UserWarning, match="'predictions' is NaN") as caught:
        version = saved_model(model, tmp_path / "nan", data)
    assert len({str(warning.message) for warning in caught}) == 1
    got = answer(version, "labels", row=np.eye(2, dtype="f4")[:1])
    assert got["classes"].tolist() == [[b"c", b"a", b"b"]]
    assert np.isnan(got["scores"][0, 2])


@pytest.mark.parametrize(
    ("outputs", "reason"),
    [
        ({"a": np.zeros((2, 3)), "b": np.zeros((2, 3))}, "one output, and the model has a, b"),
        ({"a": np.zeros((2, 3), "int64")}, "of floats, and 'a' holds int64"),
        ({"a": np.zeros((2, 3, 3))}, "for each class, and 'a' has 3 axes"),
    ],
)
def test_models_without_classes(outputs, reason):
    data = types.SimpleNamespace(task="multiclass", class_names=None)
    with pytest.raises(Unfit, match=reason):
        read_classes(data, outputs, named=False)


def test_scores_that_are_alike_may_stand_in_either_order():
    classes = Classes("p", ("b", "a"), binary=True)
    given = serving_default(one_layer("sigmoid", 1, [[0.0], [0.0]]))
    put = labels_signature(given, classes).unordered
    one = {"classes": np.array([[b"b", b"a"]], object), "scores": np.array([[0.5, 0.4]])}
    two = {"classes": np.array([[b"a", b"b"]], object), "scores": np.array([[0.4, 0.5]])}
    assert put(one)["classes"].tolist() == put(two)["classes"].tolist() == [[b"a", b"b"]]
    np.testing.assert_array_equal(put(one)["scores"], put(two)["scores"])
