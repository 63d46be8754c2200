"""`serve`: a model server in the foreground of this process."""

import asyncio
import logging
import os
import pathlib
import signal
import socket
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from dlkit.checks import require
from dlkit.errors import InputError, ServerError
from dlkit.serving.base_path import (
    find_versions,
    is_saved_model,
    is_version,
    no_versions_text,
)
from dlkit.serving.settings import Settings
from dlkit.serving.versions import ServedModel, Watcher

_DRAIN_SECONDS = 60  # how long a client that was answered half may take after SIGTERM

log = logging.getLogger("dlkit.serving")


def serve(
    base: str | os.PathLike,
    *,
    name: str | None = None,
    host: str = "127.0.0.1",
    rest_port: int = 8501,
    grpc_port: int | None = None,
    **options: Any,
) -> None:
    """Serve the SavedModel versions under `base` over TensorFlow Serving's APIs until stopped.

    Use it in a process of its own (`dlkit serve DIR` does); `Server` starts one from a program or a
    notebook. The ports open when the first version is loaded. SIGTERM and SIGINT let the running
    requests finish and return.

    Over gRPC there are `Predict`, `GetModelMetadata` and `GetModelStatus`, health checks and
    reflection; the other methods of TensorFlow Serving's services answer UNIMPLEMENTED.

    Reference: https://www.tensorflow.org/tfx/serving/api_rest

    Args:
        base: The model's base path, which holds `<version>/saved_model.pb`.
        name: The model's name in URLs. Defaults to None, the base directory's name.
        host: The address to listen on. Defaults to "127.0.0.1", this machine only; "0.0.0.0" opens
            it to the network, where nothing asks who is calling.
        rest_port: The port for REST; 0 lets the system choose one. Defaults to 8501.
        grpc_port: The port for gRPC, 8500 with TensorFlow Serving; 0 lets the system choose one.
            Defaults to None, no gRPC.
        **options: Fields of `dlkit.serving.settings.Settings`: `poll_seconds`, `num_versions`,
            `timeout_seconds`, `max_body_bytes`, `threads`, `warmup`, `cors`.

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
    base = check_base(base)
    name = check_name(name or default_name(base))
    check_ports(rest_port, grpc_port)
    if grpc_port is not None:
        require("grpc_health", "serve")
        require("grpc_reflection", "serve")
        _bind(host, grpc_port, "grpc_port").close()  # to fail before the model is loaded
    listener = _bind(host, rest_port, "rest_port")  # likewise; not yet open
    _log_to_stderr()
    try:
        model = _load_model(name, base, settings)
        _run(model, listener, grpc_port, settings)
    finally:
        listener.close()


def check_base(base: str | os.PathLike) -> pathlib.Path:
    """Return the base path made absolute, if there is something to serve in it.

    Raises:
        InputError: naming the path and what is expected in it.
    """
    path = pathlib.Path(base).expanduser().absolute()
    found = find_versions(path)
    if found is None:
        raise InputError(
            f"Could not find base path {path}: serve takes a directory that holds"
            " <version>/saved_model.pb."
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


def check_ports(rest_port: int, grpc_port: int | None) -> None:
    """Refuse one port for both.

    Raises:
        InputError: naming the port.
    """
    if grpc_port and grpc_port == rest_port:
        raise InputError(
            "rest_port and grpc_port must differ, or be 0 for free ones."
            f" Received: rest_port={rest_port}, grpc_port={grpc_port}."
        )


def _log_to_stderr() -> None:
    """Show what the server logs, unless the program has decided where that goes."""
    if not log.hasHandlers():
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(message)s"))
        log.addHandler(handler)
        log.setLevel(logging.INFO)


def _bind(host: str, port: int, argument: str) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With the protocol named, asyncio sets TCP_NODELAY on what it accepts; without, the kernel
    # holds the second packet of each answer back for 40 ms.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except (OSError, OverflowError) as error:
        listener.close()
        raise _cannot_listen(host, port, argument, error) from None
    return listener


def _cannot_listen(host: str, port: int, argument: str, error: Exception) -> ServerError:
    reason = getattr(error, "strerror", None) or error
    return ServerError(
        f"Cannot listen on {host} port {port}: {reason}. Stop what uses it, or choose another"
        f" port ({argument}=0 takes a free one)."
    )


def _load_model(name: str, base: pathlib.Path, settings: Settings) -> ServedModel:
    from dlkit.serving.runtime import SavedModel

    versions = find_versions(base) or {}
    if base in versions.values():
        log.info("%s is a SavedModel itself: it is served as version %s", base, *versions)

    def load(path: pathlib.Path) -> SavedModel:
        return SavedModel(path, timeout_seconds=settings.timeout_seconds, warmup=settings.warmup)

    model = ServedModel(name, base, load, num_versions=settings.num_versions)
    model.poll()
    if not model.ready:
        error = model.first_error()
        reason = error.message if error else "no version could be loaded"
        raise ServerError(f"Model '{name}' under {base} cannot be served: {reason}")
    return model


def _run(
    model: ServedModel, listener: socket.socket, grpc_port: int | None, settings: Settings
) -> None:
    import uvicorn

    from dlkit.serving.rest import RestApi

    threads = settings.threads or 4 * (os.cpu_count() or 1)
    pool = ThreadPoolExecutor(threads, "predict")
    app = RestApi(
        {model.name: model}, pool, cors=settings.cors, max_body_bytes=settings.max_body_bytes
    )
    config = uvicorn.Config(
        app,
        lifespan="off",
        ws="none",
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_DRAIN_SECONDS,
    )
    watcher = Watcher([model], settings.poll_seconds)
    host, port = listener.getsockname()[:2]
    try:
        listener.listen(config.backlog)
    except OSError as error:
        raise _cannot_listen(host, port, "rest_port", error) from None
    rpc = None if grpc_port is None else _start_grpc(model, host, grpc_port, threads)
    if settings.poll_seconds:
        watcher.start()
    print(f"Serving {model.name} at {url(host, port, model.name)}", flush=True)
    try:
        _run_uvicorn(_draining_both(uvicorn.Server, rpc)(config), listener)
    finally:
        watcher.stop()
        if rpc is not None:
            rpc.close()
        pool.shutdown()
        model.close()


def _start_grpc(model: ServedModel, host: str, port: int, threads: int) -> Any:
    """Start the gRPC server and say where; before REST's line, which says that all is ready."""
    from dlkit.serving.grpc_server import GrpcServer

    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    try:
        rpc = GrpcServer({model.name: model}, address, threads)
    except RuntimeError as error:  # the port was free when the model began to load
        raise _cannot_listen(host, port, "grpc_port", error) from None
    rpc.start()
    print(f"Serving {model.name} at grpc://{shown_host(host)}:{rpc.port}", flush=True)
    return rpc


