"""TensorFlow Serving's rules of versions, warm-up and batching, row by row, over a base URL.

The ids are those of test_conformance.py. Here the tests change what is on the disk, beside the
server, and look at what it says of it over REST and gRPC. One server has all of it: `models.config`
with a model in each style, batches of up to four rows, metrics.
"""

import functools
import re
import shutil
from concurrent.futures import ThreadPoolExecutor

import grpc
import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import (
    predict_pb2,
    prediction_log_pb2,
    prediction_service_pb2_grpc,
)

from dlkit.serving import Server
from dlkit.serving.runtimes.warmup import WARMUP_FILE
from dlkit.serving.wire.protobuf.tensors import to_proto
from tests.serving import saved_models
from tests.serving.http_asking import ask, predict
from tests.serving.test_model_config_server import entry, label, write
from tests.serving.waiting import wait_for

SECONDS = 60
poll = functools.partial(wait_for, seconds=SECONDS)
STYLES = ("tf1", "tf2", "keras", "lite")
OPTIONS = {
    "poll_seconds": 0.05,
    "model_config_poll_seconds": 0.05,
    "load_retry_seconds": 0.05,
    "early_labels": True,
    "batching": True,
    "prefer_tflite": True,
    "runtime": "auto",
}
BATCHING = """
    max_batch_size { value: 4 } allowed_batch_sizes: 2 allowed_batch_sizes: 4
    max_enqueued_batches { value: 1 } num_batch_threads { value: 1 }
"""


class _Slow(tf.Module):
    """y = x + offset, after as many products of matrices as the largest x says."""

    def __init__(self, offset):
        super().__init__()
        self.offset = tf.Variable(offset)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, name="x")])
    def predict(self, x):
        steps = tf.cast(tf.reduce_max(x), tf.int32)
        start = tf.eye(64)
        _, product = tf.while_loop(
            lambda i, _: i < steps, lambda i, m: (i + 1, tf.linalg.matmul(m, start)), (0, start)
        )
        return {"y": x + self.offset + 0 * tf.linalg.trace(product)}


def slow(path, number):
    model = _Slow(float(number))
    tf.saved_model.save(model, str(path), signatures=model.predict)


def lite(path):
    """A `model.tflite` and nothing else, of y = x / 2 + 2."""
    saved_models.affine(path / "source")
    content = tf.lite.TFLiteConverter.from_saved_model(str(path / "source")).convert()
    shutil.rmtree(path / "source")
    (path / "model.tflite").write_bytes(content)


def keras_export(path):
    """What Keras's own `export` writes, of y = x / 2 + 2."""
    import keras

    x = keras.Input((), name="x")
    y = keras.layers.Rescaling(0.5, 2.0, name="y")(x)
    keras.Model(x, {"y": y}).export(str(path), verbose=False)


def warmup(path, steps):
    """Write one warm-up request, which takes long for many steps."""
    log = prediction_log_pb2.PredictionLog()
    log.predict_log.request.inputs["x"].CopyFrom(to_proto(np.float32([steps])))
    (path / WARMUP_FILE).parent.mkdir(exist_ok=True)
    with tf.io.TFRecordWriter(str(path / WARMUP_FILE)) as writer:
        writer.write(log.SerializeToString())


class Life:
    """The base path of the model `life`, whose version n adds n."""

    def __init__(self, folder):
        self.base, self.beside = folder / "life", folder / "beside"
        self.newest = 1
        slow(self.base / "1", 1)
        # L1: what is no number is no version, and zeros in front do not matter.
        for name in ("notes", "1.5", "-3"):
            (self.base / name).mkdir()
        self.publish(name="00000002")

    def publish(self, *, steps=None, name=None):
        """Write the next version beside, with a warm-up request, and rename it into place."""
        self.newest += 1
        path = self.beside / str(self.newest)
        slow(path, self.newest)
        if steps is not None:
            warmup(path, steps)
        path.rename(self.base / (name or str(self.newest)))
        return self.newest

    def remove(self, name):
        shutil.move(self.base / name, self.beside / f"old-{name}")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("lifecycle")


@pytest.fixture(scope="module")
def life(folder):
    return Life(folder)


@pytest.fixture(scope="module")
def entries(folder, life):
    """The models; each of STYLES computes x / 2 + 2."""
    writers = (saved_models.tf1, saved_models.affine, keras_export, lite)
    for name, writer in zip(STYLES, writers, strict=True):
        writer(folder / name / "1")
    saved_models.with_default(folder / "power" / "1")
    names = (*STYLES, "power")
    return [entry("life", life.base), *(entry(name, folder / name) for name in names)]


