import importlib.util
import json
import subprocess
import sys
import types

import keras
import numpy as np
import psutil
import pytest
import tensorflow as tf

from dlkit.errors import ExportError
from dlkit.export.parity import cpp_loader
from tests.export.signature_def import signature_of

LONG = b"a string that is too long to be kept inside its own 24 bytes\x00\xff"


class Echo(tf.Module):
    """Gives texts back as they came, and joined with themselves."""

    @tf.function(input_signature=[tf.TensorSpec(None, tf.string, "text")])
    def texts(self, text):
        return {"same": text, "twice": tf.strings.join([text, text])}


@pytest.fixture(scope="module")
def echo(tmp_path_factory):
    path = tmp_path_factory.mktemp("echo")
    numeric = [name for name in cpp_loader._TYPES if name != "bool"]
    specs = {name: tf.TensorSpec(None, name, f"x_{name}") for name in numeric}

    def add(values):
        return {name: value + tf.cast(1, value.dtype) for name, value in values.items()}

    module = Echo()
    numbers = tf.function(add, input_signature=[specs], autograph=False)
    tf.saved_model.save(module, str(path), signatures={"texts": module.texts, "numbers": numbers})
    return path


def tensors(path, key):
    signature = signature_of(path, key)
    return (
        {name: info.name for name, info in signature.inputs.items()},
        {name: info.name for name, info in signature.outputs.items()},
    )


def test_every_number_type_goes_in_and_comes_out(echo):
    inputs, outputs = tensors(echo, "numbers")
    values = {name.removeprefix("x_"): np.arange(6).reshape(2, 3) for name in inputs}
    feeds = {inputs[f"x_{name}"]: value.astype(name) for name, value in values.items()}
    with cpp_loader.load_session(echo) as session:
        answers = session.run(feeds, outputs.values())
    for name, answer in zip(outputs, answers, strict=True):
        assert answer.dtype.name == name
        np.testing.assert_array_equal(answer, np.arange(1, 7).reshape(2, 3))


@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 0, 3), (1, 2, 2)])
def test_strings_of_every_length_and_shape(shape, echo):
    values = np.empty(int(np.prod(shape)), dtype=object)
    values[:] = ([b"", LONG, "gr\u00fcn"] * 4)[: values.size]
    values = values.reshape(shape)
    inputs, outputs = tensors(echo, "texts")
    with cpp_loader.load_session(echo) as session:
        for _ in range(3):
            same, twice = session.run({inputs["text"]: values}, [outputs["same"], outputs["twice"]])
    assert same.shape == twice.shape == shape
    expected = [v.encode() if isinstance(v, str) else v for v in values.ravel()]
    assert same.ravel().tolist() == expected
    assert twice.ravel().tolist() == [value * 2 for value in expected]


def test_memory_does_not_grow_with_long_strings(echo):
    inputs, outputs = tensors(echo, "texts")
    values = np.array([LONG * 20_000], dtype=object)  # 1.2 MB, twice that as the answer
    process = psutil.Process()
    with cpp_loader.load_session(echo) as session:
        for count in range(45):
            if count == 5:
                before = process.memory_info().rss
            session.run({inputs["text"]: values}, [outputs["twice"]])
    assert process.memory_info().rss - before < 30 * 2**20  # a leak would be 48 or 96 MB


def test_arrays_that_are_not_contiguous(echo):
    inputs, outputs = tensors(echo, "numbers")
    table = np.arange(12, dtype="float32").reshape(3, 4)
    feeds = {t: np.zeros(1, n.removeprefix("x_")) for n, t in inputs.items()}
    feeds[inputs["x_float32"]] = table.T[::2]
    with cpp_loader.load_session(echo) as session:
        (answer,) = session.run(feeds, [outputs["float32"]])
    np.testing.assert_array_equal(answer, table.T[::2] + 1)


def test_what_the_loader_and_the_runtime_refuse(echo, tmp_path):
    with pytest.raises(ExportError, match=r"C\+\+ loader refused '.*missing'.*Could not find"):
        cpp_loader.load_session(tmp_path / "missing")
    (tmp_path / "saved_model.pb").write_bytes(b"not a protocol buffer")
    with pytest.raises(ExportError, match=r"C\+\+ loader refused"):
        cpp_loader.load_session(tmp_path)
    with pytest.raises(ExportError, match=r"refused .*\{ other \}"):
        cpp_loader.load_session(echo, tags=("other",))
    inputs, outputs = tensors(echo, "numbers")
    with cpp_loader.load_session(echo) as session:
        with pytest.raises(ExportError, match="no tensor 'nowhere:0'"):
            session.run({}, ["nowhere:0"])
        with pytest.raises(ExportError, match="no tensor 'numbers_x_float32:9'"):
            session.run({}, ["numbers_x_float32:9"])
        with pytest.raises(ExportError, match=r"could not run the model: .*placeholder"):
            session.run({}, [outputs["float32"]])
        with pytest.raises(ExportError, match="type datetime64"):
            session.run({inputs["x_float32"]: np.zeros(1, "datetime64[D]")}, [outputs["float32"]])


def test_a_closed_session_says_so(echo):
    session = cpp_loader.load_session(echo)
    session.close()
    session.close()
    with pytest.raises(ExportError, match="session is closed"):
        session.run({}, [])


def test_a_tensorflow_without_the_library(monkeypatch, tmp_path):
    spec = types.SimpleNamespace(submodule_search_locations=[str(tmp_path)])
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: spec)
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(ExportError, match=r"libtensorflow_cc\.2\.dylib is in neither"):
        cpp_loader.load_library()


def test_it_needs_no_tensorflow_in_python(digits):
    """The numbers of a process that never imports tensorflow are those of Keras."""
    signature = signature_of(digits.version)
    raw = digits.data.examples[0][:2]
    code = (
        "import sys; sys.modules['tensorflow_serving'] = sys.modules['keras'] = None\n"
        "import numpy as np\n"
        "from dlkit.export.parity.cpp_loader import load_session\n"
        f"raw = np.array({raw.tolist()}, 'uint8')\n"
        f"with load_session({str(digits.version)!r}) as session:\n"
        f"    (out,) = session.run({{{signature.inputs['image'].name!r}: raw}},"
        f" [{signature.outputs['predictions'].name!r}])\n"
        "assert 'tensorflow' not in sys.modules\n"
        "print(out.tolist())\n"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    expected = digits.model.predict(digits.data.preprocessing.predict(raw, verbose=0), verbose=0)
    np.testing.assert_allclose(json.loads(done.stdout), expected, rtol=1e-5, atol=1e-6)


def test_numbers_equal_predict_for_a_large_batch(digits):
    signature = signature_of(digits.version)
    raw = np.concatenate([digits.data.examples[0]] * 8)
    with cpp_loader.load_session(digits.version) as session:
        (answer,) = session.run(
            {signature.inputs["image"].name: raw}, [signature.outputs["predictions"].name]
        )
    whole = keras.Sequential([digits.data.preprocessing, digits.model])
    np.testing.assert_allclose(answer, whole.predict(raw, verbose=0), rtol=1e-5, atol=1e-6)
