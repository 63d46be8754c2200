"""`dlkit serve`: the options of a server that listens where its user says.

What one server needs is here; `dlkit-model-server` has every flag of TensorFlow Serving's.
"""

import pathlib
from typing import Annotated

import typer

from dlkit.cli.terminal import load_tensorflow


def serve(  # noqa: PLR0913 - a command's options are its arguments
    directory: Annotated[
        pathlib.Path | None,
        typer.Argument(metavar="DIR", help="What `dlkit export` names: it holds 1/, 2/, ..."),
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="The model's name in URLs; the directory's by default.")
    ] = None,
    host: Annotated[
        str, typer.Option(help="The address to listen on; 0.0.0.0 opens it to the network.")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="The REST port; 0 takes a free one.")
    ] = 8501,
    grpc_port: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=65535,
            help="The gRPC port, 8500 with TensorFlow Serving; 0 takes a free one. By default"
            " there is no gRPC.",
        ),
    ] = None,
    model_config_file: Annotated[
        pathlib.Path | None,
        typer.Option(
            metavar="FILE",
            help="Several models instead of DIR: a ModelServerConfig of TensorFlow Serving, which"
            " may change while they are served.",
        ),
    ] = None,
    model_config_poll_seconds: Annotated[
        float | None,
        typer.Option(
            min=0,
            help="How often that file is read again; 0 is never. By default every second, and"
            " never with --admin, whose changes it would take back.",
        ),
    ] = None,
    request_log: Annotated[
        pathlib.Path | None,
        typer.Option(
            metavar="FILE",
            help="Log the features of requests for `dlkit monitor`. Numbers, short texts and small"
            " pictures can be read from it: keep it as private as the requests.",
        ),
    ] = None,
    request_log_share: Annotated[
        float, typer.Option(help="The share of requests to log, above 0 and at most 1.")
    ] = 1.0,
    monitoring_config_file: Annotated[
        pathlib.Path | None,
        typer.Option(
            metavar="FILE", help="Metrics for Prometheus: a MonitoringConfig of TensorFlow Serving."
        ),
    ] = None,
    enable_batching: Annotated[
        bool,
        typer.Option("--enable-batching", help="Run requests that come at a time as one batch."),
    ] = False,
    batching_parameters_file: Annotated[
        pathlib.Path | None,
        typer.Option(
            metavar="FILE", help="A batch's limits: BatchingParameters of TensorFlow Serving."
        ),
    ] = None,
    api_key_file: Annotated[
        pathlib.Path | None,
        typer.Option(metavar="FILE", help="Keys, one a line, of which each request has one."),
    ] = None,
    ssl_config_file: Annotated[
        pathlib.Path | None,
        typer.Option(metavar="FILE", help="TLS for gRPC: an SSLConfig of TensorFlow Serving."),
    ] = None,
    rest_tls: Annotated[bool, typer.Option("--rest-tls", help="TLS for REST, too.")] = False,
    admin: Annotated[
        bool, typer.Option("--admin", help="Let models be changed over REST, under /dlkit/v1/.")
    ] = False,
    max_body_bytes: Annotated[
        int, typer.Option(min=1, help="The largest body of a REST request, unpacked.")
    ] = 100 * 2**20,
    client_seconds: Annotated[
        float, typer.Option(min=0, help="How long a REST client may take to send or to receive.")
    ] = 60.0,
    drain_seconds: Annotated[
        float, typer.Option(min=0, help="How long running requests may take after SIGTERM.")
    ] = 60.0,
    runtime: Annotated[
        str,
        typer.Option(
            help="tensorflow, onnx, litert, onnx_dynamic, or auto: a twin of the export on a CPU,"
            " where `dlkit export --runtimes` has put one; TensorFlow else."
        ),
    ] = "auto",
) -> None:
    """Serve an export over TensorFlow Serving's REST and gRPC APIs.

    Ctrl-C or SIGTERM stops it, after the requests that are running. `dlkit-model-server` does the
    same and takes the flags of `tensorflow_model_server`.
    """
    from dlkit import serving
    from dlkit.serving.core.settings import Settings
    from dlkit.serving.process.serve import models_to_serve
    from dlkit.serving.versions.loading import any_needs_tensorflow

    if model_config_poll_seconds is None and model_config_file is not None and not admin:
        model_config_poll_seconds = 1.0
    options = {
        "model_config_file": model_config_file,
        "model_config_poll_seconds": model_config_poll_seconds,
        "request_log": request_log,
        "request_log_share": request_log_share,
        "monitoring_config_file": monitoring_config_file,
        "batching": enable_batching,
        "batching_parameters_file": batching_parameters_file,
        "api_key_file": api_key_file,
        "ssl_config_file": ssl_config_file,
        "rest_tls": rest_tls,
        "admin": admin,
        "max_body_bytes": max_body_bytes,
        "client_seconds": client_seconds,
        "drain_seconds": drain_seconds,
        "runtime": runtime,
    }
    options = {name: value for name, value in options.items() if value is not None}
    settings = Settings.of("serve", options)
    # A pipe can be read once, by the server.
    piped = model_config_file is not None and pathlib.Path(model_config_file).is_fifo()
    models = [] if piped else models_to_serve(directory, name, settings)
    if grpc_port is not None or any_needs_tensorflow(models, settings):
        load_tensorflow()
    serving.serve(directory, name=name, host=host, rest_port=port, grpc_port=grpc_port, **options)