def _draining_both(server: type, rpc: Any) -> type:
    """Return uvicorn's `server` made to drain gRPC at the same time as HTTP."""

    class Draining(server):
        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            drained = rpc.stop(_DRAIN_SECONDS)
            await super().shutdown(sockets)
            await asyncio.get_running_loop().run_in_executor(None, drained.wait)

    return server if rpc is None else Draining


def _run_uvicorn(server: Any, listener: socket.socket) -> None:
    """Run until SIGTERM or SIGINT; uvicorn then raises the signal again, which must not kill us."""
    kept = {
        number: signal.signal(number, lambda *_: None) for number in (signal.SIGTERM, signal.SIGINT)
    }
    try:
        asyncio.run(server.serve(sockets=[listener]))
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)


def url(host: str, port: int, name: str) -> str:
    """Return the URL under which a model is served.

    Example:
        >>> url("127.0.0.1", 8501, "digits")
        'http://127.0.0.1:8501/v1/models/digits'
    """
    return f"http://{shown_host(host)}:{port}/v1/models/{name}"


def shown_host(host: str) -> str:
    """Return a listening address as a client of this machine writes it.

    Example:
        >>> shown_host("0.0.0.0"), shown_host("::1")
        ('127.0.0.1', '[::1]')
    """
    return {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)
