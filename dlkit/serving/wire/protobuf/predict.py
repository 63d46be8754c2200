"""Predict in TensorFlow Serving's messages, with its checks and texts, and what names the model."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from tensorflow.core.framework import types_pb2
from tensorflow.core.framework.tensor_pb2 import TensorProto
from tensorflow_serving.apis.model_pb2 import ModelSpec
from tensorflow_serving.apis.predict_pb2 import PredictRequest, PredictResponse

from dlkit.serving.core.signatures import DEFAULT_SIGNATURE, DTYPES, Signature
from dlkit.serving.core.status import StatusError, invalid
from dlkit.serving.core.version import Version, Wanted
from dlkit.serving.wire.codec import Call, Codec
from dlkit.serving.wire.protobuf.tensors import to_array, to_proto


class ProtoPredict(Codec):
    """PredictRequest -> named arrays -> PredictResponse.

    Args:
        typed: Whether the outputs go into the dtypes' own fields, as TensorFlow Serving sends them
            by default, or into `tensor_content`. Defaults to True.
    """

    method = "Predict"

    def __init__(self, *, typed: bool = True):
        self._typed = typed

    def read(self, body: PredictRequest) -> PredictRequest:
        """Return the message. Its fields for language models are ignored."""
        return body

    def decode(self, request: PredictRequest, version: Version) -> Call:
        """Return the request's arrays; with them, who answers and which outputs are wanted."""
        spec = request.model_spec
        key, signature = find_signature(version.runtime.signatures, spec)
        check_inputs(request.inputs, signature)
        inputs = _read_inputs(request.inputs, signature)
        wanted = _read_filter(request.output_filter, signature)
        return Call(key, inputs, (effective_spec(spec.name, version.number, key), wanted))

    def encode(self, call: Call, outputs: Mapping[str, np.ndarray]) -> PredictResponse:
        """Return the outputs, with the model's name, version and signature."""
        spec, wanted = call.form
        protos = {name: _to_proto(outputs[name], self._typed) for name in wanted}
        return PredictResponse(model_spec=spec, outputs=protos)


# ---------------------------------------------------------------- which model


def read_target(request: Any) -> tuple[str, Wanted]:
    """Return the name of the model and the version that a request's `model_spec` asks for.

    Raises:
        StatusError: INVALID_ARGUMENT without a `model_spec`, or without a name in it.
    """
    spec = read_spec(request)
    if not spec.name:
        raise invalid("ModelSpec has no name specified.")
    return spec.name, read_version(spec)


def read_spec(request: Any) -> ModelSpec:
    """Return a request's `model_spec`.

    Raises:
        StatusError: INVALID_ARGUMENT when it has none.
    """
    if not request.HasField("model_spec"):
        raise invalid("Missing ModelSpec")
    return request.model_spec


def read_version(spec: ModelSpec) -> Wanted:
    """Return the version that is asked for, by number or label; None for the highest one."""
    choice = spec.WhichOneof("version_choice")
    if choice == "version_label":
        return spec.version_label
    return spec.version.value if choice == "version" else None


def effective_spec(name: str, number: int, key: str = "") -> ModelSpec:
    """Return what answered, as TensorFlow Serving reports it."""
    return ModelSpec(name=name, version={"value": number}, signature_name=key)


# ---------------------------------------------------------------- signature, inputs, outputs


def find_signature(signatures: Mapping[str, Signature], spec: ModelSpec) -> tuple[str, Signature]:
    """Return the key of the signature that is asked for, and the signature.

    Raises:
        StatusError: FAILED_PRECONDITION when the model has no such signature.
    """
    key = spec.signature_name or DEFAULT_SIGNATURE
    if key not in signatures:
        raise StatusError("FAILED_PRECONDITION", f'Serving signature key "{key}" not found.')
    return key, signatures[key]


def check_inputs(given: Mapping[str, Any], signature: Signature) -> None:
    """Check that as many inputs are given as the signature takes, and that none is missing.

    Raises:
        StatusError: INVALID_ARGUMENT, naming what is missing and what is too much.
    """
    wanted = signature.inputs
    required = [name for name in wanted if name not in signature.defaults]
    if not len(required) <= len(given) <= len(wanted):
        raise invalid(
            f"input size does not match signature: {len(given)}!={len(wanted)}"
            f" len({_set(given)}) != len({_set(wanted)})."
            f" Sent extra: {_set(set(given) - set(wanted))}."
            f" Missing but required: {_set(set(required) - set(given))}."
        )
    for name in required:
        if name not in given:
            raise invalid(
                f"Signature input alias: {name}(feed name: {wanted[name].name}) not found in"
                " request and no default value provided. Inputs expected to be in the request"
                f" {_set(given)}, or default input alias set: {','.join(signature.defaults)}"
            )


def _set(names: Any) -> str:
    return "{" + ",".join(sorted(names)) + "}"


def _read_inputs(given: Mapping[str, TensorProto], signature: Signature) -> dict[str, np.ndarray]:
    arrays = {}
    for index, (name, info) in enumerate(signature.inputs.items()):
        if name not in given:
            arrays[name] = signature.defaults[name]
            continue
        try:
            arrays[name] = to_array(given[name])
        except ValueError:
            raise invalid(f"tensor parsing error: {name}") from None
        found = types_pb2.DataType.Name(given[name].dtype)
        if found != info.dtype:
            raise invalid(
                f"Expects arg[{index}] to be {info.dtype_name} but {DTYPES[found][0]} is provided"
            )
    return arrays


def _read_filter(output_filter: Sequence[str], signature: Signature) -> list[str]:
    """Return the names of the wanted outputs, in the order in which they are asked for."""
    wanted: list[str] = []
    for name in output_filter:
        if name not in signature.outputs:
            raise invalid(
                f"output tensor alias not found in signature: {name}"
                f" Outputs expected to be in the set {_set(signature.outputs)}."
            )
        if name in wanted:
            raise invalid(f"duplicate output tensor alias: {name}")
        wanted.append(name)
    return wanted or list(signature.outputs)


def _to_proto(array: np.ndarray, typed: bool) -> TensorProto:
    try:
        return to_proto(array, typed=typed)
    except ValueError as error:
        raise invalid(f"An output cannot be sent: {error}") from None
