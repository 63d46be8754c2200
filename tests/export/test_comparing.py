import types

import keras
import numpy as np
import pytest
import sklearn.datasets
import sklearn.metrics

from dlkit.errors import InputError
from dlkit.export import benchmark, litert, onnx


def test_each_export_is_weighed_scored_and_timed(digits, tmp_path, capsys):
    paths = [
        digits.version,
        onnx(digits.model, tmp_path / "d.onnx", digits.data),
        litert(digits.model, tmp_path / "d.tflite", digits.data),
        litert(digits.model, tmp_path / "d8.tflite", digits.data, quantize="int8"),
    ]
    capsys.readouterr()
    table = benchmark(paths, digits.data, rounds=2, calls=3)
    rows = digits.data.origin.split.test
    bunch = sklearn.datasets.load_digits()
    raw = bunch.images.astype("uint8")[rows]
    scores = digits.model.predict(digits.data.preprocessing.predict(raw, verbose=0), verbose=0)
    accuracy = sklearn.metrics.accuracy_score(bunch.target[rows], scores.argmax(axis=1))
    assert [row["format"] for row in table] == ["saved_model", "onnx", "litert", "litert"]
    assert {(row["measure"], row["rows"]) for row in table} == {("accuracy", 360)}
    for row in table[:3]:
        assert row["score"] == pytest.approx(accuracy)
    assert table[3]["score"] == pytest.approx(accuracy, abs=0.02)
    assert table[1]["bytes"] == paths[1].stat().st_size
    assert table[3]["bytes"] < table[2]["bytes"] < table[0]["bytes"]
    assert all(1 < row["microseconds"] < 1e6 for row in table)
    printed = capsys.readouterr().out.splitlines()
    assert printed[0].split() == ["format", "KB", "accuracy", "us", "a", "row", "path"]
    assert [line.split()[0] for line in printed[1:]] == [row["format"] for row in table]
    assert f"{accuracy:.4f}" in printed[1] and str(paths[0]) in printed[1]


def rows(**columns):
    return types.SimpleNamespace(task="regression", examples=(columns, np.zeros(2)))


@pytest.mark.parametrize(
    ("paths", "data", "message"),
    [
        ([], rows(row=np.zeros((2, 4))), r"Received: paths=\[\]"),
        (["nothing.onnx"], rows(), "files that exist. Received: 'nothing.onnx'"),
        (["notes.txt"], rows(), "files that exist. Received: 'notes.txt'"),
        (
            ["tiny.tflite"],
            None,
            "must have a task, and raw rows .* of the task None",
        ),
        (["tiny.tflite"], rows(age=np.zeros(2)), "take the raw input of data, age. .* takes row"),
    ],
)
def test_what_cannot_be_compared(paths, data, message, tiny, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "notes.txt").write_text("")
    litert(tiny, "tiny.tflite")
    with pytest.raises(InputError, match=message):
        benchmark(paths, data, calls=1, rounds=1)


def test_a_task_without_a_score_is_timed_all_the_same(tmp_path, capsys):
    """Two columns by name, a whole number given for a float, and several outputs."""
    both = {name: keras.Input((1,), name=name) for name in ("age", "size")}
    model = keras.Model(both, {name: keras.layers.Identity()(x) for name, x in both.items()})
    path = litert(model, tmp_path / "two.tflite")
    columns = {"age": np.array([[1], [2]]), "size": np.array([[3], [4]])}
    (row,) = benchmark([path], rows(**columns), calls=1, rounds=1)
    assert row["score"] is None and row["measure"] == "R2"
    assert capsys.readouterr().out.splitlines()[-1].split()[2] == "-"


def test_exports_of_earlier_versions_have_lower_case_names(tmp_path):
    """Beside newer ones, which keep a column's case."""
    columns = {"Age": np.array([[1.0], [2.0]], "float32")}
    for place, name in enumerate(("age", "Age")):
        model = keras.Sequential([keras.Input((1,), name=name), keras.layers.Identity()])
        litert(model, tmp_path / f"{place}.tflite")
    paths = [tmp_path / "0.tflite", tmp_path / "1.tflite"]
    found = benchmark(paths, rows(**columns), calls=1, rounds=1)
    assert found[0]["score"] == found[1]["score"] is not None


@pytest.mark.parametrize("name", ["rounds", "calls", "threads"])
def test_numbers_below_one(name, tmp_path):
    with pytest.raises(InputError, match=f"Received: {name}=0"):
        benchmark([tmp_path], None, **{name: 0})
