"""Loaded models -> REST and gRPC on their ports, until a signal ends it."""

import asyncio
import contextlib
import functools
import logging
import os
import pathlib
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Any

import uvicorn
from uvicorn.protocols.http.auto import AutoHTTPProtocol

from dlkit.serving.core.settings import Settings
from dlkit.serving.observability.rest_metrics import MetricsPage, Monitored, metrics_path
from dlkit.serving.process.addresses import cannot_listen, model_url, shown_host
from dlkit.serving.rest_api.app import RestApi
from dlkit.serving.rest_api.connection_timeouts import with_timeouts
from dlkit.serving.rest_api.fast_path import with_fast_path
from dlkit.serving.rest_api.guarded import Guarded
from dlkit.serving.rest_api.upgrades import without_upgrades
from dlkit.serving.security.api_keys import ApiKeys, read_keys
from dlkit.serving.security.tls import read_certificates, server_context
from dlkit.serving.versions.loading import ConfigFile
from dlkit.serving.versions.served_models import ServedModels
from dlkit.serving.versions.watcher import Watcher

_FOR_EVER = 1e8  # seconds
_UNLOADING_SECONDS = 5.0  # after the last request, or the last that was waited for
log = logging.getLogger("dlkit.serving")

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


def run_server(
    models: ServedModels,
    settings: Settings,
    *,
    host: str,
    listener: socket.socket | None,
    grpc_port: int | None,
) -> None:
    """Answer until SIGTERM or SIGINT, then let the running requests finish and unload the models.

    Args:
        models: The loaded models.
        settings: The options.
        host: The address to listen on.
        listener: The port for REST, taken and not yet open; None for no REST.
        grpc_port: The port for gRPC; None for no gRPC.

    Raises:
        ServerError: when a port is taken after all.
    """
    ended = threading.Event()
    with ExitStack() as stack:
        end = _ForcedExit(settings.drain_seconds)
        stack.callback(end.cancel)
        stack.callback(models.close)
        stack.enter_context(_signals_to(ended))
        if listener is not None:
            _listen(host, listener)
        rpc = None
        if grpc_port is not None:
            rpc = _start_grpc(models, host, grpc_port, settings)
            stack.callback(rpc.close)
        for watcher in _watchers(models, settings):
            watcher.start()
            stack.callback(watcher.stop)
        if listener is None or ended.is_set():
            ended.wait()
            end.begin()
            if rpc is not None:
                rpc.stop(settings.drain_seconds).wait()
            return
        pool = ThreadPoolExecutor(_threads(settings), "predict")
        stack.callback(pool.shutdown, cancel_futures=True)
        api = _rest_api(models, pool, settings)
        server = _Draining(_uvicorn_config(api, settings), rpc, ended, end, settings.drain_seconds)
        loop_factory = server.config.get_loop_factory()  # uvloop, where it is
        _announce(models, listener, settings)
        with asyncio.Runner(loop_factory=loop_factory) as runner:
            runner.run(server.serve(sockets=[listener]))


class _ForcedExit:
    """Ends the process, whatever still runs in it, a while after it was asked to end."""

    def __init__(self, drain_seconds: float):
        self._timer = threading.Timer(drain_seconds + _UNLOADING_SECONDS, _end_at_once)
        self._timer.daemon = True

    def begin(self) -> None:
        self._timer.start()

    def cancel(self) -> None:
        self._timer.cancel()


def _end_at_once() -> None:
    log.error("Something still runs after drain_seconds: the process ends without it")
    os._exit(1)


def _threads(settings: Settings) -> int:
    return settings.threads or 4 * (os.cpu_count() or 1)


def _watchers(models: ServedModels, settings: Settings) -> Iterator[Watcher]:
    yield Watcher(models.poll, settings.poll_seconds)
    if settings.model_config_file:
        file = ConfigFile(pathlib.Path(settings.model_config_file), models)
        yield Watcher(file.poll, settings.model_config_poll_seconds)


def _listen(host: str, listener: socket.socket) -> None:
    try:
        listener.listen(2048)
    except OSError as error:
        port = listener.getsockname()[1]
        raise cannot_listen(host, port, "rest_port", error) from None


