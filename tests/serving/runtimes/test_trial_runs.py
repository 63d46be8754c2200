"""Runs on zeros, by a clock that the test moves."""

import pytest

from dlkit.serving.core.runtime import Runtime
from dlkit.serving.core.signatures import Signature, TensorInfo
from dlkit.serving.core.status import StatusError
from dlkit.serving.runtimes.trial_runs import fastest, try_out


@pytest.mark.parametrize(
    ("seconds", "tries"),
    [
        ([0.7, 0.2, 1e-4, 1e-5], 3),  # the first two waited for the processor
        ([0.4, 0.4, 0.4, 1e-5], 3),
        ([0.6, 0.6, 1e-5], 2),
        ([1.1, 1e-5], 1),  # a slow model must not hold up the start
    ],
)
def test_the_fastest_of_some_tries_that_take_a_second_at_most(clock, monkeypatch, seconds, tries):
    monkeypatch.setattr("time.perf_counter", clock)
    left = list(seconds)

    def call():
        clock.now += left.pop(0)

    assert fastest(call, 3) == pytest.approx(min(seconds[:tries]))
    assert left == seconds[tries:]


class Waiting(Runtime):
    """Takes so many seconds a row on a clock that does not wait."""

    def __init__(self, clock, seconds, refuses=()):
        self.signatures = {
            key: Signature({"x": TensorInfo("DT_FLOAT", (-1, 2))}, {}) for key in ("a", "b", "c")
        }
        self.asked = []
        self._clock, self._seconds, self._refuses = clock, seconds, refuses

    def run(self, key, inputs):
        self.asked.append((key, inputs["x"].shape))
        if key in self._refuses:
            raise StatusError("INVALID_ARGUMENT", "not zeros")
        self._clock.now += self._seconds * len(inputs["x"])
        return {}

    def close(self):
        pass


@pytest.fixture
def waiting(clock, monkeypatch):
    monkeypatch.setattr("time.perf_counter", clock)
    return lambda *arguments, **options: Waiting(clock, *arguments, **options)


def test_a_fast_model_is_tried_with_more_rows(waiting):
    model = waiting(10e-6)
    try_out(model, {"a", "b"})
    for rows in (1, 8, 32):
        assert model.times.expected(("a", ((2,),)), rows) == pytest.approx(10 * rows)
    assert model.times.is_cheap(("b", ((2,),)))
    assert model.times.expected(("c", ((2,),)), 1) is None  # its rows mix


def test_a_slow_model_is_tried_once(waiting):
    model = waiting(2.0)
    try_out(model, {"a", "b"})
    assert model.asked == [("a", (1, 2)), ("b", (1, 2))]
    assert model.times.expected(("b", ((2,),)), 1) == pytest.approx(2e6)


def test_zeros_that_are_refused_teach_nothing(waiting):
    model = waiting(10e-6, refuses="a")
    try_out(model, {"a", "b"})
    assert model.times.expected(("a", ((2,),)), 1) is None
    assert model.times.is_cheap(("b", ((2,),)))
