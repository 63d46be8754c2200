"""What TensorFlow keeps for ever of each model that is trained."""

import contextlib
from collections.abc import Iterator

from tensorflow.python.framework.ops import gradient_registry


@contextlib.contextmanager
def drop_new_gradients() -> Iterator[None]:
    """Forget at the end which custom gradients were registered inside.

    TensorFlow registers one whenever a custom gradient is traced, and with it the traced graph, and
    never forgets it. Keras's optimizers trace one in each `fit`, to sum gradients over replicas,
    even over a single one: about 10 MiB a model (`findings/keras_fit_keeps_graph.sh`). What was
    traced inside still runs; it only cannot be differentiated anew.

    Example:
        >>> import tensorflow as tf
        >>> before = set(gradient_registry.list())
        >>> with drop_new_gradients():
        ...     tf.RegisterGradient("Mine")(lambda op, gradient: gradient)("an op", 2.0)
        2.0
        >>> set(gradient_registry.list()) == before
        True
    """
    before = set(gradient_registry.list())
    try:
        yield
    finally:
        for name in set(gradient_registry.list()) - before:
            del gradient_registry._registry[name]  # it offers no way of its own
