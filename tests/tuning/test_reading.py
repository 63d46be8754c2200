import sys

import keras
import keras_tuner
import numpy as np
import pytest

import dlkit as dk
from dlkit.errors import InputError, MissingExtraError
from dlkit.tuning import Choice, best_model, results, search
from dlkit.tuning.oracles.curves import curves
from dlkit.tuning.reading import best_trial


@pytest.fixture(scope="module")
def searched(tmp_path_factory):
    """A search of two executions a trial in which each large rate fails."""
    space = {"units": Choice([(8,), (4, 2)]), "learning_rate": Choice([0.01, 1e30])}
    return search(
        "mlp",
        dk.data.load("diabetes"),
        strategy="grid",
        space={**space, "optimizer": "sgd"},
        epochs=3,
        executions=2,
        directory=tmp_path_factory.mktemp("searches"),
        verbose=False,
    )


def test_the_table_has_the_best_first_and_failures_last(searched):
    table = results(searched)
    assert list(table.columns) == [
        *("trial", "status", "score", "deviation", "best_epoch", "epochs", "parameters"),
        *("seconds", "reason", "units", "learning_rate"),
    ]
    assert list(table.status) == ["COMPLETED", "COMPLETED", "FAILED", "FAILED"]
    assert table.score[0] <= table.score[1] and table.score[2:].isna().all()
    assert set(table.units) == {(8,), (4, 2)}
    assert sorted(table.trial) == [1, 2, 3, 4]
    assert list(table.epochs[:2]) == [6, 6] and table.best_epoch[:2].between(1, 3).all()
    assert (table.deviation[:2] > 0).all() and (table.seconds[:2] > 0).all()
    assert "loss became" in table.reason[2] and not table.reason[:2].any()
    widths = {(8,): 10 * 8 + 8 + 8 + 1, (4, 2): 10 * 4 + 4 + 4 * 2 + 2 + 2 + 1}
    assert [widths[units] for units in table.units[:2]] == list(table.parameters[:2])


def test_the_best_model_has_the_score_that_was_reported(searched):
    model, data = best_model(searched)
    found = model.evaluate(data.val, return_dict=True, verbose=0)["mae"]
    trial = best_trial(searched)
    best = min(o.mean() for o in trial.metrics.get_history("val_mae"))
    assert found == pytest.approx(best, rel=1e-5)


def test_the_best_model_is_trained_on_both_splits_and_exported(searched, tmp_path):
    model, data = best_model(searched, retrain=True)
    known = searched.data.record(best_trial(searched).hyperparameters)
    assert data.val is None
    assert set(data.origin.split.train) == set(known.origin.split.kept)
    np.testing.assert_array_equal(data.origin.split.test, known.origin.split.test)
    again, _ = best_model(searched, retrain=True)
    for one, other in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    path = dk.export.saved_model(model, tmp_path / "diabetes", data=data)
    assert (path / "saved_model.pb").is_file()


def test_a_fit_of_ones_own_retrains_as_it_trains(tmp_path):
    import keras_tuner

    class Own(keras_tuner.HyperModel):
        def build(self, hp):
            return dk.models.perceptron((4,), 3, learning_rate=hp.Choice("epochs", [0.1]))

        def fit(self, hp, model, *args, **options):
            seen.append(sorted(options))
            return model.fit(*args, **options, class_weight={0: 1.0, 1: 2.0, 2: 1.0})

    seen = []
    tuner = search(
        Own(), dk.data.load("iris"), epochs=1, max_trials=1, directory=tmp_path, verbose=False
    )
    best_model(tuner, retrain=True)
    assert len(seen) == 2 and seen[0] == seen[1]
    assert results(tuner)["epochs (hyperparameter)"].tolist() == [0.1]
    assert results(tuner)["epochs"].tolist() == [1]


def test_the_best_fold_comes_with_its_own_preprocessing(tmp_path):
    tuner = search(
        "perceptron",
        dk.data.load("breast_cancer"),
        space={"learning_rate": Choice([0.01])},
        folds=3,
        epochs=2,
        directory=tmp_path,
        verbose=False,
    )
    model, data = best_model(tuner)
    (trial,) = tuner.oracle.trials.values()
    best = [max(curve.values()) for curve in curves(trial, "val_accuracy")]
    found = model.evaluate(data.val, return_dict=True, verbose=0)["accuracy"]
    assert found == pytest.approx(max(best), abs=1e-6)
    fold = list(dk.data.load("breast_cancer").folds(3))[best.index(max(best))]
    np.testing.assert_array_equal(data.origin.split.val, fold.origin.split.val)
    raw = data.examples[0]
    np.testing.assert_array_equal(data.preprocessing(raw), fold.preprocessing(raw))


def test_a_search_without_a_score_has_no_best_model(searched, monkeypatch):
    failed = [t for t in searched.oracle.trials.values() if t.status == "FAILED"]
    monkeypatch.setattr(searched.oracle, "trials", {t.trial_id: t for t in failed})
    with pytest.raises(InputError, match="No trial of this search has a score"):
        best_model(searched)


def test_a_best_trial_whose_weights_are_gone_is_told(searched, tmp_path, monkeypatch):
    monkeypatch.setattr(searched, "_get_checkpoint_fname", lambda _: str(tmp_path / "none"))
    with pytest.raises(InputError, match="The best trial has no weights in"):
        best_model(searched)


def test_without_pandas_it_says_what_to_install(searched, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(MissingExtraError, match=r'pip install "dlkit\[tune\]"'):
        results(searched)


def test_kerastuners_own_reading_works(searched, capsys):
    searched.results_summary(2)
    assert "Trial" in capsys.readouterr().out
    (model,) = searched.get_best_models(1)
    assert isinstance(model, keras.Model)


class Own(keras_tuner.HyperModel):
    """A `fit` that returns its score, and may look at the validation split."""

    def __init__(self, looks):
        super().__init__()
        self.looks, self.epochs = looks, []

    def build(self, hp):
        model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, "softmax")])
        rate = hp.Choice("rate", [0.1])
        model.compile(
            keras.optimizers.SGD(rate), "sparse_categorical_crossentropy", metrics=["accuracy"]
        )
        return model

    def fit(self, hp, model, train, validation_data=None, epochs=1, callbacks=None, **options):
        self.epochs.append(epochs)
        model.fit(train, epochs=epochs, callbacks=callbacks, **options)
        held = validation_data.cardinality() if self.looks else 0
        return float(held) if validation_data else {}


def test_a_fit_that_returns_its_score_retrains_for_the_searchs_epochs(tmp_path):
    model = Own(looks=False)
    tuner = search(
        *(model, dk.data.load("iris")),
        **{"objective": keras_tuner.Objective("val_accuracy", "max"), "epochs": 4},
        **{"max_trials": 1, "directory": tmp_path, "verbose": False},
    )
    best_model(tuner, retrain=True)
    assert model.epochs == [4, 4]


def test_a_fit_that_needs_a_validation_split_is_told(tmp_path):
    tuner = search(
        *(Own(looks=True), dk.data.load("iris")),
        **{"objective": keras_tuner.Objective("val_accuracy", "max"), "epochs": 2},
        **{"max_trials": 1, "directory": tmp_path, "verbose": False},
    )
    with pytest.raises(InputError, match=r"fit cannot train on both splits .*retrain=False"):
        best_model(tuner, retrain=True)
