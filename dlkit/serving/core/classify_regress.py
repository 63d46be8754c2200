"""Classify and regress: serialized tf.Examples through a signature of the agreed shape.

    examples -> signature with the input `inputs` -> `classes`, `scores` (a row a class) -> labels
                                                  -> `outputs` (a number a row)          -> values

TensorFlow Serving's checks and texts. Neither JSON nor gRPC in here: `examples` of
`rest_api` and of `grpc_api` come before and after.
"""

from collections.abc import Sequence

import numpy as np

from dlkit.serving.core import hints
from dlkit.serving.core.signatures import DEFAULT_SIGNATURE, Signature, shape_text
from dlkit.serving.core.status import StatusError, invalid
from dlkit.serving.core.version import Version
from dlkit.serving.inference.calls import run
from dlkit.serving.observability.metrics import count_examples

METHODS = {"classify": "tensorflow/serving/classify", "regress": "tensorflow/serving/regress"}
_INPUT = "inputs"
_MOST_CONTEXT_BYTES = 100 * 2**20

Classes = list[list[tuple[str, float]]]


def classify(version: Version, signature_name: str, examples: Sequence[bytes]) -> Classes:
    """Return a label and a score for each class of each example.

    Args:
        version: A loaded version.
        signature_name: Which signature to run; empty for the default one.
        examples: Serialized tf.Examples.

    Returns:
        For each example a list of pairs. The label is empty, and the score 0, where the signature
        gives none.

    Raises:
        StatusError: with TensorFlow Serving's message.
    """
    key, signature = _find(version, signature_name)
    check_classify(signature)
    outputs = _run(version, key, examples, "Classify")
    for name, dtype, array in _given(signature, outputs, ("classes", "scores")):
        _check_classes(name, dtype, array, len(examples))
    found = [outputs[name] for name in ("classes", "scores") if name in outputs]
    if len(found) == 2 and found[0].shape[1] != found[1].shape[1]:
        raise invalid(
            "Tensors class and score should match in dim_size(1)."
            f" Got {found[0].shape[1]} vs. {found[1].shape[1]}"
        )
    size = found[0].shape
    labels = outputs["classes"].tolist() if "classes" in outputs else np.full(size, b"").tolist()
    scores = outputs["scores"].tolist() if "scores" in outputs else np.zeros(size).tolist()
    return [
        [(label.decode("utf-8", "surrogateescape"), score) for label, score in zip(*row)]  # noqa: B905
        for row in zip(labels, scores, strict=True)
    ]


def regress(version: Version, signature_name: str, examples: Sequence[bytes]) -> list[float]:
    """Return a number for each example.

    Args:
        version: A loaded version.
        signature_name: Which signature to run; empty for the default one.
        examples: Serialized tf.Examples.

    Raises:
        StatusError: with TensorFlow Serving's message.
    """
    key, signature = _find(version, signature_name)
    check_regress(signature)
    values = _run(version, key, examples, "Regress")["outputs"]
    if values.ndim not in (1, 2) or values.shape[1:] not in ((), (1,)):
        raise invalid(
            "Expected output Tensor shape to be either [batch_size] or [batch_size, 1] but got"
            f" {shape_text(values.shape)}"
        )
    if len(values) != len(examples):
        raise invalid(
            f"Input batch size did not match output batch size: {len(examples)} vs. {len(values)}"
        )
    if signature.outputs["outputs"].dtype != "DT_FLOAT":
        found = signature.outputs["outputs"].dtype
        raise invalid(f"Expected output Tensor of DT_FLOAT.  Got: {found}")
    return values.reshape(-1).tolist()


def check_context(size: int, examples: int) -> None:
    """Refuse a context that is too large to be copied into each of so many examples.

    Args:
        size: Its bytes.
        examples: How many examples there are.

    Raises:
        StatusError: INVALID_ARGUMENT, when a few megabytes of a request would fill the memory.
    """
    if size * examples > _MOST_CONTEXT_BYTES:
        raise invalid(
            f"A context of {size} bytes in each of {examples} examples is more than"
            f" {_MOST_CONTEXT_BYTES} bytes: send fewer examples a request"
        )


