"""A gRPC server with TensorFlow Serving's services, health checks and reflection."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection
from tensorflow_serving.apis import (
    model_service_pb2,
    model_service_pb2_grpc,
    prediction_service_pb2,
    prediction_service_pb2_grpc,
)

from dlkit.errors import ServerError
from dlkit.serving.core.settings import Settings
from dlkit.serving.grpc_api.services import ModelService, PredictionService
from dlkit.serving.security.api_keys import ApiKeys, missing_key, read_keys
from dlkit.serving.security.tls import grpc_credentials, read_certificates
from dlkit.serving.versions.served_models import ServedModels

# From the descriptors, which have to be loaded for reflection to describe the services.
_NAMES = tuple(
    service.full_name
    for module in (prediction_service_pb2, model_service_pb2)
    for service in module.DESCRIPTOR.services_by_name.values()
)
# TensorFlow Serving answers for the short names; "" is the server as a whole.
_HEALTHY = ("", "ModelService", "PredictionService", *_NAMES)
_OPEN_SERVICE = "/grpc.health.v1.Health/"  # to everybody, as REST's probes
_OPTIONS = (
    ("grpc.so_reuseport", 0),  # a taken port is an error, not a port to share
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
)


class GrpcServer:
    """The services on a port, from `start` to `stop`.

    Args:
        models: The served models.
        address: Where to listen, as `127.0.0.1:8500`; port 0 takes a free one.
        threads: How many requests are answered at a time.
        settings: The options; of them those whose names begin with `grpc` matter here, and
            `tensor_content`. Defaults to None, all at their defaults.

    Raises:
        RuntimeError: when the port is taken.
        ServerError: when the Unix socket cannot be made.
    """

    def __init__(
        self, models: ServedModels, address: str, threads: int, settings: Settings | None = None
    ):
        settings = settings or Settings()
        self._pool = ThreadPoolExecutor(settings.grpc_threads or threads, "grpc")
        options = [*_OPTIONS, *channel_arguments(settings.grpc_channel_arguments)]
        keys = read_keys(settings.api_key_file)
        guards = [KeyInterceptor(keys)] if keys else []
        self._server = grpc.server(self._pool, options=options, interceptors=guards)
        self._health = health.HealthServicer()
        prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(
            PredictionService(models, typed=not settings.tensor_content), self._server
        )
        model_service_pb2_grpc.add_ModelServiceServicer_to_server(
            ModelService(models), self._server
        )
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        names = (*_NAMES, health.SERVICE_NAME, reflection.SERVICE_NAME)
        reflection.enable_server_reflection(names, self._server)
        if proof := read_certificates(settings):
            self.port = self._server.add_secure_port(address, grpc_credentials(proof))
        else:
            self.port = self._server.add_insecure_port(address)
        if settings.grpc_socket_path:
            self._listen_on_socket(settings.grpc_socket_path)

    def _listen_on_socket(self, path: str) -> None:
        try:
            self._server.add_insecure_port(f"unix:{path}")
        except RuntimeError:
            raise ServerError(
                f"Cannot listen on the Unix socket {path} (grpc_socket_path): give a path of up to"
                " 107 bytes in a directory that can be written to."
            ) from None

    def start(self) -> None:
        """Begin to answer."""
        for name in _HEALTHY:
            self._health.set(name, health_pb2.HealthCheckResponse.SERVING)
        self._server.start()

    def stop(self, seconds: float) -> threading.Event:
        """Take no more requests.

        Args:
            seconds: How long those that are running may take.

        Returns:
            What is set when the last of them is answered.
        """
        self._health.enter_graceful_shutdown()
        return self._server.stop(seconds)

    def close(self) -> None:
        """Let go of the port and the threads, at once."""
        self.stop(0).wait()
        self._pool.shutdown()


def channel_arguments(text: str) -> list[tuple[str, int | str]]:
    """Return options of gRPC from how TensorFlow Serving's flag writes them.

    Example:
        >>> channel_arguments("grpc.max_connection_age_ms=2000,grpc.lb_policy_name=x")
        [('grpc.max_connection_age_ms', 2000), ('grpc.lb_policy_name', 'x')]
    """
    pairs = [part.partition("=") for part in text.split(",") if part]
    return [(name, int(value) if value.isdigit() else value) for name, _, value in pairs]


class KeyInterceptor(grpc.ServerInterceptor):
    """Refuses gRPC calls without a key.

    Args:
        keys: The keys.
    """

    def __init__(self, keys: ApiKeys):
        self._keys = keys
        self._refuse = grpc.unary_unary_rpc_method_handler(_refuse)

    def intercept_service(self, continuation: Callable, details: Any) -> Any:
        """Return what answers a call."""
        pairs = [
            (key.encode(), value if isinstance(value, bytes) else value.encode())
            for key, value in details.invocation_metadata
        ]
        if details.method.startswith(_OPEN_SERVICE) or self._keys.accept(pairs):
            return continuation(details)
        return self._refuse


def _refuse(request: bytes, context: grpc.ServicerContext) -> None:
    error = missing_key()
    context.abort(grpc.StatusCode[error.code], error.message)
