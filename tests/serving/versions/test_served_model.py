"""The rules of loading and unloading, on runtimes that are numbers in files.

test_reloading.py has the same with TensorFlow, over HTTP and under load.
"""

import threading
import weakref

import pytest

from dlkit.serving.core.status import StatusError
from dlkit.serving.versions import served_model
from dlkit.serving.versions.policy import VersionPolicy
from dlkit.serving.versions.served_model import ServedModel
from tests.serving.number_models import Number, answer, publish, remove, states
from tests.serving.waiting import wait_for


@pytest.fixture
def base(tmp_path):
    publish(tmp_path / "m", "1")
    return tmp_path / "m"


@pytest.fixture
def model(base):
    model = ServedModel("m", base, Number)
    model.poll()
    return model


def test_l3_only_the_highest_version_is_served(base):
    publish(base, "00000003")
    publish(base, "2")
    model = ServedModel("m", base, Number)
    assert not model.ready
    model.poll()
    assert model.ready
    assert answer(model) == answer(model, 3) == 3
    assert states(model) == {"3": "AVAILABLE"}
    with pytest.raises(StatusError, match=r"Servable not found for request: Specific\(m, 2\)"):
        answer(model, 2)


def test_l3_the_n_highest_versions_are_served(base):
    publish(base, "2")
    publish(base, "3")
    model = ServedModel("m", base, Number, policy=VersionPolicy(count=2))
    model.poll()
    assert states(model) == {"3": "AVAILABLE", "2": "AVAILABLE"}
    assert [answer(model), answer(model, 2)] == [3, 2]


def test_l1_other_names_are_no_versions(base):
    for name in ("10.5", "-2", "7a", "tmp.9", ".11", "\u0663"):
        publish(base, name, "99")
    (base / "12").write_text("a file")
    model = ServedModel("m", base, Number)
    model.poll()
    assert states(model) == {"1": "AVAILABLE"}


def test_l6_l11_a_new_version_replaces_the_old_one(model, base):
    old = model._versions[1].runtime
    publish(base, "2")
    model.poll()
    assert answer(model) == 2
    assert old.closed
    assert states(model) == {"2": "AVAILABLE", "1": "END"}


def test_l11_the_new_version_is_loaded_before_the_old_one_goes(base):
    answers = []

    def load(path):
        answers.append([*map(answer, [model])] if path.name == "2" else [])
        return Number(path)

    model = ServedModel("m", base, load)
    model.poll()
    publish(base, "2")
    model.poll()
    assert answers == [[], [1]]


def test_v9_a_running_request_keeps_its_version(model, base):
    publish(base, "2")
    with model.use() as version:
        model.poll()
        assert states(model) == {"2": "AVAILABLE", "1": "UNLOADING"}
        assert version.runtime.run("serving_default", {}) == 1
        assert answer(model) == 2
    wait_for(lambda: states(model)["1"] == "END", seconds=10)


def test_s10_a_broken_version_never_replaces_a_good_one(model, base, caplog):
    publish(base, "2", "broken")
    model.poll()
    assert answer(model) == 1
    failed, good = model.status_json()["model_version_status"]
    assert failed == {
        "version": "2",
        "state": "END",
        "status": {"error_code": "DATA_LOSS", "error_message": "no number: broken"},
    }
    assert (good["version"], good["state"]) == ("1", "AVAILABLE")
    assert "Version 2 of m: no number: broken" in caplog.text


def test_whatever_a_loader_raises_is_a_state(base):
    def load(path):
        raise ZeroDivisionError("oh")

    model = ServedModel("m", base, load)
    model.poll()
    assert not model.ready
    number, error = model.first_failure()
    assert (number, error.message) == (1, "ZeroDivisionError: oh")


def test_l12_a_failed_load_is_tried_again(model, base):
    model._retry_seconds = 0.0
    publish(base, "2", "broken")
    model.poll()
    (base / "2" / "saved_model.pb").write_text("2")
    model.poll()
    assert answer(model) == 2


def test_l12_but_not_at_once_and_not_for_ever(base):
    tries = []

    def load(path):
        tries.append(path)
        raise StatusError("DATA_LOSS", "broken")

    patient = ServedModel("m", base, load, retry_seconds=60)
    patient.poll()
    patient.poll()
    assert len(tries) == 1
    hasty = ServedModel("m", base, load, retry_seconds=0, max_retries=2)
    for _ in range(5):
        hasty.poll()
    assert len(tries) == 1 + 3


@pytest.mark.parametrize("max_retries", [0, 5])
@pytest.mark.parametrize("name", ["2", "002"])
def test_l12_s11_a_failed_version_that_is_published_anew_is_loaded_at_once(base, max_retries, name):
    model = ServedModel("m", base, Number, max_retries=max_retries)
    publish(base, "2", "broken")
    model.poll()
    remove(base, "2")
    model.poll()
    failed, good = model.status_json()["model_version_status"]
    assert (failed["state"], failed["status"]["error_code"]) == ("END", "DATA_LOSS")
    assert (good["version"], good["state"]) == ("1", "AVAILABLE")
    publish(base, name, "2")
    model.poll()
    assert answer(model) == 2


def test_l7_removing_the_highest_version_rolls_back(model, base):
    publish(base, "2")
    model.poll()
    remove(base, "2")
    model.poll()
    assert answer(model) == 1
    assert states(model) == {"2": "END", "1": "AVAILABLE"}  # S11: what was unloaded stays listed


