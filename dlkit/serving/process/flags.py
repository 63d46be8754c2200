"""The flags of `tensorflow_model_server`, under their own names, and what each means here."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from dlkit.argument_validation import closest
from dlkit.errors import InputError

_NO_EFFECT = "Accepted, without effect: "


@dataclass(frozen=True)
class Flag:
    """One flag.

    Args:
        name: Its name.
        default: Its default, whose type is the flag's.
        help: What it does here.
        setting: The field of `Settings` that it sets; empty where the program handles it.
        scale: What its value is multiplied with for the setting.
    """

    name: str
    default: Any
    help: str
    setting: str = ""
    scale: float = 1


FLAGS = (
    Flag("port", 8500, "Port for gRPC; 0 is no gRPC."),
    Flag("rest_api_port", 0, "Port for REST; 0 is no REST."),
    Flag("host", "127.0.0.1", "dlkit's own: the address to listen on; 0.0.0.0 is all of them."),
    Flag("model_name", "default", "The model's name; ignored with --model_config_file."),
    Flag("model_base_path", "", "Base path; ignored with --model_config_file."),
    Flag("model_config_file", "", "Several models: a ModelServerConfig.", "model_config_file"),
    Flag(
        "model_config_file_poll_wait_seconds",
        0,
        "How often that file is read again; 0 is never.",
        "model_config_poll_seconds",
    ),
    Flag(
        "file_system_poll_wait_seconds",
        1,
        "How often base paths are looked at; 0 and less are once, at the start.",
        "poll_seconds",
    ),
    Flag(
        "allow_version_labels_for_unavailable_models",
        False,
        "Whether a new label may name a version that is not loaded.",
        "early_labels",
    ),
    Flag("max_num_load_retries", 5, "How often a failed load is repeated.", "max_load_retries"),
    Flag(
        "load_retry_interval_micros",
        60_000_000,
        "The wait before that.",
        "load_retry_seconds",
        1e-6,
    ),
    Flag("rest_api_num_threads", 0, "Predictions at a time; 0 is four a processor.", "threads"),
    Flag(
        "rest_api_timeout_in_ms",
        30_000,
        "How long a prediction may run, over gRPC as well; 0 and less are for ever.",
        "timeout_seconds",
        1e-3,
    ),
    Flag("rest_api_enable_cors_support", False, "Whether browsers may read the answers.", "cors"),
    Flag("grpc_max_threads", 0, "gRPC requests at a time; 0 is four a processor.", "grpc_threads"),
    Flag("grpc_socket_path", "", "A Unix socket for gRPC too.", "grpc_socket_path"),
    Flag("grpc_channel_arguments", "", "Options of gRPC: a=1,b=x.", "grpc_channel_arguments"),
    Flag("enable_model_warmup", True, "Whether warm-up requests are run.", "warmup"),
    Flag(
        "num_request_iterations_for_warmup",
        0,
        "How often each of them is run; 0 counts as 1.",
        "warmup_iterations",
    ),
    Flag("saved_model_tags", "serve", "Tags of the graph, with commas.", "saved_model_tags"),
    Flag(
        "enable_serialization_as_tensor_content",
        False,
        "Whether gRPC answers carry bytes instead of typed fields.",
        "tensor_content",
    ),
    Flag("tensorflow_intra_op_parallelism", 0, "Threads of one operation.", "intra_op_threads"),
    Flag("tensorflow_inter_op_parallelism", 0, "Operations at a time.", "inter_op_threads"),
    Flag("tensorflow_session_parallelism", 0, "Both of them, where they are 0."),
    Flag(
        "per_process_gpu_memory_fraction",
        0.0,
        "The share of the GPU's memory to take; 0 is as needed.",
        "gpu_memory_fraction",
    ),
    Flag("enable_batching", False, "Whether requests are run together.", "batching"),
    Flag("batching_parameters_file", "", "How: BatchingParameters.", "batching_parameters_file"),
    Flag("monitoring_config_file", "", "Metrics for Prometheus.", "monitoring_config_file"),
    Flag(
        "request_log",
        "",
        "dlkit's own: a file for the features of requests, which dlkit monitor reads. Numbers,"
        " short texts and small pictures can be read from it: keep it as private as the requests.",
        "request_log",
    ),
    Flag("request_log_share", 1.0, "The share of requests to log.", "request_log_share"),
    Flag("ssl_config_file", "", "TLS for gRPC: an SSLConfig.", "ssl_config_file"),
    Flag("rest_api_tls", False, "dlkit's own: TLS for REST, too.", "rest_tls"),
    Flag("api_key_file", "", "dlkit's own: keys, one a line, that clients need.", "api_key_file"),
    Flag(
        "enable_admin_api",
        False,
        "dlkit's own: whether models may be changed over REST, under /dlkit/v1/.",
        "admin",
    ),
    Flag(
        "client_timeout_seconds",
        60.0,
        "dlkit's own: how long a REST client may take to send or to receive.",
        "client_seconds",
    ),
    Flag(
        "drain_seconds",
        60.0,
        "dlkit's own: how long running requests may take after SIGTERM.",
        "drain_seconds",
    ),
    Flag(
        "max_body_bytes",
        100 * 2**20,
        "dlkit's own: the largest body of a REST request, unpacked.",
        "max_body_bytes",
    ),
    Flag(
        "join_requests",
        True,
        "dlkit's own: whether exports that allow it answer waiting REST requests together.",
        "join_requests",
    ),
    Flag(
        "runtime", "auto", "dlkit's own: auto, tensorflow, onnx, litert or onnx_dynamic.", "runtime"
    ),
    Flag(
        "prefer_tflite_model",
        False,
        "Whether a model.tflite is served instead of the SavedModel beside it.",
        "prefer_tflite",
    ),
    Flag("version", False, "Print the versions and end."),
    Flag("num_load_threads", 0, _NO_EFFECT + "models are loaded one after the other."),
    Flag("num_unload_threads", 0, _NO_EFFECT + "versions are unloaded where they end."),
    Flag("enable_grpc_healthcheck_service", False, _NO_EFFECT + "it is always there."),
    Flag("flush_filesystem_caches", True, _NO_EFFECT + "the system decides."),
    Flag("remove_unused_fields_from_bundle_metagraph", True, _NO_EFFECT + "nothing is kept."),
    Flag("enable_per_model_batching_parameters", False, "true is refused: one file for all."),
    Flag("use_tflite_model", False, "true is refused: prefer_tflite_model took its place."),
    Flag("platform_config_file", "", "A file is refused: there is one platform, TensorFlow."),
    Flag(
        "enable_signature_method_name_check", False, "true is refused: the name is not looked at."
    ),
)
_REFUSED = (
    "platform_config_file",
    "enable_per_model_batching_parameters",
    "use_tflite_model",
    "enable_signature_method_name_check",
)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise InputError(f"{message[:1].upper()}{message[1:]}. --help lists the flags.")


def parse_flags(arguments: Sequence[str]) -> dict[str, Any]:
    """Return every flag's value by its name.

    Args:
        arguments: The command line, as `--flag=value` or `--flag value`; a flag that is a switch
            may stand alone.

    Raises:
        InputError: for an unknown flag, with the closest known one, and for a value of the wrong
            kind.

    Example:
        >>> parse_flags(["--port=9000", "--enable_model_warmup", "false"])["port"]
        9000
    """
    parser = _Parser(
        prog="dlkit-model-server",
        description="TensorFlow Serving's APIs, with the flags of tensorflow_model_server.",
        allow_abbrev=False,
    )
    for flag in FLAGS:
        kind = type(flag.default)
        switch: dict[str, Any] = {"nargs": "?", "const": True} if kind is bool else {}
        parser.add_argument(
            f"--{flag.name}",
            type=_switch if kind is bool else kind,
            default=flag.default,
            help=f"{flag.help} Default: {flag.default!r}.",
            metavar=kind.__name__,
            **switch,
        )
    known, unknown = parser.parse_known_args(arguments)
    if unknown:
        name = unknown[0].partition("=")[0]
        listed = [f"--{flag.name}" for flag in FLAGS]
        raise InputError(f"Unknown flag: {name}.{closest(name, listed)} --help lists the flags.")
    return vars(known)


def _switch(text: str) -> bool:
    values = {"true": True, "1": True, "false": False, "0": False}
    if text.lower() not in values:
        raise argparse.ArgumentTypeError(f"{text!r} is neither true nor false")
    return values[text.lower()]


def to_settings(values: dict[str, Any]) -> dict[str, Any]:
    """Return the options of `serve` that the flags' values ask for.

    Args:
        values: What `parse_flags` returned.

    Raises:
        InputError: for a flag that asks for what this server does not do.
    """
    for name in _REFUSED:
        if values[name]:
            value = "true" if values[name] is True else values[name]
            raise InputError(f"--{name}={value} asks for what this server does not do.")
    found = {
        flag.setting: values[flag.name] * flag.scale if flag.scale != 1 else values[flag.name]
        for flag in FLAGS
        if flag.setting
    }
    for name in ("poll_seconds", "timeout_seconds"):
        found[name] = max(0, found[name])
    for name in ("intra_op_threads", "inter_op_threads"):
        found[name] = found[name] or values["tensorflow_session_parallelism"]
    return found
