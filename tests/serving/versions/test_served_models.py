"""Configurations come and go, on models that are numbers in files.

test_model_config_server.py has the same with TensorFlow, over gRPC and under load.
"""

import threading

import pytest

from dlkit.serving.core.status import StatusError
from dlkit.serving.versions.model_config import ModelConfig
from dlkit.serving.versions.policy import VersionPolicy
from dlkit.serving.versions.served_models import ServedModels
from tests.serving.number_models import Number, answer, publish, remove, states


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """There is no TensorFlow in these models; a collection would take most of the time."""
    monkeypatch.setattr("dlkit.serving.versions.served_models.settle_memory", lambda gone: None)
    monkeypatch.setattr("dlkit.serving.versions.served_model.settle_memory", lambda gone: None)


@pytest.fixture
def bases(tmp_path):
    for name in ("a", "b"):
        publish(tmp_path / name, "1")
        publish(tmp_path / name, "2")
    return tmp_path


def served(bases, *configs, **options):
    models = ServedModels(lambda name, path: Number(path), **options)
    models.reload(configs or [config(bases)])
    return models


def config(bases, name="a", base=None, versions=(), **labels):
    policy = VersionPolicy("specific", versions=versions) if versions else VersionPolicy()
    return ModelConfig(name, bases / (base or name), policy, labels)


def refusal(models, *configs):
    with pytest.raises(StatusError) as caught:
        models.reload(configs)
    return caught.value.code, caught.value.message


def test_l18_a_reload_replaces_the_whole_list(bases):
    models = served(bases)
    kept = models["a"]
    runtime = kept._versions[2].runtime
    models.reload([config(bases), config(bases, "b")])
    assert sorted(models) == ["a", "b"] and len(models) == 2
    assert models["a"] is kept and kept._versions[2].runtime is runtime  # not loaded again
    gone = models["a"]
    models.reload([config(bases, "b")])
    assert list(models) == ["b"]
    assert runtime.closed
    assert states(gone) == {"2": "END"}
    models.reload([])
    assert len(models) == 0


def test_a_reload_that_changes_nothing_stops_nobody(bases, monkeypatch):
    """Collecting garbage stops requests for 0.2 s, and a file may be read every second."""
    settled = []
    monkeypatch.setattr("dlkit.serving.versions.served_models.settle_memory", settled.append)
    models = served(bases, config(bases))
    assert settled == [False]
    models.reload([config(bases)])
    assert settled == [False]
    models.reload([config(bases), config(bases, "b")])
    models.reload([config(bases)])
    assert settled == [False, False, True]  # what goes has to be looked for in all there is
    publish(bases / "c", "1")
    models.reload([config(bases, base="c")])
    assert settled[3:] == [True]


def test_l5_l18_another_policy(bases):
    models = served(bases)
    models.reload([config(bases, versions=(1, 2))])
    assert states(models["a"]) == {"2": "AVAILABLE", "1": "AVAILABLE"}
    models.reload([config(bases, versions=(1,))])
    assert states(models["a"]) == {"2": "END", "1": "AVAILABLE"}


def test_l24_a_new_model_that_fails_is_told_and_the_others_take_over(bases):
    publish(bases / "b", "3", "broken")
    models = served(bases)
    assert refusal(models, config(bases), config(bases, "b", versions=(3,))) == (
        "UNKNOWN",
        "1 model(s) did not become available:"
        " {{{name: b version: 3} due to error: DATA_LOSS: no number: broken}, }",
    )
    assert answer(models["a"]) == 2
    assert states(models["b"]) == {"3": "END"}
    models["b"]._retry_seconds = 0.0
    models["b"]._versions[3].retry_at = 0.0
    (bases / "b" / "3" / "saved_model.pb").write_text("3")
    models.poll()  # as any other version, it is tried again
    assert answer(models["b"]) == 3


def test_l24_a_model_without_versions(bases):
    models = served(bases)
    code, message = refusal(models, config(bases), config(bases, "c"))
    assert code == "UNKNOWN"
    assert f"{{name: c}} due to error: NOT_FOUND: no version in {bases}/c" in message
    assert answer(models["a"]) == 2


def test_a_broken_version_of_a_new_policy_never_replaces_a_good_one(bases):
    publish(bases / "a", "3", "broken")
    models = served(bases, config(bases, versions=(1,)))
    models.reload([config(bases, versions=(3,))])
    assert states(models["a"]) == {"3": "END", "1": "AVAILABLE"}
    assert answer(models["a"]) == 1


def test_l25_a_label_needs_a_version_that_is_loaded(bases):
    models = served(bases, config(bases, versions=(1, 2), stable=1))
    assert answer(models["a"], "stable") == 1
    assert refusal(models, config(bases, versions=(2,), stable=9), config(bases, "b")) == (
        "FAILED_PRECONDITION",
        "Request to assign label to version 9 of model a, which is not currently available for"
        " inference",
    )
    # nothing has changed
    assert answer(models["a"], "stable") == 1
    assert states(models["a"]) == {"2": "AVAILABLE", "1": "AVAILABLE"}
    assert list(models) == ["a"]


def test_l25_at_startup_too(bases):
    with pytest.raises(StatusError, match="assign label to version 1 of model a"):
        served(bases, config(bases, stable=1))
    served(bases, config(bases, stable=2))


