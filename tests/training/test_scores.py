"""Scores of classes against scikit-learn, on labels of every shape, batch by batch."""

import keras
import numpy as np
import pytest
import sklearn.metrics as sk
import tensorflow as tf

from dlkit.training import callbacks
from dlkit.training.compiling import compile_model
from dlkit.training.scores import AUC, F1Score, MeanIoU, Precision, Recall

RNG = np.random.default_rng(4)
N, K = 230, 4
CLASSES = RNG.choice(K, N, p=[0.6, 0.25, 0.1, 0.05])
LOGITS = RNG.normal(size=(N, K)) + 1.5 * np.eye(K)[CLASSES]
PROBABILITIES = (np.exp(LOGITS) / np.exp(LOGITS).sum(1, keepdims=True)).astype("float32")
GUESSES = PROBABILITIES.argmax(1)
YES = (RNG.random(N) < 0.2).astype("int64")
SURE = (1 / (1 + np.exp(2 - 2 * YES - RNG.normal(size=N)))).astype("float32")[:, None]
TAGS = (RNG.random((N, K)) < 0.3).astype("float32")
TAGGED = (1 / (1 + np.exp(1 - 2 * TAGS - RNG.normal(size=(N, K))))).astype("float32")
WEIGHTS = RNG.uniform(0.1, 2, N)

# Task -> labels, probabilities, and the classes that they stand for.
TASKS = {
    "binary": (YES, SURE, (SURE[:, 0] > 0.5).astype(int)),
    "multiclass": (CLASSES, PROBABILITIES, GUESSES),
    "multilabel": (TAGS, TAGGED, (TAGGED > 0.5).astype(int)),
}
ORACLES = {
    "precision": sk.precision_score,
    "recall": sk.recall_score,
    "f1_score": sk.f1_score,
    "mean_io_u": sk.jaccard_score,
}


def named(task, name):
    """The metric that a name stands for."""
    network = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    return compile_model(network, task=task, metrics=[name])._compile_metrics._user_metrics[0]


def streamed(metric, labels, guesses, weights=None, sizes=(3, 100, 1, 126)):
    """The result after batches of uneven sizes."""
    for rows in np.split(np.arange(len(labels)), np.cumsum(sizes)[:-1]):
        metric.update_state(labels[rows], guesses[rows], None if weights is None else weights[rows])
    return metric.result()


@pytest.mark.parametrize("weights", [None, WEIGHTS])
@pytest.mark.parametrize("name", ORACLES)
@pytest.mark.parametrize("task", TASKS)
def test_a_score_by_name_is_that_of_scikit_learn(task, name, weights):
    labels, probabilities, guesses = TASKS[task]
    average = "binary" if task == "binary" and name != "mean_io_u" else "macro"
    expected = ORACLES[name](labels, guesses, average=average, sample_weight=weights)
    got = float(streamed(named(task, name), labels, probabilities, weights))
    assert got == pytest.approx(expected, abs=2e-6)


@pytest.mark.parametrize("average", ["macro", "micro", "weighted"])
@pytest.mark.parametrize("make", [Precision, Recall, F1Score, MeanIoU])
def test_an_average_is_that_of_scikit_learn(make, average):
    oracle = ORACLES[make().name]
    for labels, probabilities, guesses, threshold in (
        (CLASSES, PROBABILITIES, GUESSES, None),
        (TAGS, TAGGED, (TAGGED > 0.4).astype(int), 0.4),
    ):
        got = float(streamed(make(average, threshold), labels, probabilities))
        assert got == pytest.approx(oracle(labels, guesses, average=average), abs=1e-6)


def test_each_class_has_its_own_score():
    got = streamed(F1Score(average=None), CLASSES, PROBABILITIES)
    assert list(got) == [f"f1_score_{k}" for k in range(K)]
    expected = sk.f1_score(CLASSES, GUESSES, average=None)
    np.testing.assert_allclose([float(score) for score in got.values()], expected, atol=1e-6)


@pytest.mark.parametrize("name", [*ORACLES, "auc", "pr_auc"])
def test_indices_columns_and_rows_are_the_same_labels(name):
    expected = float(streamed(named("multiclass", name), CLASSES, PROBABILITIES))
    smoothed = 0.9 * np.eye(K)[CLASSES] + 0.025
    for labels in (CLASSES[:, None], np.eye(K)[CLASSES], smoothed, CLASSES.astype("float32")):
        got = float(streamed(named("multiclass", name), labels, PROBABILITIES))
        assert got == pytest.approx(expected, abs=1e-6)
    for labels in (YES[:, None], 0.8 * YES + 0.1):
        got = float(streamed(named("binary", name), labels, SURE))
        assert got == pytest.approx(float(streamed(named("binary", name), YES, SURE)), abs=1e-6)


def test_perfect_predictions_of_a_column_of_three_classes_are_perfect():
    labels = np.array([[0], [1], [2], [1]])
    for make in (Precision, Recall, F1Score, MeanIoU, AUC):
        assert float(make()(labels, np.eye(3)[labels[:, 0]])) == 1


