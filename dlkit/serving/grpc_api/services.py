"""TensorFlow Serving's gRPC services, PredictionService and ModelService.

Each method is answered in one of the gRPC server's threads, over the same versions as REST.
"""

import functools
import logging
import time
from collections.abc import Callable, Mapping
from typing import Any

import grpc
from tensorflow_serving.apis import model_service_pb2_grpc, prediction_service_pb2_grpc
from tensorflow_serving.apis.classification_pb2 import (
    ClassificationRequest,
    ClassificationResponse,
)
from tensorflow_serving.apis.get_model_metadata_pb2 import (
    GetModelMetadataRequest,
    GetModelMetadataResponse,
    SignatureDefMap,
)
from tensorflow_serving.apis.get_model_status_pb2 import (
    GetModelStatusRequest,
    GetModelStatusResponse,
)
from tensorflow_serving.apis.inference_pb2 import MultiInferenceRequest, MultiInferenceResponse
from tensorflow_serving.apis.model_management_pb2 import (
    Metric,
    ReloadConfigRequest,
    ReloadConfigResponse,
)
from tensorflow_serving.apis.predict_pb2 import PredictRequest, PredictResponse
from tensorflow_serving.apis.regression_pb2 import RegressionRequest, RegressionResponse
from tensorflow_serving.apis.status_pb2 import StatusProto

from dlkit.serving.core.status import StatusError, invalid
from dlkit.serving.inference.calls import (
    answer_request,
    find_status,
    run_and_encode,
    use_version,
)
from dlkit.serving.observability import metrics
from dlkit.serving.versions.model_config import from_list
from dlkit.serving.versions.served_model import ServedModel
from dlkit.serving.versions.served_models import ServedModels
from dlkit.serving.wire.codec import Codec
from dlkit.serving.wire.protobuf.classify_regress import (
    CLASSIFY,
    REGRESS,
    as_result,
    check_tasks,
    serialized,
    task_codec,
)
from dlkit.serving.wire.protobuf.predict import (
    ProtoPredict,
    effective_spec,
    read_spec,
    read_target,
    read_version,
)
from dlkit.serving.wire.protobuf.signatures import to_definition

log = logging.getLogger("dlkit.serving")

HINT = "dlkit-hint-bin"  # the trailing metadata that a hint travels in, beside the exact message
_MAX_MESSAGE = 1024
_COUNTED = ("Predict", "Classify", "Regress")  # as in TensorFlow Serving


def _answering(method: Callable) -> Callable:
    """Turn what a method raises into a gRPC status, its text cut as TensorFlow Serving does it."""

    @functools.wraps(method)
    def answer(self: Any, request: Any, context: grpc.ServicerContext) -> Any:
        start = time.perf_counter()
        try:
            if context.time_remaining() == 0:  # it waited for a thread until too late
                raise StatusError("DEADLINE_EXCEEDED", "Deadline Exceeded")
            found = method(self, request)
            _count(method, request, "OK", start)
            return found
        except StatusError as error:
            refusal = error
        except Exception as error:  # a bug: the client gets a status, the log the traceback
            log.exception("%s failed", method.__name__)
            refusal = StatusError("INTERNAL", f"{type(error).__name__}: {error}")
        _count(method, request, refusal.code, start)
        if refusal.hint:
            context.set_trailing_metadata(((HINT, refusal.hint.encode()),))
        context.abort(grpc.StatusCode[refusal.code], _cut(refusal.message))

    return answer


def _count(method: Callable, request: Any, status: str, start: float) -> None:
    if method.__name__ in _COUNTED:
        seconds = time.perf_counter() - start
        name = request.model_spec.name
        metrics.count_request(name, status, method.__name__, "GRPC", seconds)


def _cut(message: str) -> str:
    return message if len(message) <= _MAX_MESSAGE else message[:_MAX_MESSAGE] + "...TRUNCATED"


