#!/usr/bin/env bash
# keras 3.15.1 on TensorFlow 2.21.0, on a CPU without XLA. In a training step, what a network says
# beside the path of the gradients (under `stop_gradient`, as a teacher's or a stacked model's
# answer) is sometimes that of the weights after the step: the same step from the same weights gives
# several losses. TensorFlow's graph optimizer loses an order: without it there is one.
# Seen: 6 losses in 200 steps, and 1 with `disable_meta_optimizer`.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check keras==3.15.1 \
    tensorflow-cpu==2.21.0 numpy==2.4.6
cat >"$folder/steps.py" <<'PYTHON'
import sys

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops

tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": sys.argv[1] == "without"})
keras.utils.set_random_seed(0)


def network():
    inputs = keras.Input((6,))
    return keras.Model(inputs, layers.Dense(3, "softmax")(layers.Dense(8, "relu")(inputs)))


class Stacked(keras.Model):
    """Two networks, and a layer that learns from what they say without training them."""

    def __init__(self):
        super().__init__()
        self.networks = [network(), network()]
        self.learner = layers.Dense(3, "softmax")
        self.learner.build((None, 6))

    def call(self, x, training=False):
        self.trained = [one(x, training=True) for one in self.networks] if training else None
        said = [ops.stop_gradient(one(x, training=False)) for one in self.networks]
        return self.learner(ops.concatenate(said, axis=-1))

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        loss = super().compute_loss(x, y, y_pred)
        if not training:
            return loss
        compare = keras.losses.sparse_categorical_crossentropy
        own = sum(ops.mean(compare(y, said)) for said in self.trained)
        return loss + own - ops.stop_gradient(own)  # the number is that of the learner's loss


model = Stacked()
model.build((None, 6))
model.compile(keras.optimizers.SGD(0.5), "sparse_categorical_crossentropy", jit_compile=False)
x, y = np.random.default_rng(0).normal(size=(64, 6)).astype("float32"), np.arange(64) % 3
weights, losses = model.get_weights(), set()
for _ in range(200):
    model.set_weights(weights)
    losses.add(round(float(model.train_on_batch(x, y)), 5))
print(f"{sys.argv[1]} the graph optimizer: losses of one step from the same weights: {len(losses)}")
sys.exit(0 if (len(losses) == 1) == (sys.argv[1] == "without") else 1)
PYTHON
export TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES=
"$folder/venv/bin/python" "$folder/steps.py" with
"$folder/venv/bin/python" "$folder/steps.py" without
