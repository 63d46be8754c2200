"""`serve`: a model server in the foreground of this process."""

import contextlib
import logging
import os
import pathlib
from typing import Any

from dlkit.argument_validation import require
from dlkit.errors import InputError
from dlkit.serving.batching.config import batching_parameters
from dlkit.serving.core.base_path import (
    find_versions,
    is_saved_model,
    is_version,
    no_versions_text,
    unlisted_text,
)
from dlkit.serving.core.settings import Settings
from dlkit.serving.observability.rest_metrics import metrics_path
from dlkit.serving.process.addresses import bind_port, check_ports
from dlkit.serving.security.api_keys import read_keys
from dlkit.serving.security.tls import read_certificates
from dlkit.serving.versions.model_config import ModelConfig, read_config_file
from dlkit.serving.versions.policy import VersionPolicy

log = logging.getLogger("dlkit.serving")


def serve(
    base: str | os.PathLike | None = None,
    *,
    name: str | None = None,
    host: str = "127.0.0.1",
    rest_port: int | None = 8501,
    grpc_port: int | None = None,
    **options: Any,
) -> None:
    """Serve the SavedModel versions under `base` over TensorFlow Serving's APIs until stopped.

    Use it in a process of its own (`dlkit serve DIR` does); `Server` starts one from a program or a
    notebook. The ports open when the models are loaded. SIGTERM and SIGINT let the running
    requests finish and return.

    Over gRPC there are all methods of TensorFlow Serving's services, health checks and reflection.

    Reference: https://www.tensorflow.org/tfx/serving/api_rest

    Args:
        base: The model's base path, which holds `<version>/saved_model.pb`. Defaults to None: the
            option `model_config_file` lists the models.
        name: The model's name in URLs. Defaults to None, the base directory's name.
        host: The address to listen on. Defaults to "127.0.0.1", this machine only; "0.0.0.0" opens
            it to the network, where `api_key_file` has the server ask who is calling.
        rest_port: The port for REST; 0 lets the system choose one, None is no REST. Defaults to
            8501.
        grpc_port: The port for gRPC, 8500 with TensorFlow Serving; 0 lets the system choose one.
            Defaults to None, no gRPC.
        **options: Fields of `dlkit.serving.core.settings.Settings`: `poll_seconds`, `num_versions`,
            `timeout_seconds`, `max_body_bytes`, `client_seconds`, `drain_seconds`, `threads`,
            `warmup`, `cors`, `admin`, `model_config_file`,
            `model_config_poll_seconds`, `batching`, `monitoring_config_file`, `ssl_config_file`,
            `rest_tls`, `api_key_file` and more.

    Raises:
        InputError: when `base` holds no model, or an option cannot be used.
        ServerError: when the model does not load or a port is taken.

    Example:
        >>> serve("exports/nothing")  # where there is something: it serves until it is stopped
        Traceback (most recent call last):
        dlkit.errors.InputError: Could not find base path .../exports/nothing: serve takes ...
    """
    settings = Settings.of("serve", options)
    require("uvicorn", "serve")
    require("orjson", "serve")
    configs = models_to_serve(base, name, settings)
    check_config_files(settings, grpc_port)
    check_ports(rest_port, grpc_port)
    with contextlib.ExitStack() as stack:
        if grpc_port is not None:
            require("grpc_health", "serve")
            require("grpc_reflection", "serve")
            bind_port(host, grpc_port, "grpc_port").close()  # to fail before the models are loaded
        listener = None
        if rest_port is not None:
            listener = bind_port(host, rest_port, "rest_port")  # likewise; not yet open
            stack.callback(listener.close)
        _log_to_stderr()
        # They import TensorFlow, which takes seconds: not to be waited for by a mistake above.
        from dlkit.serving.process.run import run_server
        from dlkit.serving.versions.loading import load_models

        models = load_models(configs, settings)
        run_server(models, settings, host=host, listener=listener, grpc_port=grpc_port)


def check_config_files(settings: Settings, grpc_port: int | None) -> None:
    """Read the configuration files, to fail before the models are loaded.

    Args:
        settings: The options, which name them.
        grpc_port: The port for gRPC; None for no gRPC.

    Raises:
        InputError: for one that cannot be used, and for options that exclude each other.
    """
    if settings.admin and settings.model_config_poll_seconds:
        raise InputError(
            "admin and model_config_poll_seconds exclude each other: the file would take back what"
            " is changed over REST."
            f" Received: model_config_poll_seconds={settings.model_config_poll_seconds}."
        )
    metrics_path(settings)
    batching_parameters(settings.batching, settings.batching_parameters_file)
    if read_certificates(settings) and grpc_port is None and not settings.rest_tls:
        raise InputError(
            "ssl_config_file encrypts nothing here: give grpc_port, for gRPC, or rest_tls, for REST"
            f". Received: ssl_config_file={settings.ssl_config_file!r}, grpc_port={grpc_port},"
            f" rest_tls={settings.rest_tls}."
        )
    read_keys(settings.api_key_file)


def models_to_serve(
    base: str | os.PathLike | None, name: str | None, settings: Settings
) -> list[ModelConfig]:
    """Return the models to serve: the one under `base`, or those of the configuration file.

    Args:
        base: The base path of one model, or None.
        name: That model's name, or None for the directory's.
        settings: The options, which may name a configuration file.

    Raises:
        InputError: for both a base path and a file, for neither, and when there is nothing to
            serve in them.
    """
    file = settings.model_config_file
    if file and (base is not None or name is not None):
        raise InputError(
            "Give a base path or model_config_file, not both: the file names its models."
            f" Received: base={base and os.fspath(base)!r}, name={name!r},"
            f" model_config_file={file!r}."
        )
    if file:
        return read_config_file(pathlib.Path(file))
    if base is None:
        raise InputError(
            "There is nothing to serve: give a base path, which holds <version>/saved_model.pb, or"
            f" model_config_file. Received: base={base}."
        )
    path = check_base(base)
    policy = VersionPolicy(count=settings.num_versions)
    return [ModelConfig(check_name(name or default_name(path)), path, policy)]


def check_base(base: str | os.PathLike) -> pathlib.Path:
    """Return the base path made absolute, if there is something to serve in it.

    Raises:
        InputError: naming the path and what is expected in it.
    """
    path = pathlib.Path(base).expanduser().absolute()
    found = find_versions(path)
    if found is None:
        raise InputError(
            f"{unlisted_text(path)}: serve takes a directory that holds <version>/saved_model.pb."
        )
    if not found:
        raise InputError(no_versions_text(path.name, path))
    return path


def default_name(base: pathlib.Path) -> str:
    """Return the base directory's name, or its parent's where `base` itself is a version.

    Example:
        >>> default_name(pathlib.Path("/exports/digits"))
        'digits'
    """
    return base.parent.name if is_version(base) and is_saved_model(base) else base.name


def check_name(name: str) -> str:
    """Return `name` if URLs can carry it as it is.

    Raises:
        InputError: naming the value.
    """
    if not name or set(name) & set("/:"):
        raise InputError(f"name must be a word without '/' and ':'. Received: name={name!r}.")
    return name


def _log_to_stderr() -> None:
    """Show what the server logs, unless the program has decided where that goes."""
    if not log.hasHandlers():
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(message)s"))
        log.addHandler(handler)
        log.setLevel(logging.INFO)
