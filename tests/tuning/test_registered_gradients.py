import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.python.framework.ops import gradient_registry

from dlkit.tuning.registered_gradients import drop_new_gradients


@tf.custom_gradient
def twice(x):
    return 2 * x, lambda upstream: 5 * upstream


def test_a_model_that_was_trained_inside_is_freed_and_goes_on_to_train_outside():
    x, y = np.ones((4, 2), "float32"), np.ones((4, 1), "float32")
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse", jit_compile=False)
    before = set(gradient_registry.list())
    with drop_new_gradients():
        model.fit(x, y, verbose=0)
        assert len(gradient_registry.list()) > len(before)
    assert set(gradient_registry.list()) == before
    weights = model.get_weights()
    model.fit(x, y, verbose=0)
    assert not np.array_equal(weights[0], model.get_weights()[0])


def test_an_error_drops_them_and_older_ones_stay():
    function = tf.function(twice).get_concrete_function(tf.TensorSpec((), "float32"))
    with pytest.raises(ZeroDivisionError), drop_new_gradients():
        tf.function(twice)(tf.constant(1.0))
        raise ZeroDivisionError
    x = tf.constant(3.0)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = function(x)
    assert float(tape.gradient(y, x)) == 5.0
