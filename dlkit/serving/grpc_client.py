"""A client of TensorFlow Serving's gRPC API: NumPy arrays in and out."""

import itertools
import os
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any

import grpc
from tensorflow_serving.apis import model_service_pb2_grpc, prediction_service_pb2_grpc
from tensorflow_serving.apis.get_model_metadata_pb2 import GetModelMetadataRequest, SignatureDefMap
from tensorflow_serving.apis.get_model_status_pb2 import (
    GetModelStatusRequest,
    ModelVersionStatus,
)
from tensorflow_serving.apis.model_pb2 import ModelSpec
from tensorflow_serving.apis.predict_pb2 import PredictRequest

from dlkit.checks import check_integer
from dlkit.errors import InputError, ServerError
from dlkit.serving.client_arrays import from_wire, to_wire
from dlkit.serving.client_tls import read_proofs
from dlkit.serving.signature_protos import from_definition
from dlkit.serving.signatures import DEFAULT_SIGNATURE, Signature, metadata_json
from dlkit.serving.status import code_by_number

_FIRST_PAUSE_SECONDS = 0.1
_HINT = "dlkit-hint-bin"
_LOCAL = ("127.0.0.1:", "localhost:", "[::1]:")


class GrpcClient:
    """Asks a model that is served over TensorFlow Serving's gRPC API.

    Use it where large arrays make JSON slow, against `dlkit.serving.Server` and TensorFlow Serving
    alike. Its messages are those of tensorflow-serving-api, which import TensorFlow: `Client` is
    for programs without it. One client may be shared by many threads; make one and keep it.

    Reference: https://github.com/tensorflow/serving/tree/master/tensorflow_serving/apis

    Args:
        target: The server's address, as `127.0.0.1:8500` or `Server.grpc_target`.
        model: The model's name.
        timeout: Seconds to wait for an answer. Defaults to 30.0.
        retries: How often a request is sent again when the server is unavailable, waiting 0.1 s,
            0.2 s, 0.4 s, ... between. Defaults to 3.
        api_key: The key that the server asks for. Defaults to None, which sends none.
        ca_file: The certificate of the authority that vouches for the server, in PEM. Defaults to
            None, no encryption.
        cert_file: The client's own certificate and key, in PEM, for a server that asks for them
            (mTLS). Defaults to None.

    Raises:
        InputError: when `target` is no address, or a file cannot be read.

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

    def __init__(
        self,
        target: str,
        model: str,
        *,
        timeout: float = 30.0,
        retries: int = 3,
        api_key: str | None = None,
        ca_file: str | os.PathLike | None = None,
        cert_file: str | os.PathLike | None = None,
    ):
        self._target = target.removeprefix("grpc://")
        if "://" in self._target or not self._target.rpartition(":")[2].isdigit():
            raise InputError(
                f"target must be a server's address such as 127.0.0.1:8500. Received: {target!r}."
            )
        self._model = model
        self._timeout = timeout
        self._retries = check_integer("retries", retries, minimum=0)
        self._metadata_sent = () if api_key is None else (("authorization", f"Bearer {api_key}"),)
        self._channel = _channel(self._target, ca_file, cert_file)
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

        The first call asks the server for the model's signatures, by which lists become arrays of
        the right dtype. A number that this dtype cannot hold is left to the server to refuse.

        Args:
            inputs: One array (or nested list) whose first axis is the batch, or a dictionary of
                them for a model with several inputs. Numbers, booleans, strings, and bytes (an
                encoded image, say).
            signature_name: Which of the model's signatures to run. Defaults to None, which is
                `serving_default`.

        Returns:
            An array in the model's own dtype, or a dictionary of arrays when the model has several
            outputs. Strings come as text, from outputs whose name ends in `_bytes` as bytes.

        Raises:
            InputError: for inputs that are no arrays of numbers, booleans, strings or bytes.
            ServerError: with the server's own sentence, or when it cannot be reached.
        """
        key = signature_name or DEFAULT_SIGNATURE
        request = PredictRequest(model_spec=self._spec(signature_name or ""))
        infos = self._signature(key).inputs
        for name, value in _by_name(inputs, list(infos)).items():
            request.inputs[name].CopyFrom(to_wire(name, value, infos.get(name)))
        try:
            answer = self._ask(self._predict, request)
        except ServerError:
            self._signatures = {}  # another version may have taken over
            raise
        outputs = {name: from_wire(name, proto) for name, proto in answer.outputs.items()}
        return outputs if len(outputs) != 1 else next(iter(outputs.values()))

    def status(self) -> list[dict[str, Any]]:
        """Return the state of each version of the model, the highest first, as `Client` does.

        Raises:
            ServerError: with the server's own sentence, or when it cannot be reached.
        """
        answer = self._ask(self._status, GetModelStatusRequest(model_spec=self._spec()))
        return [_state(found) for found in answer.model_version_status]

    def metadata(self) -> dict[str, Any]:
        """Return the model's name, version and signatures, as `Client` does.

        Raises:
            ServerError: with the server's own sentence, or when it cannot be reached.
        """
        version, signatures = self._describe()
        return metadata_json(self._model, version, signatures)

    def _spec(self, signature_name: str = "") -> ModelSpec:
        return ModelSpec(name=self._model, signature_name=signature_name)

    def _describe(self) -> tuple[int, dict[str, Signature]]:
        request = GetModelMetadataRequest(model_spec=self._spec(), metadata_field=["signature_def"])
        answer = self._ask(self._metadata, request)
        found = SignatureDefMap()
        answer.metadata["signature_def"].Unpack(found)
        signatures = {
            key: from_definition(definition)
            for key, definition in sorted(found.signature_def.items())
        }
        return answer.model_spec.version.value, signatures

    def _signature(self, key: str) -> Signature:
        signatures = self._signatures
        if key not in signatures:
            self._signatures = signatures = self._describe()[1]
        if key not in signatures:
            known = ", ".join(sorted(signatures))
            raise ServerError(
                f'Serving signature key "{key}" not found. (The model\'s signatures: {known}.)'
            )
        return signatures[key]

    def _ask(self, method: grpc.UnaryUnaryMultiCallable, request: Any) -> Any:
        for attempt in itertools.count():
            try:
                return method(request, timeout=self._timeout, metadata=self._metadata_sent)
            except grpc.RpcError as error:
                if error.code() is not grpc.StatusCode.UNAVAILABLE:
                    raise ServerError(self._refusal(error)) from None
                if attempt == self._retries:
                    raise ServerError(
                        f"No server answers at grpc://{self._target} ({error.details()}):"
                        " is it running?"
                    ) from None
            time.sleep(_FIRST_PAUSE_SECONDS * 2**attempt)

    def _refusal(self, error: grpc.RpcError) -> str:
        if error.code() is grpc.StatusCode.DEADLINE_EXCEEDED:
            return f"grpc://{self._target} did not answer within {self._timeout:g} seconds."
        hints = [value for key, value in error.trailing_metadata() or () if key == _HINT]
        hint = f" ({hints[0].decode()})" if hints else ""
        return f"{error.details()}{hint}"


