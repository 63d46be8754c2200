#!/usr/bin/env bash
# tf2onnx 1.17.0 with TensorFlow 2.21.0. The exact GELU of TensorFlow, which is Keras's default, is
# made of Erfc. ONNX has no such operator, and tf2onnx copies it under that name into the domain of
# ONNX's own, without an error. No runtime takes the file.
# Seen: an operator Erfc in the file, and ONNX Runtime 1.31.1 refuses it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check tensorflow-cpu==2.21.0 \
    tf2onnx==1.17.0 onnxruntime==1.31.1 numpy==2.4.6
TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES= "$folder/venv/bin/python" - 2>/dev/null <<'PYTHON'
import numpy as np
import onnxruntime
import tensorflow as tf
import tf2onnx

exact = tf.function(lambda x: tf.nn.gelu(x, approximate=False))
model, _ = tf2onnx.convert.from_function(exact, input_signature=[tf.TensorSpec((None, 3))])
operators = [node.op_type for node in model.graph.node]
print("tf2onnx", tf2onnx.__version__, "writes", operators, "without an error")
try:
    onnxruntime.InferenceSession(model.SerializeToString())
    refused = ""
except Exception as error:
    refused = str(error).strip()
print("ONNX Runtime", onnxruntime.__version__, "says:", refused or "nothing")
raise SystemExit(not ("Erfc" in operators and "Erfc" in refused))
PYTHON
