"""What stands between a client's name of a node and what is known of the node."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="dlkit")
class KnownNodes(keras.layers.Layer):
    """Numbers of nodes (B,), and what a client calls them (B,) -> the numbers, if all are nodes.

    A row that is none fails the batch, with a sentence that names it. A `.keras` file that holds
    this layer loads after `import dlkit.data.graph.layers`; an export needs nothing.

    Args:
        count: How many nodes there are.
        first: What the first is called, for the sentence.
    """

    def __init__(self, count: int, first: str, **options: Any) -> None:
        super().__init__(**options)
        self.count, self.first = count, first

    def call(self, numbers: Any, names: Any) -> tf.Tensor:
        """Return the numbers."""
        unknown = (numbers < 0) | (numbers >= self.count)
        sentence = f"node must name nodes of the graph, which has {self.count}, like {self.first};"
        told = [f"{sentence} leave others out. Received:", tf.boolean_mask(names, unknown)]
        with tf.control_dependencies([tf.Assert(~tf.reduce_any(unknown), told)]):
            # ONNX and LiteRT drop the assertion: what is no node must be none for a look-up either,
            # where -1 would be the last one.
            return tf.where(unknown, tf.cast(self.count, numbers.dtype), numbers)

    def compute_output_spec(self, numbers: Any, names: Any) -> keras.KerasTensor:
        """Return the shape and type of `call`'s result."""
        return keras.KerasTensor(numbers.shape, dtype=numbers.dtype)

    def get_config(self) -> dict[str, Any]:
        """Return what Keras needs to make this layer again."""
        return {**super().get_config(), "count": self.count, "first": self.first}