class PredictionService(prediction_service_pb2_grpc.PredictionServiceServicer):
    """tensorflow.serving.PredictionService.

    Args:
        models: The served models by name.
        typed: Whether answers carry tensors in typed fields. Defaults to True.
    """

    def __init__(self, models: Mapping[str, ServedModel], *, typed: bool = True):
        self._models = models
        self._predict = ProtoPredict(typed=typed)

    def _answer(self, codec: Codec, request: Any) -> Any:
        return answer_request(self._models, *read_target(request), codec, request)

    @_answering
    def Predict(self, request: PredictRequest) -> PredictResponse:  # noqa: N802 - as in the proto
        """Run a signature on tensors."""
        return self._answer(self._predict, request)

    @_answering
    def GetModelMetadata(  # noqa: N802
        self, request: GetModelMetadataRequest
    ) -> GetModelMetadataResponse:
        """Describe the signatures of a version."""
        spec = read_spec(request)
        if not request.metadata_field:
            raise invalid("GetModelMetadataRequest must specify at least one metadata_field")
        for field in request.metadata_field:
            if field != "signature_def":
                raise invalid(f"Metadata field {field} is not supported")
        with use_version(self._models, *read_target(request)) as version:
            definitions = {
                key: to_definition(signature)
                for key, signature in version.runtime.signatures.items()
            }
            answer = GetModelMetadataResponse(model_spec=effective_spec(spec.name, version.number))
        answer.metadata["signature_def"].Pack(SignatureDefMap(signature_def=definitions))
        return answer

    @_answering
    def Classify(self, request: ClassificationRequest) -> ClassificationResponse:  # noqa: N802
        """Give tf.Examples labels and scores."""
        return self._answer(CLASSIFY, request)

    @_answering
    def Regress(self, request: RegressionRequest) -> RegressionResponse:  # noqa: N802
        """Give tf.Examples a number each."""
        return self._answer(REGRESS, request)

    @_answering
    def MultiInference(  # noqa: N802
        self, request: MultiInferenceRequest
    ) -> MultiInferenceResponse:
        """Classify and regress the same tf.Examples."""
        if not request.tasks:
            raise invalid("ModelSpec has no name specified.")
        with use_version(self._models, *read_target(request.tasks[0])) as version:
            check_tasks(request)
            examples = serialized(request.input)
            answer = MultiInferenceResponse()
            for task in request.tasks:
                codec = task_codec(task, version)
                call = codec.decode_examples(task.model_spec, examples, version)
                answer.results.append(as_result(run_and_encode(version, codec, call)))
        return answer


class ModelService(model_service_pb2_grpc.ModelServiceServicer):
    """tensorflow.serving.ModelService.

    Args:
        models: The served models.
    """

    def __init__(self, models: ServedModels):
        self._models = models

    @_answering
    def GetModelStatus(  # noqa: N802
        self, request: GetModelStatusRequest
    ) -> GetModelStatusResponse:
        """List the versions of a model and what has become of them."""
        spec = read_spec(request)
        found = find_status(self._models, spec.name, read_version(spec))
        states = [{**state, "version": int(state["version"])} for state in found]
        return GetModelStatusResponse(model_version_status=states)

    @_answering
    def HandleReloadConfigRequest(  # noqa: N802
        self, request: ReloadConfigRequest
    ) -> ReloadConfigResponse:
        """Serve the models of another configuration, and nothing else."""
        if request.config.WhichOneof("config") != "model_config_list":
            raise invalid(
                "ServerModelConfig type not supported by HandleReloadConfigRequest."
                " Only ModelConfigList is currently supported"
            )
        before = metrics.metric_totals()
        self._models.reload(from_list(request.config.model_config_list, self._models))
        after = metrics.metric_totals()
        increases = {
            name: after[name] - before[name] for name in request.metric_names if name in after
        }
        return ReloadConfigResponse(
            status=StatusProto(),
            metric=[Metric(name=name, int64_value_increase=n) for name, n in increases.items()],
        )