def test_s11_of_the_versions_that_were_removed_the_highest_stay_listed(model, base, monkeypatch):
    monkeypatch.setattr(served_model, "_MAX_GONE", 2)
    for number in range(2, 6):
        publish(base, str(number))
        model.poll()
        remove(base, str(number - 1))
    model.poll()
    assert states(model) == {"5": "AVAILABLE", "4": "END", "3": "END"}


def test_l7_a_version_that_comes_back_is_loaded_anew(model, base):
    publish(base, "2")
    model.poll()
    remove(base, "2")
    model.poll()
    publish(base, "2", "22")
    model.poll()
    assert answer(model) == 22


def test_what_was_unloaded_is_freed(base):
    """Nothing but a collection of all there is finds a circle that was there at an earlier one."""

    def load(path):
        runtime = Number(path)
        runtime.itself = runtime
        return runtime

    model = ServedModel("m", base, load)
    model.poll()
    old = weakref.ref(model._versions[1].runtime)
    publish(base, "2")
    with model.use():
        model.poll()
        assert old() is not None
    wait_for(lambda: old() is None, seconds=10)
    old = weakref.ref(model._versions[2].runtime)
    publish(base, "3")
    model.poll()
    assert old() is None


def test_l8_removing_all_versions_unloads_all(model, base, caplog):
    remove(base, "1")
    model.poll()
    assert states(model) == {"1": "END"}
    assert not model.ready
    with pytest.raises(StatusError, match=r"Servable not found for request: Latest\(m\)"):
        answer(model)
    assert "Did you forget to name your leaf directory as a number (eg. '/1/')?" in caplog.text


def test_l9_a_missing_base_path_changes_nothing(model, base, caplog):
    base.rename(base.with_name("away"))
    model.poll()
    model.poll()
    assert answer(model) == 1
    assert caplog.text.count(f"Could not find base path {base} for servable m") == 1


def test_l9_a_base_path_that_cannot_be_read_is_not_told_as_missing(model, base, caplog):
    base.rename(base.with_name("away"))
    base.symlink_to(base)
    model.poll()
    assert answer(model) == 1
    text = f"Could not read base path {base} (Too many levels of symbolic links) for servable m"
    assert text in caplog.text


def test_l2_duplicates_are_told_once(model, base, caplog):
    (base / "0001").mkdir()
    for _ in range(2):
        model.poll()
    text = "Duplicate version directories detected. Version 1 will be loaded from 1, 0001 will be"
    assert caplog.text.count(text) == 1


def test_s6_s7_status_of_unknown_versions(model, tmp_path):
    with pytest.raises(StatusError, match="Could not find version 5 of model m"):
        model.status_json(5)
    empty = ServedModel("e", tmp_path, Number)
    with pytest.raises(StatusError, match="Could not find any versions of model e"):
        empty.status_json()


def test_close_unloads(model):
    runtime = model._versions[1].runtime
    model.close()
    assert runtime.closed
    assert states(model) == {"1": "END"}


def test_no_request_fails_while_versions_come_and_go(model, base):
    """Eight threads ask while five versions pass; each answer is right for its version."""
    stop, wrong = threading.Event(), []

    def hammer():
        while not stop.is_set():
            try:
                with model.use() as version:
                    found = version.runtime.run("serving_default", {})
                    if found != version.number:
                        wrong.append(found)
            except Exception as error:
                wrong.append(error)

    threads = [threading.Thread(target=hammer) for _ in range(8)]
    for thread in threads:
        thread.start()
    for number in range(2, 7):
        publish(base, str(number))
        model.poll()
        remove(base, str(number - 1))
    stop.set()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert answer(model) == 6


def test_l5_a_policy_that_names_nothing_that_is_there_changes_nothing(model, base, caplog):
    """A number mistyped in a configuration is no reason to stop serving."""
    model.policy = VersionPolicy("specific", versions=(7,))
    model.poll()
    model.poll()
    assert answer(model) == 1
    assert caplog.text.count("Versions [7] of servable m, which its version policy asks for") == 1
    publish(base, "7")
    model.poll()
    assert states(model) == {"7": "AVAILABLE", "1": "END"}


def test_l4_every_version_is_served(base):
    publish(base, "5")
    publish(base, "3")
    model = ServedModel("m", base, Number, policy=VersionPolicy("all"))
    model.poll()
    assert states(model) == {"5": "AVAILABLE", "3": "AVAILABLE", "1": "AVAILABLE"}
    remove(base, "5")
    model.poll()
    assert states(model) == {"5": "END", "3": "AVAILABLE", "1": "AVAILABLE"}


def test_a_request_does_not_go_over_the_versions_that_ended(model):
    """There may be one for each minute that the server runs."""
    model._versions |= dict.fromkeys(range(-1000, 0))  # who looks at one of these fails
    assert answer(model) == answer(model, 1) == 1
    assert model.ready
    assert model.is_available(1)


def test_v5_v6_v7_labels(model, base):
    model.labels = {"stable": 1, "gone": 9}
    assert answer(model, "stable") == 1
    assert model.status_json("stable")["model_version_status"][0]["version"] == "1"
    with pytest.raises(StatusError, match="Unrecognized servable version label: canary") as caught:
        answer(model, "canary")
    assert caught.value.code == "INVALID_ARGUMENT"
    with pytest.raises(StatusError, match=r"Servable not found for request: Specific\(m, 9\)"):
        answer(model, "gone")