def _find(version: Version, signature_name: str) -> tuple[str, Signature]:
    key = signature_name or DEFAULT_SIGNATURE
    signatures = version.runtime.signatures
    if key not in signatures:
        error = invalid(f"No signature was found with the name: {key}")
        error.hint = hints.for_signature(key, signatures)
        raise error
    return key, signatures[key]


def check_classify(signature: Signature) -> None:
    """Refuse a signature that does not classify examples.

    Raises:
        StatusError: with TensorFlow Serving's message.
    """
    if len(signature.inputs) != 1:
        raise _unfit("Expected one input Tensor.")
    if len(signature.outputs) not in (1, 2):
        raise _unfit(f"Expected one or two output Tensors, found {len(signature.outputs)}")
    if _INPUT not in signature.inputs:
        raise _unfit(_missing("classification inputs", signature), "FAILED_PRECONDITION")
    if not {"classes", "scores"} & signature.outputs.keys():
        raise _unfit(
            "Expected classification signature outputs to contain at least one of"
            f' "classes" or "scores". Signature was: {_described(signature)}',
            "FAILED_PRECONDITION",
        )


def check_regress(signature: Signature) -> None:
    """Refuse a signature that does not regress examples.

    Raises:
        StatusError: with TensorFlow Serving's message.
    """
    if len(signature.inputs) != 1:
        raise _unfit("Expected one input Tensor.")
    if len(signature.outputs) != 1:
        raise _unfit("Expected one output Tensor.")
    if _INPUT not in signature.inputs:
        raise _unfit(_missing("regression inputs", signature), "FAILED_PRECONDITION")
    if "outputs" not in signature.outputs:
        raise _unfit(_missing("regression outputs", signature), "FAILED_PRECONDITION")


def _unfit(message: str, code: str = "INVALID_ARGUMENT") -> StatusError:
    hint = (
        "Name the signature that takes tf.Examples in signature_name; dlkit's exports call it"
        " classify or regress, and their other signatures are for predict."
    )
    return StatusError(code, message, hint)


def _missing(what: str, signature: Signature) -> str:
    return f"No {what} found in SignatureDef: {_described(signature)}"


def _described(signature: Signature) -> str:
    return f"inputs {', '.join(signature.inputs)}; outputs {', '.join(signature.outputs)}"


def _run(version: Version, key: str, examples: Sequence[bytes], api: str) -> dict[str, np.ndarray]:
    if not examples:
        raise invalid("Input is empty.")
    info = version.runtime.signatures[key].inputs[_INPUT]
    if info.dtype != "DT_STRING":
        raise invalid(f"Expects arg[0] to be {info.dtype_name} but string is provided")
    array = np.empty(len(examples), object)
    array[:] = examples
    count_examples(version.model, len(examples))
    return run(version, key, {_INPUT: array}, api)


def _given(
    signature: Signature, outputs: dict[str, np.ndarray], names: Sequence[str]
) -> list[tuple[str, str, np.ndarray]]:
    return [(n, signature.outputs[n].dtype, outputs[n]) for n in names if n in outputs]


def _check_classes(name: str, dtype: str, array: np.ndarray, rows: int) -> None:
    wanted = "DT_STRING" if name == "classes" else "DT_FLOAT"
    if array.ndim != 2:
        raise invalid(
            f"Expected Tensor shape: [batch_size num_classes] but got {shape_text(array.shape)}"
        )
    if dtype != wanted:
        raise invalid(f"Expected {name} Tensor of {wanted}. Got: {dtype}")
    if len(array) != rows:
        raise invalid(f"Expected {name} output batch size of {rows}. Got: {len(array)}")
