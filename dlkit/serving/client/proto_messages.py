"""What the gRPC clients send and read: inputs to messages and back, refusals to sentences."""

import os
from collections.abc import Mapping
from typing import Any

import grpc
from tenacity import retry_if_exception
from tensorflow.core.framework import types_pb2
from tensorflow_serving.apis.get_model_metadata_pb2 import (
    GetModelMetadataRequest,
    GetModelMetadataResponse,
    SignatureDefMap,
)
from tensorflow_serving.apis.get_model_status_pb2 import (
    GetModelStatusRequest,
    GetModelStatusResponse,
    ModelVersionStatus,
)
from tensorflow_serving.apis.model_pb2 import ModelSpec
from tensorflow_serving.apis.predict_pb2 import PredictRequest, PredictResponse

from dlkit.argument_validation import check_integer
from dlkit.errors import InputError, ServerError
from dlkit.serving.client.arrays import from_wire, to_wire
from dlkit.serving.client.columns import fit_columns
from dlkit.serving.client.inputs import choose_signature
from dlkit.serving.client.tls import read_pem_files
from dlkit.serving.core.signatures import DEFAULT_SIGNATURE, Signature, TensorInfo
from dlkit.serving.core.status import code_by_number
from dlkit.serving.wire.protobuf.signatures import from_definition

_HINT = "dlkit-hint-bin"
_LOCAL = ("127.0.0.1:", "localhost:", "[::1]:")


def check_target(target: str) -> str:
    """Return a server's address without its scheme.

    Raises:
        InputError: when it is no address.
    """
    found = target.removeprefix("grpc://")
    if found.startswith("unix:"):
        return found
    if "://" in found or not found.rpartition(":")[2].isdigit():
        raise InputError(
            f"target must be a server's address such as 127.0.0.1:8500. Received: {target!r}."
        )
    return found


def connect(
    library: Any,
    target: str,
    ca_file: str | os.PathLike | None,
    cert_file: str | os.PathLike | None,
) -> Any:
    """Return a channel.

    Args:
        library: `grpc` or `grpc.aio`.
        target: The server's address.
        ca_file: The authority's certificate, or None.
        cert_file: The client's own certificate and key, or None.

    Raises:
        InputError: when a file cannot be read.
    """
    if ca_file is None and cert_file is None:
        return library.insecure_channel(target, options=_options(target))
    authority, own = read_pem_files(ca_file, cert_file)
    proof = grpc.ssl_channel_credentials(authority, private_key=own, certificate_chain=own)
    return library.secure_channel(target, proof, options=_options(target))


def _options(target: str) -> list[tuple[str, int]]:
    options = [
        ("grpc.max_receive_message_length", -1),
        ("grpc.max_send_message_length", -1),
        ("grpc.initial_reconnect_backoff_ms", 100),
        ("grpc.min_reconnect_backoff_ms", 100),
    ]
    # A proxy of the environment cannot reach this machine's own addresses.
    return [*options, ("grpc.enable_http_proxy", 0)] if target.startswith(_LOCAL) else options


def model_spec(model: str, version: int | None, label: str | None) -> ModelSpec:
    """Return which model is asked, and which of its versions.

    Args:
        model: The model's name.
        version: A version's number, or None.
        label: A version's label, or None.

    Raises:
        InputError: when both are given, or one is no version's number or label.

    Example:
        >>> model_spec("digits", None, "stable").version_label
        'stable'
    """
    if version is not None and label is not None:
        raise InputError(
            "version and label each name a version: give one of them."
            f" Received: version={version!r} and label={label!r}."
        )
    if version is not None:
        number = check_integer("version", version, minimum=0)
        return ModelSpec(name=model, version={"value": number})
    if label is not None and (not isinstance(label, str) or not label):
        raise InputError(f"label must be a text such as 'stable'. Received: label={label!r}.")
    return ModelSpec(name=model, version_label=label)


def key_metadata(api_key: str | None) -> tuple[tuple[str, str], ...]:
    """Return what carries the key, if there is one."""
    return () if api_key is None else (("authorization", f"Bearer {api_key}"),)


# ------------------------------------------------------------ requests and answers


