"""One gRPC predict request from message to message, with TensorFlow Serving's checks and texts.

No gRPC in here; `inference.calls` is the same for JSON.
"""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from tensorflow.core.framework import types_pb2
from tensorflow.core.framework.tensor_pb2 import TensorProto
from tensorflow_serving.apis.model_pb2 import ModelSpec
from tensorflow_serving.apis.predict_pb2 import PredictRequest, PredictResponse

from dlkit.serving.core.signatures import DEFAULT_SIGNATURE, DTYPES, Signature
from dlkit.serving.core.status import StatusError, invalid
from dlkit.serving.core.version import Version, Wanted
from dlkit.serving.inference.calls import find_model, run
from dlkit.serving.versions.served_model import ServedModel
from dlkit.serving.wire.protobuf.tensors import to_array, to_proto


def predict(
    models: Mapping[str, ServedModel], request: PredictRequest, *, typed: bool = True
) -> PredictResponse:
    """Answer a predict request.

    Args:
        models: The served models by name.
        request: The message. Its fields for language models are ignored.
        typed: Whether the outputs go into the dtypes' own fields, as TensorFlow Serving sends them
            by default, or into `tensor_content`. Defaults to True.

    Returns:
        The outputs, with the model's name, version and signature.

    Raises:
        StatusError: with TensorFlow Serving's message.
    """
    with use_version(models, request) as version:
        key, signature = find_signature(version.runtime.signatures, request.model_spec)
        check_inputs(request.inputs, signature)
        inputs = _read_inputs(request.inputs, signature)
        wanted = _read_filter(request.output_filter, signature)
        outputs = run(version, key, inputs)
        return PredictResponse(
            model_spec=effective_spec(request.model_spec.name, version.number, key),
            outputs={name: _to_proto(outputs[name], typed) for name in wanted},
        )


# ---------------------------------------------------------------- which model


@contextlib.contextmanager
def use_version(models: Mapping[str, ServedModel], request: Any) -> Iterator[Version]:
    """Hold the version that a request's `model_spec` names, for the length of the request.

    Raises:
        StatusError: INVALID_ARGUMENT without a model's name or for an unknown label, NOT_FOUND for
            a model or a version that is not there.
    """
    spec = read_spec(request)
    if not spec.name:
        raise invalid("ModelSpec has no name specified.")
    wanted = read_version(spec)
    with find_model(models, spec.name, wanted).use(wanted) as version:
        yield version


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
