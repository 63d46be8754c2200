"""Weights and oversampling, held against scikit-learn's and shown to find what is rare."""

import keras
import numpy as np
import pytest
from sklearn.utils import compute_sample_weight

import dlkit as dk
from dlkit.data.changes import balancing
from dlkit.data.core.targets import read_targets
from dlkit.errors import InputError


@pytest.fixture(scope="module")
def mammography(shared_data):
    return dk.data.load("mammography", batch_size=256)


@pytest.fixture(scope="module")
def labels():
    """120 examples with three labels: common, rare, and one that depends on them."""
    random = np.random.default_rng(0)
    x = random.normal(size=(120, 3)).astype(np.float32)
    y = np.stack([x[:, 0] > -1, x[:, 1] > 1.2, x[:, 2] > 0], axis=1)
    return dk.data.from_arrays(x, y.astype(int), task="multilabel", batch_size=16)


def seen(dataset):
    """Return all targets and weights of an epoch."""
    parts = [(y, w) for _, y, w in dataset.as_numpy_iterator()]
    return tuple(np.concatenate(part) for part in zip(*parts, strict=True))


def test_weights_of_classes_are_those_of_scikit_learn(mammography):
    targets, weights = seen(mammography.balanced().train)
    np.testing.assert_allclose(weights, compute_sample_weight("balanced", targets), rtol=1e-5)
    assert weights[targets == 1].mean() / weights[targets == 0].mean() > 40


def test_weights_of_labels_are_the_mean_of_what_each_label_would_give(labels):
    targets, weights = seen(labels.balanced("weights").train)
    each = [compute_sample_weight("balanced", column) for column in targets.T]
    np.testing.assert_allclose(weights, np.mean(each, axis=0), rtol=1e-5)
    assert weights.mean() == pytest.approx(1)


def test_a_label_that_every_training_example_has_weighs_one():
    targets = read_targets(np.array([[1, 0], [1, 1], [1, 1]]), "multilabel", None)
    np.testing.assert_allclose(
        balancing.class_weights(targets, np.arange(3)), [1.25, 0.875, 0.875], rtol=1e-6
    )


def test_validation_and_test_are_not_weighted(mammography):
    weighted = mammography.balanced()
    assert [len(s.element_spec) for s in (weighted.train, weighted.val, weighted.test)] == [3, 2, 2]
    # What validates in a fold is trained on in the others: its weight is that of its class.
    fold = next(weighted.folds(3))
    targets, weights = seen(fold.train)
    assert set(np.unique(weights[targets == 1])) == {weights.max()}
    assert len(np.unique(weights)) == 2


def test_oversampling_shows_all_classes_equally_often(mammography):
    split = mammography.origin.split
    values = mammography.origin.targets.values
    once, same, other = (mammography.balanced("oversample", seed=s) for s in (4, 4, 5))
    train = once.origin.split.train
    counts = np.bincount(values[split.train])
    assert np.bincount(values[train]).tolist() == [counts.max()] * 2
    # Nothing is lost, and each rare example comes equally often but for one.
    np.testing.assert_array_equal(np.unique(train), split.train)
    times = np.unique(train[values[train] == 1], return_counts=True)[1]
    assert np.ptp(times) <= 1
    np.testing.assert_array_equal(train, same.origin.split.train)
    assert (train != other.origin.split.train).any()
    # In folds an example is there once, so none is in two of them.
    fold = next(once.folds(3))
    assert not set(fold.origin.split.train) & set(fold.origin.split.val)


def recall_of_the_rare(data, test):
    keras.utils.set_random_seed(0)
    model = dk.models.build("mlp", data, units=(16,), learning_rate=0.01, seed=0)
    model.fit(data.train, validation_data=data.val, epochs=4, verbose=0)
    targets, probabilities = dk.evaluation.predict(model, test)
    found = probabilities[:, 0] > 0.5
    return (found & (targets == 1)).sum() / (targets == 1).sum(), (found == targets).mean()


def test_weights_and_oversampling_find_more_of_what_is_rare(mammography):
    """2.3% are calcifications: a network that misses most of them is right for 98%."""
    plain, accuracy = recall_of_the_rare(mammography, mammography.test)
    weighted, _ = recall_of_the_rare(mammography.balanced(), mammography.test)
    repeated, _ = recall_of_the_rare(mammography.balanced("oversample"), mammography.test)
    assert accuracy > 0.97
    assert plain < 0.65
    assert weighted > plain + 0.15
    assert repeated > plain + 0.15


def test_frauds_weigh_more_than_their_number(shared_data):
    data = dk.data.load("credit_card_fraud")
    assert data.class_names == ("genuine", "fraud")
    targets, weights = seen(data.balanced().train)
    assert weights[targets == 0].sum() == pytest.approx(weights[targets == 1].sum(), rel=1e-4)
    plain, _ = recall_of_the_rare(data, data.test)
    weighted, accuracy = recall_of_the_rare(data.balanced(), data.test)
    assert weighted > plain > 0.7
    assert accuracy > 0.94


def test_one_weight_an_example_serves_any_number_of_outputs(labels):
    """The loss of two heads, by hand: Keras's class_weight refuses more than one."""
    data = labels.balanced()
    inputs = keras.Input((3,))
    heads = {name: keras.layers.Dense(3, "sigmoid", name=name)(inputs) for name in "ab"}
    model = keras.Model(inputs, heads)
    model.compile(loss="binary_crossentropy")
    batch = data.train.map(lambda x, y, w: (x, {"a": y, "b": 1 - y}, w)).take(1).cache()
    ((x, y, w),) = batch.as_numpy_iterator()
    answers = model.predict(x, verbose=0)
    total = 0.0
    for name in "ab":
        p, t = np.clip(answers[name], 1e-7, 1 - 1e-7), y[name]
        each = -(t * np.log(p) + (1 - t) * np.log(1 - p)).mean(axis=1)
        total += (each * w).mean()
    assert model.evaluate(batch, verbose=0)[0] == pytest.approx(total, rel=1e-4)


def test_batches_with_weights_go_everywhere(labels, tmp_path, capsys):
    data = labels.balanced()
    data.summary()
    assert "train          6 batches of up to 16, weighted" in capsys.readouterr().out
    assert len(data.show(count=3).axes) == 3
    model = dk.models.build("perceptron", data, seed=0)
    targets, _ = dk.evaluation.predict(model, data.train)
    assert targets.shape == (len(data.origin.split.train), 3)

    def trained(run, *stops):
        for epochs in stops:
            data = labels.balanced()  # as in a new process: the order begins again
            model = dk.models.build("perceptron", data, seed=0)
            callbacks = dk.training.callbacks(tmp_path / run, data=data)
            model.fit(
                data.train, validation_data=data.val, epochs=epochs, verbose=0, callbacks=callbacks
            )
        return model.get_weights()

    for one, other in zip(trained("whole", 2), trained("resumed", 1, 2), strict=True):
        np.testing.assert_array_equal(one, other)


def test_what_cannot_be_balanced_is_told_in_a_sentence(labels):
    diabetes = dk.data.load("diabetes")
    with pytest.raises(InputError, match="Received: task='regression' in 'diabetes'"):
        diabetes.balanced()
    with pytest.raises(InputError, match=r"method='wieghts'. Did you mean 'weights'\?"):
        labels.balanced("wieghts")
    with pytest.raises(InputError, match="An example of 'arrays' has several labels"):
        labels.balanced("oversample")
