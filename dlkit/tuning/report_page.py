"""A search as one HTML page that can be sent by mail: tables and drawings, nothing to load."""

from __future__ import annotations

import html
import io
import pathlib
import time
from typing import Any

import keras
import keras_tuner
import numpy as np

from dlkit.data.core.progress import progress
from dlkit.errors import InputError
from dlkit.training.atomic_files import write_atomically
from dlkit.tuning import pictures
from dlkit.tuning.global_settings import clear_session
from dlkit.tuning.reading import best_trial, results, values_of
from dlkit.tuning.tuner import SIZE, without_retracing_notes

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 75rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse; font-size: 13px } td, th { padding: .2rem .6rem;
border-bottom: 1px solid #ddd; text-align: right; white-space: nowrap } svg { max-width: 100%;
height: auto } .scroll { overflow-x: auto } p { max-width: 48rem }
"""
_CALLS = 20  # predictions that are timed for each trial
_FEWEST = 5  # trials that an importance is told of


def report(tuner: keras_tuner.Tuner, path: str | pathlib.Path) -> pathlib.Path:
    """Write a search as one HTML file.

    It has the trials as a table, the best score over time, parallel coordinates, what each
    hyperparameter explains, learning curves, and the scores against size and the time of one
    prediction (measured here, on an untrained copy of each model).

    Args:
        tuner: What `search` returned.
        path: The file; one that is there is replaced.

    Returns:
        The path.

    Raises:
        InputError: when no trial has a score, or there is no such folder.
        MissingExtraError: when Matplotlib or pandas is not installed.

    Example:
        >>> import dlkit as dk
        >>> space = {"learning_rate": dk.tuning.Choice([0.01, 0.1])}
        >>> tuner = dk.tuning.search(
        ...     "perceptron", dk.data.load("iris"), space=space, name="two", epochs=2, verbose=False
        ... )
        >>> report(tuner, "search.html").stat().st_size > 10_000
        True
    """
    path = pathlib.Path(path)
    if path.is_dir():
        raise InputError(f"path is a file, as search.html. Received: {path}, a folder.")
    if not path.parent.is_dir():
        raise InputError(f"There is no folder {path.parent} for {path.name}; make it first.")
    best = best_trial(tuner)
    trials = [t for t in tuner.oracle.trials.values() if t.status == "COMPLETED"]
    parts = [_heading(tuner, best, trials), *_drawings(tuner, trials)]
    table = results(tuner).fillna("").to_html(index=False, float_format=lambda x: f"{x:.5g}")
    parts += ["<h2>Trials</h2>", f'<div class="scroll">{table}</div>']
    name = html.escape(tuner.project_name)
    page = (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{name}</title>'
        f"<style>{_STYLE}</style></head><body>{''.join(parts)}</body></html>\n"
    )
    write_atomically(path, lambda file: file.write(page.encode()))
    return path


def _heading(tuner: keras_tuner.Tuner, best: Any, trials: list[Any]) -> str:
    objective, every = tuner.oracle.objective, len(tuner.oracle.trials)
    own = {name: v for name, v in values_of(tuner, best).items() if not name.startswith("tuner/")}
    values = ", ".join(f"{name}={value!r}" for name, value in own.items())
    return (
        f"<h1>{html.escape(tuner.project_name)}</h1><p>The best {html.escape(objective.name)} of"
        f" {len(trials)} trials ({every - len(trials)} without a score) is"
        f" <b>{best.score:.5g}</b>, after {best.best_step + 1} epochs, with"
        f" {html.escape(values)}.</p>"
    )


def _drawings(tuner: keras_tuner.Tuner, trials: list[Any]) -> list[str]:
    objective = tuner.oracle.objective
    scores = np.array([trial.score for trial in trials], float)
    parts = ["<h2>Best so far</h2>", _svg(pictures.draw_progress(tuner, trials))]
    parts += ["<h2>Values and scores</h2>", _svg(pictures.draw_parallel_coordinates(tuner, trials))]
    if len(trials) >= _FEWEST:
        shares = pictures.importances(tuner, trials)
        parts += ["<h2>What mattered</h2>", _svg(pictures.draw_importances(shares))]
    if any(trial.metrics.exists(SIZE) for trial in trials):
        parts += ["<h2>Learning curves</h2>", _svg(pictures.draw_learning_curves(tuner, trials))]
        sizes = np.array([trial.metrics.get_last_value(SIZE) for trial in trials], float)
        for costs, label in [
            (sizes, "parameters"),
            (_prediction_times(tuner, trials), "milliseconds a prediction"),
        ]:
            drawn = pictures.draw_pareto_front(costs, scores, label, objective)
            parts += [f"<h2>Score and {label}</h2>", _svg(drawn)]
    return parts


def _prediction_times(tuner: keras_tuner.Tuner, trials: list[Any]) -> np.ndarray:
    """Return the median milliseconds of one prediction, a trial each."""
    found = []
    with without_retracing_notes(), progress("Timing predictions", len(trials)) as tell:
        for number, trial in enumerate(trials, 1):
            hp = trial.hyperparameters.copy()
            model = tuner.hypermodel.build(hp)
            specs = tuner.data.record(hp).input_spec
            rows = {
                name: np.zeros([1, *(size or 16 for size in spec.shape)], spec.dtype.name)
                for name, spec in specs.items()
            }
            inputs = rows if len(rows) > 1 else next(iter(rows.values()))
            found.append(_time(model, inputs))
            clear_session()
            tell(number)
    return np.array(found)


def _time(model: keras.Model, inputs: Any) -> float:
    for _ in range(3):
        model.predict_on_batch(inputs)
    taken = []
    for _ in range(_CALLS):
        began = time.perf_counter()
        model.predict_on_batch(inputs)
        taken.append(1000 * (time.perf_counter() - began))
    return float(np.median(taken))


def _svg(figure: Any) -> str:
    picture = io.StringIO()
    figure.savefig(picture, format="svg")
    text = picture.getvalue()
    return text[text.index("<svg") :]
