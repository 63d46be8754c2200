#!/usr/bin/env bash
# keras 3.15.1 on TensorFlow 2.21.0. keras.ops.associative_scan cannot be compiled by XLA on
# TensorFlow: a function with jit_compile=True raises InvalidArgumentError, while the same function
# runs without XLA.
# Seen: maxima of 1,000 numbers each way without XLA, InvalidArgumentError with it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check keras==3.15.1 numpy==2.4.6 \
    tensorflow-cpu==2.21.0
TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES= "$folder/venv/bin/python" - <<'PYTHON'
import keras
import tensorflow as tf


def best_from_here(x):
    return keras.ops.associative_scan(keras.ops.maximum, x, reverse=True, axis=1)


x = tf.random.uniform((3, 1000), seed=0)
plain = tf.function(best_from_here)(x)
right = bool(tf.reduce_all(plain[:, 0] == tf.reduce_max(x, axis=1)))
try:
    tf.function(best_from_here, jit_compile=True)(x)
    told = "nothing"
except tf.errors.InvalidArgumentError as error:
    told = type(error).__name__
print("keras", keras.__version__, "tensorflow", tf.__version__, "plain:", right, "XLA:", told)
raise SystemExit(not (right and told == "InvalidArgumentError"))
PYTHON
