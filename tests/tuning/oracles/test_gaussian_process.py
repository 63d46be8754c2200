import numpy as np

from dlkit.tuning.oracles import gaussian_process
from dlkit.tuning.oracles.gaussian_process import expect_losses, normal_scores
from tests.tuning.driving import drive, make


def test_a_curve_is_found_from_some_of_its_points():
    places = np.linspace(0, 1, 101)[:, None]
    curve = np.sin(5 * places[:, 0])
    tried = places[::10]
    mean, deviation = expect_losses(tried, curve[::10], places)
    assert np.abs(mean - curve).max() < 0.05
    assert deviation[5] > deviation[0]  # between two points less is known


def test_an_axis_that_does_not_matter_is_seen_through():
    generator = np.random.default_rng(0)
    tried = generator.random((30, 2))
    losses = (tried[:, 0] - 0.3) ** 2
    places = np.stack([np.full(20, 0.3), np.linspace(0, 1, 20)], axis=1)
    mean, _ = expect_losses(tried, losses, places)
    assert np.ptp(mean) < 0.02


def test_what_runs_is_known_a_little():
    tried = np.array([[0.0], [0.2], [1.0]])
    losses = np.array([0.0, 0.1, 1.0])
    place = np.array([[0.6]])
    _, before = expect_losses(tried, losses, place)
    _, running = expect_losses(tried, losses, place, running=place)
    assert running[0] < before[0] / 2


def test_equal_losses_are_no_error():
    mean, deviation = expect_losses(np.eye(3), np.ones(3), np.eye(3))
    assert np.isfinite([mean, deviation]).all()


def test_scores_count_by_their_order():
    far = normal_scores([3.0, 1.0, 1e9, 2.0])
    assert list(np.argsort(far)) == [1, 3, 0, 2]
    np.testing.assert_array_equal(far, normal_scores([2.3, 2.1, 2.4, 2.2]))
    assert normal_scores([5.0, 5.0, 5.0]).tolist() == [0.0, 0.0, 0.0]


def test_it_learns_from_the_latest_trials_and_stays_quick(monkeypatch, tmp_path):
    monkeypatch.setattr(gaussian_process, "_TRIALS", 10)
    seen = []
    expect = gaussian_process.expect_losses
    monkeypatch.setattr(
        gaussian_process,
        "expect_losses",
        lambda tried, *rest, **options: seen.append(len(tried)) or expect(tried, *rest, **options),
    )
    drive(make("bayesian", tmp_path, max_trials=16))
    assert max(seen) == 10
    assert seen[-1] == 10
