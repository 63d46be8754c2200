"""Served data held against training data: chance is no drift, a change is."""

import json

import numpy as np
import pytest
from scipy import stats
from sklearn import datasets

import dlkit as dk
from dlkit import drift, feature_profiles
from dlkit.errors import InputError
from dlkit.serving.observability.request_log import RequestLog
from tests.cli.command_line import call

RANDOM = np.random.default_rng(0)


def profile(values):
    return feature_profiles.profile_features({"x": values})["x"]


def test_the_index_is_the_textbook_formula():
    e, a = np.array([0.2, 0.3, 0.5]), np.array([0.5, 0.3, 0.2])
    assert drift.stability_index(e, a) == pytest.approx(sum((a - e) * np.log(a / e)))
    assert drift.stability_index(e, e) == 0


@pytest.mark.parametrize("shift", [0.0, 0.1, 0.7, 1.5])
def test_distance_and_chance_are_near_scipys(shift):
    before, now = RANDOM.normal(size=2000), RANDOM.normal(shift, size=700)
    found = drift.compare_feature("x", profile(before), now, 0.2)
    exact = stats.ks_2samp(before, now)
    # 101 quantiles stand for 2,000 values.
    assert found.ks == pytest.approx(exact.statistic, abs=0.011)
    assert found.drifted == (shift > 0.3)


def test_chance_alone_hardly_ever_alarms():
    before = profile(RANDOM.normal(size=1000))
    alarms = sum(
        drift.compare_feature("x", before, RANDOM.normal(size=120), 0.2).drifted for _ in range(300)
    )
    assert alarms <= 3  # chance 0.01, and the index has to be high as well


def test_classes_that_change_their_shares_drift():
    before = profile(RANDOM.choice(["cat", "dog"], 1000, p=[0.5, 0.5]))
    same = RANDOM.choice(["cat", "dog"], 300, p=[0.5, 0.5]).astype(object)
    other = RANDOM.choice(["cat", "dog"], 300, p=[0.85, 0.15]).astype(object)
    assert not drift.compare_feature("x", before, same, 0.2).drifted
    assert drift.compare_feature("x", before, other, 0.2).drifted
    unseen = np.array(["fox"] * 100 + ["cat"] * 100, object)
    assert drift.compare_feature("x", before, unseen, 0.2).ks == pytest.approx(0.5, abs=0.05)


def test_values_that_go_missing_drift():
    values = RANDOM.normal(size=1000)
    gaps = np.where(RANDOM.random(400) < 0.3, np.nan, RANDOM.normal(size=400))
    found = drift.compare_feature("x", profile(values), gaps, 0.2)
    assert found.drifted and found.psi > 1
    whole = drift.compare_feature("x", profile(np.where(values > 1, np.nan, values)), gaps, 0.2)
    assert whole.psi < found.psi


def test_a_value_that_many_rows_share_is_no_drift():
    """Zeros in most rows make several tenths fall together."""
    zeros = np.where(RANDOM.random(1500) < 0.6, 0, RANDOM.exponential(size=1500))
    assert not drift.compare_feature("x", profile(zeros[:1000]), zeros[1000:], 0.2).drifted
    constant = profile(np.ones(100))
    assert drift.compare_feature("x", constant, np.ones(100), 0.2).psi == pytest.approx(0)
    assert drift.compare_feature("x", constant, np.full(100, 2.0), 0.2).drifted


def test_a_value_that_was_not_there_has_moved_on_either_side():
    constant = profile(np.full(1000, 0.7, np.float32))
    for other in (0.6, 0.8):
        assert drift.compare_feature("x", constant, np.full(200, other), 0.2).drifted
    zeros = np.concatenate([np.zeros(600), np.linspace(-1, 1, 400)])
    assert drift.compare_feature(
        "x", profile(zeros), np.where(zeros == 0, -1e-4, zeros), 0.2
    ).drifted
    ones = profile(RANDOM.integers(0, 2, 1000).astype(float))
    assert drift.compare_feature("x", ones, RANDOM.choice([-5.0, 1.0], 1000), 0.2).drifted


def write_profile(folder, features):
    (folder / "assets.extra").mkdir(parents=True)
    (folder / "assets.extra" / drift.FILE).write_text(
        json.dumps(feature_profiles.profile_features(features))
    )
    return folder


