"""From a Keras model to a SavedModel that TensorFlow Serving takes, checked before it appears."""

from dlkit.lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "saved_model": "writer",
        "versions": "directories",
    },
)
