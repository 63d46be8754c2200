"""Classify, Regress and MultiInference in TensorFlow Serving's messages."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from tensorflow_serving.apis.classification_pb2 import ClassificationResponse
from tensorflow_serving.apis.inference_pb2 import (
    InferenceResult,
    InferenceTask,
    MultiInferenceRequest,
)
from tensorflow_serving.apis.input_pb2 import Input
from tensorflow_serving.apis.model_pb2 import ModelSpec
from tensorflow_serving.apis.regression_pb2 import RegressionResponse

from dlkit.serving.core import classify_regress
from dlkit.serving.core.signatures import DEFAULT_SIGNATURE
from dlkit.serving.core.status import StatusError, invalid
from dlkit.serving.core.version import Version
from dlkit.serving.wire.codec import Call, Codec
from dlkit.serving.wire.protobuf.predict import effective_spec


class ProtoExamples(Codec):
    """A request's tf.Examples -> labels and scores, or numbers; the two below say which."""

    verb: str

    def read(self, body: Any) -> Any:
        """Return the message."""
        return body

    def decode(self, request: Any, version: Version) -> Call:
        """Return the request's examples as a signature takes them."""
        return self.decode_examples(request.model_spec, serialized(request.input), version)

    def decode_examples(self, spec: ModelSpec, examples: list[bytes], version: Version) -> Call:
        """Return examples as a signature takes them.

        Args:
            spec: What names the signature.
            examples: The examples, serialized.
            version: The version, held for the request.

        Raises:
            StatusError: for a signature that does not suit them.
        """
        signatures, name = version.runtime.signatures, spec.signature_name
        key, inputs = classify_regress.as_inputs(signatures, self.verb, name, examples)
        answering = effective_spec(spec.name, version.number, name)
        return Call(key, inputs, (answering, signatures[key]), len(examples))


class ProtoClassify(ProtoExamples):
    """ClassificationRequest -> ClassificationResponse."""

    method, verb = "Classify", "classify"

    def encode(self, call: Call, outputs: Mapping[str, np.ndarray]) -> ClassificationResponse:
        """Return a label and a score for each class of each example."""
        spec, signature = call.form
        found = classify_regress.read_classes(signature, outputs, call.examples)
        rows = [
            {"classes": [{"label": name, "score": score} for name, score in row]} for row in found
        ]
        return ClassificationResponse(result={"classifications": rows}, model_spec=spec)


class ProtoRegress(ProtoExamples):
    """RegressionRequest -> RegressionResponse."""

    method, verb = "Regress", "regress"

    def encode(self, call: Call, outputs: Mapping[str, np.ndarray]) -> RegressionResponse:
        """Return a number for each example."""
        spec, signature = call.form
        values = classify_regress.read_values(signature, outputs, call.examples)
        rows = [{"value": value} for value in values]
        return RegressionResponse(result={"regressions": rows}, model_spec=spec)


CLASSIFY, REGRESS = ProtoClassify(), ProtoRegress()
_BY_METHOD: dict[str, ProtoExamples] = {
    classify_regress.METHODS[codec.verb]: codec for codec in (CLASSIFY, REGRESS)
}


def check_tasks(request: MultiInferenceRequest) -> None:
    """Refuse a request whose tasks are of several models, or twice the same.

    Raises:
        StatusError: INVALID_ARGUMENT.
    """
    seen: set[str] = set()
    for task in request.tasks:
        if not task.model_spec.name:
            raise invalid("Found ModelSpec with an empty model name.")
        if task.model_spec.name != request.tasks[0].model_spec.name:
            raise invalid(
                "All ModelSpecs in a MultiInferenceRequest must access the same model name."
            )
        key = task.model_spec.signature_name or DEFAULT_SIGNATURE
        if key in seen:
            raise invalid(f"Duplicate evaluation of signature: {key}")
        seen.add(key)


def task_codec(task: InferenceTask, version: Version) -> ProtoExamples:
    """Return what reads and answers one of several tasks on the same examples.

    Args:
        task: The task.
        version: The version, held for the request.

    Raises:
        StatusError: for a signature that is not there, and for a method that takes no examples.
    """
    key = task.model_spec.signature_name or DEFAULT_SIGNATURE
    if key not in version.runtime.signatures:
        raise invalid(f"Requested signature not found in model graph: {key}")
    codec = _BY_METHOD.get(task.method_name)
    if codec is None:
        text = f"Unsupported signature method_name: {task.method_name}"
        raise StatusError("UNIMPLEMENTED", text)
    return codec


def as_result(answer: ClassificationResponse | RegressionResponse) -> InferenceResult:
    """Return the answer to one task as a part of the answer to all."""
    if isinstance(answer, ClassificationResponse):
        return InferenceResult(model_spec=answer.model_spec, classification_result=answer.result)
    return InferenceResult(model_spec=answer.model_spec, regression_result=answer.result)


def serialized(given: Input) -> list[bytes]:
    """Return the tf.Examples of a request, each with the request's context in it.

    Raises:
        StatusError: INVALID_ARGUMENT for a context that makes them too large.

    Example:
        >>> from tensorflow.core.example.example_pb2 import Example
        >>> example = Example(features={"feature": {"x": {"int64_list": {"value": [1]}}}})
        >>> serialized(Input(example_list={"examples": [example]})) == [example.SerializeToString()]
        True
    """
    if given.WhichOneof("kind") == "example_list_with_context":
        # A message after another in the same bytes is one message with both merged.
        context = given.example_list_with_context.context.SerializeToString()
        examples = given.example_list_with_context.examples
        classify_regress.check_context(len(context), len(examples))
        return [context + example.SerializeToString() for example in examples]
    return [example.SerializeToString() for example in given.example_list.examples]
