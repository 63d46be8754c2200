#!/usr/bin/env bash
# keras 3.15.1 on TensorFlow 2.21.0. A model that was trained by `fit` and deleted leaves its traced
# training graph behind, for as long as the process lives: Keras's optimizers sum the gradients over
# replicas through a custom gradient, even where there is a single replica; TensorFlow registers a
# custom gradient under a new name whenever it is traced, with what it was traced with, and forgets
# none. keras.backend.clear_session() and the garbage collector free the model and not the graph.
# Whoever trains one model after another in a process (a search, folds, seeds) loses megabytes each.
# Seen: after 4 models of one layer, all deleted, 4 graphs of their steps and 4 names
# CustomGradient-N; without those names, no graph.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check keras==3.15.1 numpy==2.4.6 \
    tensorflow-cpu==2.21.0
TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES= "$folder/venv/bin/python" - <<'PYTHON'
import gc

import keras
import numpy as np
import tensorflow as tf
from tensorflow.python.framework.func_graph import FuncGraph
from tensorflow.python.framework.ops import gradient_registry


def graphs():
    keras.backend.clear_session()
    gc.collect()
    return sum(isinstance(found, FuncGraph) for found in gc.get_objects())


x, y = np.ones((64, 4), "float32"), np.ones((64, 1), "float32")
for _ in range(4):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse", jit_compile=False)
    model.fit(x, y, verbose=0)
    del model
left = graphs()
names = [name for name in gradient_registry.list() if name.startswith("CustomGradient-")]
for name in names:
    del gradient_registry._registry[name]
freed = graphs()
print("keras", keras.__version__, "tensorflow", tf.__version__)
print("graphs left:", left, "names:", len(names), "graphs left without the names:", freed)
raise SystemExit(not (left == len(names) == 4 and freed == 0))
PYTHON
