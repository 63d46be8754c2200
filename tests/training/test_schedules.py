import keras
import numpy as np
import pytest

from dlkit.errors import InputError
from dlkit.training import OneCycle


def oracle(step, *, peak, total, start=0.25, div=25.0, final_div=1e5):
    """As fastai's `combined_cos(pct, peak/div, peak, peak/final_div)`, in plain float64."""

    def cosine(a, b, share):
        return a + (1 + np.cos(np.pi * (1 - share))) * (b - a) / 2

    position = min(step / total, 1.0)
    if position < start:
        return cosine(peak / div, peak, position / start)
    return cosine(peak, peak / final_div, (position - start) / (1 - start))


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"pct_start": 0.0},
        {"pct_start": 0.3, "div": 10.0, "final_div": 1e4},
        {"div": 1.0, "final_div": 1.0},
    ],
)
def test_it_follows_fastai(options):
    peak, total = 0.01, 137
    schedule = OneCycle(peak, total, **options)
    renamed = {"start" if key == "pct_start" else key: value for key, value in options.items()}
    for step in (0, 1, 17, 34, 35, 41, 42, 90, 136, 137, 500):
        wanted = oracle(step, peak=peak, total=total, **renamed)
        assert float(schedule(step)) == pytest.approx(wanted, rel=2e-5, abs=1e-9), step


def test_hand_values():
    schedule = OneCycle(1.0, 100, pct_start=0.5, div=10.0, final_div=100.0)
    rates = [float(schedule(step)) for step in (0, 25, 50, 75, 100)]
    assert rates == pytest.approx([0.1, 0.55, 1.0, 0.505, 0.01], rel=1e-6)


def test_an_optimizer_follows_it_and_saves_it(tmp_path):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(OneCycle(0.1, 8)), "mse")
    model.fit(np.ones((12, 2)), np.ones((12, 1)), batch_size=4, epochs=1, verbose=0)
    assert float(model.optimizer.learning_rate) == pytest.approx(oracle(3, peak=0.1, total=8))
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras", safe_mode=True)
    schedule = again.optimizer._learning_rate
    assert isinstance(schedule, OneCycle)
    assert schedule.get_config() == OneCycle(0.1, 8).get_config()
    assert float(again.optimizer.learning_rate) == pytest.approx(oracle(3, peak=0.1, total=8))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"peak": 0}, "peak must be a finite number above 0. Received: peak=0"),
        ({"peak": "0.1"}, "Received: peak='0.1'"),
        ({"peak": float("inf")}, "Received: peak=inf"),
        ({"total_steps": 0}, "Received: total_steps=0"),
        ({"pct_start": 1.0}, "Received: pct_start=1.0"),
        ({"div": 0.5}, "div must be a finite number at least 1. Received: div=0.5"),
        ({"final_div": float("nan")}, "Received: final_div=nan"),
    ],
)
def test_values_out_of_range_are_refused(arguments, message):
    with pytest.raises(InputError, match=message):
        OneCycle(**{"peak": 0.1, "total_steps": 10, **arguments})
