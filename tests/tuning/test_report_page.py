import re

import numpy as np
import pytest

import dlkit as dk
from dlkit.errors import InputError
from dlkit.tuning import Choice, Float, report, search


@pytest.fixture(scope="module")
def searched(tmp_path_factory):
    space = {"learning_rate": Float(1e-3, 1e-1, sampling="log"), "units": Choice([(8,), (256,)])}
    return search(
        "mlp",
        dk.data.load("iris"),
        space=space,
        max_trials=6,
        epochs=2,
        directory=tmp_path_factory.mktemp("searches"),
        name="page",
        verbose=False,
    )


def test_a_page_holds_everything_and_loads_nothing(searched, tmp_path):
    page = report(searched, tmp_path / "page.html").read_text()
    for heading in (
        *("Best so far", "Values and scores", "What mattered", "Learning curves"),
        *("Score and parameters", "Score and milliseconds a prediction", "Trials"),
    ):
        assert f"<h2>{heading}</h2>" in page
    assert page.count("<svg") == 6
    assert page.count("<tr") == 1 + 6
    assert re.findall(r'(?:src|href)="(?!#)[^"]*"', page) == []
    assert "<script" not in page


def test_a_folder_that_is_not_there_is_refused(searched, tmp_path):
    with pytest.raises(InputError, match="no folder"):
        report(searched, tmp_path / "none" / "page.html")
    assert list(tmp_path.iterdir()) == []


def test_times_are_of_each_trials_own_model(searched):
    from dlkit.tuning.report_page import _prediction_times

    times = _prediction_times(searched, list(searched.oracle.trials.values()))
    assert np.isfinite(times).all() and (times > 0).all() and len(times) == 6
