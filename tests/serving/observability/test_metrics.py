import pytest

from dlkit.serving.observability import metrics
from dlkit.serving.observability.metrics import Counter, Histogram
from dlkit.serving.versions.served_model import ServedModel
from tests.serving.number_models import Number


def test_n5_names():
    assert metrics.prometheus_name("/tensorflow/serving/a_b-c.d") == ":tensorflow:serving:a_b:c:d"
    assert metrics.prometheus_name("9lives") == "_9lives"


def test_n6_a_counter():
    counter = Counter("/tensorflow/serving/request_count", "model_name", "status")
    assert list(counter.lines()) == []
    for status in ("OK", "NOT_FOUND", "OK"):
        counter.add("m", status)
    counter.add("m", "OK", by=3)
    assert list(counter.lines()) == [
        "# TYPE :tensorflow:serving:request_count counter",
        ':tensorflow:serving:request_count{model_name="m",status="NOT_FOUND"} 1',
        ':tensorflow:serving:request_count{model_name="m",status="OK"} 5',
    ]
    assert counter.total() == 6


def test_n7_a_histogram():
    latency = Histogram("/x/latency", ("model_name", "API"))
    assert list(latency.lines()) == []
    for microseconds in (3.0, 10.0, 10.5, 30.0, 1e12):
        latency.observe(microseconds, "m", "predict")
    first, *lines = latency.lines()
    assert first == "# TYPE :x:latency histogram"
    assert lines[:4] == [
        ':x:latency_bucket{model_name="m",API="predict",le="10"} 2',
        ':x:latency_bucket{model_name="m",API="predict",le="18"} 3',
        ':x:latency_bucket{model_name="m",API="predict",le="32.4"} 4',
        ':x:latency_bucket{model_name="m",API="predict",le="58.32"} 4',
    ]
    buckets = [line for line in lines if "_bucket" in line]
    assert len(buckets) == 34
    assert f'le="{10 * 1.8**32:g}"}} 4' in buckets[-2]
    assert buckets[-1].endswith('le="+Inf"} 5')
    assert lines[-2:] == [
        ':x:latency_sum{model_name="m",API="predict"} 1.000000000e+12'.replace(
            "1.000000000e+12", f"{1e12 + 53.5:.10g}"
        ),
        ':x:latency_count{model_name="m",API="predict"} 5',
    ]
    assert latency.total() == 5


def test_a_histogram_without_labels():
    sizes = Histogram("/x/sizes", (), 1, 2, 2)
    sizes.observe(2)
    assert list(sizes.lines())[1:] == [
        ':x:sizes_bucket{le="1"} 0',
        ':x:sizes_bucket{le="2"} 1',
        ':x:sizes_bucket{le="+Inf"} 1',
        ":x:sizes_sum{} 2",
        ":x:sizes_count{} 1",
    ]


@pytest.mark.parametrize(
    ("value", "escaped"), [('a"b', 'a\\"b'), ("a\\b", "a\\\\b"), ("a\nb", "a\\nb")]
)
def test_n12_label_values_are_escaped(value, escaped):
    counter = Counter("c", "l")
    counter.add(value)
    assert list(counter.lines())[1] == f'c{{l="{escaped}"}} 1'


def test_paths_of_versions_are_not_kept_without_end():
    counter = Counter("c", "model_path")
    for number in range(metrics._MAX_POINTS + 2000):
        counter.add(f"m/{number}")
    counter.add("m/0")
    lines = list(counter.lines())
    assert len(lines) == 1 + metrics._MAX_POINTS + 1
    assert f'c{{model_path="{metrics.OTHERS}"}} 2000' in lines
    assert counter.total() == metrics._MAX_POINTS + 2001


@pytest.mark.parametrize("status", ["NOT_FOUND", "UNAUTHENTICATED", "OK"])  # of a preflight
def test_names_that_clients_make_up_crowd_out_no_model(tmp_path, status):
    ServedModel(f"served {status}", tmp_path, Number)
    for number in range(3000):
        metrics.count_request(f"made up {number}", status, "predict", "REST", 0.001)
    metrics.count_request(f"served {status}", "DATA_LOSS", "predict", "REST", 0.001)
    page = metrics.prometheus_page()
    assert "made up" not in page
    assert f'request_count{{model_name="served {status}",status="DATA_LOSS"}} 1\n' in page
    assert f'request_count{{model_name="{metrics.OTHERS}",status="{status}"}} ' in page


def test_only_what_went_well_is_timed(tmp_path):
    ServedModel("timed", tmp_path, Number)
    before = metrics.metric_totals()
    metrics.count_request("timed", "OK", "predict", "REST", 0.001)
    metrics.count_request("timed", "NOT_FOUND", "predict", "REST", 0.001)
    metrics.count_examples("timed", 7)
    after = metrics.metric_totals()
    grown = {name.rpartition("/")[2]: after[name] - before[name] for name in after}
    assert grown["request_count"] == 2
    assert grown["request_latency"] == 1
    assert grown["request_example_count_total"] == 7
    page = metrics.prometheus_page().splitlines()
    assert ':tensorflow:serving:request_count{model_name="timed",status="OK"} 1' in page
    assert ':tensorflow:serving:request_example_counts_sum{model_name="timed"} 7' in page
