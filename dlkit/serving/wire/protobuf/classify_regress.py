"""gRPC's Classify, Regress and MultiInference from message to message.

No gRPC in here; `wire.rest_json.classify_regress` is the same for JSON.
"""

from collections.abc import Mapping
from typing import Any

from tensorflow_serving.apis.classification_pb2 import (
    ClassificationRequest,
    ClassificationResponse,
    ClassificationResult,
)
from tensorflow_serving.apis.inference_pb2 import (
    InferenceResult,
    MultiInferenceRequest,
    MultiInferenceResponse,
)
from tensorflow_serving.apis.input_pb2 import Input
from tensorflow_serving.apis.model_pb2 import ModelSpec
from tensorflow_serving.apis.regression_pb2 import (
    RegressionRequest,
    RegressionResponse,
    RegressionResult,
)

from dlkit.serving.core import classify_regress as inference
from dlkit.serving.core.signatures import DEFAULT_SIGNATURE
from dlkit.serving.core.status import StatusError, invalid
from dlkit.serving.core.version import Version
from dlkit.serving.versions.served_model import ServedModel
from dlkit.serving.wire.protobuf.predict import effective_spec, use_version

Models = Mapping[str, ServedModel]


def classify(models: Models, request: ClassificationRequest) -> ClassificationResponse:
    """Answer a classify request.

    Raises:
        StatusError: with TensorFlow Serving's message.
    """
    with use_version(models, request) as version:
        spec = request.model_spec
        result = _classified(version, spec, serialized(request.input))
        return ClassificationResponse(result=result, model_spec=_answering(spec, version))


def regress(models: Models, request: RegressionRequest) -> RegressionResponse:
    """Answer a regress request.

    Raises:
        StatusError: with TensorFlow Serving's message.
    """
    with use_version(models, request) as version:
        spec = request.model_spec
        result = _regressed(version, spec, serialized(request.input))
        return RegressionResponse(result=result, model_spec=_answering(spec, version))


def infer_each(models: Models, request: MultiInferenceRequest) -> MultiInferenceResponse:
    """Answer several classify and regress tasks on the same examples and version.

    Raises:
        StatusError: with TensorFlow Serving's message.
    """
    if not request.tasks:
        raise invalid("ModelSpec has no name specified.")
    with use_version(models, request.tasks[0]) as version:
        _check_tasks(request)
        examples = serialized(request.input)
        results = [_task_result(version, task, examples) for task in request.tasks]
        return MultiInferenceResponse(results=results)


def _check_tasks(request: MultiInferenceRequest) -> None:
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


def _task_result(version: Version, task: Any, examples: list[bytes]) -> InferenceResult:
    spec = task.model_spec
    key = spec.signature_name or DEFAULT_SIGNATURE
    if key not in version.runtime.signatures:
        raise invalid(f"Requested signature not found in model graph: {key}")
    answer = InferenceResult(model_spec=_answering(spec, version))
    if task.method_name == inference.METHODS["classify"]:
        answer.classification_result.CopyFrom(_classified(version, spec, examples))
    elif task.method_name == inference.METHODS["regress"]:
        answer.regression_result.CopyFrom(_regressed(version, spec, examples))
    else:
        text = f"Unsupported signature method_name: {task.method_name}"
        raise StatusError("UNIMPLEMENTED", text)
    return answer


def _classified(version: Version, spec: ModelSpec, examples: list[bytes]) -> ClassificationResult:
    found = inference.classify(version, spec.signature_name, examples)
    rows = [{"classes": [{"label": name, "score": score} for name, score in row]} for row in found]
    return ClassificationResult(classifications=rows)


def _regressed(version: Version, spec: ModelSpec, examples: list[bytes]) -> RegressionResult:
    values = inference.regress(version, spec.signature_name, examples)
    return RegressionResult(regressions=[{"value": value} for value in values])


def _answering(spec: ModelSpec, version: Version) -> ModelSpec:
    return effective_spec(spec.name, version.number, spec.signature_name)


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
        inference.check_context(len(context), len(examples))
        return [context + example.SerializeToString() for example in examples]
    return [example.SerializeToString() for example in given.example_list.examples]
