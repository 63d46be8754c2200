"""From a Keras model to a SavedModel for TensorFlow Serving, ONNX or LiteRT, checked first."""

from dlkit.lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "benchmark": "comparing",
        "from_mlflow": "versioning.mlflow_registry",
        "litert": "to_litert.writer",
        "onnx": "to_onnx.writer",
        "promote": "versioning.labels",
        "prune": "versioning.retention",
        "rollback": "versioning.retention",
        "saved_model": "to_saved_model.writer",
        "to_mlflow": "versioning.mlflow_registry",
        "versions": "versioning.directories",
    },
)
