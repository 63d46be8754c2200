"""From a Keras model to a SavedModel for TensorFlow Serving, or an ONNX file, checked first."""

from dlkit.lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "onnx": "onnx_writer",
        "saved_model": "writer",
        "versions": "directories",
    },
)
