#!/usr/bin/env bash
# Optuna 5.0.0. A sampler's seed is where its generator starts in each process. A study that goes on
# from its storage with the same sampler, as a script does that is run again, proposes the points
# again that it has tried; without a seed it does not, and cannot be repeated.
# Seen: two runs of three trials on one SQLite file try three points twice, by RandomSampler and by
# TPESampler, whose first ten are drawn.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check optuna==5.0.0
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import optuna

optuna.logging.set_verbosity(optuna.logging.ERROR)


def run(sampler, file):
    """Run three trials of a study in a file; return all values that it has tried."""
    study = optuna.create_study(
        study_name="s", storage=f"sqlite:///{file}", sampler=sampler, load_if_exists=True
    )
    study.optimize(lambda trial: trial.suggest_float("x", 0.0, 1.0), n_trials=3)
    return [trial.params["x"] for trial in study.trials]


seen = {}
for kind in (optuna.samplers.RandomSampler, optuna.samplers.TPESampler):
    for _ in range(2):  # as two runs of a script
        values = run(kind(seed=1), f"{kind.__name__}.db")
    seen[kind.__name__] = (len(values), len(set(values)))
print("optuna", optuna.__version__, "trials and different values:", seen)
raise SystemExit(seen != {"RandomSampler": (6, 3), "TPESampler": (6, 3)})
PYTHON
