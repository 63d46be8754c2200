"""Every builder in every format, and a trained network whose accuracy no format changes."""

import functools
import pathlib

import keras
import numpy as np
import onnxruntime
import pytest
import sklearn.datasets
import tensorflow as tf

import dlkit as dk
from dlkit.errors import ExportError
from dlkit.export import litert, onnx, saved_model
from dlkit.export.parity.cpp_loader import load_session
from dlkit.export.to_litert.files import _interpreter_of_tensorflow, run_litert
from tests.export.signature_def import signature_of
from tests.models.checks import batch, make

# Of the numbers' types it is the format that cannot write them, whatever the network.
HALVES = {"mixed_bfloat16": 4e-2, "mixed_float16": 5e-3}
# Of the members and units that test_config gives tabular, these have none.
DEEP = {"architecture": "wide_and_deep", "members": None}
COLUMNS = {"architecture": "ft_transformer", "members": None, "units": None, "num_heads": 2}
MODELS = {
    **{info.name: (info.name, info.tasks[0], {}) for info in dk.models.list()},
    "rnn(unroll=True)": ("rnn", "binary", {"unroll": True, "bidirectional": True}),
    'tabular(architecture="wide_and_deep")': ("tabular", "binary", DEEP),
    'tabular(architecture="ft_transformer")': ("tabular", "binary", COLUMNS),
    **{half: ("cnn", "multiclass", {"mixed_precision": half}) for half in HALVES},
}
PAGE = pathlib.Path(__file__).parent.parent.parent / "docs" / "export_matrix.md"
ROWS = (2, 5)  # neither is what the export itself is checked with


def unpacked(answer):
    """Return a single output by itself, and several by name, as `model.predict` does."""
    return answer if len(answer) > 1 else next(iter(answer.values()))


def by_saved_model(version, batches):
    signature = signature_of(version)
    (taken,) = signature.inputs.values()
    given = {name: info.name for name, info in signature.outputs.items()}
    with load_session(version) as session:
        answers = [session.run({taken.name: x}, list(given.values())) for x in batches]
    return [unpacked(dict(zip(given, answer, strict=True))) for answer in answers]


def by_onnx(path, batches):
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (taken,) = session.get_inputs()
    names = [given.name for given in session.get_outputs()]
    answers = [session.run(None, {taken.name: x}) for x in batches]
    return [unpacked(dict(zip(names, answer, strict=True))) for answer in answers]


def by_litert(path, batches):
    content = path.read_bytes()
    with _interpreter_of_tensorflow():
        interpreter = tf.lite.Interpreter(model_content=content)
    (taken,) = interpreter.get_signature_list()["serving_default"]["inputs"]
    return [unpacked(answer) for answer in run_litert(content, [{taken: x} for x in batches])]


# Format -> how it is written, its ending, how it is run, and the tolerance.
FORMATS = {
    "saved_model": (saved_model, "", by_saved_model, 1e-5),
    "onnx": (onnx, ".onnx", by_onnx, 1e-5),
    "litert": (litert, ".tflite", by_litert, 1e-4),
    "onnx dynamic": (functools.partial(onnx, quantize="dynamic"), ".onnx", by_onnx, 0.05),
    "litert float16": (functools.partial(litert, quantize="float16"), ".tflite", by_litert, 5e-3),
    "litert dynamic": (functools.partial(litert, quantize="dynamic"), ".tflite", by_litert, 0.05),
}
MATRIX = list(FORMATS)[:4]
# (model, format) -> why it cannot work; each fails the day that it does.
IMPOSSIBLE = {
    (half, form): "has no operators of this type"
    for half in HALVES
    for form in MATRIX[1:]
    if (half, form) != ("mixed_float16", "onnx")
}
IMPOSSIBLE["rnn", "litert"] = "its loops need a fixed batch size"


@functools.cache
def built(label):
    name, task, options = MODELS[label]
    return make(name, task, **options)


def cells():
    for label in MODELS:
        for form in MATRIX:
            reason = IMPOSSIBLE.get((label, form), "")
            refused = pytest.mark.xfail(strict=True, raises=ExportError, reason=reason)
            yield pytest.param(label, form, id=f"{label}-{form}", marks=[refused] if reason else [])


@pytest.mark.parametrize(("label", "form"), list(cells()))
def test_every_builder_answers_as_keras_in_every_format(label, form, tmp_path):
    write, ending, run, tolerance = FORMATS[form]
    tolerance = max(tolerance, HALVES.get(label, 0))
    model = built(label)
    batches = [batch(model, MODELS[label][1], rows)[0] for rows in ROWS]
    path = write(model, tmp_path / f"model{ending}")
    for x, answer in zip(batches, run(path, batches), strict=True):
        alike = functools.partial(np.testing.assert_allclose, rtol=tolerance, atol=tolerance)
        keras.tree.map_structure(alike, answer, model.predict(x, verbose=0))


def test_the_page_has_this_matrix():
    """Its error shows the table that the page should have."""
    heads = ["SavedModel", "ONNX", "LiteRT", "ONNX, weights of 8 bits"]
    rows = [["model", *heads], ["---"] * 5]
    rows += [
        [f'any with `mixed_precision="{label}"`' if label in HALVES else f"`{label}`"]
        + [
            f"no: {IMPOSSIBLE[label, form]}" if (label, form) in IMPOSSIBLE else "yes"
            for form in MATRIX
        ]
        for label in MODELS
    ]
    table = "\n".join("| " + " | ".join(row) + " |" for row in rows)
    assert table in PAGE.read_text(), f"{PAGE} should have:\n{table}"


@pytest.fixture(scope="module")
def trained():
    """Return a trained network, its data, and the raw images and labels of the test split."""
    digits = sklearn.datasets.load_digits()
    x, y = digits.images.astype("uint8"), digits.target
    held_out = (x[1400:], y[1400:])
    data = dk.data.from_arrays(
        x[:1400], y[:1400], test=held_out, name="digits", batch_size=32, seed=0
    )
    model = dk.models.build(
        "cnn", data, filters=(16, 32), jit_compile=False, learning_rate=0.005, seed=0
    )
    model.fit(data.train, epochs=8, verbose=0)
    return model, data, held_out


def test_no_format_costs_accuracy(trained, tmp_path):
    model, data, (raw, labels) = trained
    prepared = data.preprocessing.predict(raw, verbose=0)
    right = np.mean(model.predict(prepared, verbose=0).argmax(axis=1) == labels)
    assert right > 0.9
    int8 = functools.partial(litert, quantize="int8")
    sizes = {}
    for form, (write, ending, run, _) in {
        **FORMATS,
        "litert int8": (int8, ".tflite", by_litert, 0),
    }.items():
        path = write(model, tmp_path / f"{form.replace(' ', '-')}{ending}", data)
        (answer,) = run(path, [raw])
        accuracy = np.mean(answer.argmax(axis=1) == labels)
        allowed = {"litert dynamic": 0.01, "litert float16": 0.005, "litert int8": 0.02}
        allowed |= {"onnx dynamic": 0.01}
        assert accuracy == pytest.approx(right, abs=allowed.get(form, 1e-9)), form
        sizes[form] = sum(f.stat().st_size for f in [path, *path.rglob("*")] if f.is_file())
    assert sizes["litert int8"] < sizes["litert float16"] < sizes["litert"]
    assert sizes["litert dynamic"] < sizes["litert float16"]
    assert sizes["litert int8"] < 0.5 * sizes["litert"]
    assert sizes["onnx dynamic"] < 0.5 * sizes["onnx"]
    assert sizes["litert"] < sizes["saved_model"] and sizes["onnx"] < sizes["saved_model"]
