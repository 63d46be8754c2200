import numpy as np

from dlkit.tuning.pictures import (
    draw_learning_curves,
    draw_parallel_coordinates,
    draw_pareto_front,
    draw_progress,
    importances,
    pareto_front,
)
from tests.tuning.driving import drive, make


class Tuner:
    def __init__(self, oracle):
        self.oracle = oracle


def searched(folder, **options):
    oracle = make("random", folder, max_trials=40)
    drive(oracle, **options)
    return Tuner(oracle), list(oracle.trials.values())


def test_what_decides_the_score_is_what_mattered(tmp_path):
    tuner, trials = searched(tmp_path, score=lambda values, epoch: float(values["units"]))
    shares = importances(tuner, trials)
    assert next(iter(shares)) == "units" and shares["units"] > 0.9
    assert abs(sum(shares.values()) - 1) < 1e-9


def test_the_best_so_far_never_gets_worse(tmp_path):
    tuner, trials = searched(tmp_path)
    points, best = draw_progress(tuner, trials).axes[0].lines
    np.testing.assert_array_equal(points.get_ydata(), [trial.score for trial in trials])
    np.testing.assert_array_equal(
        best.get_ydata(), np.maximum.accumulate([trial.score for trial in trials])
    )


def test_each_trial_is_a_line_through_its_values(tmp_path):
    tuner, trials = searched(tmp_path)
    axes = draw_parallel_coordinates(tuner, trials).axes[0]
    lines = [line for line in axes.lines if len(line.get_ydata()) == 4]
    assert len(lines) == 40
    assert [label.get_text() for label in axes.get_xticklabels()] == [
        *("rate", "units", "optimizer", "momentum")
    ]
    without = [line for line in lines if np.isnan(line.get_ydata()).any()]
    assert len(without) == sum("momentum" not in t.hyperparameters.values for t in trials)


def test_curves_are_by_epochs(tmp_path):
    tuner, trials = searched(tmp_path)
    lines = draw_learning_curves(tuner, trials).axes[0].lines
    assert len(lines) == 40 and list(lines[0].get_xdata()) == [1, 2, 3, 4]


def test_the_front_has_what_no_cheaper_trial_betters():
    costs = np.array([5.0, 1.0, 3.0, 1.0, 9.0])
    scores = np.array([0.8, 0.5, 0.9, 0.6, 0.9])
    assert pareto_front(costs, scores, "max").tolist() == [3, 2]
    assert pareto_front(costs, -scores, "min").tolist() == [3, 2]

    class Goal:
        name, direction = "val_accuracy", "max"

    front = draw_pareto_front(costs, scores, "parameters", Goal).axes[0].lines[1]
    assert front.get_xdata().tolist() == [1.0, 3.0]