def _start_grpc(models: ServedModels, host: str, port: int, settings: Settings) -> Any:
    """Start the gRPC server and say where; before REST's line, which says that all is ready."""
    from dlkit.serving.grpc_api.server import GrpcServer

    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    try:
        rpc = GrpcServer(models, address, _threads(settings), settings)
    except RuntimeError as error:  # the port was free when the models began to load
        raise cannot_listen(host, port, "grpc_port", error) from None
    rpc.start()
    print(f"Serving {', '.join(models)} at grpc://{shown_host(host)}:{rpc.port}", flush=True)
    return rpc


def _announce(models: ServedModels, listener: socket.socket, settings: Settings) -> None:
    host, port = listener.getsockname()[:2]
    scheme = "https" if settings.rest_tls else "http"
    for name in models or [""]:
        print(f"Serving {name or 'no model'} at {model_url(host, port, name, scheme)}", flush=True)


def _uvicorn_config(api: RestApi, settings: Settings) -> uvicorn.Config:
    keys = read_keys(settings.api_key_file)
    protocol = with_fast_path(without_upgrades(AutoHTTPProtocol), api, keys)
    proof = read_certificates(settings) if settings.rest_tls else None
    return uvicorn.Config(
        _with_middleware(api, settings, keys),
        http=with_timeouts(protocol, settings.client_seconds),
        lifespan="off",
        ws="none",
        log_level="error",  # what clients send wrong is told to them
        access_log=False,
        server_header=False,
        proxy_headers=False,  # who asks is who holds the connection, whatever a header says
        # They are given to asyncio as they are, which takes parts of seconds, too.
        timeout_keep_alive=settings.client_seconds or _FOR_EVER,  # type: ignore[arg-type]
        timeout_graceful_shutdown=settings.drain_seconds,  # type: ignore[arg-type]
        ssl_context_factory=(lambda *_: server_context(proof)) if proof else None,
    )


def _rest_api(models: ServedModels, pool: ThreadPoolExecutor, settings: Settings) -> RestApi:
    from dlkit.serving.rest_api.docs_page import Pages

    others: list[Callable] = [Pages(models, keys=bool(settings.api_key_file))]
    if settings.admin:
        from dlkit.serving.rest_api.admin import Admin

        others.append(Admin(models, settings))
    return RestApi(
        models,
        pool,
        cors=settings.cors,
        max_body_bytes=settings.max_body_bytes,
        client_seconds=settings.client_seconds,
        others=others,
        join=settings.join_requests and not settings.batching,
    )


def _with_middleware(app: Callable, settings: Settings, keys: ApiKeys | None) -> Callable:
    if path := metrics_path(settings):
        app = MetricsPage(app, path)
    if keys:
        app = Guarded(app, keys)
    return Monitored(app)


class _Draining(uvicorn.Server):
    """uvicorn's server, which drains gRPC at the same time as HTTP, within a bound."""

    def __init__(
        self,
        config: uvicorn.Config,
        rpc: Any,
        ended: threading.Event,
        end: _ForcedExit,
        seconds: float,
    ):
        super().__init__(config)
        self._rpc, self._ended, self._end, self._seconds = rpc, ended, end, seconds

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self._ended.is_set():  # by a signal that came before uvicorn listened for any
            self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._end.begin()
        drained = self._rpc.stop(self._seconds) if self._rpc is not None else None
        last = asyncio.gather(*map(self._take, _accepted(sockets or [])))
        await super().shutdown(sockets)  # which closes the ports before anything else runs
        last.cancel()
        if drained is not None:
            await asyncio.get_running_loop().run_in_executor(None, drained.wait)

    async def _take(self, plain: socket.socket) -> None:
        kind: Any = self.config.http_protocol_class  # of asyncio's protocols, as typed
        protocol = functools.partial(kind, self.config, self.server_state, {})
        loop = asyncio.get_running_loop()
        with contextlib.suppress(OSError):  # of a client that has gone
            _, connection = await loop.connect_accepted_socket(protocol, plain, ssl=self.config.ssl)
            connection.shutdown()  # when it has its answer


def _accepted(listeners: list[socket.socket]) -> Iterator[socket.socket]:
    """Yield the connections that wait to be accepted: with their port, the system resets them."""
    for listener in listeners:
        listener.setblocking(False)
        with contextlib.suppress(OSError):  # there is no other
            while True:
                yield listener.accept()[0]


@contextmanager
def _signals_to(ended: threading.Event) -> Iterator[None]:
    """Set `ended` where a signal would end the process; uvicorn raises its signals again."""
    kept = {number: signal.signal(number, lambda *_: ended.set()) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, former in kept.items():
            signal.signal(number, former)
