#!/usr/bin/env bash
# keras 3.15.1 on JAX 0.10.2. MelSpectrogram (power_to_db=True, top_db=80, its defaults) cuts the
# decibels 80 below the loudest value of the whole batch, not of the recording. The same recording of
# a quiet tone has other features alone than beside a loud one, so that a prediction depends on
# whatever else was asked at the same time.
# Seen: the quiet tone's features move by up to 44.5 decibels; a second quiet tone moves nothing.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check keras==3.15.1 numpy==2.4.6 \
    jax==0.10.2 jaxlib==0.10.2
KERAS_BACKEND=jax JAX_PLATFORMS=cpu "$folder/venv/bin/python" - <<'PYTHON'
import keras
import numpy as np

layer = keras.layers.MelSpectrogram(sampling_rate=8000)
seconds = np.arange(8000) / 8000
quiet = 0.002 * np.sin(2 * np.pi * 440 * seconds).astype("float32")
loud = np.random.default_rng(0).normal(size=8000).astype("float32")

alone = np.asarray(layer(quiet[None]))[0]
beside_itself = np.asarray(layer(np.stack([quiet, quiet])))[0]
beside_loud = np.asarray(layer(np.stack([quiet, loud])))[0]
moved = float(np.abs(alone - beside_loud).max())
print(f"keras {keras.__version__}: beside a loud recording up to {moved:.1f} dB other features,")
print(f"beside itself {float(np.abs(alone - beside_itself).max()):.1f} dB")
raise SystemExit(not (moved > 40 and np.allclose(alone, beside_itself, atol=1e-3)))
PYTHON