@pytest.fixture(scope="module")
def config(folder, entries):
    path = folder / "models.config"
    write(path, *entries)
    return path


@pytest.fixture(scope="module")
def server(folder, config):
    (folder / "batching").write_text(BATCHING)
    (folder / "monitoring").write_text("prometheus_config { enable: true }")
    files = {
        "batching_parameters_file": folder / "batching",
        "monitoring_config_file": folder / "monitoring",
    }
    with Server(model_config_file=config, rest_port=0, grpc_port=0, **OPTIONS, **files) as server:
        yield server


@pytest.fixture(scope="module")
def url(server):
    return server.url_of("life")


@pytest.fixture(scope="module")
def stub(server):
    with grpc.insecure_channel(server.grpc_target, [("grpc.enable_http_proxy", 0)]) as channel:
        yield prediction_service_pb2_grpc.PredictionServiceStub(channel)


def states(url):
    found = ask(url).json["model_version_status"]
    return {int(state["version"]): state["state"] for state in found}


def answer(url):
    return predict(url, {"instances": [0.0]}).json["predictions"]


def test_l1_l3_w2_the_highest_number_is_served(url):
    """Version 2 has no warm-up file, and zeros in front of its name."""
    assert states(url) == {2: "AVAILABLE"}
    assert answer(url) == [2.0]


@pytest.mark.parametrize("style", STYLES)
def test_every_style_of_model_answers_alike(server, stub, style):
    url = server.url_of(style)
    assert predict(url, {"instances": [1.0, 2.0, 5.0]}).json == {"predictions": [2.5, 3.0, 4.5]}
    assert predict(url, {"inputs": {"x": [1.0]}}).json == {"outputs": [2.5]}
    refused = predict(url, {"instances": ["a"]})
    assert refused.status == 400
    assert 'JSON Value: "a" Type: String is not of expected type: float' in refused.error
    described = ask(url, path=f"/v1/models/{style}/metadata").json["metadata"]
    default = described["signature_def"]["signature_def"]["serving_default"]
    assert default["inputs"]["x"]["dtype"] == "DT_FLOAT"
    assert default["inputs"]["x"]["tensor_shape"]["dim"][0] == {"size": "-1", "name": ""}
    request = predict_pb2.PredictRequest(model_spec={"name": style})
    request.inputs["x"].CopyFrom(to_proto(np.float32([1.0])))
    assert stub.Predict(request, timeout=SECONDS).outputs["y"].float_val == [2.5]


def test_q10_an_input_with_a_default_may_be_left_out(stub):
    request = predict_pb2.PredictRequest(model_spec={"name": "power"})
    request.inputs["x"].CopyFrom(to_proto(np.float32([2.0])))
    assert stub.Predict(request, timeout=SECONDS).outputs["y"].float_val == [8.0]
    request.inputs["power"].CopyFrom(to_proto(np.float32(2.0)))
    assert stub.Predict(request, timeout=SECONDS).outputs["y"].float_val == [4.0]


def test_l6_l11_w1_w7_w9_v8_s9_s11_a_version_from_start_to_end(server, url, life):
    """It is warmed up before any request meets it; the old one answers until then."""
    old, new = life.newest, life.publish(steps=50_000)
    seen = []
    state = poll(lambda: states(url).get(new))
    while state != "AVAILABLE":  # the old one is asked, and the new one cannot be
        assert answer(url) in ([float(old)], [float(new)])
        refused = ask(url, "POST", f"/v1/models/life/versions/{new}:predict", body={"inputs": [0]})
        seen.append((state, refused.status, refused.json.get("error")))
        state = poll(lambda: states(url).get(new))
    assert answer(url) == [float(new)]
    loading = [one for one in seen if one[0] == "LOADING" and one[1] == 404]
    assert loading, seen
    assert {one[2] for one in loading} == {f"Servable not found for request: Specific(life, {new})"}
    assert {one[0] for one in seen} <= {"START", "LOADING"}
    page = ask(url, path="/monitoring/prometheus/metrics").body.decode()
    assert re.search(rf'model_warmup_records_read{{model_path=".*/life/{new}"}} 1\n', page)
    poll(lambda: states(url) == {new: "AVAILABLE", old: "END"})  # and it stays in the list


