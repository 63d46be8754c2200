"""Writers of small SavedModels, made with TensorFlow alone."""

import tensorflow as tf


class _HalfPlusTwo(tf.Module):
    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, name="x")])
    def predict(self, x):
        return {"y": x / 2 + 2}


def half_plus_two(path):
    """TensorFlow Serving's own test model: y = x / 2 + 2."""
    module = _HalfPlusTwo()
    tf.saved_model.save(module, str(path), signatures=module.predict)
