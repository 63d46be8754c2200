"""Served data held against training data: chance is no drift, a change is."""

import json

import numpy as np
import pytest
from scipy import stats
from sklearn import datasets

import dlkit as dk
from dlkit import drift, profiles
from dlkit.errors import InputError
from dlkit.serving.request_log import RequestLog
from tests.command_line import call

RANDOM = np.random.default_rng(0)


def profile(values):
    return profiles.profile({"x": values})["x"]


def test_the_index_is_the_textbook_formula():
    e, a = np.array([0.2, 0.3, 0.5]), np.array([0.5, 0.3, 0.2])
    assert drift.index(e, a) == pytest.approx(sum((a - e) * np.log(a / e)))
    assert drift.index(e, e) == 0


@pytest.mark.parametrize("shift", [0.0, 0.1, 0.7, 1.5])
def test_distance_and_chance_are_near_scipys(shift):
    before, now = RANDOM.normal(size=2000), RANDOM.normal(shift, size=700)
    found = drift.compare("x", profile(before), now, 0.2)
    exact = stats.ks_2samp(before, now)
    # 101 quantiles stand for 2,000 values.
    assert found.ks == pytest.approx(exact.statistic, abs=0.011)
    assert found.drifted == (shift > 0.3)


def test_chance_alone_hardly_ever_alarms():
    before = profile(RANDOM.normal(size=1000))
    alarms = sum(
        drift.compare("x", before, RANDOM.normal(size=120), 0.2).drifted for _ in range(300)
    )
    assert alarms <= 3  # chance 0.01, and the index has to be high as well


def test_classes_that_change_their_shares_drift():
    before = profile(RANDOM.choice(["cat", "dog"], 1000, p=[0.5, 0.5]))
    same = RANDOM.choice(["cat", "dog"], 300, p=[0.5, 0.5]).astype(object)
    other = RANDOM.choice(["cat", "dog"], 300, p=[0.85, 0.15]).astype(object)
    assert not drift.compare("x", before, same, 0.2).drifted
    assert drift.compare("x", before, other, 0.2).drifted
    unseen = np.array(["fox"] * 100 + ["cat"] * 100, object)
    assert drift.compare("x", before, unseen, 0.2).ks == pytest.approx(0.5, abs=0.05)


def test_values_that_go_missing_drift():
    values = RANDOM.normal(size=1000)
    gaps = np.where(RANDOM.random(400) < 0.3, np.nan, RANDOM.normal(size=400))
    found = drift.compare("x", profile(values), gaps, 0.2)
    assert found.drifted and found.psi > 1
    whole = drift.compare("x", profile(np.where(values > 1, np.nan, values)), gaps, 0.2)
    assert whole.psi < found.psi


def test_a_value_that_many_rows_share_is_no_drift():
    """Zeros in most rows make several tenths fall together."""
    zeros = np.where(RANDOM.random(1500) < 0.6, 0, RANDOM.exponential(size=1500))
    assert not drift.compare("x", profile(zeros[:1000]), zeros[1000:], 0.2).drifted
    constant = profile(np.ones(100))
    assert drift.compare("x", constant, np.ones(100), 0.2).psi == pytest.approx(0)
    assert drift.compare("x", constant, np.full(100, 2.0), 0.2).drifted


@pytest.fixture
def version(tmp_path):
    """The directory of version 3, with the profile of the digits and of their classes."""
    digits = datasets.load_digits()
    features = profiles.input_features({"image": np.kron(digits.images, np.ones((1, 2, 2)))})
    features["predictions class"] = digits.target.astype(str).astype(object)
    folder = tmp_path / "digits" / "3"
    (folder / "assets.extra").mkdir(parents=True)
    (folder / "assets.extra" / drift.FILE).write_text(json.dumps(profiles.profile(features)))
    return folder


def serve(log, images, classes, number=3):
    probabilities = np.eye(10)[classes]
    inputs = {"image": np.kron(images, np.ones((1, 2, 2)))}
    log.record("digits", number, "serving_default", inputs, {"predictions": probabilities}, 0.01)


def test_the_log_of_a_server_is_held_against_the_training_data(version, tmp_path):
    digits = datasets.load_digits()
    path = tmp_path / "requests.log"
    log = RequestLog(path, max_bytes=2000)  # so that the log has several parts
    for rows in np.split(np.arange(400), 40):
        serve(log, digits.images[rows], digits.target[rows])
        serve(log, digits.images[rows] * 9, digits.target[rows], number=2)
    assert (tmp_path / "requests.log.1").is_file()
    found = {d.feature: d for d in drift.monitor(version, path, least=20)}
    assert not any(d.drifted for d in found.values())
    assert set(found) == {
        *("image mean", "image std", "image min", "image max", "predictions class")
    }

    log.close()
    log = RequestLog(tmp_path / "later.log")
    darker = digits.images[:400] * 0.5
    serve(log, darker, np.zeros(400, int))
    log.close()
    found = drift.monitor(version, tmp_path / "later.log")
    assert {d.feature for d in found if d.drifted} >= {"image mean", "predictions class"}
    assert [d.psi for d in found] == sorted((d.psi for d in found), reverse=True)


def test_what_cannot_be_compared_says_why(version, tmp_path):
    log = tmp_path / "requests.log"
    with pytest.raises(InputError, match=r"no request log .*requests.log; start the server with"):
        drift.monitor(version, log)
    log.write_text("nonsense\n")
    with pytest.raises(InputError, match=r"Line 1 of .*requests.log is no entry"):
        drift.monitor(version, log)
    log.write_text('{"version": 3, "features": {"image mean": [1.0, null]}}\n')
    with pytest.raises(InputError, match=r"holds 2 rows for version 3; it takes at least 100"):
        drift.monitor(version, log)
    with pytest.raises(InputError, match=r"threshold must be a number above 0.*threshold=0"):
        drift.monitor(version, log, threshold=0)
    with pytest.raises(InputError, match=r"training_profile.json cannot be read"):
        drift.monitor(tmp_path / "9", log)


def test_dlkit_monitor_tells_shifted_requests_from_ordinary_ones(tmp_path, monkeypatch, capsys):
    data = dk.data.load("breast_cancer")
    model = dk.models.build("perceptron", data, seed=0)
    version = dk.export.saved_model(model, tmp_path / "cancer", data=data)
    x = data.origin.raw(data.origin.split.test)
    log = tmp_path / "requests.log"
    with dk.serving.Server(tmp_path / "cancer", rest_port=0, request_log=log) as server:
        client = dk.serving.Client(server.url)
        for rows in np.array_split(x, 10):
            client.predict(rows)
        assert call(monkeypatch, "monitor", version, log) == 0
        assert "predictions" in capsys.readouterr().out
        client.predict(x * 1.5)
        client.predict(x * 1.5)
        assert call(monkeypatch, "monitor", version, log) == 1
    assert "drifted" in capsys.readouterr().out
    assert call(monkeypatch, "monitor", version, tmp_path / "none") == 2
    assert "start the server with --request-log" in capsys.readouterr().err


def test_dlkit_monitor_takes_how_many_rows_are_enough(version, tmp_path, monkeypatch, capsys):
    log = tmp_path / "requests.log"
    log.write_text('{"version": 3, "features": {"image mean": [1.0, null]}}\n')
    assert call(monkeypatch, "monitor", version, log) == 2
    assert "give a smaller least" in capsys.readouterr().err
    assert call(monkeypatch, "monitor", version, log, "--least", 2) in (0, 1)
    assert "image mean" in capsys.readouterr().out
