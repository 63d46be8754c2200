"""The same version run by TensorFlow and by its twins, each by a server of its own process."""

import contextlib
import gc
import json
import logging
import pathlib
import shutil
import signal
import subprocess
import sys
import types
import weakref
from concurrent.futures import ThreadPoolExecutor

import keras
import numpy as np
import psutil
import pytest

from dlkit.export import saved_model
from dlkit.serving import Client, GrpcClient, Server
from dlkit.serving.core.settings import Settings
from dlkit.serving.core.signatures import Signature, TensorInfo
from dlkit.serving.core.status import StatusError
from dlkit.serving.runtimes import export_manifest, selection
from tests import warm_start
from tests.serving.http_asking import ask, predict

ROWS = np.random.default_rng(0).random((5, 4), np.float32)


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """The base path of a regression with twins; its `regress` signature has none."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((4,), name="row"),
            keras.layers.Dense(8, activation="tanh"),
            keras.layers.Dense(1, name="out"),
        ]
    )
    data = types.SimpleNamespace(task="regression", examples=(ROWS, model.predict(ROWS, verbose=0)))
    base = tmp_path_factory.mktemp("chosen") / "line"
    saved_model(model, base, data, runtimes=("onnx", "litert"))
    return base


@pytest.fixture(scope="module")
def reference(base):
    with Server(base, rest_port=0, runtime="tensorflow") as server:
        yield server


@pytest.fixture(scope="module")
def onnx(base):
    with warm_start.cold():
        server = Server(base, rest_port=0).start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def litert(base):
    with warm_start.cold():
        server = Server(base, rest_port=0, runtime="litert").start()
    yield server
    server.stop()


def has_tensorflow(server):
    return "libtensorflow" in pathlib.Path(f"/proc/{server.pid}/maps").read_text()


BODIES = [
    {"instances": ROWS.tolist()},
    {"inputs": ROWS.tolist()},
    {"inputs": {"row": ROWS[:1].tolist()}, "signature_name": "serving_default"},
    {"instances": [{"row": [1, 2.5, -3, 1e30]}, {"row": [0, 0, 0, 0]}]},
    b'{"instances": [[NaN, Infinity, 1, 2]]}',
    {"instances": [[1.0, 2.0]]},  # a wrong shape
    {"instances": [1.0, 2.0, 3.0, 4.0]},
    {"instances": [[[1.0, 2.0, 3.0, 4.0]]]},
    {"inputs": []},
    {"instances": []},
    {"instances": [[1, 2, 3, "x"]]},
    {"instances": [[1, 2, 3, None]]},
    {"instances": [[1, 2, 3, 4], [1, 2, 3]]},
    {"instances": [{"column": [1, 2, 3, 4]}]},
    {"instances": [[1, 2, 3, 4]], "signature_name": "other"},
    {"instances": [[1, 2, 3, 4]], "inputs": []},
    b"",
    b"{",
    b"[1, 2]",
]


@pytest.mark.parametrize("runtime", ["onnx", "litert"])
def test_a_twin_is_told_apart_by_nothing(request, reference, runtime):
    server = request.getfixturevalue(runtime)
    for body in BODIES:
        expected, found = predict(reference.url, body), predict(server.url, body)
        assert found.status == expected.status, body
        if expected.status != 200:
            assert found.body == expected.body
            continue
        (key,) = expected.json
        assert found.json.keys() == expected.json.keys()
        np.testing.assert_allclose(found.json[key], expected.json[key], rtol=1e-5, atol=1e-6)
    for path in (
        "/metadata",
        "",
        "/versions/1",
        "/versions/9",
        "/labels/no",
        "/versions/1/metadata",
    ):
        expected, found = ask(reference.url + path), ask(server.url + path)
        assert (found.status, found.body) == (expected.status, expected.body)
    assert has_tensorflow(reference)
    assert not has_tensorflow(server)


def test_without_tensorflow_a_server_is_small(onnx, litert):
    for server in (onnx, litert):
        used = psutil.Process(server.pid).memory_info().rss
        assert used < 150 * 2**20
        assert not has_tensorflow(server)


def test_without_tensorflow_a_server_starts_at_once(base, cold_start):
    with Server(base, rest_port=0) as server:
        process = psutil.Process(server.pid)
        times = process.cpu_times()
        assert not has_tensorflow(server)
    # Of the processor: how long it takes by the clock depends on what else this machine does.
    assert times.user + times.system < 1.5


def test_a_signal_right_after_the_start_ends_the_server(base, cold_start):
    command = [sys.executable, "-m", "dlkit.serving", str(base), "--rest-port=0"]
    for _ in range(3):
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as server:
            assert server.stdout.readline().startswith(b"Serving line at ")
            server.terminate()
            assert server.wait(60) in (0, -signal.SIGTERM)


def test_a_signature_without_a_twin_is_run_by_tensorflow(base, reference, cold_start):
    body = {"signature_name": "regress", "examples": [{"row": [1.0, 2.0, 3.0, 4.0]}]}
    with Server(base, rest_port=0) as server:
        assert not has_tensorflow(server)
        found = ask(server.url, "POST", ":regress", body=body)
        assert has_tensorflow(server)
        again = predict(server.url, {"instances": ROWS.tolist()})
    expected = ask(reference.url, "POST", ":regress", body=body)
    assert (found.status, found.body) == (expected.status, expected.body)
    assert again.status == 200


def test_a_runtime_that_was_asked_for_is_the_only_one(litert):
    answer = predict(litert.url, {"instances": [{"b64": "AA=="}]}, "regress")
    assert answer.status == 501
    assert answer.error == "Signature 'regress' has no litert twin"
    assert "--runtime auto" in answer.json["hint"]
    body = {"examples": [{"row": [1.0, 2.0, 3.0, 4.0]}], "signature_name": "regress"}
    assert ask(litert.url, "POST", ":regress", body=body).status == 501
    assert not has_tensorflow(litert)


def test_grpc_is_answered_by_the_twin(base):
    with (
        Server(base, rest_port=0, grpc_port=0) as server,
        GrpcClient(server.grpc_target, "line") as client,
    ):
        found = client.predict(ROWS)
        rest = predict(server.url, {"instances": ROWS.tolist()}).json["predictions"]
    np.testing.assert_allclose(found, rest, rtol=1e-6)


@pytest.mark.parametrize("runtime", ["onnx", "litert", "reference"])
def test_each_of_many_clients_gets_its_own_answer(request, runtime):
    server = request.getfixturevalue(runtime)
    rows = np.random.default_rng(1).random((400, 4), np.float32).round(3)
    with Client(server.url) as client:
        expected = client.predict(rows)

    def ask_some(first):
        with Client(server.url) as client:
            return [client.predict(rows[n : n + 1 + n % 3]) for n in range(first, 380, 16)]

    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(ask_some, range(16)))
    for first, answers in enumerate(found):
        for n, answer in zip(range(first, 380, 16), answers, strict=True):
            np.testing.assert_allclose(answer, expected[n : n + 1 + n % 3], rtol=1e-5, atol=1e-6)


# ------------------------------------------------------------ which one is chosen


def load(path, **options):
    return selection.load_runtime(path, Settings(**options), export_manifest.read_manifest(path))


@pytest.fixture
def version(base, tmp_path):
    """A version of its own, to spoil."""
    return pathlib.Path(shutil.copytree(base / "1", tmp_path / "line" / "1"))


def test_a_gpu_is_not_left_idle(version, monkeypatch):
    monkeypatch.setattr(selection, "has_gpu", lambda: True)
    runtime = load(version)
    assert isinstance(runtime, selection.Strict)
    runtime.close()


def test_a_changed_saved_model_has_no_twins(version, caplog):
    with (version / "saved_model.pb").open("ab") as file:
        file.write(b"\n\x00")  # an unknown field: it still loads
    with caplog.at_level(logging.WARNING):
        assert export_manifest.read_manifest(version) == export_manifest.Told()
    assert "belongs to another saved_model.pb" in caplog.text
    with pytest.raises(StatusError, match="has no onnx twin: export it with runtimes=") as caught:
        load(version, runtime="onnx")
    assert caught.value.code == "FAILED_PRECONDITION"


def test_a_changed_twin_is_not_run(version, caplog):
    file = version / "assets.extra" / "onnx" / "serving_default.onnx"
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(StatusError, match="not the file that was checked") as caught:
        load(version, runtime="onnx")
    assert caught.value.code == "DATA_LOSS"
    runtime = load(version)
    assert isinstance(runtime, selection.Strict)
    assert "is run by TensorFlow: " in caplog.text
    runtime.close()


def test_axes_of_any_size_and_no_rows_are_taken_by_each_runtime(tmp_path):
    """A series of one step is shorter than the kernel: no runtime may ask for it at the start."""
    series = keras.Input((None, 2), name="series")
    y = keras.layers.GlobalMaxPooling1D()(keras.layers.Conv1D(3, 4)(series))
    path = saved_model(keras.Model(series, y), tmp_path / "m", runtimes=["onnx", "litert"])
    answers = []
    for runtime in ("tensorflow", "onnx", "litert"):
        model = load(path, runtime=runtime)
        rows = np.random.default_rng(0).random((3, 9, 2), np.float32)
        (answer,) = model.run("serving_default", {"series": rows}).values()
        answers.append(answer)
        (none,) = model.run("serving_default", {"series": rows[:0]}).values()
        assert len(none) == 0  # its other axes are wrong in TensorFlow 2.21
        model.close()
    np.testing.assert_allclose(answers[1:], [answers[0]] * 2, rtol=1e-5, atol=1e-6)


def test_requests_are_joined_only_where_what_runs_them_was_tried(version):
    file = version / export_manifest.FILE
    told = json.loads(file.read_text())
    everything = {"serving_default", "regress"}
    assert set(told["rowwise"]["tensorflow"]) == everything
    told["rowwise"]["litert"] = []  # as of a twin that computes otherwise
    file.write_text(json.dumps(told))
    lite = version / "assets.extra" / "litert" / "serving_default.tflite"
    for options, expected in (
        ({"runtime": "tensorflow"}, everything),
        ({}, everything),
        ({"runtime": "onnx"}, everything),  # `regress` it refuses
        ({"runtime": "litert"}, {"regress"}),
        ({"prefer_tflite": True}, set()),
    ):
        if "prefer_tflite" in options:
            shutil.copy(lite, version / "model.tflite")  # of somebody else's
        runtime = load(version, **options)
        assert runtime.rowwise == expected, options
        runtime.close()


def test_what_needs_tensorflow_is_known_before_it_is_loaded(base, version):
    def needs(path, **options):
        return selection.needs_tensorflow(path, Settings(**options))

    assert not needs(base / "1")
    assert needs(base / "1", runtime="tensorflow")
    (version / export_manifest.FILE).unlink()
    assert needs(version)


def test_a_reference_that_does_not_load_is_not_loaded_again(version, caplog):
    (version / "variables" / "variables.index").write_bytes(b"")
    runtime = load(version)
    inputs = {"inputs": np.array([b""], object)}
    failures = []
    with caplog.at_level(logging.INFO):
        for _ in range(2):
            with pytest.raises(StatusError) as caught:
                runtime.run("regress", inputs)
            failures.append((caught.value.code, caught.value.message))
    assert failures[0] == failures[1]
    assert caplog.text.count("TensorFlow is loaded for it") == 1
    assert runtime.run("serving_default", {"row": ROWS})["out"].shape == (5, 1)
    runtime.close()


def test_a_reference_that_does_not_load_keeps_no_request_in_memory():
    def refuse():
        raise StatusError("DATA_LOSS", "no SavedModel")

    told = export_manifest.Told({"a": Signature({"x": TensorInfo("DT_FLOAT", (-1,))}, {})})
    runtime = selection.Twinned(told, types.SimpleNamespace(signatures={}), refuse, "onnx")
    kept = []
    for _ in range(3):
        inputs = {"x": np.zeros(8, np.float32)}
        kept.append(weakref.ref(inputs["x"]))
        with contextlib.suppress(StatusError):
            runtime.run("a", inputs)
    del inputs
    gc.collect()
    assert all(array() is None for array in kept)