def test_a_class_that_nobody_names_is_left_out():
    labels, guesses = np.array([0, 0, 1, 1]), np.array([0, 1, 1, 2])
    got = float(F1Score()(labels, np.eye(5)[guesses]))
    assert got == pytest.approx(sk.f1_score(labels, guesses, average="macro"))
    tags, tagged = TAGS.copy(), TAGGED.copy()
    tags[:, 2] = tagged[:, 2] = 0
    kept = [0, 1, 3]
    expected = sk.recall_score(tags[:, kept], tagged[:, kept] > 0.5, average="macro")
    assert float(Recall(threshold=0.5)(tags, tagged)) == pytest.approx(expected)
    areas = sk.roc_auc_score(tags[:, kept], tagged[:, kept])
    assert float(AUC()(tags, tagged)) == pytest.approx(areas, abs=1e-3)


def test_equally_likely_classes_are_one_guess():
    got = Precision(average="micro")(np.array([1, 1]), np.full((2, 4), 0.25))
    assert float(got) == 0


def test_each_pixel_is_an_example():
    labels = RNG.integers(0, K, (5, 3, 2))
    probabilities = RNG.random((5, 3, 2, K)).astype("float32")
    weights = RNG.random(5)
    expected = sk.f1_score(
        labels.ravel(),
        probabilities.argmax(-1).ravel(),
        average="macro",
        sample_weight=np.repeat(weights, 6),
    )
    metric = F1Score()
    metric.update_state(labels, probabilities, weights)
    assert float(metric.result()) == pytest.approx(expected, abs=1e-6)
    columns = F1Score()
    columns.update_state(CLASSES, PROBABILITIES, WEIGHTS[:, None])
    flat = streamed(F1Score(), CLASSES, PROBABILITIES, WEIGHTS)
    assert float(columns.result()) == pytest.approx(float(flat), abs=1e-6)


@pytest.mark.parametrize("weights", [None, WEIGHTS])
@pytest.mark.parametrize("task", TASKS)
def test_areas_are_those_of_scikit_learn(task, weights):
    labels, probabilities, _ = TASKS[task]
    rows = np.eye(K)[labels] if task == "multiclass" else labels.reshape(N, -1)
    for name, oracle in (("auc", sk.roc_auc_score), ("pr_auc", sk.average_precision_score)):
        expected = oracle(rows, probabilities, average="macro", sample_weight=weights)
        got = float(streamed(named(task, name), labels, probabilities, weights))
        assert got == pytest.approx(expected, abs=2e-3 if name == "auc" else 2e-2)


@pytest.mark.parametrize("shift", [-12, -7, 0, 7, 12])
def test_an_area_holds_where_all_probabilities_are_close_to_0_or_1(shift):
    """As for a rare class: Keras's 200 steps see one value, and an area of 0.5."""
    labels = (RNG.random(5000) < 0.05).astype(int)
    guesses = 1 / (1 + np.exp(-(RNG.normal(size=5000) + 1.5 * labels + shift)))
    guesses = guesses.astype("float32")
    got = float(AUC()(labels, guesses[:, None]))
    assert got == pytest.approx(sk.roc_auc_score(labels, guesses), abs=0.005)


def test_they_work_under_fit_and_come_back_from_a_file(tmp_path):
    names = [*ORACLES, "auc", "pr_auc", "top_k_categorical_accuracy"]
    network = keras.Sequential([keras.Input((K,)), keras.layers.Dense(K, "softmax")])
    model = compile_model(network, metrics=[*names, F1Score(None, name="f1")])
    data = tf.data.Dataset.from_tensor_slices((LOGITS, CLASSES, WEIGHTS)).batch(64)
    watching = callbacks(tmp_path, monitor="val_f1_2")
    history = model.fit(data, validation_data=data, epochs=2, verbose=0, callbacks=watching).history
    wanted = {"loss", *names, *(f"f1_{k}" for k in range(K))}
    assert set(history) == wanted | {f"val_{name}" for name in wanted}
    guesses = model.predict(LOGITS, verbose=0).argmax(1)
    results = model.evaluate(data, verbose=0, return_dict=True)
    assert results["f1_score"] == pytest.approx(sk.f1_score(CLASSES, guesses, average="macro"))
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras", safe_mode=True)
    assert again.evaluate(data, verbose=0, return_dict=True) == pytest.approx(results)


def test_xla_compiles_them():
    """As a GPU does by itself."""
    network = keras.Sequential([keras.Input((K,)), keras.layers.Dense(K, "softmax")])
    model = compile_model(network, metrics=["f1_score", "auc"], jit_compile=True)
    results = model.evaluate(LOGITS, CLASSES, batch_size=N, verbose=0, return_dict=True)
    guesses = model.predict(LOGITS, batch_size=N, verbose=0).argmax(1)
    assert results["f1_score"] == pytest.approx(sk.f1_score(CLASSES, guesses, average="macro"))


@pytest.mark.parametrize(
    "metric", [F1Score("micro", 0.3, "f"), Precision(), Recall(None), MeanIoU(), AUC("PR", 50)]
)
def test_they_come_back_from_their_config(metric):
    metric.update_state(YES, SURE)
    config = keras.saving.serialize_keras_object(metric)
    again = keras.saving.deserialize_keras_object(config)
    assert type(again) is type(metric)
    assert again.get_config() == metric.get_config()
    again.update_state(YES, SURE)
    assert keras.tree.map_structure(float, again.result()) == keras.tree.map_structure(
        float, metric.result()
    )
    again.reset_state()
    assert not any(np.any(variable) for variable in again.variables)
