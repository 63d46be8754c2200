#!/usr/bin/env bash
# keras 3.15.1 with TensorFlow 2.21.0 and tf2onnx 1.17.0. On TensorFlow, `keras.ops.argmax` of floats
# looks at the bit of their signs, so that -0.0 is less than 0.0: Bitcast and BitwiseAnd. tf2onnx
# copies them into the file, without an error, and LiteRT has no operators of its own for them.
# `keras.ops.top_k(x, 1)` gives the same index, and goes into both.
# Seen: ONNX Runtime 1.31.1 refuses the file and LiteRT's converter the graph with argmax; top_k goes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check keras==3.15.1 \
    tensorflow-cpu==2.21.0 tf2onnx==1.17.0 onnxruntime==1.31.1 numpy==2.4.6
TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES= "$folder/venv/bin/python" - 2>/dev/null <<'PYTHON'
import keras
import onnxruntime
import tensorflow as tf
import tf2onnx

ops = keras.ops
spec = [tf.TensorSpec((None, 3), tf.float32)]
found = {}
for name, pick in (
    ("argmax", lambda x: ops.argmax(x, axis=-1)),
    ("top_k", lambda x: ops.top_k(x, 1)[1]),
):
    function = tf.function(pick, input_signature=spec)
    graph = function.get_concrete_function()
    try:
        model, _ = tf2onnx.convert.from_function(function, input_signature=spec)
        onnxruntime.InferenceSession(model.SerializeToString())
        in_onnx = "taken"
    except Exception as error:
        in_onnx = "refused: " + " ".join(str(error).split())[:160]
    try:
        tf.lite.TFLiteConverter.from_concrete_functions([graph]).convert()
        in_litert = "taken"
    except Exception as error:
        in_litert = "refused: " + " ".join(str(error).split())[:160]
    kinds = sorted({operation.type for operation in graph.graph.get_operations()})
    found[name] = [answer.partition(":")[0] for answer in (in_onnx, in_litert)]
    print(f"{name}: {', '.join(kinds)}; ONNX: {in_onnx}; LiteRT: {in_litert}")
raise SystemExit(found != {"argmax": ["refused"] * 2, "top_k": ["taken"] * 2})
PYTHON
