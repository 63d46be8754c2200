#!/usr/bin/env bash
# keras 3.15.1. A model whose inputs are an `Input` of another model and a tensor that was made of
# it spoils the other model: it cannot be saved, nor its config read, any more. Cloning gives a new
# input to the tensor, but a new node of the old input layer to the `Input`, and that node becomes
# the input's history, where the other model looks for its own.
# Seen: "RuntimeError: Internal error: could not find node key ..." by get_config() of the first.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check keras==3.15.1 \
    tensorflow-cpu==2.21.0 numpy==2.4.6
cat >"$folder/submodel.py" <<'PYTHON'
import keras

inputs = keras.Input((3,))
hidden = keras.layers.Dense(3)(inputs)
outputs = keras.layers.Add()([inputs, hidden])
model = keras.Model(inputs, outputs)
assert model.get_config()
keras.Model([hidden], keras.layers.ReLU()(hidden))
assert model.get_config()
print("A submodel of the hidden tensor alone: the model can be saved")
keras.Model([inputs, hidden], outputs)
try:
    model.get_config()
except RuntimeError as error:
    print("One of the input and the hidden tensor:", str(error).partition(" key")[0])
else:
    raise SystemExit("the model can still be saved")
PYTHON
TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES= "$folder/venv/bin/python" "$folder/submodel.py"
