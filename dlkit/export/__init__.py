"""From a Keras model to a SavedModel for TensorFlow Serving, ONNX or LiteRT, checked first."""

from dlkit.lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "benchmark": "comparing",
        "from_mlflow": "registry",
        "litert": "litert_writer",
        "onnx": "onnx_writer",
        "promote": "promoting",
        "prune": "housekeeping",
        "rollback": "housekeeping",
        "saved_model": "writer",
        "to_mlflow": "registry",
        "versions": "directories",
    },
)
