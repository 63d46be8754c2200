import pytest

from dlkit.errors import InputError
from dlkit.tuning.plan import Plan

FIRST = {
    "strategy": "random",
    "max_trials": 3,
    "epochs": 2,
    "executions": 1,
    "folds": None,
    "patience": None,
    "pruning": None,
    "max_minutes": None,
    "seed": 0,
}


def test_a_search_may_go_on_with_another_budget_and_nothing_else():
    facts = Plan(**FIRST).facts()
    assert facts == Plan(**FIRST | {"max_trials": 9, "max_minutes": 5}).facts()
    for change in ({"epochs": 3}, {"seed": 1}, {"patience": 0}, {"pruning": "median"}):
        assert facts != Plan(**FIRST | change).facts()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"max_minutes": True}, "max_minutes"),
        ({"max_minutes": float("nan")}, "max_minutes"),
        ({"max_trials": 2.0}, "max_trials"),
        ({"folds": 2, "executions": 3}, "folds=2, executions=3"),
    ],
)
def test_what_makes_no_sense_is_refused(change, words):
    with pytest.raises(InputError, match=words):
        Plan(**FIRST | change)
