"""Compare the strategies on true scores that are known: how far is the best found from the best?

Each searches the 576 configurations of `benchmarks/search_scores.npz` with 20 seeds. A trial costs
its epochs; its score is the best validation loss among them, as in a search. The picture shows the
mean regret (the best loss found so far, less the best of all) by epochs spent.

    python benchmarks/search_regret.py [--seeds 20] [--trials 30] [--picture FILE]
"""

import argparse
import ast
import pathlib
import tempfile
import warnings

import keras_tuner
import numpy as np

from dlkit.models.hyperparameters import Choice
from dlkit.tuning.oracles.strategies import STRATEGIES
from dlkit.tuning.spaces import ask

FILE = pathlib.Path(__file__).parent / "search_scores.npz"
SEARCHED = ("random", "bayesian", "tpe", "hyperband")


def load(path=FILE):
    """Return the space, and values -> losses by epoch."""
    held = np.load(path)
    configurations = [ast.literal_eval(str(text)) for text in held["values"]]
    names = configurations[0]
    space = {
        name: Choice(list(dict.fromkeys(values[name] for values in configurations)))
        for name in names
    }
    losses = np.nan_to_num(held["losses"].astype(float), nan=np.inf)
    return space, {repr(c): curve for c, curve in zip(configurations, losses, strict=True)}


def search(strategy, seed, trials, space, losses):
    """Return `(epochs spent, best loss so far)` after each trial."""
    hp = keras_tuner.HyperParameters()
    ask(hp, space)
    epochs = len(next(iter(losses.values())))
    options = {"max_trials": trials, "seed": seed, "hyperparameters": hp}
    if strategy == "hyperband":
        options |= {"max_epochs": epochs, "max_trials": 1000}
    oracle = STRATEGIES[strategy](objective=keras_tuner.Objective("loss", "min"), **options)
    oracle.verbose = 0
    spent, best, path = 0, np.inf, []
    with tempfile.TemporaryDirectory() as folder:
        oracle._set_project_dir(folder, "search")
        while spent < trials * epochs:
            trial = oracle.create_trial("a")
            if trial.status != "RUNNING":
                break
            values = trial.hyperparameters.values
            first, last = values.get("tuner/initial_epoch", 0), values.get("tuner/epochs", epochs)
            curve = losses[repr(ask(trial.hyperparameters, space))]
            for epoch in range(first, last):
                oracle.update_trial(trial.trial_id, {"loss": float(curve[epoch])}, step=epoch)
            trial.status = "COMPLETED"
            oracle.end_trial(trial)
            spent += last - first
            best = min(best, curve[first:last].min())
            path.append((spent, best))
    return path


def at(path, spent):
    """Return the best loss when that many epochs were spent."""
    found = [best for cost, best in path if cost <= spent]
    return found[-1] if found else np.nan


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--trials", type=int, default=30)
    parser.add_argument("--strategies", nargs="+", default=SEARCHED)
    parser.add_argument("--picture")
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    space, losses = load()
    lowest = min(curve.min() for curve in losses.values())
    epochs = len(next(iter(losses.values())))
    moments = np.arange(epochs, given.trials * epochs + 1, epochs)
    regrets = {}
    for strategy in given.strategies:
        paths = [search(strategy, seed, given.trials, space, losses) for seed in range(given.seeds)]
        regrets[strategy] = np.array([[at(p, m) - lowest for m in moments] for p in paths])
    print(f"{len(losses)} configurations, best loss {lowest:.4f}, {given.seeds} seeds;")
    print("mean regret (standard error) after epochs worth so many full trials:")
    shown = [n for n in (5, 10, 15, 20, 30) if n <= given.trials]
    print(f"{'strategy':12}" + "".join(f"{n:>18}" for n in shown))
    for strategy, found in regrets.items():
        cells = [
            f"{found[:, n - 1].mean():.4f} ({found[:, n - 1].std(ddof=1) / given.seeds**0.5:.4f})"
            for n in shown
        ]
        print(f"{strategy:12}" + "".join(f"{cell:>18}" for cell in cells))
    if "random" in regrets:
        goal = regrets["random"][:, -1].mean()
        for strategy, found in regrets.items():
            reached = np.flatnonzero(found.mean(axis=0) <= goal)
            if len(reached):
                share = moments[reached[0]] / moments[-1]
                print(f"{strategy} is where random ends after {share:.2f} of its epochs")
    if given.picture:
        draw(regrets, moments, epochs, given.picture)


def draw(regrets, moments, epochs, path):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.add_subplot()
    for strategy, found in regrets.items():
        mean, error = found.mean(axis=0), found.std(axis=0, ddof=1) / len(found) ** 0.5
        (line,) = axes.plot(moments / epochs, mean, label=strategy)
        axes.fill_between(
            moments / epochs, mean - error, mean + error, color=line.get_color(), alpha=0.2
        )
    axes.set(xlabel="epochs spent, in full trials", ylabel="regret: loss above the best of all")
    axes.set(yscale="log")
    axes.legend()
    figure.savefig(path, dpi=120)


if __name__ == "__main__":
    main()
