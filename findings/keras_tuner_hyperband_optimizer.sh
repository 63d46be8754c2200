#!/usr/bin/env bash
# keras-tuner 1.4.8 on keras 3.15.1 and JAX 0.10.2. Hyperband trains its best trials on from their
# checkpoint, which it loads before the optimizer has any variable: the weights go on, and the
# optimizer's moments and step count, and with it a schedule of its learning rate, begin anew. Keras
# says so in a UserWarning.
# Seen: one epoch of 4 steps, and the trial that goes on from it starts at step 0 of its optimizer.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check keras-tuner==1.4.8 \
    keras==3.15.1 numpy==2.4.6 jax==0.10.2 jaxlib==0.10.2 six==1.17.0
cd "$folder"
KERAS_BACKEND=jax JAX_PLATFORMS=cpu "$folder/venv/bin/python" - <<'PYTHON'
import tempfile
import warnings

import keras
import keras_tuner
import numpy as np

starts = []  # of trials that go on: the optimizer's steps, and whether the weights are fresh


class Model(keras_tuner.HyperModel):
    def build(self, hp):
        dense = keras.layers.Dense(1, kernel_initializer="zeros")
        model = keras.Sequential([keras.Input((2,)), dense])
        model.compile(keras.optimizers.Adam(hp.Float("rate", 1e-3, 1e-1)), "mse")
        return model

    def fit(self, hp, model, *data, **options):
        if "tuner/trial_id" in hp.values:
            fresh = not np.any(model.layers[0].get_weights()[0])
            starts.append((int(model.optimizer.iterations), fresh))
        return model.fit(*data, **options)


tuner = keras_tuner.Hyperband(
    Model(),
    keras_tuner.Objective("val_loss", "min"),
    max_epochs=3,
    factor=3,
    seed=1,
    directory=tempfile.mkdtemp(dir="."),
)
x, y = np.ones((8, 2)), np.ones((8, 1))
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    tuner.search(x, y, validation_data=(x, y), batch_size=2, verbose=0)
said = {str(w.message)[:60] for w in caught if "optimizer" in str(w.message)}
print("keras-tuner", keras_tuner.__version__, "keras", keras.__version__)
print("(steps of the optimizer, weights fresh) of trials that go on:", starts, said)
raise SystemExit(not (starts and set(starts) == {(0, False)}))
PYTHON