def predict_request(
    model: ModelSpec,
    inputs: Any,
    signature_name: str | None,
    signatures: Mapping[str, Signature],
) -> PredictRequest:
    """Return a predict request.

    Args:
        model: Which model and version is asked.
        inputs: What `prepare_inputs` returned.
        signature_name: Which signature is asked; None for the default one, or that of files.
        signatures: Those of the model.

    Raises:
        InputError: for inputs that no message can carry, and tables that do not suit the signature.
        ServerError: for a signature that the model has not.
    """
    signature_name = choose_signature(inputs, signature_name, signatures)
    signature = find_signature(signatures, signature_name or DEFAULT_SIGNATURE)
    request = PredictRequest(model_spec=model)
    request.model_spec.signature_name = signature_name or ""
    infos = signature.inputs
    inputs = fit_columns(inputs, signature)
    for name, value in _by_name(inputs, list(infos)).items():
        request.inputs[name].CopyFrom(to_wire(name, value, infos.get(name)))
    return request


def _by_name(inputs: Any, names: list[str]) -> Mapping[str, Any]:
    if isinstance(inputs, Mapping):
        return inputs
    if len(names) != 1:
        raise InputError(
            f"This signature takes {len(names)} inputs: pass a dictionary with {', '.join(names)}."
            f" Received: {type(inputs).__name__}."
        )
    return {names[0]: inputs}


def read_outputs(answer: PredictResponse) -> Any:
    """Return the array, or the arrays by name, of an answer to a predict request."""
    outputs = {name: from_wire(name, proto) for name, proto in answer.outputs.items()}
    return outputs if len(outputs) != 1 else next(iter(outputs.values()))


def naming_inputs(
    error: ServerError, request: PredictRequest, signatures: Mapping[str, Signature]
) -> ServerError:
    """Return a refusal with the names of the inputs whose dtype the signature does not take."""
    infos = signatures[request.model_spec.signature_name or DEFAULT_SIGNATURE].inputs
    sent = {
        name: TensorInfo(types_pb2.DataType.Name(proto.dtype))
        for name, proto in request.inputs.items()
        if name in infos
    }
    wrong = [
        f" Input '{name}' takes {infos[name].dtype_name}, and was sent {info.dtype_name}."
        for name, info in sorted(sent.items())
        if info.dtype != infos[name].dtype
    ]
    return ServerError(f"{error}{''.join(wrong)}")


def metadata_request(model: ModelSpec) -> GetModelMetadataRequest:
    """Return the request for a model's signatures."""
    return GetModelMetadataRequest(model_spec=model, metadata_field=["signature_def"])


def read_signatures(answer: GetModelMetadataResponse) -> tuple[int, dict[str, Signature]]:
    """Return the version that answered, and its signatures."""
    found = SignatureDefMap()
    answer.metadata["signature_def"].Unpack(found)
    signatures = {
        key: from_definition(definition) for key, definition in sorted(found.signature_def.items())
    }
    return answer.model_spec.version.value, signatures


def find_signature(signatures: Mapping[str, Signature], key: str) -> Signature:
    """Return a signature of the model.

    Raises:
        ServerError: naming those that there are.
    """
    if key not in signatures:
        known = ", ".join(sorted(signatures))
        raise ServerError(
            f'Serving signature key "{key}" not found. (The model\'s signatures: {known}.)'
        )
    return signatures[key]


def status_request(model: ModelSpec) -> GetModelStatusRequest:
    """Return the request for the state of a model's versions."""
    return GetModelStatusRequest(model_spec=model)


def read_states(answer: GetModelStatusResponse) -> list[dict[str, Any]]:
    """Return the state of each version, as REST has it."""
    return [_state(found) for found in answer.model_version_status]


def _state(found: ModelVersionStatus) -> dict[str, Any]:
    return {
        "version": str(found.version),
        "state": ModelVersionStatus.State.Name(found.state),
        "status": {
            "error_code": code_by_number(found.status.error_code),
            "error_message": found.status.error_message,
        },
    }


# ------------------------------------------------------------ trouble


def _is_unavailable(error: BaseException) -> bool:
    """Whether an error says that the server may be there in a moment."""
    return isinstance(error, grpc.RpcError) and error.code() is grpc.StatusCode.UNAVAILABLE


TRANSIENT = retry_if_exception(_is_unavailable)


def call_error(error: grpc.RpcError, target: str, timeout: float) -> ServerError:
    """Return the error of a request: the server's own sentence, or that nobody answers."""
    if _is_unavailable(error):
        return ServerError(
            f"No server answers at grpc://{target} ({error.details()}): is it running?"
        )
    if error.code() is grpc.StatusCode.DEADLINE_EXCEEDED:
        return ServerError(f"grpc://{target} did not answer within {timeout:g} seconds.")
    hints = [value for key, value in error.trailing_metadata() or () if key == _HINT]
    hint = f" ({hints[0].decode()})" if hints else ""
    return ServerError(f"{error.details()}{hint}")
