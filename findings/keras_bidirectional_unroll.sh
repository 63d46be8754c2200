#!/usr/bin/env bash
# keras 3.15.1 on TensorFlow 2.21.0. `Bidirectional(LSTM(..., return_sequences=True, unroll=True))`
# gives wrong outputs where a row has padding: the layer that reads from the end sets its outputs to
# 0 at masked steps after it has turned round, by a mask that has not. Without `unroll` each row is
# what it is by itself.
# Seen: without `unroll` padding changes nothing; with it, steps of the row become 0.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check keras==3.15.1 \
    tensorflow-cpu==2.21.0 numpy==2.4.6
cat >"$folder/padded.py" <<'PYTHON'
import keras
import numpy as np

keras.utils.set_random_seed(0)
x = np.random.default_rng(0).normal(size=(1, 5, 2)).astype("float32")
mask = np.array([[True, True, True, False, False]])
off = {}
for unroll in (False, True):
    recurrent = keras.layers.LSTM(3, return_sequences=True, unroll=unroll)
    layer = keras.layers.Bidirectional(recurrent)
    padded, alone = layer(x, mask=mask), layer(x[:, :3])
    off[unroll] = float(np.abs(padded[:, :3] - alone).max())
    zeros = int((np.asarray(padded[:, :3])[0, :, 3:] == 0).all(axis=-1).sum())
    print(f"unroll={unroll}: off by {off[unroll]:.3f}, {zeros} of 3 steps are 0")
assert off[False] < 1e-6 and off[True] > 0.01
PYTHON
TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES= "$folder/venv/bin/python" "$folder/padded.py"
