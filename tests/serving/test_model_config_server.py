"""Several models in one server, row by row: labels, policies, reloading, over REST and gRPC."""

import asyncio
import functools
import threading

import grpc
import numpy as np
import pytest
from google.protobuf import text_format
from tensorflow_serving.apis import (
    get_model_status_pb2,
    model_management_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from dlkit.errors import InputError, ServerError
from dlkit.serving import AsyncGrpcClient, Client, GrpcClient, Server
from dlkit.serving.wire.protobuf.tensors import to_proto
from tests.serving.http_asking import ask, predict
from tests.serving.process.test_serve import run
from tests.serving.waiting import wait_for

CODE = grpc.StatusCode
SECONDS = 60
poll = functools.partial(wait_for, seconds=SECONDS)
X = {"instances": [1.0]}


def write(path, *models):
    """Replace the configuration file in one step."""
    beside = path.with_suffix(".new")
    beside.write_text(config_text(*models))
    beside.rename(path)


def config_text(*models):
    return "model_config_list {\n" + "".join(f"config {{ {model} }}\n" for model in models) + "}\n"


def entry(name, base, more=""):
    return f'name: "{name}" base_path: "{base}" model_platform: "tensorflow" {more}'


def label(name, number):
    return f'version_labels {{ key: "{name}" value: {number} }}'


def specific(*numbers):
    listed = " ".join(f"versions: {number}" for number in numbers)
    return f"model_version_policy {{ specific {{ {listed} }} }}"


@pytest.fixture(scope="module")
def start(sink, half_plus_two):
    """The models as the server starts with them: version 1 of `sink` multiplies by 10."""
    both = f"model_version_policy {{ all {{}} }} {label('stable', 1)} {label('next', 2)}"
    return [entry("half", half_plus_two), entry("sink", sink, both)]


@pytest.fixture(scope="module")
def file(tmp_path_factory, start):
    path = tmp_path_factory.mktemp("config") / "models.config"
    write(path, *start)
    return path


@pytest.fixture(scope="module")
def server(file):
    options = {"model_config_poll_seconds": 0.05, "poll_seconds": 0.05}
    with Server(model_config_file=file, rest_port=0, grpc_port=0, **options) as server:
        yield server


@pytest.fixture
def fresh(server, file, start):
    """The server as it started, whatever the test before has made of it."""
    yield server
    write(file, *start)
    poll(lambda: ask(server.url_of("sink") + "/labels/stable").status == 200)
    poll(lambda: ask(server.url_of("half")).status == 200)


@pytest.fixture(scope="module")
def channel(server):
    with grpc.insecure_channel(server.grpc_target, [("grpc.enable_http_proxy", 0)]) as channel:
        yield channel


@pytest.fixture(scope="module")
def models(channel):
    return model_service_pb2_grpc.ModelServiceStub(channel)


@pytest.fixture(scope="module")
def predictions(channel):
    return prediction_service_pb2_grpc.PredictionServiceStub(channel)


def reload_request(*entries):
    request = model_management_pb2.ReloadConfigRequest()
    text_format.Parse(config_text(*entries), request.config)
    return request


def test_l16_every_model_has_its_url(server):
    assert predict(server.url_of("half"), X).json == {"predictions": [2.5]}
    assert predict(server.url_of("sink"), X).json == {"predictions": [2.5]}
    assert server.url == server.url_of("half")
    assert ask(server.url, path="/readyz").json == {"ready": True, "waiting": []}


def test_l4_every_version_is_served(server):
    states = ask(server.url_of("sink")).json["model_version_status"]
    assert [(s["version"], s["state"]) for s in states] == [("2", "AVAILABLE"), ("1", "AVAILABLE")]


@pytest.mark.parametrize(("name", "answer"), [("stable", 10.0), ("next", 2.5)])
def test_v5_a_label_in_the_path(server, name, answer):
    url = server.url_of("sink")
    assert ask(f"{url}/labels/{name}:predict", "POST", body=X).json == {"predictions": [answer]}
    metadata = ask(f"{url}/labels/{name}/metadata").json
    assert metadata["model_spec"]["version"] == ("1" if name == "stable" else "2")


def test_r12_a_label_is_decoded(server):
    answer = ask(server.url_of("sink") + "/labels/st%61ble:predict", "POST", body=X)
    assert answer.json == {"predictions": [10.0]}


def test_the_grpc_clients_ask_for_a_version_or_a_label(server):
    async def later(**wanted):
        async with AsyncGrpcClient(server.grpc_target, "sink", **wanted) as client:
            return (await client.predict([1.0])).tolist(), await client.metadata()

    for wanted in ({"version": 1}, {"label": "stable"}):
        with GrpcClient(server.grpc_target, "sink", **wanted) as client:
            assert client.predict([1.0]).tolist() == [10.0]
            assert client.metadata()["model_spec"]["version"] == "1"
            assert [state["version"] for state in client.status()] == ["1"]
            assert asyncio.run(later(**wanted)) == ([10.0], client.metadata())
    with (
        GrpcClient(server.grpc_target, "sink", label="canary") as client,
        pytest.raises(ServerError, match="version label: canary"),
    ):
        client.predict([1.0])


def test_s8_the_status_of_a_label_is_that_of_its_version(server):
    (state,) = ask(server.url_of("sink") + "/labels/stable").json["model_version_status"]
    assert (state["version"], state["state"]) == ("1", "AVAILABLE")


@pytest.mark.parametrize("path", ["/labels/canary:predict", "/labels/canary/metadata"])
@pytest.mark.parametrize("name", ["sink", "nobody"])
def test_v6_d7_an_unknown_label(server, name, path):
    method = "POST" if path.endswith("predict") else "GET"
    answer = ask(server.url_of(name) + path, method, body=X if method == "POST" else None)
    assert (answer.status, answer.error) == (400, "Unrecognized servable version label: canary")


def test_the_text_is_parsed_before_a_label_is_looked_up(server):
    answer = ask(server.url_of("sink") + "/labels/canary:predict", "POST", body=b"")
    assert answer.error == "JSON Parse error: The document is empty"


def grpc_request(name, **choice):
    request = predict_pb2.PredictRequest(model_spec={"name": name, **choice})
    request.inputs["x"].CopyFrom(to_proto(np.float32([1.0])))
    return request


def test_v5_q6_a_label_over_grpc(predictions, models):
    answer = predictions.Predict(grpc_request("sink", version_label="stable"), timeout=SECONDS)
    assert list(answer.outputs["y"].float_val) == [10.0]
    assert answer.model_spec.version.value == 1
    with pytest.raises(grpc.RpcError) as caught:
        predictions.Predict(grpc_request("sink", version_label="canary"), timeout=SECONDS)
    assert caught.value.code() is CODE.INVALID_ARGUMENT
    assert caught.value.details() == "Unrecognized servable version label: canary"
    message = get_model_status_pb2.GetModelStatusRequest(
        model_spec={"name": "sink", "version_label": "next"}
    )
    (state,) = models.GetModelStatus(message, timeout=SECONDS).model_version_status
    assert state.version == 2


def refusal(models, request):
    with pytest.raises(grpc.RpcError) as caught:
        models.HandleReloadConfigRequest(request, timeout=SECONDS)
    return caught.value.code(), caught.value.details()


def test_l20_only_a_list_of_models(models):
    assert refusal(models, model_management_pb2.ReloadConfigRequest()) == (
        CODE.INVALID_ARGUMENT,
        "ServerModelConfig type not supported by HandleReloadConfigRequest. Only ModelConfigList"
        " is currently supported",
    )


@pytest.mark.parametrize(
    ("entries", "code", "text"),
    [
        pytest.param(
            [entry("m", "/m"), entry("m", "/n")],
            CODE.INVALID_ARGUMENT,
            "Illegal to list model m multiple times in config list",
            id="L21",
        ),
        pytest.param(
            [entry("m", "rel")],
            CODE.INVALID_ARGUMENT,
            "Expected model m to have an absolute path or URI; got base_path()=rel",
            id="L22",
        ),
        pytest.param(
            ['name: "half" base_path: "/m" model_platform: "other"'],
            CODE.INVALID_ARGUMENT,
            "Illegal to change a model's platform. For model half platform was tensorflow",
            id="L23-change",
        ),
        pytest.param(
            ['name: "m" base_path: "/m" model_platform: "other"'],
            CODE.INVALID_ARGUMENT,
            "Model m requests unsupported platform other",
            id="L23-unknown",
        ),
    ],
)
def test_reloads_that_are_refused(server, models, entries, code, text):
    found, details = refusal(models, reload_request(*entries))
    assert (found, text in details) == (code, True)
    assert predict(server.url_of("half"), X).status == 200
    assert predict(server.url_of("sink"), X).status == 200


def test_l18_l19_l27_a_reload_over_grpc(fresh, models, start):
    answer = models.HandleReloadConfigRequest(
        reload_request(start[1].replace("stable", "old")), timeout=SECONDS
    )
    assert (answer.status.error_code, answer.status.error_message) == (0, "")
    assert predict(fresh.url_of("half"), X).status == 404
    sink = fresh.url_of("sink")
    assert ask(sink + "/labels/old:predict", "POST", body=X).json == {"predictions": [10.0]}
    assert ask(sink + "/labels/stable:predict", "POST", body=X).status == 400
    names = ["/tensorflow/serving/request_count", "/no/such/metric"]
    request = reload_request(*start)
    request.metric_names.extend(names)
    answer = models.HandleReloadConfigRequest(request, timeout=SECONDS)
    assert [(m.name, m.int64_value_increase) for m in answer.metric] == [(names[0], 0)]
    assert predict(fresh.url_of("half"), X).json == {"predictions": [2.5]}  # it is loaded by then


def test_l24_l25_reloads_that_fail_leave_what_serves(fresh, models, start, tmp_path):
    (tmp_path / "1").mkdir()
    code, text = refusal(models, reload_request(*start, entry("broken", tmp_path)))
    assert code is CODE.UNKNOWN
    assert text.startswith("1 model(s) did not become available: {{{name: broken version: 1} due")
    (state,) = ask(fresh.url_of("broken")).json["model_version_status"]
    assert (state["state"], state["status"]["error_code"]) == ("END", "NOT_FOUND")
    moved = [start[0], start[1].replace("value: 2", "value: 7")]
    code, text = refusal(models, reload_request(*moved))
    assert code is CODE.FAILED_PRECONDITION
    assert text == (
        "Request to assign label to version 7 of model sink, which is not currently available for"
        " inference"
    )
    for name in ("half", "sink"):
        assert predict(fresh.url_of(name), X).status == 200


def test_l5_l17_the_file_is_followed_and_no_request_fails(fresh, file, start, sink):
    """Clients ask by name and by label while the file changes under them."""
    url = fresh.url_of("sink")
    wrong, stop, counts = [], threading.Event(), []

    def hammer(spec):
        count = 0
        with Client(url + spec, retries=0) as client:
            while not stop.is_set():
                try:
                    found = client.predict([1.0])[0]
                    if found not in (10.0, 2.5):
                        wrong.append(found)
                    count += 1
                except Exception as error:
                    wrong.append(error)
        counts.append(count)

    threads = [threading.Thread(target=hammer, args=(s,)) for s in ("", "/labels/stable") * 3]
    for thread in threads:
        thread.start()
    for number in (2, 1, 2):
        write(file, entry("sink", sink, specific(number) + label("stable", number)))
        value = {1: 10.0, 2: 2.5}[number]
        stable = {"predictions": [value]}
        poll(lambda right=stable: ask(url + "/labels/stable:predict", "POST", body=X).json == right)
        poll(lambda right=stable: predict(url, X).json == right)
    file.write_text("this is no configuration")
    write(file, *start)
    poll(lambda: predict(fresh.url_of("half"), X).status == 200)
    stop.set()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert min(counts) > 0


def test_l13_l15_files_that_are_none(tmp_path, half_plus_two):
    bad = tmp_path / "bad.config"
    bad.write_text("model_config_list { config { nam: 'x' } }")
    with pytest.raises(InputError, match="not both"):
        Server(half_plus_two, model_config_file=bad)
    with pytest.raises(InputError, match="There is nothing to serve: give a base path"):
        Server()
    done = run(f"--model-config-file={bad}")
    assert done.returncode == 2
    assert "Error parsing text-format tensorflow.serving.ModelServerConfig: 1:30" in done.stderr
    assert "Traceback" not in done.stderr
