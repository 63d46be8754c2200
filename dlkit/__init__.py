"""dlkit: from data to a served Keras model, with plain Keras and TensorFlow objects at every step.

Importing dlkit loads nothing heavy; each room is loaded when it is first used.

Example:
    >>> import dlkit as dk
    >>> data = dk.data.load("digits")
    >>> model = dk.models.build("mlp", data)
    >>> history = model.fit(data.train, validation_data=data.val, epochs=1, verbose=0)
"""

from dlkit.lazy import attach

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "data": ".",
        "evaluation": ".",
        "export": ".",
        "layers": ".",
        "models": ".",
        "serving": ".",
        "training": ".",
        "tuning": ".",
    },
)
