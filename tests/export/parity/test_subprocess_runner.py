import sys

import keras
import numpy as np
import pytest

from dlkit.errors import ExportError
from dlkit.export import saved_model
from dlkit.export.parity import subprocess_runner
from tests.export.signature_def import signature_of


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6, dtype="int16").reshape(2, 3)[:, ::2],
        np.array(2.5),
        np.zeros((2, 0), "complex64"),
        np.array([[b"\x00a", b"", "gr\u00fcn".encode()]], dtype=object),
        np.array([np.nan, np.inf, -0.0], "float16"),
    ],
)
def test_arrays_survive_the_way_to_the_process_and_back(array):
    back = subprocess_runner._decode(subprocess_runner._encode(array))
    assert back.dtype == array.dtype
    assert back.shape == array.shape
    np.testing.assert_array_equal(back, array)


class Printing(keras.layers.Layer):
    """Writes to the standard output while it runs."""

    def call(self, x):
        import tensorflow as tf

        tf.print("seen", tf.shape(x), output_stream="file:///dev/stdout")
        return x * 2


def test_what_a_model_prints_does_not_disturb_the_answer(tmp_path, capfd):
    model = keras.Sequential([keras.Input((3,), name="row"), Printing(name="twice")])
    version = saved_model(model, tmp_path / "printing")
    signature = signature_of(version)
    capfd.readouterr()
    feeds = [{signature.inputs["row"].name: np.full((rows, 3), rows, "float32")} for rows in (1, 4)]
    fetches = [signature.outputs["twice"].name]
    answers = subprocess_runner.run_in_subprocess(version, [(feed, fetches) for feed in feeds])
    for rows, (answer,) in zip((1, 4), answers, strict=True):
        np.testing.assert_array_equal(answer, np.full((rows, 3), 2.0 * rows))
    assert capfd.readouterr().out == ""


def test_modules_in_the_working_directory_are_not_in_the_way(
    tiny, tmp_path, monkeypatch, cold_start
):
    (tmp_path / "numpy.py").write_text("raise SystemExit('the wrong numpy')")
    monkeypatch.chdir(tmp_path)
    assert saved_model(tiny, "model").name == "1"


def test_a_saved_model_that_is_none(tmp_path):
    (tmp_path / "saved_model.pb").write_bytes(b"broken")
    with pytest.raises(ExportError, match=r"C\+\+ loader refused"):
        subprocess_runner.run_in_subprocess(tmp_path, [])


def test_a_process_that_dies(tmp_path, monkeypatch, cold_start):
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(ExportError, match="ended with status 1"):
        subprocess_runner.run_in_subprocess(tmp_path, [])