SAME = {
    "float32": np.full(2000, 0.7, np.float32),
    "prices": RANDOM.choice(np.float32([4.95, 9.99, 19.99]), 2000),
    "seven digits": RANDOM.choice([1000.015, 1000.025], 2000),
    "flags": RANDOM.integers(0, 2, 2000).astype(bool),
    "gaps": RANDOM.choice(np.float32([np.nan, np.inf, -np.inf, 1, 2]), 2000),
    "pixels": RANDOM.random((2000, 9, 9), np.float32),
    "other": RANDOM.choice(np.array(["(other)", "None", "nan", ""], object), 2000),
    "rare": np.array([f"c{int(i)}" for i in RANDOM.exponential(300, 2000)], object),
    "all different": np.array([f"row {i}" for i in range(2000)], object),
}


@pytest.mark.parametrize("kind", SAME)
def test_the_training_data_has_not_drifted_from_itself(tmp_path, kind):
    x = SAME[kind]
    version = write_profile(tmp_path / "m" / "1", feature_profiles.input_features({"x": x}))
    log = RequestLog(tmp_path / "log")
    for rows in np.array_split(x, 4):
        log.record("m", 1, "serving_default", {"x": rows}, {}, 0.01)
    log.close()
    found = drift.monitor(version, tmp_path / "log")
    assert found and not any(d.drifted for d in found)
    assert max(d.psi for d in found) < 1e-9
    assert max(d.ks for d in found) < 0.02


@pytest.mark.parametrize("rows", [5, 10])
def test_many_equally_frequent_categories_that_all_are_new_drift(rows):
    """The most frequent twenty of 2,000 hold a hundredth of the rows."""
    names = np.array([f"c{i}" for i in range(2000)], object)
    before = profile(np.repeat(names, rows))
    assert not drift.compare_feature("x", before, RANDOM.choice(names, 2000), 0.2).drifted
    found = drift.compare_feature(
        "x", before, np.array([f"new {name}" for name in names], object), 0.2
    )
    assert found.drifted and found.ks > 0.98
    # A sample of a row each, on average, leaves out a third of them.
    before = profile(RANDOM.choice(names, 2000))
    assert not drift.compare_feature("x", before, RANDOM.choice(names, 2000), 0.2).drifted
    assert drift.compare_feature("x", before, np.array(["new"] * 2000, object), 0.2).drifted


def test_texts_that_never_come_twice_are_no_drift():
    before = profile(np.array([f"review {i}" for i in range(1000)], object))
    now = np.array([f"review {i}" for i in range(5000, 6000)], object)
    assert not drift.compare_feature("x", before, now, 0.2).drifted


def test_a_profile_of_an_earlier_export_is_still_read():
    reference = {"rows": 1000, "missing": 0.0, "quantiles": np.linspace(0, 1, 101).tolist()}
    assert not drift.compare_feature("x", reference, RANDOM.random(1000), 0.2).drifted
    assert drift.compare_feature("x", reference, RANDOM.random(1000) + 0.5, 0.2).drifted
    reference = {"rows": 1000, "missing": 0.0, "shares": {"a": 0.5, "(other)": 0.5}}
    same, other = np.array(["a", "b"] * 99, object), np.array(["b"] * 99, object)
    assert drift.compare_feature("x", reference, same, 0.2).psi == pytest.approx(0, abs=1e-6)
    assert drift.compare_feature("x", reference, other, 0.2).drifted


@pytest.mark.parametrize("share", [0.3, 1.0])
@pytest.mark.parametrize("batch", [1, 500])
def test_predictions_that_are_nan_drift(tmp_path, share, batch):
    random = np.random.default_rng(1)
    before = np.eye(3, dtype=np.float32)[random.integers(0, 3, 1000)]
    now = np.where(random.random((1000, 1)) < share, np.nan, before).astype(np.float32)
    features = feature_profiles.prediction_features({"y": before})
    kept = {
        name: features[name]
        for name in set(features) - feature_profiles.needless_features({"y": before})
    }
    assert set(kept) == {"y class", "y confidence"}
    version = write_profile(tmp_path / "m" / "1", kept)
    for name, outputs in (("same", before), ("nan", now)):
        log = RequestLog(tmp_path / name)
        for start in range(0, 1000, batch):
            log.record("m", 1, "s", {}, {"y": outputs[start : start + batch]}, 0.0)
        log.close()
    assert not any(d.drifted for d in drift.monitor(version, tmp_path / "same"))
    found = drift.monitor(version, tmp_path / "nan")
    assert [d.drifted for d in found] == [True, True]
    assert all(len(rows) == 1000 for rows in drift.read_log(tmp_path / "nan").values())


