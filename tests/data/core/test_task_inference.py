"""One rule for what targets are taken for, held to scikit-learn's where the two have one."""

import numpy as np
import pytest
from sklearn.utils.multiclass import type_of_target

import dlkit as dk
from dlkit.data.core.task_inference import infer_task


@pytest.mark.parametrize(
    "values",
    [
        *([0.0, 1.0, 1.0], [0, 1, 1], [1.0, 2.0, 3.0], [0.5, 1.0], ["a", "b"], [True, False]),
        *(["a", "b", "c"], [[0, 1], [1, 1]], [[0.5, 1.0], [1.0, 2.0]], [-1.0, 1.0]),
    ],
)
def test_targets_are_taken_for_what_scikit_learn_takes_them_for(values):
    theirs = {
        **{"binary": "binary", "multiclass": "multiclass", "continuous": "regression"},
        **{"multilabel-indicator": "multilabel", "continuous-multioutput": "regression"},
    }
    array = np.array(values)
    assert infer_task(array) == theirs[type_of_target(array)]


def test_many_whole_numbers_are_a_quantity():
    assert infer_task(np.arange(20.0)) == "multiclass"
    assert infer_task(np.arange(21.0)) == "regression"
    assert infer_task(np.arange(21)) == "multiclass"  # class indices, of an array's own type
    assert infer_task(np.arange(21.0), [str(i) for i in range(21)]) == "multiclass"
    assert infer_task(np.arange(3.0), ["price"]) == "regression"


@pytest.mark.parametrize(
    ("targets", "task", "told"),
    [
        (np.tile([0.0, 1.0], 100), "binary", "2 different whole numbers"),
        (np.tile([0, 1], 100), "binary", "2 different whole numbers"),
        (np.arange(200.0), "regression", "200 different whole numbers"),
        (np.arange(200) / 7, "regression", "numbers with decimals"),
        (np.tile(["a", "b", "c", "d"], 50), "multiclass", "names"),
    ],
)
def test_arrays_files_and_frames_have_one_rule_and_check_tells_it(tmp_path, targets, task, told):
    x = np.random.default_rng(0).normal(size=(200, 1))
    lines = [f"{value},{target}" for value, target in zip(x[:, 0], targets, strict=True)]
    (tmp_path / "table.csv").write_text("\n".join(["x,y", *lines]))
    made = (
        dk.data.from_arrays(x, targets),
        dk.data.from_dataframe({"x": x[:, 0], "y": targets}, "y"),
        dk.data.from_csv(tmp_path / "table.csv", "y"),
    )
    for data in made:
        assert data.task == task
        (finding,) = (one for one in data.check(show=False) if one.what == "task")
        assert finding.detail == f"{task}, as the targets are {told}"
        assert bool(finding.advice) == ("whole" in told)
    given = dk.data.from_arrays(x, np.arange(200.0), task="regression")
    assert "task" not in {one.what for one in given.check(show=False)}
