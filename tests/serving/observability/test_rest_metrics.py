"""The page of metrics: in a server's process with the config file, and the counting by itself."""

import pytest

from dlkit.errors import InputError
from dlkit.serving import GrpcClient, Server
from dlkit.serving.core.settings import Settings
from dlkit.serving.observability import metrics
from dlkit.serving.observability.rest_metrics import DEFAULT_PATH, count_rest_request, metrics_path
from tests.serving.growth import MOST, doubling
from tests.serving.http_asking import ask, predict


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    path = tmp_path_factory.mktemp("monitoring") / "monitoring.config"
    path.write_text('prometheus_config { enable: true path: "/all/metrics" }')
    return path


@pytest.fixture(scope="module")
def server(half_plus_two, config):
    options = {"monitoring_config_file": config, "cors": True}
    with Server(half_plus_two, name="m", rest_port=0, grpc_port=0, **options) as server:
        yield server


def read(server):
    """Return the metrics' values by their names with labels, without the prefix."""
    answer = ask(server.url, path="/all/metrics")
    assert (answer.status, answer.headers["content-type"]) == (200, "text/plain")
    assert "access-control-allow-origin" not in answer.headers  # G10
    lines = [line for line in answer.body.decode().splitlines() if line and line[0] != "#"]
    pairs = [line.removeprefix(":tensorflow:serving:").rsplit(" ", 1) for line in lines]
    return {name: float(value) for name, value in pairs}


def grown(before, after, name):
    return after.get(name, 0) - before.get(name, 0)


def test_n1_n6_n7_n8_n9_what_is_asked_is_counted(server):
    before = read(server)
    for _ in range(3):
        assert predict(server.url, {"instances": [1.0]}).status == 200
    assert predict(server.url, {}).status == 400
    assert ask(server.url).status == 200
    assert ask(server.url, path="/v1/models/nobody").status == 404
    with GrpcClient(server.grpc_target, "m") as client:
        client.predict([1.0])
        client.metadata()
    after = read(server)
    for name, count_ in {
        'request_count{model_name="m",status="OK"}': 3 + 1 + 1,
        'request_count{model_name="m",status="INVALID_ARGUMENT"}': 1,
        'request_count{model_name="(others)",status="NOT_FOUND"}': 1,
        'request_latency_count{model_name="m",API="predict",entrypoint="REST"}': 3,
        'request_latency_count{model_name="m",API="",entrypoint="REST"}': 1,
        'request_latency_count{model_name="m",API="Predict",entrypoint="GRPC"}': 1,
        'runtime_latency_count{model_name="m",API="Predict",runtime="TF1"}': 4,
    }.items():
        assert grown(before, after, name) == count_, name
    name = 'request_latency_bucket{model_name="m",API="predict",entrypoint="REST",le="+Inf"}'
    assert grown(before, after, name) == 3
    total = 'request_latency_sum{model_name="m",API="predict",entrypoint="REST"}'
    assert 100 < grown(before, after, total) < 60e6  # microseconds


def test_n11_malformed_requests_and_preflights_count(server):
    before = read(server)
    ask(server.url, path="/v1/foo")
    ask(server.url, "OPTIONS", ":predict", headers={"Origin": "http://a.example"})
    after = read(server)
    assert grown(before, after, 'request_count{model_name="",status="INVALID_ARGUMENT"}') == 1
    assert grown(before, after, 'request_count{model_name="m",status="OK"}') == 1


def test_n4_a_query_is_refused(server):
    answer = ask(server.url, path="/all/metrics?x=1")
    assert answer.status == 400
    assert answer.body == b"Unexpected path: /all/metrics?x=1. Should be /all/metrics"


def test_n2_there_is_no_page_unless_asked_for(sink_url, server):
    for url in (sink_url, server.url):
        answer = ask(url, path=DEFAULT_PATH)
        assert (answer.status, b"<TITLE>404" in answer.body) == (404, True)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        pytest.param("prometheus_config { enable: true }", DEFAULT_PATH, id="N3"),
        pytest.param('prometheus_config { enable: true path: "/m" }', "/m", id="N3-custom"),
        pytest.param('prometheus_config { path: "/m" }', "", id="N2"),
        pytest.param("", "", id="N2-empty"),
    ],
)
def test_where_the_page_is(tmp_path, text, path):
    (tmp_path / "c").write_text(text)
    assert metrics_path(Settings(monitoring_config_file=str(tmp_path / "c"))) == path


@pytest.mark.parametrize(
    ("path", "model", "api"),
    [
        ("/v1/models/counted:predict", "counted", "predict"),
        ("/v1/models/counted%2Fb/versions/1:classify", "counted/b", "classify"),
        ("/V1/models/counted/labels/x:regress", "counted", "regress"),
        ("/v1/models/counted/metadata", "counted", ""),
        ("/v1/models/counted:foo", "counted", ""),
        ("/v1/counted", "", ""),
    ],
)
def test_n8_which_model_and_which_api(path, model, api, monkeypatch):
    seen = []
    monkeypatch.setattr(metrics, "count_request", lambda *arguments: seen.append(arguments))
    count_rest_request(path, "NOT_FOUND", 0.5)
    assert seen == [(model, "NOT_FOUND", api, "REST", 0.5)]


@pytest.mark.parametrize("end", ["", ":", "::", ":predict", ":pre dict", "/a:b:"])
@pytest.mark.parametrize("again", ["m", "/m", ":m", "/", ":", "%2f"])
def test_no_path_takes_more_than_linear_time(again, end):
    def read(path):
        count_rest_request(path, "NOT_FOUND", 0.5)

    assert doubling(read, lambda n: "/v1/models/m" + again * n + end, 1000) <= MOST


def test_a_request_without_a_key_is_counted_under_no_name(monkeypatch):
    seen = []
    monkeypatch.setattr(metrics, "count_request", lambda *arguments: seen.append(arguments))
    count_rest_request("/v1/models/counted:predict", "UNAUTHENTICATED", 0.5)
    assert seen == [("", "UNAUTHENTICATED", "", "REST", 0.5)]


def test_a_file_that_is_none_is_told_at_once(half_plus_two, tmp_path):
    with pytest.raises(InputError, match=r"monitoring_config_file .*/none cannot be read"):
        Server(half_plus_two, monitoring_config_file=tmp_path / "none")
