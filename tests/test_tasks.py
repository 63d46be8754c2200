"""One list of tasks for every room."""

import pytest

import dlkit as dk
from dlkit.errors import InputError
from dlkit.tasks import MODEL_TASKS, TASKS


def test_data_losses_and_models_know_the_same_tasks():
    assert TASKS == ("binary", "multiclass", "multilabel", "regression")
    assert {task for info in dk.models.list() for task in info.tasks} == set(MODEL_TASKS)
    named = f"task must be one of: {', '.join(TASKS)}"
    with pytest.raises(InputError, match=named):
        dk.data.from_arrays([[0.0], [1.0]], [0, 1], task="guess")
    with pytest.raises(InputError, match=named):
        dk.models.mlp((2,), 2, task="guess")


def test_only_what_has_one_target_an_example_is_made_of_arrays():
    assert set(MODEL_TASKS) > set(TASKS)
    for task in set(MODEL_TASKS) - set(TASKS):
        with pytest.raises(InputError, match=f"task must be one of: .*'{task}'"):
            dk.data.from_arrays([[0.0], [1.0]], [0, 1], task=task)