def test_labels_that_add_up_to_1_by_accident_are_not_probabilities(tmp_path):
    """Of a row alone, as clients ask, nobody can tell one label of three from a sure class."""
    before = RANDOM.integers(0, 2, (600, 3)).astype(np.float32)
    features = feature_profiles.prediction_features({"y": before})
    kept = {
        name: features[name]
        for name in set(features) - feature_profiles.needless_features({"y": before})
    }
    assert set(kept) == {"y[0]", "y[1]", "y[2]"}
    version = write_profile(tmp_path / "m" / "1", kept)
    log = RequestLog(tmp_path / "log")
    for row in before:
        log.record("m", 1, "s", {}, {"y": row[None]}, 0.0)
    log.close()
    assert {(d.feature, d.drifted) for d in drift.monitor(version, tmp_path / "log")} == {
        (name, False) for name in kept
    }


def test_models_of_one_log_are_told_apart(tmp_path):
    x = RANDOM.normal(size=300)
    for model in ("age", "price"):
        write_profile(tmp_path / model / "1", {"x": x + 50 * (model == "price")})
    log = RequestLog(tmp_path / "log")
    for rows in np.split(x, 3):
        log.record("age", 1, "s", {"x": rows}, {}, 0.0)
        log.record("price", 1, "s", {"x": rows + 50}, {}, 0.0)
    log.close()
    for model in ("age", "price"):
        (found,) = drift.monitor(tmp_path / model / "1", tmp_path / "log")
        assert not found.drifted
        (served,) = drift.read_log(tmp_path / "log", 1, model).values()
        assert len(served) == 300
    (found,) = drift.monitor(tmp_path / "age" / "1", tmp_path / "log", model="price")
    assert found.drifted
    (tmp_path / "age").rename(tmp_path / "ages")
    told = r"model 'ages', .*log holds 0 rows for version 1.* 'age' version 1, 'price' version 1"
    with pytest.raises(InputError, match=told):
        drift.monitor(tmp_path / "ages" / "1", tmp_path / "log")
    assert drift.monitor(tmp_path / "ages" / "1", tmp_path / "log", model="age")


def test_a_version_by_another_name_is_version_1_as_the_server_has_it(tmp_path, monkeypatch):
    folder = write_profile(tmp_path / "digits", {"x": np.arange(100.0)})
    log = RequestLog(tmp_path / "log")
    log.record("digits", 1, "s", {"x": np.arange(100.0)}, {}, 0.0)
    log.close()
    assert not drift.monitor(folder, tmp_path / "log")[0].drifted
    monkeypatch.chdir(folder)
    assert not drift.monitor(".", tmp_path / "log")[0].drifted


def test_the_rows_of_each_feature_count_for_least(tmp_path, monkeypatch, capsys):
    """Another signature's features, and those that one request had, are not the model's rows."""
    version = write_profile(tmp_path / "m" / "1", {"x": np.arange(100.0), "y": np.arange(100.0)})
    log = RequestLog(tmp_path / "log")
    log.record("m", 1, "other", {"z": np.arange(1000.0)}, {}, 0.0)
    log.record("m", 1, "s", {"x": np.arange(50.0)}, {"y": np.arange(50.0)}, 0.0)
    with pytest.raises(InputError, match="holds 50 rows for version 1"):
        drift.monitor(version, tmp_path / "log")
    log.record("m", 1, "labels", {"x": np.arange(50.0, 100)}, {}, 0.0)
    log.close()
    assert [d.feature for d in drift.monitor(version, tmp_path / "log")] == ["x"]
    assert call(monkeypatch, "monitor", version, tmp_path / "log", "--model", "m") == 0
    assert "fewer than 100 rows are logged: y" in capsys.readouterr().out


def test_a_log_is_read_beside_other_files_and_while_it_is_written(tmp_path):
    path = tmp_path / "log[1]"
    line = '{"model": "m", "version": 1, "features": {"x": [1.0]}}\n'
    path.write_text(line + line[:20])
    (tmp_path / "log[1].1").write_text(line)
    (tmp_path / "log[1].1.gz").write_bytes(b"\x1f\x8b\xff")
    assert len(drift.read_log(path)["x"]) == 2
    path.write_bytes(b"\xff\xfe\n")
    with pytest.raises(InputError, match=r"Line 1 of .*is no entry"):
        drift.read_log(path)
    path.write_text('{"version": 1, "features": [1]}\n')
    with pytest.raises(InputError, match=r"Line 1 of .*is no entry"):
        drift.read_log(path)


@pytest.fixture
def version(tmp_path):
    """The directory of version 3, with the profile of the digits and of their classes."""
    digits = datasets.load_digits()
    features = feature_profiles.input_features(
        {"image": np.kron(digits.images, np.ones((1, 2, 2)))}
    )
    features["predictions class"] = digits.target.astype(str).astype(object)
    return write_profile(tmp_path / "digits" / "3", features)


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
