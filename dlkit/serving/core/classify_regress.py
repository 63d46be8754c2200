"""Classify and regress: serialized tf.Examples through a signature of the agreed shape.

    examples -> signature with the input `inputs` -> `classes`, `scores` (a row a class) -> labels
                                                  -> `outputs` (a number a row)          -> values

TensorFlow Serving's checks and texts, the same in each wire format: `classify_regress` of
`wire.rest_json` and of `wire.protobuf` come before and after.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from dlkit.serving.core import hints
from dlkit.serving.core.signatures import DEFAULT_SIGNATURE, Signature, shape_text
from dlkit.serving.core.status import StatusError, invalid

METHODS = {"classify": "tensorflow/serving/classify", "regress": "tensorflow/serving/regress"}
_INPUT = "inputs"
_MOST_CONTEXT_BYTES = 100 * 2**20

Classes = list[list[tuple[str, float]]]


def as_inputs(
    signatures: Mapping[str, Signature], verb: str, signature_name: str, examples: Sequence[bytes]
) -> tuple[str, dict[str, np.ndarray]]:
    """Return the key of the signature that classifies or regresses examples, and its input.

    Args:
        signatures: The version's.
        verb: `classify` or `regress`.
        signature_name: Which of them to run; empty for the default one.
        examples: Serialized tf.Examples.

    Raises:
        StatusError: with TensorFlow Serving's message.
    """
    key = signature_name or DEFAULT_SIGNATURE
    if key not in signatures:
        error = invalid(f"No signature was found with the name: {key}")
        error.hint = hints.for_signature(key, signatures)
        raise error
    _CHECKS[verb](signatures[key])
    if not examples:
        raise invalid("Input is empty.")
    info = signatures[key].inputs[_INPUT]
    if info.dtype != "DT_STRING":
        raise invalid(f"Expects arg[0] to be {info.dtype_name} but string is provided")
    array = np.empty(len(examples), object)
    array[:] = examples
    return key, {_INPUT: array}


def read_classes(signature: Signature, outputs: Mapping[str, np.ndarray], examples: int) -> Classes:
    """Return a label and a score for each class of each example.

    Args:
        signature: What was run.
        outputs: What it gave.
        examples: How many examples it was given.

    Returns:
        For each example a list of pairs. The label is empty, and the score 0, where the signature
        gives none.

    Raises:
        StatusError: with TensorFlow Serving's message.
    """
    found = {name: outputs[name] for name in ("classes", "scores") if name in outputs}
    for name, array in found.items():
        _check_classes(name, signature.outputs[name].dtype, array, examples)
    sizes = [array.shape for array in found.values()]
    if len(sizes) == 2 and sizes[0][1] != sizes[1][1]:
        raise invalid(
            "Tensors class and score should match in dim_size(1)."
            f" Got {sizes[0][1]} vs. {sizes[1][1]}"
        )
    labels = found.get("classes", np.full(sizes[0], b"")).tolist()
    scores = found.get("scores", np.zeros(sizes[0])).tolist()
    return [
        [(label.decode("utf-8", "surrogateescape"), score) for label, score in zip(*row)]  # noqa: B905
        for row in zip(labels, scores, strict=True)
    ]


def read_values(
    signature: Signature, outputs: Mapping[str, np.ndarray], examples: int
) -> list[float]:
    """Return a number for each example.

    Args:
        signature: What was run.
        outputs: What it gave.
        examples: How many examples it was given.

    Raises:
        StatusError: with TensorFlow Serving's message.
    """
    values = outputs["outputs"]
    if values.ndim not in (1, 2) or values.shape[1:] not in ((), (1,)):
        raise invalid(
            "Expected output Tensor shape to be either [batch_size] or [batch_size, 1] but got"
            f" {shape_text(values.shape)}"
        )
    if len(values) != examples:
        raise invalid(
            f"Input batch size did not match output batch size: {examples} vs. {len(values)}"
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


def _check_classify(signature: Signature) -> None:
    """Refuse a signature that does not classify examples."""
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


def _check_regress(signature: Signature) -> None:
    """Refuse a signature that does not regress examples."""
    if len(signature.inputs) != 1:
        raise _unfit("Expected one input Tensor.")
    if len(signature.outputs) != 1:
        raise _unfit("Expected one output Tensor.")
    if _INPUT not in signature.inputs:
        raise _unfit(_missing("regression inputs", signature), "FAILED_PRECONDITION")
    if "outputs" not in signature.outputs:
        raise _unfit(_missing("regression outputs", signature), "FAILED_PRECONDITION")


_CHECKS = {"classify": _check_classify, "regress": _check_regress}


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
