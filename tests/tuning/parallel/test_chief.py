import os

import grpc
import keras_tuner
import pytest
from keras_tuner.src.distribute.oracle_client import OracleClient

from dlkit.errors import InputError
from dlkit.tuning.parallel import chief as chiefs
from dlkit.tuning.parallel.chief import Chief, Listening
from dlkit.tuning.parallel.roles import Role, taken_by
from tests.tuning.driving import drive, make, score


@pytest.fixture
def chief(tmp_path):
    """A chief that listens, with a function that makes clients of KerasTuner's."""
    answering = Chief(make("random", tmp_path, max_trials=6))
    with Listening(answering, "127.0.0.1", 0) as listening:

        def client(name):
            with taken_by(Role(name, "127.0.0.1", listening.port)):
                return OracleClient(answering.oracle)

        answering.client = client
        yield answering


def test_two_workers_do_all_trials_once(chief):
    for name, most in (("a", 3), ("b", 99), ("a", 99)):
        client = chief.client(name)
        for _ in range(most):
            trial = client.create_trial(name)
            if trial.status != "RUNNING":
                break
            for epoch in range(2):
                value = score(trial.hyperparameters.values, epoch)
                client.update_trial(trial.trial_id, {"val_accuracy": value}, step=epoch)
            trial.status = "COMPLETED"
            client.end_trial(trial)
    assert [t.status for t in chief.oracle.trials.values()] == ["COMPLETED"] * 6
    assert chief.is_done()


def test_values_and_scores_come_over_as_they_are(chief, tmp_path):
    client = chief.client("a")
    while (trial := client.create_trial("a")).status == "RUNNING":
        own = chief.oracle.trials[trial.trial_id].hyperparameters.values
        assert trial.hyperparameters.values == own
        for epoch in range(4):
            value = score(own, epoch)
            client.update_trial(trial.trial_id, {"val_accuracy": value}, step=epoch)
        trial.status = "COMPLETED"
        client.end_trial(trial)
    alone = drive(make("random", tmp_path / "alone", max_trials=6))
    found = [(t.trial_id, t.status, t.score, t.hyperparameters.values)
             for t in chief.oracle.trials.values()]  # fmt: skip
    assert found == alone


def test_a_silent_worker_loses_its_trial(chief, monkeypatch):
    client = chief.client("a")
    lost = client.create_trial("a")
    monkeypatch.setattr(chiefs, "SILENCE", 0.0)
    assert chief.release_silent() == ["a"]
    assert chief.client("b").create_trial("b").trial_id == lost.trial_id
    monkeypatch.setattr(chiefs, "SILENCE", 60.0)
    chief.client("b").get_trial(lost.trial_id)
    assert chief.release_silent() == []


def test_what_was_lost_does_not_keep_a_search_that_is_late(chief, monkeypatch):
    client = chief.client("a")
    client.create_trial("a")
    chief.release("a", "it has died")
    monkeypatch.setattr(chief.oracle, "max_minutes", 1e-9)
    assert client.create_trial("a").status == "STOPPED"
    assert chief.is_done()


def end(client, trial, epochs=(0, 1)):
    for epoch in epochs:
        value = score(trial.hyperparameters.values, epoch)
        client.update_trial(trial.trial_id, {"val_accuracy": value}, step=epoch)
    trial.status = "COMPLETED"
    client.end_trial(trial)


def test_a_worker_stays_until_nothing_can_be_lost_any_more(chief):
    chief.oracle.max_trials = 2
    a, b = chief.client("a"), chief.client("b")
    lost = a.create_trial("a")
    end(b, b.create_trial("b"))
    for _ in range(2):
        assert b.create_trial("b").status == "IDLE"
    assert not chief.is_done()
    chief.release("a", "it has died")
    taken = b.create_trial("b")
    assert taken.trial_id == lost.trial_id
    end(b, taken)
    assert not chief.is_done()  # it does not know yet
    assert b.create_trial("b").status == "STOPPED"
    assert chief.is_done()


def test_a_worker_that_was_taken_for_dead_goes_on_with_its_trial(chief):
    a, b = chief.client("a"), chief.client("b")
    trial = a.create_trial("a")
    a.update_trial(trial.trial_id, {"val_accuracy": 0.9}, step=0)
    chief.release("a", "it was silent")
    a.get_trial(trial.trial_id)
    assert b.create_trial("b").trial_id != trial.trial_id
    end(a, trial, epochs=(1,))
    own = chief.oracle.trials[trial.trial_id]
    assert own.best_step == 0 and abs(own.score - 0.9) < 1e-6  # of all epochs
    assert chief.oracle.deaths == {trial.trial_id: 0}
    assert set(chief.heard) == {"b"}


def test_an_answer_that_fails_is_kept_for_the_chief(chief, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(chief.oracle, "create_trial", full)
    with pytest.raises(grpc.RpcError):
        chief.client("a").create_trial("a")
    assert isinstance(chief.error, OSError)


def test_why_a_trial_failed_comes_along(chief):
    client = chief.client("a")
    trial = client.create_trial("a")
    trial.status = "INVALID"
    trial.hyperparameters.values["tuner/message"] = "ValueError: odd"
    client.end_trial(trial)
    own = chief.oracle.trials[trial.trial_id]
    assert (own.status, own.message) == ("FAILED", "ValueError: odd")


def test_a_port_that_is_taken_is_refused(chief):
    with Listening(chief, "127.0.0.1", 0) as listening:
        os.environ.setdefault("GRPC_VERBOSITY", "NONE")
        with pytest.raises(InputError, match=f"cannot listen at 10.255.255.1:{listening.port}"):
            Listening(
                Chief(keras_tuner.oracles.RandomSearchOracle()), "10.255.255.1", listening.port
            )
