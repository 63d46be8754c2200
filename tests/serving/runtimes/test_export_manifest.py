import hashlib
import json
import logging

import numpy as np
import pytest

from dlkit.serving.core.signatures import Signature, TensorInfo
from dlkit.serving.core.status import StatusError
from dlkit.serving.runtimes import export_manifest

X = {"dtype": "DT_FLOAT", "shape": [-1, 2], "name": "x:0", "axes": ["Age", ""]}
Y = {"dtype": "DT_STRING", "shape": None, "name": "y:0"}


@pytest.fixture
def version(tmp_path):
    """A version directory with a file for the server, and what is in that."""
    (tmp_path / "saved_model.pb").write_bytes(b"a graph")
    told = {
        "format": 1,
        "saved_model": {"sha256": hashlib.sha256(b"a graph").hexdigest()},
        "signatures": {"a": {"inputs": {"x": X}, "outputs": {"y": Y}, "method_name": "predict"}},
        "rowwise": {"tensorflow": ["a"], "onnx": []},
        "runtimes": {"onnx": {"signatures": {"a": {"file": "onnx/a.onnx", "sha256": "12"}}}},
    }
    (tmp_path / "assets.extra").mkdir()
    write(tmp_path, told)
    return tmp_path, told


def write(path, told):
    (path / export_manifest.FILE).write_text(json.dumps(told))


def test_what_a_version_says_of_itself(version):
    path, _ = version
    told = export_manifest.read_manifest(path)
    inputs, outputs = (
        {"x": TensorInfo("DT_FLOAT", (-1, 2), "x:0", ("Age", ""))},
        {"y": TensorInfo("DT_STRING", None, "y:0")},
    )
    assert told.signatures == {"a": Signature(inputs, outputs, "predict")}
    assert told.rowwise == {"tensorflow": {"a"}, "onnx": set()}
    assert told.files == {"onnx": {"a": (path / "assets.extra" / "onnx" / "a.onnx", "12")}}


def test_a_version_of_somebody_elses_says_nothing(tmp_path, caplog):
    assert export_manifest.read_manifest(tmp_path) == export_manifest.Told()
    assert not caplog.text


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": 2}, "its format is 2, and 1 is known here"),
        ({"saved_model": {"sha256": "0"}}, "it belongs to another saved_model.pb"),
        ({"signatures": []}, "'list' object has no attribute 'items'"),
        ({"rowwise": None}, "no attribute 'items'"),
        ({"runtimes": {"onnx": {}}}, "'signatures'"),
    ],
)
def test_what_cannot_be_relied_on_is_not_used(version, caplog, change, message):
    path, told = version
    write(path, told | change)
    with caplog.at_level(logging.WARNING):
        assert export_manifest.read_manifest(path) == export_manifest.Told()
    assert message in caplog.text


def test_an_export_of_before_is_served_and_its_requests_are_not_joined(version, caplog):
    path, told = version
    write(path, told | {"rowwise": ["a"]})
    with caplog.at_level(logging.INFO):
        found = export_manifest.read_manifest(path)
    assert found.rowwise == {}
    assert found.files["onnx"].keys() == {"a"}
    assert "not joined until it is exported again" in caplog.text


def test_a_file_cut_short_is_not_used(version, caplog):
    path, _ = version
    text = (path / export_manifest.FILE).read_text()
    (path / export_manifest.FILE).write_text(text[:-10])
    assert export_manifest.read_manifest(path) == export_manifest.Told()
    assert "is not used" in caplog.text


def test_a_twin_is_the_file_that_was_checked(tmp_path):
    file = tmp_path / "a.onnx"
    file.write_bytes(b"a twin")
    assert export_manifest.content(file, hashlib.sha256(b"a twin").hexdigest()) == b"a twin"
    for path, message in ((file, "is not the file that was checked"), (tmp_path, "cannot be read")):
        with pytest.raises(StatusError, match=message) as caught:
            export_manifest.content(path, "0")
        assert caught.value.code == "DATA_LOSS"


@pytest.mark.parametrize("shape", [(2,), (3, 1), (1, 1, 2)])
def test_other_shapes_are_refused(shape):
    signature = Signature({"x": TensorInfo("DT_FLOAT", (1, 2))}, {})
    with pytest.raises(StatusError, match=r"Input 'x' must be of shape \[1,2\], not"):
        export_manifest.check_shapes({"x": np.zeros(shape)}, signature)
    export_manifest.check_shapes({"x": np.zeros((1, 2))}, signature)
    export_manifest.check_shapes({"x": np.zeros((5, 2))}, signature, any_rows=True)
    with pytest.raises(StatusError, match=r"must be of shape \[-1,2\], not"):
        export_manifest.check_shapes({"x": np.zeros(shape)}, signature, any_rows=True)
