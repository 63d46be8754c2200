"""The gRPC client for programs with an event loop."""

import os
from types import TracebackType
from typing import Any

import grpc
import grpc.aio
from tenacity import AsyncRetrying
from tensorflow_serving.apis import model_service_pb2_grpc, prediction_service_pb2_grpc

from dlkit.errors import InputError, ServerError
from dlkit.serving.client import proto_messages
from dlkit.serving.client.inputs import prepare_inputs
from dlkit.serving.client.retries import retry_policy
from dlkit.serving.core.signatures import DEFAULT_SIGNATURE, Signature, metadata_json


class AsyncGrpcClient:
    """Asks a model that is served over TensorFlow Serving's gRPC API, without blocking the loop.

    As `GrpcClient`, with `await`; many requests may be under way at a time. Make it where the loop
    runs.

    Args:
        target: The server's address, as `127.0.0.1:8500`, `unix:/run/dlkit` or
            `Server.grpc_target`.
        model: The model's name.
        timeout: Seconds to wait for an answer. Defaults to 30.0.
        retries: How often a request is sent again when the server is unavailable, waiting 0.1 s,
            0.2 s, 0.4 s, ... between. Defaults to 3.
        api_key: The key that the server asks for. Defaults to None, which sends none.
        ca_file: The certificate of the authority that vouches for the server, in PEM. Defaults to
            None, no encryption.
        cert_file: The client's own certificate and key, in PEM, for a server that asks for them
            (mTLS). Defaults to None.
        version: The number of the version to ask. Defaults to None, the highest one.
        label: The label of the version to ask, in place of its number. Defaults to None.

    Raises:
        InputError: when `target` is no address, a file cannot be read, or both `version` and
            `label` are given.

    Example:
        >>> import asyncio
        >>> async def ask():
        ...     async with AsyncGrpcClient("127.0.0.1:9", "digits", retries=0) as client:
        ...         return await client.predict([[0.0, 1.0]])  # where a server listens: an array
        >>> asyncio.run(ask())
        Traceback (most recent call last):
        dlkit.errors.ServerError: No server answers at grpc://127.0.0.1:9 ...
    """

    def __init__(  # noqa: PLR0913 - what a connection is made with, and to what: keyword-only
        self,
        target: str,
        model: str,
        *,
        timeout: float = 30.0,
        retries: int = 3,
        api_key: str | None = None,
        ca_file: str | os.PathLike | None = None,
        cert_file: str | os.PathLike | None = None,
        version: int | None = None,
        label: str | None = None,
    ):
        self._target = proto_messages.check_target(target)
        self._model = proto_messages.model_spec(model, version, label)
        self._timeout = timeout
        self._retrying = AsyncRetrying(**retry_policy(retries, proto_messages.TRANSIENT))
        self._metadata_sent = proto_messages.key_metadata(api_key)
        self._channel = proto_messages.connect(grpc.aio, self._target, ca_file, cert_file)
        predictions = prediction_service_pb2_grpc.PredictionServiceStub(self._channel)
        self._predict, self._metadata = predictions.Predict, predictions.GetModelMetadata
        self._status = model_service_pb2_grpc.ModelServiceStub(self._channel).GetModelStatus
        self._signatures: dict[str, Signature] = {}

    async def __aenter__(self) -> "AsyncGrpcClient":
        """Return the client itself."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the connection."""
        await self.close()

    async def close(self) -> None:
        """Close the connection."""
        await self._channel.close()

    async def predict(self, inputs: Any, *, signature_name: str | None = None) -> Any:
        """Return the model's answer to a batch of inputs, as `GrpcClient.predict` does.

        Args:
            inputs: What `GrpcClient.predict` takes.
            signature_name: Which of the model's signatures to run. Defaults to None, which is
                `serving_default`, or `image_bytes` and the like for a list of files or bytes where
                that one takes numbers.

        Returns:
            An array in the model's own dtype, or a dictionary of arrays when the model has several
            outputs.

        Raises:
            InputError: for inputs that are no arrays of numbers, booleans, strings or bytes, and a
                DataFrame that lacks an input or does not fit it.
            ServerError: with the server's own sentence, or when it cannot be reached.
        """
        inputs = prepare_inputs(inputs)
        known = await self._known(signature_name or DEFAULT_SIGNATURE)
        try:
            request = proto_messages.predict_request(self._model, inputs, signature_name, known)
        except InputError:
            self._signatures = {}  # another version may have taken over
            raise
        try:
            return proto_messages.read_outputs(await self._ask(self._predict, request))
        except ServerError as error:
            self._signatures = {}
            raise proto_messages.naming_inputs(error, request, known) from None

    async def status(self) -> list[dict[str, Any]]:
        """Return the state of each version of the model, the highest first, as `Client` does.

        Raises:
            ServerError: with the server's own sentence, or when it cannot be reached.
        """
        answer = await self._ask(self._status, proto_messages.status_request(self._model))
        return proto_messages.read_states(answer)

    async def metadata(self) -> dict[str, Any]:
        """Return the model's name, version and signatures, as `Client` does.

        Raises:
            ServerError: with the server's own sentence, or when it cannot be reached.
        """
        version, signatures = await self._describe()
        return metadata_json(self._model.name, version, signatures)

    async def _describe(self) -> tuple[int, dict[str, Signature]]:
        answer = await self._ask(self._metadata, proto_messages.metadata_request(self._model))
        return proto_messages.read_signatures(answer)

    async def _known(self, key: str) -> dict[str, Signature]:
        """Return the model's signatures, asked for again where none is called so."""
        signatures = self._signatures
        if key not in signatures:
            self._signatures = signatures = (await self._describe())[1]
        return signatures

    async def _ask(self, method: grpc.aio.UnaryUnaryMultiCallable, request: Any) -> Any:
        try:
            return await self._retrying(self._send, method, request)
        except grpc.RpcError as error:
            raise proto_messages.call_error(error, self._target, self._timeout) from None

    async def _send(self, method: grpc.aio.UnaryUnaryMultiCallable, request: Any) -> Any:
        return await method(request, timeout=self._timeout, metadata=self._metadata_sent)
