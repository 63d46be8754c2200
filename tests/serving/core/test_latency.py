"""What is expected of runs, by a clock that the test moves."""

import pytest

from dlkit.serving.core.latency import LONG_MICROSECONDS, RunTimes


@pytest.fixture
def times(clock):
    return RunTimes(clock)


def test_nothing_is_expected_of_what_never_ran(times):
    assert times.expected("a", 1) is None
    times.learn("a", 8, 80, alone=True)
    assert times.expected("a", 7) is None  # fewer rows can take as long
    assert times.expected("b", 8) is None


def test_more_rows_take_at_most_so_many_times_as_long(times):
    times.learn("a", 1, 100, alone=True)
    assert [times.expected("a", rows) for rows in (1, 2, 3, 4, 31, 32)] == [
        *(100, 200, 200, 400, 1600, 3200)
    ]
    times.learn("a", 5, 150, alone=True)
    assert [times.expected("a", rows) for rows in (1, 3, 4, 7, 8)] == [100, 200, 150, 150, 300]


def test_of_runs_in_threads_the_shortest_counts(times):
    for microseconds in (900, 300, 5000, 400):
        times.learn("a", 1, microseconds, alone=False)
    assert times.expected("a", 1) == 300


def test_of_runs_in_the_event_loop_the_mean_of_late_counts(times):
    times.learn("a", 1, 100, alone=True)
    times.learn("a", 1, 600, alone=True)
    assert times.expected("a", 1) == pytest.approx(200)
    for _ in range(30):
        times.learn("a", 1, 600, alone=True)
    assert times.expected("a", 1) == pytest.approx(600, rel=0.01)


def test_what_seems_long_is_forgotten_after_a_while_and_what_is_short_is_not(times, clock):
    times.learn("short", 1, 50, alone=True)
    times.learn("long", 1, 2 * LONG_MICROSECONDS, alone=True)
    clock.now += 0.9
    assert times.expected("long", 1) == 2 * LONG_MICROSECONDS
    clock.now += 0.2
    assert times.expected("long", 1) is None
    clock.now += 1e6
    assert times.expected("short", 1) == 50


def test_what_seems_long_for_many_rows_gives_way_to_what_fewer_took(times, clock):
    times.learn("a", 1, 50, alone=True)
    times.learn("a", 9, 5000, alone=True)  # something else was going on
    assert times.expected("a", 10) == 5000
    clock.now += 2
    assert times.expected("a", 10) == 50 * 8


def test_cheap_is_what_many_rows_share(times):
    times.learn("a", 1, 400, alone=True)
    assert not times.is_cheap("a")
    times.learn("a", 16, 1500, alone=False)
    assert times.is_cheap("a")
    assert not times.is_cheap("b")


def test_fewer_rows_do_not_make_it_dear_and_as_many_do(times):
    times.learn("a", 20, 1500, alone=True)
    for _ in range(1000):
        times.learn("a", 1, 400, alone=True)
    assert times.is_cheap("a")
    for _ in range(20):
        times.learn("a", 20, 9000, alone=True)
    assert times.is_cheap("a")  # it was cheap before, so something else was going on
    for _ in range(20):
        times.learn("a", 20, 9000, alone=True)
    assert not times.is_cheap("a")
    times.learn("a", 20, 1500, alone=False)
    assert times.is_cheap("a")


def test_clients_cannot_fill_the_memory_with_shapes(times):
    for length in range(10_000):
        times.learn(("a", (length,)), 1, 10, alone=True)
    assert len(times._kinds) <= 64
    assert times.expected(("a", (9_999,)), 1) == 10