def _channel(
    target: str, ca_file: str | os.PathLike | None, cert_file: str | os.PathLike | None
) -> grpc.Channel:
    if ca_file is None and cert_file is None:
        return grpc.insecure_channel(target, options=_options(target))
    authority, own = read_proofs(ca_file, cert_file)
    proof = grpc.ssl_channel_credentials(authority, private_key=own, certificate_chain=own)
    return grpc.secure_channel(target, proof, options=_options(target))


def _options(target: str) -> list[tuple[str, int]]:
    options = [
        ("grpc.max_receive_message_length", -1),
        ("grpc.max_send_message_length", -1),
        ("grpc.initial_reconnect_backoff_ms", 100),
        ("grpc.min_reconnect_backoff_ms", 100),
    ]
    # A proxy of the environment cannot reach this machine's own addresses.
    return [*options, ("grpc.enable_http_proxy", 0)] if target.startswith(_LOCAL) else options


def _by_name(inputs: Any, names: list[str]) -> Mapping[str, Any]:
    if isinstance(inputs, Mapping):
        return inputs
    if len(names) != 1:
        raise InputError(
            f"This signature takes {len(names)} inputs: pass a dictionary with {', '.join(names)}."
            f" Received: {type(inputs).__name__}."
        )
    return {names[0]: inputs}


def _state(found: ModelVersionStatus) -> dict[str, Any]:
    return {
        "version": str(found.version),
        "state": ModelVersionStatus.State.Name(found.state),
        "status": {
            "error_code": code_by_number(found.status.error_code),
            "error_message": found.status.error_message,
        },
    }
