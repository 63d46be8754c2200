#!/usr/bin/env bash
# keras-tuner 1.4.8 on keras 3.15.1. Whether high or low is better is inferred from the name of an
# objective that is given as a string. Names that it does not know are minimised without a word,
# those of some metrics of Keras's own among them: the search then finds the worst model.
# Seen: val_accuracy max; val_f1_score, val_r2_score and val_cosine_similarity min.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check keras-tuner==1.4.8 \
    keras==3.15.1 numpy==2.4.6 jax==0.10.2 jaxlib==0.10.2 six==1.17.0
cd "$folder"
KERAS_BACKEND=jax JAX_PLATFORMS=cpu "$folder/venv/bin/python" - <<'PYTHON'
import keras_tuner

names = ("val_accuracy", "val_f1_score", "val_r2_score", "val_cosine_similarity")
seen = {
    name: keras_tuner.oracles.RandomSearchOracle(objective=name).objective.direction
    for name in names
}
print("keras-tuner", keras_tuner.__version__, seen)
raise SystemExit(list(seen.values()) != ["max", "min", "min", "min"])
PYTHON
