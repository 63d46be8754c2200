"""Drawings of a search: what scores came, and what they depend on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras_tuner
import numpy as np
from keras_tuner.engine.hyperparameters import Boolean, Choice

from dlkit.argument_validation import require
from dlkit.tuning.oracles.curves import curves
from dlkit.tuning.oracles.sampling import place_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SIZE = (9.0, 3.6)  # inches
_SHOWN = 40  # learning curves


def make_figure(size: tuple[float, float] = _SIZE) -> Figure:
    """Return an empty figure."""
    require("matplotlib", "plot")
    from dlkit.figures import Figure

    return Figure(figsize=size, layout="constrained")


def draw_progress(tuner: keras_tuner.Tuner, trials: list[Any]) -> Figure:
    """Draw each trial's score, and the best so far."""
    scores = np.array([trial.score for trial in trials], float)
    best = np.maximum if tuner.oracle.objective.direction == "max" else np.minimum
    figure = make_figure()
    axes = figure.add_subplot()
    every = list(tuner.oracle.trials)
    numbers = [every.index(trial.trial_id) + 1 for trial in trials]
    axes.plot(numbers, scores, "o", color="tab:gray", label="a trial")
    axes.step(numbers, best.accumulate(scores), where="post", label="the best so far")
    axes.set(xlabel="trial", ylabel=tuner.oracle.objective.name)
    axes.legend()
    return figure


def draw_parallel_coordinates(tuner: keras_tuner.Tuner, trials: list[Any]) -> Figure:
    """Draw a line a trial through its values, one axis a hyperparameter, coloured by its score."""
    from matplotlib import colormaps

    space = list({hp.name: hp for hp in tuner.oracle.get_space().space}.values())
    scores = np.array([trial.score for trial in trials], float)
    colours = _ranked(scores, tuner.oracle.objective.direction)
    figure = make_figure((max(9.0, 1.6 * len(space)), 4.2))
    axes = figure.add_subplot()
    for trial, colour in sorted(zip(trials, colours, strict=True), key=lambda pair: pair[1]):
        values = trial.hyperparameters.values
        places = [place_of(hp, values[hp.name]) if hp.name in values else np.nan for hp in space]
        axes.plot(places, color=colormaps["viridis"](colour), alpha=0.3 + 0.7 * colour, marker=".")
    for index, hp in enumerate(space):
        axes.axvline(index, color="black", linewidth=0.6)
        for place, text in _ticks(hp):
            axes.annotate(text, (index, place), textcoords="offset points", xytext=(4, -3), size=8)
    axes.set_xticks(range(len(space)), [hp.name for hp in space], rotation=20, ha="right")
    axes.set(yticks=[], ylim=(-0.05, 1.05), xlim=(-0.2, len(space) - 0.3))
    axes.set_title("from the worst (dark) to the best (bright)", size=9)
    return figure


def _ranked(scores: np.ndarray, direction: str) -> np.ndarray:
    """Return 0 for the worst score up to 1 for the best, by rank."""
    ranks = np.argsort(np.argsort(scores if direction == "max" else -scores))
    return ranks / max(1, len(ranks) - 1)


def _ticks(hp: Any) -> list[tuple[float, str]]:
    if isinstance(hp, Choice | Boolean):
        values = list(hp.values) if isinstance(hp, Choice) else [False, True]
        return [(place_of(hp, value), str(value)) for value in values]
    if not hasattr(hp, "min_value"):
        return [(0.5, str(hp.value))]
    return [(place_of(hp, end), f"{end:.4g}") for end in (hp.min_value, hp.max_value)]


def importances(tuner: keras_tuner.Tuner, trials: list[Any]) -> dict[str, float]:
    """Return which share of the scores' differences each hyperparameter explains, largest first.

    A random forest learns the scores from the values; how much worse it is when the values of one
    hyperparameter are shuffled is what that one explains. Shares add up to 1; of few trials they
    are a guess.

    Reference: Breiman 2001, Random Forests, section 10.
    """
    from sklearn.ensemble import RandomForestRegressor
    from sklearn.inspection import permutation_importance

    space = list({hp.name: hp for hp in tuner.oracle.get_space().space}.values())
    rows = [trial.hyperparameters.values for trial in trials]
    columns = [[place_of(hp, row.get(hp.name, hp.default)) for row in rows] for hp in space]
    inputs, scores = np.array(columns).T, np.array([trial.score for trial in trials], float)
    forest = RandomForestRegressor(200, min_samples_leaf=2, random_state=0).fit(inputs, scores)
    found = permutation_importance(forest, inputs, scores, n_repeats=10, random_state=0)
    shares = np.maximum(found.importances_mean, 0)
    shares /= shares.sum() or 1.0
    named = {hp.name: float(share) for hp, share in zip(space, shares, strict=True)}
    return dict(sorted(named.items(), key=lambda item: -item[1]))


def draw_importances(shares: dict[str, float]) -> Figure:
    """Draw what each hyperparameter explains."""
    figure = make_figure((9.0, 0.8 + 0.35 * len(shares)))
    axes = figure.add_subplot()
    axes.barh(list(shares)[::-1], list(shares.values())[::-1])
    axes.set(xlabel="share of the scores' differences that it explains", xlim=(0, 1))
    return figure


def draw_learning_curves(tuner: keras_tuner.Tuner, trials: list[Any]) -> Figure:
    """Draw the objective by epoch, for the best trials bright."""
    from matplotlib import colormaps, ticker

    objective = tuner.oracle.objective
    scores = np.array([trial.score for trial in trials], float)
    order = np.argsort(_ranked(scores, objective.direction))[-_SHOWN:]
    figure = make_figure()
    axes = figure.add_subplot()
    for rank, index in enumerate(order):
        colour = colormaps["viridis"]((rank + 1) / len(order))
        for curve in curves(trials[index], objective.name):
            epochs = [epoch + 1 for epoch in curve]
            axes.plot(epochs, list(curve.values()), color=colour, linewidth=1, marker=".")
    axes.set(xlabel="epoch", ylabel=objective.name)
    axes.xaxis.set_major_locator(ticker.MaxNLocator(integer=True))
    return figure


def draw_pareto_front(
    costs: np.ndarray, scores: np.ndarray, label: str, objective: keras_tuner.Objective
) -> Figure:
    """Draw scores against a cost, and the trials that no cheaper one betters."""
    figure = make_figure()
    axes = figure.add_subplot()
    axes.plot(costs, scores, "o", color="tab:gray")
    front = pareto_front(costs, scores, objective.direction)
    axes.step(costs[front], scores[front], "o-", where="post", label="no cheaper trial is as good")
    wide = costs.max() > 10 * costs.min()
    axes.set(xlabel=label, ylabel=objective.name, xscale="log" if wide else "linear")
    axes.legend()
    return figure


def pareto_front(costs: np.ndarray, scores: np.ndarray, direction: str) -> np.ndarray:
    """Return the trials that are better than each cheaper one, by rising cost.

    Example:
        >>> pareto_front(np.array([1, 2, 3]), np.array([0.5, 0.4, 0.9]), "max").tolist()
        [0, 2]
    """
    sign = 1.0 if direction == "max" else -1.0
    best, front = -np.inf, []
    for index in np.lexsort((-sign * scores, costs)):
        if sign * scores[index] > best:
            best = sign * scores[index]
            front.append(index)
    return np.array(front, int)
