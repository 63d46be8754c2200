#!/usr/bin/env bash
# keras 3.15.1. clone_model of a model that is built functionally and has a class of its own, with a
# compute_loss and a network that only the loss uses, returns a plain Functional model: the class,
# its loss and the second network's weights are gone, without a warning, although the class has
# get_config and from_config, which its documentation says that a subclassed model is cloned by.
# Seen: type Functional with 10 weights, of Twin's 20.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check keras==3.15.1 numpy==2.4.6 \
    jax==0.10.2 jaxlib==0.10.2
KERAS_BACKEND=jax "$folder/venv/bin/python" - <<'PYTHON'
import keras


@keras.saving.register_keras_serializable(package="example")
class Twin(keras.Model):
    def __init__(self, units=2, **kwargs):
        inputs = keras.Input((4,))
        super().__init__(inputs, keras.layers.Dense(units)(inputs), **kwargs)
        self.units = units
        self.helper = keras.Sequential([keras.Input((4,)), keras.layers.Dense(units)])

    def get_config(self):
        return {"units": self.units, "name": self.name}

    @classmethod
    def from_config(cls, config):
        return cls(**config)


model = Twin()
clone = keras.models.clone_model(model)
print("keras", keras.__version__, type(clone).__name__, clone.count_params(), model.count_params())
raise SystemExit(not (type(clone).__name__ == "Functional" and clone.count_params() == 10))
PYTHON
