"""Builders: functions that return compiled Keras models, one architecture family a file.

`dk.models.list()` tells what there is, `dk.models.build("cnn", data)` reads shapes and task from
data, and `dk.models.cnn((28, 28, 1), 10)` builds without any.
"""

from dlkit.lazy import attach
from dlkit.models.catalogue import SHIPPED

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "BuilderInfo": "catalogue",
        "blocks": ".",
        "build": "building",
        "builder": "registry",
        "fine_tune": "fine_tuning",
        "list": "catalogue",
        "load": "loading",
        **{name: info.family for name, info in SHIPPED.items()},
    },
)
