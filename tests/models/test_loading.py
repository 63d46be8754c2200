"""`dk.models.load`: in a fresh process, in safe mode, with everything that dlkit adds to Keras."""

import pathlib
import re
import subprocess
import sys
import warnings
import zipfile

import keras
import numpy as np
import pytest

import dlkit as dk
from dlkit.errors import InputError

FRESH = """
import sys
import numpy as np
import dlkit as dk

model = dk.models.load(sys.argv[1] + "/model.keras")
held = np.load(sys.argv[1] + "/held.npz")
np.testing.assert_allclose(model.predict(held["x"], verbose=0), held["before"], atol=1e-6)
model.fit(held["x"], held["y"], batch_size=32, epochs=1, shuffle=False, verbose=0)
np.testing.assert_allclose(model.predict(held["x"], verbose=0), held["after"], atol=1e-5)
print(type(model.loss).__name__, type(model.optimizer._learning_rate).__name__)
"""


def test_a_fresh_process_predicts_and_trains_on_the_same(tmp_path):
    data = dk.data.load("digits", batch_size=32, augment=False)
    schedule = dk.training.OneCycle(0.01, 100)
    model = dk.models.build(
        "cnn",
        data,
        filters=(4,),
        normalization="weight",
        label_smoothing=0.1,
        learning_rate=schedule,
        optimizer="adamw",
        dropout=0.0,
        jit_compile=False,
        steps_per_execution=1,
        seed=0,
    )
    model.fit(data.train.take(3), epochs=1, verbose=0)
    model.save(tmp_path / "model.keras")
    x, y = next(data.test.repeat().unbatch().batch(96).as_numpy_iterator())
    before = model.predict(x, verbose=0)
    model.fit(x, y, batch_size=32, epochs=1, shuffle=False, verbose=0)
    after = model.predict(x, verbose=0)
    assert np.abs(after - before).max() > 1e-3
    np.savez(tmp_path / "held.npz", x=x, y=y, before=before, after=after)
    script = tmp_path / "fresh.py"
    script.write_text(FRESH)
    run = subprocess.run(
        [sys.executable, script, tmp_path], capture_output=True, text=True, timeout=120
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.split() == ["SparseSmoothedCrossentropy", "OneCycle"]


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "lion"])
def test_an_untrained_model_loads_without_a_warning(tmp_path, optimizer):
    model = dk.models.mlp((4,), 3, optimizer=optimizer, normalization="weight", seed=2)
    model.save(tmp_path / "model.keras")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        loaded = dk.models.load(str(tmp_path / "model.keras"))
    x = np.eye(4, dtype="float32")
    np.testing.assert_array_equal(loaded.predict(x, verbose=0), model.predict(x, verbose=0))


def test_code_in_a_file_is_not_run(tmp_path):
    layers = [keras.Input((2,)), keras.layers.Lambda(lambda x: x + 1)]
    keras.Sequential(layers).save(tmp_path / "model.keras")
    with pytest.raises(ValueError, match="unsafe"):
        dk.models.load(tmp_path / "model.keras")


def test_a_file_that_is_not_there_is_named(tmp_path):
    for path in (tmp_path / "no.keras", tmp_path):
        with pytest.raises(InputError, match=f"There is no model file {path}; give the path"):
            dk.models.load(path)


def test_a_file_that_is_no_model_is_named(tmp_path):
    text, other, half = (tmp_path / name for name in ("text.keras", "zip.keras", "half.keras"))
    text.write_text("not a zip")
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("thesis.txt", "mine")
    dk.models.perceptron((4,), 3).save(tmp_path / "whole.keras")
    content = (tmp_path / "whole.keras").read_bytes()
    half.write_bytes(content[: len(content) // 2])
    for path in (text, other, half):
        with pytest.raises(InputError, match=f"{path} is not a .keras file, or not a whole one"):
            dk.models.load(path)


KNOWN = """
import sys
import keras
import dlkit as dk

dk.models.load(sys.argv[1])
print(*keras.saving.get_custom_objects())
"""


def test_a_fresh_process_knows_what_any_network_is_made_of(tmp_path):
    path = tmp_path / "model.keras"
    dk.models.perceptron((4,), 3).save(path)
    run = subprocess.run(
        [sys.executable, "-c", KNOWN, path], capture_output=True, text=True, timeout=120
    )
    assert run.returncode == 0, run.stderr
    package = pathlib.Path(dk.__file__).parent
    sources = [
        file for room in ("layers", "models", "training") for file in (package / room).rglob("*.py")
    ]
    registered = re.compile(
        r'^@keras.*register_keras_serializable\(package="dlkit"\)\nclass (\w+)', re.M
    )
    names = {f"dlkit>{name}" for file in sources for name in registered.findall(file.read_text())}
    assert len(names) > 10
    assert names <= set(run.stdout.split())
