"""What a server can be told, in one place for `serve`, `Server` and the command line."""

import os
from dataclasses import dataclass, fields
from typing import Any

from dlkit.argument_validation import (
    check_choice,
    check_fraction,
    check_integer,
    check_names,
    is_number,
)
from dlkit.errors import InputError

RUNTIMES = ("auto", "tensorflow", "onnx", "litert", "onnx_dynamic")


@dataclass(frozen=True)
class Settings:
    """The options of a server beyond where it listens.

    Args:
        poll_seconds: How often the base path is looked at for new versions; 0 for never again.
        num_versions: How many of the highest versions are served at a time.
        timeout_seconds: How long one prediction may run; 0 for no limit.
        max_body_bytes: The largest body of a REST request, before and after decompression. A gRPC
            message may be as large as with TensorFlow Serving, 2 GiB.
        client_seconds: How long a REST client may take to send a request or to take its answer,
            beyond what their size explains, and keep a connection without a request; 0 for as long
            as it likes.
        drain_seconds: How long running requests may take to finish after SIGTERM.
        threads: How many predictions run at a time, over REST and over gRPC each; 0 for four a
            processor.
        warmup: Whether the export's warm-up requests are run before a version takes traffic.
        cors: Whether browsers of other origins may read the answers.
        model_config_file: A file that lists the models, in the text format of TensorFlow Serving's
            `ModelServerConfig`, instead of one base path.
        model_config_poll_seconds: How often that file is read again; 0 for never.
        early_labels: Whether a label may name a version before it is loaded.
        max_load_retries: How often a version that failed to load is tried again.
        load_retry_seconds: How long to wait before that.
        warmup_iterations: How often each warm-up request is run; 0 counts as 1.
        saved_model_tags: The tags of the graph in the SavedModel, with commas between them.
        intra_op_threads: How many threads one operation may use; 0 for as many as processors, and
            for one where an ONNX twin is too small to gain by more.
        inter_op_threads: How many operations run at a time; 0 for as many as processors.
        gpu_memory_fraction: The share of the GPU's memory to take at once; 0 for as needed.
        grpc_threads: How many gRPC requests are answered at a time; 0 for `threads`.
        grpc_socket_path: A Unix socket on which gRPC is answered, too.
        grpc_channel_arguments: Options of gRPC's server, as `a=1,b=x`.
        tensor_content: Whether gRPC answers carry tensors as bytes instead of in typed fields.
        batching: Whether requests that come at the same time are run as one batch.
        batching_parameters_file: TensorFlow Serving's `BatchingParameters`, the limits of a batch.
        monitoring_config_file: TensorFlow Serving's `MonitoringConfig`, which turns the page of
            metrics for Prometheus on and says where it is.
        ssl_config_file: TensorFlow Serving's `SSLConfig`, the key and certificate for gRPC.
        rest_tls: Whether REST is encrypted with them as well.
        api_key_file: A file of keys, one a line, of which each request has to carry one.
        admin: Whether models may be added, changed and removed over REST, under /dlkit/v1/: by
            whoever has a key, or, without `api_key_file`, by programs of this machine.
        request_log: A file to which the features of requests and answers are written for
            `dlkit monitor`; none by default. Numbers, short texts and small pictures are in it in
            clear: it is as private as the requests.
        request_log_share: The share of requests that is logged, from 0 to 1.
        runtime: What runs the models: `auto`, `tensorflow`, `onnx`, `litert` or `onnx_dynamic`.
            `auto` takes a twin of the export (`saved_model(..., runtimes=("onnx",))`) on a CPU, and
            TensorFlow for what it does not cover.
        join_requests: Whether REST requests that would wait for each other are run together,
            where the export has seen that their rows do not mix. `batching` takes its place.
        prefer_tflite: Whether a `model.tflite` in a version directory is served instead of the
            SavedModel beside it.
    """

    poll_seconds: float = 1.0
    num_versions: int = 1
    timeout_seconds: float = 30.0
    max_body_bytes: int = 100 * 2**20
    client_seconds: float = 60.0
    drain_seconds: float = 60.0
    threads: int = 0
    warmup: bool = True
    cors: bool = False
    model_config_file: str = ""
    model_config_poll_seconds: float = 0.0
    early_labels: bool = False
    max_load_retries: int = 5
    load_retry_seconds: float = 60.0
    warmup_iterations: int = 0
    saved_model_tags: str = "serve"
    intra_op_threads: int = 0
    inter_op_threads: int = 0
    gpu_memory_fraction: float = 0.0
    grpc_threads: int = 0
    grpc_socket_path: str = ""
    grpc_channel_arguments: str = ""
    tensor_content: bool = False
    batching: bool = False
    batching_parameters_file: str = ""
    monitoring_config_file: str = ""
    ssl_config_file: str = ""
    rest_tls: bool = False
    api_key_file: str = ""
    admin: bool = False
    request_log: str = ""
    request_log_share: float = 1.0
    runtime: str = "auto"
    join_requests: bool = True
    prefer_tflite: bool = False

    @classmethod
    def of(cls, what: str, options: dict[str, Any]) -> "Settings":
        """Return the settings that `options` ask for, checked.

        Args:
            what: What takes the options, for messages.
            options: The fields that differ from their defaults.

        Raises:
            InputError: for an unknown option or a value out of range.

        Example:
            >>> Settings.of("serve", {"poll_seconds": 5}).poll_seconds
            5
        """
        check_names(what, options, [field.name for field in fields(cls)])
        return cls(**{name: _check(name, value) for name, value in options.items()})


_MINIMUM = {"num_versions": 1, "max_body_bytes": 1}  # of the whole numbers that may not be 0
_TYPES = {field.name: field.type for field in fields(Settings)}


def _check(name: str, value: Any) -> Any:
    kind = _TYPES[name]
    if kind is bool:
        return _check_bool(name, value)
    if name == "runtime":
        return check_choice(name, value, RUNTIMES)
    if name == "request_log_share":
        return _check_share(name, value)
    if name == "gpu_memory_fraction":
        return check_fraction(name, value)
    if kind is float:
        return _check_seconds(name, value)
    if kind is int:
        return check_integer(name, value, minimum=_MINIMUM.get(name, 0))
    return _check_path(name, value)


def _check_share(argument: str, value: Any) -> float:
    number = is_number(value)
    if not number or not 0 < value <= 1:
        raise InputError(
            f"{argument} must be above 0 and at most 1. Received: {argument}={value!r}."
        )
    return value


def _check_bool(argument: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise InputError(f"{argument} must be True or False. Received: {argument}={value!r}.")
    return value


def _check_seconds(argument: str, value: Any) -> float:
    number = is_number(value)
    if not number or not 0 <= value < 1e6:
        raise InputError(
            f"{argument} must be a number of seconds, 0 or more. Received: {argument}={value!r}."
        )
    return value


def _check_path(argument: str, value: Any) -> str:
    if not isinstance(value, (str, os.PathLike)):
        raise InputError(f"{argument} must be a path. Received: {argument}={value!r}.")
    return os.fspath(value)
