"""A client of TensorFlow Serving's gRPC API: NumPy arrays in and out."""

import os
from types import TracebackType
from typing import Any

import grpc
from tenacity import Retrying
from tensorflow_serving.apis import model_service_pb2_grpc, prediction_service_pb2_grpc

from dlkit.errors import InputError, ServerError
from dlkit.serving.client import proto_messages
from dlkit.serving.client.inputs import prepare_inputs
from dlkit.serving.client.retries import retry_policy
from dlkit.serving.core.signatures import DEFAULT_SIGNATURE, Signature, metadata_json


class GrpcClient:
    """Asks a model that is served over TensorFlow Serving's gRPC API.

    Use it where large arrays make JSON slow, against `dlkit.serving.Server` and TensorFlow Serving
    alike. Its messages are those of tensorflow-serving-api, which import TensorFlow: `Client` is
    for programs without it. One client may be shared by many threads; make one and keep it.

    Reference: https://github.com/tensorflow/serving/tree/master/tensorflow_serving/apis

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
        >>> import tensorflow as tf
        >>> from dlkit.serving import Server
        >>> class HalfPlusTwo(tf.Module):
        ...     @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, name="x")])
        ...     def predict(self, x):
        ...         return {"y": x / 2 + 2}
        >>> model = HalfPlusTwo()
        >>> tf.saved_model.save(model, "exports/half_plus_two/1", signatures=model.predict)
        >>> with Server("exports/half_plus_two", rest_port=0, grpc_port=0) as server:
        ...     with GrpcClient(server.grpc_target, "half_plus_two") as client:
        ...         client.predict([1.0, 2.0, 5.0])
        array([2.5, 3. , 4.5], dtype=float32)
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
        self._retrying = Retrying(**retry_policy(retries, proto_messages.TRANSIENT))
        self._metadata_sent = proto_messages.key_metadata(api_key)
        self._channel = proto_messages.connect(grpc, self._target, ca_file, cert_file)
        predictions = prediction_service_pb2_grpc.PredictionServiceStub(self._channel)
        self._predict, self._metadata = predictions.Predict, predictions.GetModelMetadata
        self._status = model_service_pb2_grpc.ModelServiceStub(self._channel).GetModelStatus
        self._signatures: dict[str, Signature] = {}

    def __enter__(self) -> "GrpcClient":
        """Return the client itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the connection."""
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._channel.close()

    def predict(self, inputs: Any, *, signature_name: str | None = None) -> Any:
        """Return the model's answer to a batch of inputs.

        The first call asks the server for the model's signatures, by which lists and arrays get the
        right dtype, numbers become text where text is taken, and a DataFrame's columns become
        inputs as in `Client.predict`. An array that does not fit is left to the server to refuse.

        Args:
            inputs: One array (or nested list) whose first axis is the batch, or a dictionary of
                them, or a DataFrame or a list of rows by name, for a model with several inputs.
                Numbers, booleans, strings, dates, bytes (an encoded image, say), and files as
                `pathlib.Path`, whose bytes are sent; a string is always a text.
            signature_name: Which of the model's signatures to run. Defaults to None, which is
                `serving_default`, or `image_bytes` and the like for a list of files or bytes where
                that one takes numbers.

        Returns:
            An array in the model's own dtype, or a dictionary of arrays when the model has several
            outputs. Strings come as text, from outputs whose name ends in `_bytes` as bytes.

        Raises:
            InputError: for inputs that are no arrays of numbers, booleans, strings or bytes, and a
                DataFrame that lacks an input or does not fit it.
            ServerError: with the server's own sentence, or when it cannot be reached.
        """
        inputs = prepare_inputs(inputs)
        known = self._known(signature_name or DEFAULT_SIGNATURE)
        try:
            request = proto_messages.predict_request(self._model, inputs, signature_name, known)
        except InputError:
            self._signatures = {}  # another version may have taken over
            raise
        try:
            return proto_messages.read_outputs(self._ask(self._predict, request))
        except ServerError as error:
            self._signatures = {}
            raise proto_messages.naming_inputs(error, request, known) from None

    def status(self) -> list[dict[str, Any]]:
        """Return the state of each version of the model, the highest first, as `Client` does.

        Raises:
            ServerError: with the server's own sentence, or when it cannot be reached.
        """
        answer = self._ask(self._status, proto_messages.status_request(self._model))
        return proto_messages.read_states(answer)

    def metadata(self) -> dict[str, Any]:
        """Return the model's name, version and signatures, as `Client` does.

        Raises:
            ServerError: with the server's own sentence, or when it cannot be reached.
        """
        version, signatures = self._describe()
        return metadata_json(self._model.name, version, signatures)

    def _describe(self) -> tuple[int, dict[str, Signature]]:
        answer = self._ask(self._metadata, proto_messages.metadata_request(self._model))
        return proto_messages.read_signatures(answer)

    def _known(self, key: str) -> dict[str, Signature]:
        """Return the model's signatures, asked for again where none is called so."""
        signatures = self._signatures
        if key not in signatures:
            self._signatures = signatures = self._describe()[1]
        return signatures

    def _ask(self, method: grpc.UnaryUnaryMultiCallable, request: Any) -> Any:
        try:
            return self._retrying(
                method, request, timeout=self._timeout, metadata=self._metadata_sent
            )
        except grpc.RpcError as error:
            raise proto_messages.call_error(error, self._target, self._timeout) from None
