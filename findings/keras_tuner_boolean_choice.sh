#!/usr/bin/env bash
# keras-tuner 1.4.8 on keras 3.15.1. `hp.Choice` takes booleans, and gives back the whole numbers 1
# and 0, so that `value is True` is False and a layer that asks for the type of its option is
# surprised.
# Seen: Choice of True and False gives 1, a Boolean gives True.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check keras-tuner==1.4.8 \
    keras==3.15.1 numpy==2.4.6 jax==0.10.2 jaxlib==0.10.2 six==1.17.0
cd "$folder"
KERAS_BACKEND=jax JAX_PLATFORMS=cpu "$folder/venv/bin/python" - <<'PYTHON'
import keras_tuner

hp = keras_tuner.HyperParameters()
chosen = hp.Choice("bias", [True, False])
boolean = hp.Boolean("scale", default=True)
print("keras-tuner", keras_tuner.__version__, f"Choice: {chosen!r}, Boolean: {boolean!r}")
raise SystemExit((type(chosen), type(boolean)) != (int, bool))
PYTHON