def test_l12_s10_a_version_that_failed_is_tried_again(url, life):
    good, number = life.newest, life.newest + 1
    saved_models.broken(life.base / str(number))
    poll(lambda: states(url).get(number) == "END")
    assert answer(url) == [float(good)]
    shutil.rmtree(life.base / str(number))
    life.publish()
    poll(lambda: answer(url) == [float(number)])


@pytest.mark.parametrize(
    ("make", "code", "text"),
    [
        pytest.param(b"x" * 100, "DATA_LOSS", "Please verify your warmup data is in", id="W6"),
        pytest.param(1001, "INVALID_ARGUMENT", "exceeds the maximum (1000) at", id="W4"),
        pytest.param("session", "UNIMPLEMENTED", "session_run_log", id="W3"),
    ],
)
def test_w5_warmup_that_fails_keeps_a_version_out(url, life, make, code, text):
    good, number = life.newest, life.newest + 1
    path = life.beside / str(number)
    slow(path, number)
    warmup(path, 0)
    file, log = path / WARMUP_FILE, prediction_log_pb2.PredictionLog()
    if make == "session":
        log.session_run_log.SetInParent()
        with tf.io.TFRecordWriter(str(file)) as writer:
            writer.write(log.SerializeToString())
    else:
        file.write_bytes(make if isinstance(make, bytes) else file.read_bytes() * make)
    path.rename(life.base / str(number))
    life.newest = number
    poll(lambda: states(url).get(number) == "END")
    found = ask(url, path=f"/v1/models/life/versions/{number}").json["model_version_status"][0]
    assert found["status"]["error_code"] == code
    assert text in found["status"]["error_message"]
    assert answer(url) == [float(good)]
    life.remove(str(number))
    life.publish()
    poll(lambda: answer(url) == [float(life.newest)])


def test_l26_v7_a_label_before_and_after_its_version(url, life, config, entries):
    """A new label may name a version that is yet to come; then the version goes."""
    number = life.newest + 1
    policy = "model_version_policy { latest { num_versions: 2 } }"
    labelled = entry("life", life.base, f"{policy} {label('next', number)}")
    write(config, labelled, *entries[1:])
    path = "/v1/models/life/labels/next:predict"
    body = {"instances": [0.0]}
    missing = f"Servable not found for request: Specific(life, {number})"
    poll(lambda: ask(url, "POST", path, body=body).json.get("error") == missing)
    life.publish()
    poll(lambda: ask(url, "POST", path, body=body).json == {"predictions": [float(number)]})
    life.remove(str(number))
    poll(lambda: ask(url, "POST", path, body=body).json.get("error") == missing)
    assert ask(url, "POST", path, body=body).status == 404
    write(config, *entries)
    poll(lambda: ask(url, "POST", path, body=body).status == 400)


def test_l8_without_versions_nothing_is_served(url, life):
    names = [path.name for path in life.base.iterdir() if path.name.isdigit()]
    for name in names:
        life.remove(name)
    poll(lambda: set(states(url).values()) == {"END"})
    refused = predict(url, {"instances": [0.0]})
    assert (refused.status, refused.error) == (404, "Servable not found for request: Latest(life)")
    life.publish()
    poll(lambda: predict(url, {"instances": [0.0]}).status == 200)


def test_b1_b3_b5_b8_n5_batches_are_filled_up_and_may_be_too_many(url):
    """One slot, and one batch of four rows that waits: the rest is told to come again."""

    def ask_for(index):
        found = predict(url, {"instances": [30_000.0 + index]})
        return index, found.status, found.json

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(ask_for, range(16)))
    refused = [body for _, status, body in answers if status == 503]
    served = [(index, body) for index, status, body in answers if status == 200]
    assert len(refused) + len(served) == 16
    assert len(served) >= 5
    text = "The batch scheduling queue to which this task was submitted is full"
    assert refused and {body["error"] for body in refused} == {text}
    offset = answer(url)[0]
    for index, body in served:
        assert body == {"predictions": [30_000.0 + index + offset]}
    page = ask(url, path="/monitoring/prometheus/metrics").body.decode()
    assert (
        ':tensorflow:serving:batching_session:padding_size_count{execution_batch_size="2"}' in page
    )
    assert 'execution_batch_size="1"' not in page


def test_b9_more_rows_than_a_batch_may_have(url):
    found = predict(url, {"instances": [0.0] * 5})
    assert found.status == 400
    assert "Task size 5 is larger than maximum input batch size 4" in found.error