def test_l26_labels_for_what_is_not_there_yet(bases):
    models = served(bases, config(bases, stable=2, canary=3), early_labels=True)
    assert answer(models["a"], "stable") == 2
    with pytest.raises(StatusError, match=r"Specific\(a, 3\)"):
        answer(models["a"], "canary")
    code, message = refusal(models, config(bases, stable=9))  # a label that is in use
    assert (code, "version 9 of model a" in message) == ("FAILED_PRECONDITION", True)
    publish(bases / "a", "3")
    models.reload([config(bases, versions=(2, 3), stable=3, canary=3)])
    assert answer(models["a"], "stable") == 3


def test_l27_a_reload_replaces_the_labels(bases):
    models = served(bases, config(bases, versions=(1, 2), stable=1, canary=2))
    models.reload([config(bases, versions=(1, 2), stable=2)])
    assert answer(models["a"], "stable") == 2
    with pytest.raises(StatusError, match="Unrecognized servable version label: canary"):
        answer(models["a"], "canary")


def test_v7_a_label_whose_version_has_gone(bases):
    models = served(bases, config(bases, stable=2))
    remove(bases / "a", "2")
    models.poll()
    assert answer(models["a"]) == 1
    with pytest.raises(StatusError, match=r"Servable not found for request: Specific\(a, 2\)"):
        answer(models["a"], "stable")


def test_a_new_base_path_takes_over_at_once(bases):
    publish(bases / "c", "7")
    models = served(bases, config(bases, stable=2))
    model, old = models["a"], models["a"]._versions[2].runtime
    with model.use() as version:
        models.reload([config(bases, base="c", stable=7)])
        assert answer(model) == answer(model, "stable") == 7
        assert states(model) == {"7": "AVAILABLE"}
        assert not old.closed and version.runtime is old  # the running request keeps it
    assert models["a"] is model
    publish(bases / "c", "8")
    models.poll()
    assert states(model) == {"8": "AVAILABLE", "7": "END"}


def test_a_base_path_where_nothing_loads_replaces_nothing(bases):
    publish(bases / "c", "7", "broken")
    models = served(bases, config(bases, stable=2))
    code, message = refusal(models, config(bases, base="c"))
    assert (code, "name: a version: 7" in message) == ("UNKNOWN", True)
    assert answer(models["a"], "stable") == 2
    refusal(models, config(bases, base="c"))
    assert models._waiting["a", bases / "c"]._versions[7].attempts == 1  # not tried at once
    models._waiting.clear()
    (bases / "c" / "7" / "saved_model.pb").write_text("7")
    models.reload([config(bases, base="c")])
    assert answer(models["a"]) == 7


def test_l9_trouble_with_one_base_path_does_not_stop_the_others(bases, monkeypatch, caplog):
    models = served(bases, config(bases), config(bases, "b"))
    monkeypatch.setattr(models["a"], "poll", lambda: 1 / 0)
    publish(bases / "b", "3")
    models.poll()
    assert answer(models["b"]) == 3
    assert "Looking for versions of a failed" in caplog.text


def test_close_unloads_everything(bases):
    models = served(bases, config(bases), config(bases, "b"))
    models.close()
    assert states(models["a"]) == states(models["b"]) == {"2": "END"}


def test_no_request_fails_while_configurations_come_and_go(bases):
    """Eight threads ask by name and by label while policy, labels and base path change."""
    publish(bases / "c", "1", "11")
    publish(bases / "c", "2", "12")
    models = served(bases, config(bases, versions=(1, 2), stable=1))
    stop, wrong, asked = threading.Event(), [], []

    def hammer(wanted, right):
        while not stop.is_set():
            asked.append(wanted)
            try:
                if (found := answer(models["a"], wanted)) not in right:
                    wrong.append(found)
            except Exception as error:
                wrong.append(error)

    jobs = [(None, (2, 12)), ("stable", (1, 2, 11, 12))] * 4
    threads = [threading.Thread(target=hammer, args=job) for job in jobs]
    for thread in threads:
        thread.start()
    while len(asked) < 20_000:
        models.reload([config(bases, versions=(2,), stable=2)])
        models.reload([config(bases, base="c", versions=(1, 2), stable=1)])
        models.reload([config(bases, base="c", versions=(2,), stable=2), config(bases, "b")])
        models.reload([config(bases, versions=(1, 2), stable=1)])
    stop.set()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_one_may_go_over_the_models_while_another_list_takes_over(bases):
    models = served(bases, config(bases), config(bases, "b"))
    seen = []
    for name, _ in models.items():
        seen.append(name)
        models.reload([config(bases, "b")])
    assert seen == ["a", "b"]
    assert list(models) == ["b"]


def test_a_change_starts_from_what_is_served(bases):
    models = served(bases, config(bases, versions=(1, 2), old=1))
    assert models.configs() == [config(bases, versions=(1, 2), old=1)]
    models.change(lambda configs: [*configs, config(bases, "b")])
    assert models.configs() == [config(bases, versions=(1, 2), old=1), config(bases, "b")]
    with pytest.raises(StatusError, match="version 9"):
        models.change(lambda configs: [config(bases, stable=9)])
    assert sorted(models) == ["a", "b"]


def test_one_model_may_be_looked_for_alone(bases):
    models = served(bases, config(bases), config(bases, "b"))
    for name in ("a", "b"):
        publish(bases / name, "3")
    models.poll("b")
    assert (answer(models["a"]), answer(models["b"])) == (2, 3)
