import keras
import numpy as np
import pytest
import tensorflow as tf

from dlkit.errors import ExportError
from dlkit.export.signatures.signature import serving_default
from dlkit.export.to_litert.files import convert_to_litert, run_litert
from dlkit.export.to_litert.model_merging import join_litert


def convert(model):
    return convert_to_litert(model, serving_default(model))


def test_two_files_in_a_row_compute_the_second_of_the_first():
    left, right = keras.Input((3,), name="left"), keras.Input((3,), name="right")
    total = keras.layers.Add(name="total")([left, right])
    apart = keras.layers.Subtract(name="apart")([left, right])
    first = convert(keras.Model([left, right], [total, apart]))
    # The other order: matched by name, not by place.
    apart, total = keras.Input((3,), name="apart"), keras.Input((3,), name="total")
    ten = keras.layers.Rescaling(10)(apart)
    second = convert(keras.Model([apart, total], keras.layers.Add(name="sum")([ten, total])))
    both = join_litert(first, second)
    for rows in (1, 4):
        feeds = {
            "left": np.full((rows, 3), 5, "float32"),
            "right": np.full((rows, 3), 2, "float32"),
        }
        (answer,) = run_litert(both, [feeds])
        np.testing.assert_allclose(answer["sum"], np.full((rows, 3), 10 * 3 + 7))


class UntilLarge(keras.layers.Layer):
    """Doubles until the sum is large: how often depends on the input."""

    def call(self, x):
        return tf.while_loop(lambda y: tf.reduce_sum(y) < 100, lambda y: (y * 2,), (x,))[0]


def test_control_flow_may_come_second_but_not_first():
    row = keras.Input((2,), name="row")
    loop = keras.Model(row, {"row": UntilLarge()(row)})
    once = keras.Model(row, {"row": keras.layers.Rescaling(1, 1)(row)})
    both = join_litert(convert(once), convert(loop))
    (answer,) = run_litert(both, [{"row": np.array([[2, 4]], "float32")}])
    np.testing.assert_allclose(answer["row"], [[48, 80]])
    with pytest.raises(ExportError, match="whose preprocessing has 3 graphs instead of one"):
        join_litert(convert(loop), convert(once))
