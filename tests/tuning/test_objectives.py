import keras
import keras_tuner
import numpy as np
import pytest
import tensorflow as tf

from dlkit.errors import InputError
from dlkit.tuning.objectives import find_objective


def compiled(metrics, outputs=3, loss="categorical_crossentropy"):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(outputs, "softmax")])
    model.compile("sgd", loss, metrics=metrics)
    return model


def held(outputs=3):
    labels = np.eye(outputs, dtype="float32")[np.arange(12) % outputs]
    return tf.data.Dataset.from_tensor_slices((np.ones((12, 4), "float32"), labels)).batch(6)


@pytest.mark.parametrize(
    ("metrics", "objective", "name", "direction"),
    [
        (["accuracy"], None, "val_accuracy", "max"),
        ([], None, "val_loss", "min"),
        ([keras.metrics.F1Score("macro"), "accuracy"], None, "val_f1_score", "max"),
        ([keras.metrics.R2Score(), "accuracy"], "val_r2_score", "val_r2_score", "max"),
        (["accuracy"], "val_loss", "val_loss", "min"),
        (["accuracy"], "accuracy", "accuracy", "max"),
        ([keras.metrics.CosineSimilarity()], None, "val_cosine_similarity", "max"),
        ([keras.metrics.OneHotMeanIoU(3, name="mean_io_u")], None, "val_mean_io_u", "max"),
        (["mae"], keras_tuner.Objective("val_mae", "max"), "val_mae", "max"),
    ],
)
def test_the_direction_is_the_metrics_own(metrics, objective, name, direction):
    found = find_objective(objective, compiled(metrics), held())
    assert (found.name, found.direction) == (name, direction)


@pytest.mark.parametrize(
    ("metrics", "objective", "words"),
    [
        (["accuracy"], "val_acuracy", "did you mean 'val_accuracy'.*It reports: val_accuracy, val"),
        (["accuracy"], keras_tuner.Objective("val_auc", "max"), "'val_auc' is no metric"),
        ([keras.metrics.F1Score()], None, "val_f1_score.*3 values, one a class.*average='macro'"),
        (["accuracy"], ["val_accuracy", "val_loss"], "one objective"),
        (
            [keras.metrics.MeanMetricWrapper(lambda y, p: p[:, 0], name="odd")],
            "val_odd",
            r"high or a low val_odd.*keras_tuner.Objective\('val_odd', 'max'\)",
        ),
    ],
)
def test_what_cannot_be_compared_is_refused_in_a_sentence(metrics, objective, words):
    with pytest.raises(InputError, match=f"(?i){words}"):
        find_objective(objective, compiled(metrics), held())


def test_of_several_outputs_the_first_metric_counts_and_else_the_whole_loss():
    inputs = keras.Input((4,))
    outputs = {name: keras.layers.Dense(1, name=name)(inputs) for name in ("boxes", "classes")}
    rows = np.ones((12, 4), "float32"), {name: np.ones((12, 1)) for name in outputs}
    batches = tf.data.Dataset.from_tensor_slices(rows).batch(6)
    for metrics, name in (({"classes": ["mae"]}, "val_classes_mae"), (None, "val_loss")):
        model = keras.Model(inputs, outputs)
        model.compile("sgd", {"boxes": "mse", "classes": "mse"}, metrics=metrics)
        assert find_objective(None, model, batches).name == name


def test_other_metrics_are_given_to_the_model():
    with pytest.raises(InputError, match=r"'metrics': \['auc'\]"):
        find_objective("val_auc", compiled(["accuracy"]), held())
