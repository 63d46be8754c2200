import sys

import optuna
import pytest

from dlkit.errors import MissingExtraError
from tests.tuning.driving import drive, make


def test_optuna_is_told_what_was_tried(tmp_path):
    oracle = make("tpe", tmp_path)
    drive(oracle, most=6)
    study = oracle._study()
    assert study.direction == optuna.study.StudyDirection.MAXIMIZE
    assert [trial.value for trial in study.trials] == [t.score for t in oracle.trials.values()]
    for seen, trial in zip(study.trials, oracle.trials.values(), strict=True):
        assert seen.params.keys() == trial.hyperparameters.values.keys()
        assert seen.params["optimizer"] == trial.hyperparameters.values["optimizer"]


def test_without_optuna_it_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(MissingExtraError, match=r'pip install "dlkit\[tune\]"'):
        make("tpe", tmp_path)
