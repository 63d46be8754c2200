"""What is counted while serving, under TensorFlow Serving's names, and Prometheus's text of it.

One set for the process, as in TensorFlow Serving. Prometheus is given a name such as
`/tensorflow/serving/request_count` as `:tensorflow:serving:request_count`.
"""

import bisect
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

# Clients may ask for models that are not there; the names that they make up are not kept.
OTHERS = "(others)"
_names = {""}  # of the models that are or were served; malformed requests name none
_MAX_POINTS = 10_000  # versions come and go: their paths are not kept without end


class Counter:
    r"""A number that grows, for each combination of labels.

    Args:
        name: TensorFlow Serving's name.
        labels: What the labels are called.

    Example:
        >>> counter = Counter("/tensorflow/serving/x", "model_name")
        >>> counter.add("digits", by=2)
        >>> print(*counter.lines(), sep="\n")
        # TYPE :tensorflow:serving:x counter
        :tensorflow:serving:x{model_name="digits"} 2
    """

    def __init__(self, name: str, *labels: str):
        self.name = name
        self._labels = labels
        self._values: dict[tuple[str, ...], int] = {}
        self._lock = threading.Lock()

    def add(self, *values: str, by: int = 1) -> None:
        """Add `by` for these labels' values."""
        with self._lock:
            if values not in self._values and len(self._values) >= _MAX_POINTS:
                values = (OTHERS, *values[1:])
            self._values[values] = self._values.get(values, 0) + by

    def total(self) -> int:
        """Return the sum over all labels."""
        with self._lock:
            return sum(self._values.values())

    def lines(self) -> Iterator[str]:
        """Yield Prometheus's text, nothing for a counter that never counted."""
        with self._lock:
            points = sorted(self._values.items())
        name = prometheus_name(self.name)
        if points:
            yield f"# TYPE {name} counter"
        for values, count in points:
            yield f"{name}{{{_listed(self._labels, values)}}} {count}"


@dataclass
class _Point:
    counts: list[int]
    sum: float = 0.0


@dataclass
class Histogram:
    """How often a value fell between which bounds, for each combination of labels.

    Args:
        name: TensorFlow Serving's name.
        labels: What the labels are called.
        first: The lowest bound.
        growth: By what each bound is larger than the one before.
        count: How many bounds there are.
    """

    name: str
    labels: tuple[str, ...]
    first: float = 10
    growth: float = 1.8
    count: int = 33
    _points: dict[tuple[str, ...], _Point] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self):
        self._bounds = [self.first * self.growth**i for i in range(self.count)]

    def observe(self, value: float, *values: str) -> None:
        """Count `value` for these labels' values."""
        index = bisect.bisect_left(self._bounds, value)
        with self._lock:
            point = self._points.get(values)
            if point is None:
                point = self._points[values] = _Point([0] * (self.count + 1))
            point.counts[index] += 1
            point.sum += value

    def total(self) -> int:
        """Return how many values were counted, over all labels."""
        with self._lock:
            return sum(sum(point.counts) for point in self._points.values())

    def lines(self) -> Iterator[str]:
        """Yield Prometheus's text, nothing for a histogram that never counted."""
        with self._lock:
            points = [(v, p.counts[:], p.sum) for v, p in sorted(self._points.items())]
        name = prometheus_name(self.name)
        if points:
            yield f"# TYPE {name} histogram"
        bounds = [*(f"{bound:g}" for bound in self._bounds), "+Inf"]
        for values, counts, total in points:
            labels = _listed(self.labels, values)
            prefix = f"{name}_bucket{{{labels}{',' if labels else ''}"
            below = 0
            for bound, count in zip(bounds, counts, strict=True):
                below += count
                yield f'{prefix}le="{bound}"}} {below}'
            yield f"{name}_sum{{{labels}}} {total:.10g}"
            yield f"{name}_count{{{labels}}} {below}"


def prometheus_name(name: str) -> str:
    """Return a metric's name as TensorFlow Serving writes it for Prometheus.

    Example:
        >>> prometheus_name("/tensorflow/serving/request_count")
        ':tensorflow:serving:request_count'
    """
    found = re.sub(r"[^a-zA-Z0-9_]", ":", name)
    return f"_{found}" if found[:1].isdigit() else found


def _listed(labels: tuple[str, ...], values: tuple[str, ...]) -> str:
    return ",".join(
        f'{label}="{_escaped(value)}"' for label, value in zip(labels, values, strict=True)
    )


def _escaped(value: str) -> str:
    # TensorFlow Serving leaves a line break as it is, with which a client could add lines.
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


_ROOT = "/tensorflow/serving/"
_LATENCY = ("model_name", "API", "entrypoint")

REQUESTS = Counter(_ROOT + "request_count", "model_name", "status")
REQUEST_LATENCY = Histogram(_ROOT + "request_latency", _LATENCY)
RUNTIME_LATENCY = Histogram(_ROOT + "runtime_latency", ("model_name", "API", "runtime"))
EXAMPLE_COUNTS = Histogram(_ROOT + "request_example_counts", ("model_name",), 1, 2, 15)
EXAMPLES = Counter(_ROOT + "request_example_count_total", "model_name")
WARMUP_LATENCY = Histogram(_ROOT + "model_warmup_latency", ("model_path", "status"))
WARMUP_RECORDS = Counter(_ROOT + "model_warmup_records_read", "model_path")

_BATCHING = _ROOT + "batching_session/"

BATCH_WAIT = Histogram(_BATCHING + "queuing_latency", ("thread_pool_name",))
BATCHES = Counter(_BATCHING + "wrapped_run_count")
BATCH_PADDING = Histogram(_BATCHING + "padding_size", ("execution_batch_size",), 1, 2, 14)
BATCH_INPUT = Histogram(_BATCHING + "input_batch_size", (), 1, 2, 14)
BATCH_SIZE = Histogram(_BATCHING + "processed_batch_size", (), 1, 2, 14)

ALL = (
    *(REQUESTS, REQUEST_LATENCY, RUNTIME_LATENCY, EXAMPLE_COUNTS, EXAMPLES),
    *(WARMUP_LATENCY, WARMUP_RECORDS),
    *(BATCH_WAIT, BATCHES, BATCH_PADDING, BATCH_INPUT, BATCH_SIZE),
)


def prometheus_page() -> str:
    """Return all metrics as Prometheus reads them."""
    lines = [line for metric in ALL for line in metric.lines()]
    return "\n".join(lines) + "\n"


def metric_totals() -> dict[str, int]:
    """Return each metric's sum over all labels, by its name."""
    return {metric.name: metric.total() for metric in ALL}


def know_model(model: str) -> None:
    """Count requests for a model under its name from now on, rather than under `OTHERS`."""
    _names.add(model)


def count_request(model: str, status: str, api: str, entrypoint: str, seconds: float) -> None:
    """Count a request that was answered; its time counts only when all went well.

    Args:
        model: The model's name, as the request has it.
        status: The name of the status code.
        api: Which method was asked, as `predict` over REST and `Predict` over gRPC.
        entrypoint: REST or GRPC.
        seconds: How long it took.
    """
    model = model if model in _names else OTHERS
    REQUESTS.add(model, status)
    if status == "OK":
        REQUEST_LATENCY.observe(seconds * 1e6, model, api, entrypoint)


def count_examples(model: str, examples: int) -> None:
    """Count the examples of a classify, regress or multi-inference request."""
    EXAMPLES.add(model, by=examples)
    EXAMPLE_COUNTS.observe(examples, model)
