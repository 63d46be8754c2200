"""Compile options against formulas written by hand, and against bad values."""

import keras
import numpy as np
import pytest

from dlkit.errors import InputError
from dlkit.tasks import PLACE_TASKS, TASKS
from dlkit.training.compiling import check_compile_options, compile_model, make_loss
from dlkit.training.names import LOSSES

START = np.array([1.0, -2.0, 0.5])
CURVATURE = np.array([2.0, 0.5, 10.0])


def network(units=3, activation="softmax"):
    return keras.Sequential([keras.Input((4,)), keras.layers.Dense(units, activation)])


def descend(optimizer, steps=2):
    """Minimize sum(CURVATURE * w^2) / 2 with Keras's optimizer; return how far it went."""
    weight = keras.Variable(START.astype("float32"))
    for _ in range(steps):
        optimizer.apply([CURVATURE * weight], [weight])
    return keras.ops.convert_to_numpy(weight) - START


def by_hand(update, steps=2):
    """Minimize the same with `update(t, w, g, memory) -> w`, in float64."""
    weight, memory = START.copy(), {}
    for t in range(1, steps + 1):
        weight = update(t, weight, CURVATURE * weight, memory)
    return weight - START


def momentum_update(lr, nesterov=False):
    def update(t, w, g, memory):
        v = memory["v"] = 0.9 * memory.get("v", 0.0) - lr * g
        return w + (0.9 * v - lr * g if nesterov else v)

    return update


def adam_update(lr, decay=0.0):
    def update(t, w, g, memory):
        m = memory["m"] = 0.9 * memory.get("m", 0.0) + 0.1 * g
        v = memory["v"] = 0.999 * memory.get("v", 0.0) + 0.001 * g**2
        step = (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-7)
        return w - lr * decay * w - lr * step

    return update


def rmsprop_update(lr):
    def update(t, w, g, memory):
        v = memory["v"] = 0.9 * memory.get("v", 0.0) + 0.1 * g**2
        return w - lr * g / np.sqrt(v + 1e-7)

    return update


def adagrad_update(lr):
    def update(t, w, g, memory):
        total = memory["total"] = memory.get("total", 0.1) + g**2
        return w - lr * g / np.sqrt(total + 1e-7)

    return update


def adadelta_update(lr):
    def update(t, w, g, memory):
        squares = memory["g"] = 0.95 * memory.get("g", 0.0) + 0.05 * g**2
        step = np.sqrt((memory.get("d", 0.0) + 1e-7) / (squares + 1e-7)) * g
        memory["d"] = 0.95 * memory.get("d", 0.0) + 0.05 * step**2
        return w - lr * step

    return update


def lion_update(lr):
    def update(t, w, g, memory):
        m = memory.get("m", 0.0)
        memory["m"] = 0.99 * m + 0.01 * g
        return w - lr * np.sign(0.9 * m + 0.1 * g)

    return update


UPDATES = {
    "sgd": lambda t, w, g, memory: w - 0.01 * g,
    "momentum": momentum_update(0.01),
    "nesterov": momentum_update(0.01, nesterov=True),
    "adam": adam_update(0.001),
    "adamw": adam_update(0.001, decay=0.004),
    "rmsprop": rmsprop_update(0.001),
    "adagrad": adagrad_update(0.01),
    "adadelta": adadelta_update(1.0),
    "lion": lion_update(0.0001),
}


@pytest.mark.parametrize("name", UPDATES)
def test_an_optimizer_takes_the_steps_of_its_formula(name):
    optimizer = compile_model(network(), optimizer=name).optimizer
    np.testing.assert_allclose(descend(optimizer), by_hand(UPDATES[name]), rtol=2e-3)


def test_learning_rate_weight_decay_and_clipnorm_reach_the_optimizer():
    options = {"optimizer": "sgd", "learning_rate": 0.1, "weight_decay": 0.2, "clipnorm": 1.5}
    optimizer = compile_model(network(), **options).optimizer

    def update(t, w, g, memory):
        g = g * min(1.0, 1.5 / np.linalg.norm(g))
        return w - 0.1 * 0.2 * w - 0.1 * g

    np.testing.assert_allclose(descend(optimizer), by_hand(update), rtol=1e-5)


def test_all_gradients_together_are_cut_to_a_norm():
    options = {"optimizer": "sgd", "learning_rate": 0.1, "global_clipnorm": 1.5}
    optimizer = compile_model(network(), **options).optimizer
    weights = [keras.Variable(START[:1].astype("float32")), keras.Variable(START[1:])]
    gradient = CURVATURE * START
    optimizer.apply([gradient[:1].astype("float32"), gradient[1:]], weights)
    moved = np.concatenate([keras.ops.convert_to_numpy(weight) for weight in weights]) - START
    np.testing.assert_allclose(moved, -0.15 * gradient / np.linalg.norm(gradient), rtol=1e-5)


@pytest.mark.parametrize("count", [None, 1, 3])
def test_a_step_is_made_of_the_mean_of_so_many_gradients(count):
    options = {"optimizer": "sgd", "learning_rate": 0.1, "gradient_accumulation_steps": count}
    optimizer = compile_model(network(), **options).optimizer
    weight = keras.Variable(0.0)
    found = []
    for gradient in (1.0, 2.0, 6.0):
        optimizer.apply([gradient], [weight])
        found.append(float(weight))
    expected = [0, 0, -0.3] if count == 3 else [-0.1, -0.3, -0.9]
    assert found == pytest.approx(expected)
    assert int(optimizer.iterations) == (1 if count == 3 else 3)  # what a schedule reads


def test_no_weight_decay_makes_adamw_adam():
    optimizer = compile_model(network(), optimizer="adamw", weight_decay=0).optimizer
    np.testing.assert_allclose(descend(optimizer), by_hand(UPDATES["adam"]), rtol=2e-3)


def test_a_schedule_is_followed():
    schedule = keras.optimizers.schedules.PiecewiseConstantDecay([0], [0.1, 0.01])
    optimizer = compile_model(network(), optimizer="sgd", learning_rate=schedule).optimizer
    expected = by_hand(lambda t, w, g, memory: w - (0.1 if t == 1 else 0.01) * g)
    np.testing.assert_allclose(descend(optimizer), expected, rtol=1e-5)


def test_an_optimizer_object_passes_through():
    optimizer = keras.optimizers.SGD(0.3)
    assert compile_model(network(), optimizer=optimizer).optimizer is optimizer


# Losses. Rows: one sample each.
PROBABILITIES = np.array([[0.7, 0.2, 0.1], [0.1, 0.3, 0.6]])
CLASSES = np.array([0, 1])
MULTIHOT = np.array([[1.0, 0.0, 1.0], [0.0, 0.0, 1.0]])
TARGETS = np.array([[1.0, -1.0, 0.0], [2.5, 0.3, 0.0]])


def loss_of(y_true, y_pred, **options):
    model = compile_model(network(), **options)
    loss = model.loss
    return float(loss(np.asarray(y_true, "float32"), np.asarray(y_pred, "float32")))


def binary_entropy(y, p):
    return -(y * np.log(p) + (1 - y) * np.log(1 - p))


def smooth(one_hot, smoothing):
    return one_hot * (1 - smoothing) + smoothing / one_hot.shape[-1]


def cosines(truth):
    lengths = np.linalg.norm(truth, axis=1) * np.linalg.norm(PROBABILITIES, axis=1)
    return (truth * PROBABILITIES).sum(1) / lengths


OFF = TARGETS - PROBABILITIES
ONE_HOT = np.eye(3)[CLASSES]
P_BINARY, Y_BINARY = np.array([[0.9], [0.4]]), np.array([1.0, 1.0])
CASES = {
    ("binary", "mse"): (Y_BINARY, P_BINARY, (0.1**2 + 0.6**2) / 2),
    ("binary", "mae"): (Y_BINARY, P_BINARY, (0.1 + 0.6) / 2),
    ("binary", "binary_crossentropy"): (Y_BINARY, P_BINARY, -(np.log(0.9) + np.log(0.4)) / 2),
    ("binary", "focal"): (
        Y_BINARY,
        P_BINARY,
        -(0.1**2 * np.log(0.9) + 0.6**2 * np.log(0.4)) / 2,
    ),
    ("multiclass", "sparse_categorical_crossentropy"): (
        CLASSES,
        PROBABILITIES,
        -(np.log(0.7) + np.log(0.3)) / 2,
    ),
    ("multiclass", "categorical_crossentropy"): (
        ONE_HOT,
        PROBABILITIES,
        -(np.log(0.7) + np.log(0.3)) / 2,
    ),
    ("multiclass", "focal"): (
        CLASSES,
        PROBABILITIES,
        -(0.3**2 * np.log(0.7) + 0.7**2 * np.log(0.3)) / 2,
    ),
    ("multilabel", "mse"): (MULTIHOT, PROBABILITIES, ((MULTIHOT - PROBABILITIES) ** 2).mean()),
    ("multilabel", "mae"): (MULTIHOT, PROBABILITIES, abs(MULTIHOT - PROBABILITIES).mean()),
    ("multilabel", "binary_crossentropy"): (
        MULTIHOT,
        PROBABILITIES,
        binary_entropy(MULTIHOT, PROBABILITIES).mean(),
    ),
    ("multilabel", "focal"): (
        MULTIHOT,
        PROBABILITIES,
        (abs(MULTIHOT - PROBABILITIES) ** 2 * binary_entropy(MULTIHOT, PROBABILITIES)).mean(),
    ),
    ("regression", "mse"): (TARGETS, PROBABILITIES, ((TARGETS - PROBABILITIES) ** 2).mean()),
    ("regression", "mae"): (TARGETS, PROBABILITIES, abs(TARGETS - PROBABILITIES).mean()),
    ("regression", "huber"): (
        np.array([0.0, 0.0]),
        np.array([[0.5], [3.0]]),
        (0.5**2 / 2 + (3.0 - 0.5)) / 2,
    ),
    ("regression", "log_cosh"): (TARGETS, PROBABILITIES, np.log(np.cosh(OFF)).mean()),
    ("regression", "mape"): (
        TARGETS + 3,
        PROBABILITIES + 3,
        100 * (abs(OFF) / (TARGETS + 3)).mean(),
    ),
    ("regression", "msle"): (
        TARGETS + 3,
        PROBABILITIES,
        (np.log((TARGETS + 4) / (PROBABILITIES + 1)) ** 2).mean(),
    ),
    ("regression", "poisson"): (
        TARGETS,
        PROBABILITIES,
        (PROBABILITIES - TARGETS * np.log(PROBABILITIES)).mean(),
    ),
    ("regression", "cosine_similarity"): (TARGETS, PROBABILITIES, -cosines(TARGETS).mean()),
    ("multilabel", "cosine_similarity"): (MULTIHOT, PROBABILITIES, -cosines(MULTIHOT).mean()),
    ("multiclass", "categorical_hinge"): (CLASSES, PROBABILITIES, (0.5 + 1.3) / 2),
    ("multiclass", "margin"): (  # up to 0.9 for the label's class, above 0.1 for the others
        CLASSES,
        PROBABILITIES,
        (0.2**2 + 0.5 * 0.1**2 + 0.6**2 + 0.5 * 0.5**2) / 2,
    ),
    ("multiclass", "kl_divergence"): (CLASSES, PROBABILITIES, -(np.log(0.7) + np.log(0.3)) / 2),
    ("multiclass", "categorical_focal_crossentropy"): (
        CLASSES,
        PROBABILITIES,
        -0.25 * (0.3**2 * np.log(0.7) + 0.7**2 * np.log(0.3)) / 2,
    ),
}
for task, truth, guess in (
    ("binary", Y_BINARY[:, None], P_BINARY),
    ("multilabel", MULTIHOT, PROBABILITIES),
):
    signs, missed = 2 * truth - 1, (1 - guess) * truth
    CASES[task, "hinge"] = truth, guess, np.maximum(1 - signs * guess, 0).mean()
    CASES[task, "squared_hinge"] = truth, guess, (np.maximum(1 - signs * guess, 0) ** 2).mean()
    CASES[task, "binary_focal_crossentropy"] = CASES[task, "focal"]
for task, labels, truth, guess in (
    ("binary", Y_BINARY, Y_BINARY[:, None], P_BINARY),
    ("multilabel", MULTIHOT, MULTIHOT, PROBABILITIES),
    ("multiclass", CLASSES, ONE_HOT, PROBABILITIES),
):
    both = (truth * guess).sum()
    CASES[task, "dice"] = labels, guess, 1 - 2 * both / (truth.sum() + guess.sum())
    wrong = 0.5 * ((1 - truth) * guess).sum() + 0.5 * (truth * (1 - guess)).sum()
    CASES[task, "tversky"] = labels, guess, 1 - both / (both + wrong)


def test_every_loss_has_a_case_for_every_task_that_it_fits():
    known = {(task, name) for name, tasks in LOSSES.items() for task in tasks}
    tested_elsewhere = {("detection", "focal_giou")}  # test_detection.py
    tested_elsewhere |= {pair for pair in known if pair[0] in PLACE_TASKS}  # test_names.py
    assert set(CASES) == known - tested_elsewhere


@pytest.mark.parametrize(("task", "loss"), CASES)
def test_a_loss_has_the_value_of_its_formula(task, loss):
    y_true, y_pred, expected = CASES[task, loss]
    assert loss_of(y_true, y_pred, task=task, loss=loss) == pytest.approx(expected, rel=1e-5)


SMOOTHED = smooth(ONE_HOT, 0.1)
SMOOTH_CASES = {
    ("multiclass", "sparse_categorical_crossentropy"): (
        CLASSES,
        -(SMOOTHED * np.log(PROBABILITIES)).sum(-1).mean(),
    ),
    ("multiclass", "categorical_crossentropy"): (
        ONE_HOT,
        -(SMOOTHED * np.log(PROBABILITIES)).sum(-1).mean(),
    ),
    ("multiclass", "categorical_focal_crossentropy"): (
        CLASSES,
        -0.25 * (SMOOTHED * (1 - PROBABILITIES) ** 2 * np.log(PROBABILITIES)).sum(-1).mean(),
    ),
    ("multiclass", "focal"): (
        CLASSES,
        -(SMOOTHED * (1 - PROBABILITIES) ** 2 * np.log(PROBABILITIES)).sum(-1).mean(),
    ),
    ("multilabel", "binary_crossentropy"): (
        MULTIHOT,
        binary_entropy(MULTIHOT * 0.9 + 0.05, PROBABILITIES).mean(),
    ),
}


@pytest.mark.parametrize(("task", "loss"), SMOOTH_CASES)
def test_label_smoothing_has_the_value_of_its_formula(task, loss):
    y_true, expected = SMOOTH_CASES[task, loss]
    got = loss_of(y_true, PROBABILITIES, task=task, loss=loss, label_smoothing=0.1)
    assert got == pytest.approx(expected, rel=1e-5)


def test_binary_label_smoothing_has_the_value_of_its_formula():
    got = loss_of(Y_BINARY, P_BINARY, task="binary", label_smoothing=0.2)
    assert got == pytest.approx(binary_entropy(0.9, P_BINARY).mean(), rel=1e-5)


@pytest.mark.parametrize("loss", ["categorical_crossentropy", "kl_divergence", "dice"])
def test_a_loss_of_rows_takes_class_indices_and_rows(loss):
    indices = loss_of(CLASSES, PROBABILITIES, loss=loss)
    for labels in (CLASSES[:, None], ONE_HOT):
        assert loss_of(labels, PROBABILITIES, loss=loss) == pytest.approx(indices, rel=1e-6)


METRICS = {
    "binary": (Y_BINARY, P_BINARY, "accuracy", 0.5),
    "multiclass": (np.array([0, 2]), PROBABILITIES, "accuracy", 1.0),
    "multilabel": (MULTIHOT, PROBABILITIES, "accuracy", 5 / 6),
    "regression": (np.array([1.0, 2.0]), np.array([[0.5], [4.0]]), "mae", 1.25),
}


@pytest.mark.parametrize("task", TASKS)
def test_the_default_metric_measures_what_the_task_asks(task):
    y_true, y_pred, name, expected = METRICS[task]
    model = compile_model(network(), task=task)
    (metric,) = model._compile_metrics._user_metrics
    assert metric.name == name
    assert float(metric(y_true, y_pred)) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("loss", "label"),
    [("categorical_crossentropy", ONE_HOT), ("sparse_categorical_crossentropy", CLASSES)],
)
def test_accuracy_fits_the_labels_of_the_loss(loss, label):
    model = compile_model(network(), loss=loss)
    x = np.random.default_rng(0).normal(size=(2, 4)).astype("float32")
    accuracy = model.evaluate(x, label, verbose=0)[1]
    expected = (model(x).numpy().argmax(-1) == CLASSES).mean()
    assert accuracy == pytest.approx(expected)


def test_metrics_and_losses_of_keras_pass_through():
    metrics = ["accuracy", keras.metrics.SparseTopKCategoricalAccuracy(2, name="top2")]
    loss = keras.losses.SparseCategoricalCrossentropy()
    model = compile_model(network(), loss=loss, metrics=metrics)
    x = np.zeros((6, 4), "float32")
    results = model.evaluate(x, np.arange(6) % 3, verbose=0, return_dict=True)
    assert results.keys() == {"loss", "accuracy", "top2"}
    assert model.loss is loss


def test_without_a_profile_keras_chooses_how_to_run():
    plain = network()
    plain.compile(loss="mse")
    model = compile_model(network())
    assert (model.jit_compile, model.steps_per_execution) == (plain.jit_compile, 1)
    model = compile_model(network(), jit_compile=True, steps_per_execution=8)
    assert (model.jit_compile, model.steps_per_execution) == (True, 8)


def several_optimizers():
    return keras.optimizers.MultiOptimizer(keras.optimizers.OptimizerMap(keras.optimizers.SGD()))


BAD = [
    ({"task": "ranking"}, "task must be one of: .* task='ranking'"),
    ({"optimizer": "adma"}, "optimizer='adma'.* Did you mean 'adam'"),
    ({"optimizer": None}, "optimizer=None"),
    ({"learning_rate": 0}, "learning_rate must be a number above 0. Received: learning_rate=0"),
    ({"learning_rate": "fast"}, "learning_rate='fast'"),
    ({"learning_rate": float("nan")}, "learning_rate=nan"),
    ({"learning_rate": float("inf")}, "learning_rate=inf"),
    ({"learning_rate": True}, "learning_rate=True"),
    ({"weight_decay": -0.1}, "weight_decay must be a number of at least 0. .*=-0.1"),
    ({"clipnorm": 0.0}, "clipnorm must be a number above 0. .*=0.0"),
    ({"global_clipnorm": -1}, "global_clipnorm must be a number above 0. .*=-1"),
    (
        {"clipnorm": 1, "global_clipnorm": 2.5},
        "cannot be used together.* Received: clipnorm=1, global_clipnorm=2.5",
    ),
    (
        {"gradient_accumulation_steps": 0},
        "steps must be a whole number of at least 1. .*gradient_accumulation_steps=0",
    ),
    ({"gradient_accumulation_steps": 2.0}, "gradient_accumulation_steps=2.0"),
    ({"loss": "crossentropy"}, "loss='crossentropy'.* Did you mean 'binary_crossentropy'"),
    ({"loss": 3}, "loss must be a name or a keras.losses.Loss. Received: loss=3"),
    ({"loss": "mse"}, "loss='mse' cannot compare .*'multiclass'.* use one of: categorical"),
    ({"task": "regression", "loss": "focal"}, "loss='focal' .*'regression'.*: mse, mae, huber"),
    ({"metrics": "accuracy"}, r"metrics must be a list, .* metrics='accuracy'"),
    ({"metrics": ["acuracy"]}, "Received: metrics='acuracy'. Did you mean 'accuracy'"),
    (
        {"metrics": ["rmse"]},
        "metrics='rmse' cannot compare .*'multiclass'.* one of: accuracy, prec",
    ),
    (
        {"task": "regression", "metrics": ["precision"]},
        "metrics='precision' cannot compare .* task='regression'.* one of: mae, mse, rmse",
    ),
    (
        {"task": "binary", "metrics": ["TopKCategoricalAccuracy"]},
        "='TopKCategoricalAccuracy' cannot",
    ),
    ({"metrics": ["IoU"]}, "metrics for task='multiclass' .* or an object of Keras.*='IoU'"),
    ({"loss": "circle"}, "loss='circle' cannot compare the labels of task='multiclass'"),
    ({"target_scale": (0, 1)}, r"target_scale=\(0, 1\), task='multiclass'"),
    ({"task": "regression", "target_scale": (0, 0)}, r"target_scale=\(0, 0\)"),
    ({"task": "regression", "target_scale": 3}, "target_scale=3"),
    ({"task": "regression", "target_scale": (1, float("inf"))}, r"target_scale=\(1, inf\)"),
    ({"task": "regression", "target_scale": ((1, 2), (1, 2, 3))}, r"\(1, 2, 3\)"),
    ({"metrics": [3]}, "metrics must hold names or Keras metrics. Received: 3"),
    ({"label_smoothing": 1.0}, r"label_smoothing must be in \[0, 1\). Received: .*=1.0"),
    ({"task": "regression", "label_smoothing": 0.1}, "label_smoothing=0.1 works with .*'mse'"),
    (
        {"loss": keras.losses.SparseCategoricalCrossentropy(), "label_smoothing": 0.1},
        "label_smoothing=0.1 works with a cross-entropy or focal loss given by name",
    ),
    ({"jit_compile": "yes"}, "jit_compile must be True, False or 'auto'. .*='yes'"),
    ({"steps_per_execution": 0}, "steps_per_execution must be .* Received: .*=0"),
    ({"learnig_rate": 0.1}, "no option 'learnig_rate'. Did you mean 'learning_rate'"),
    ({"seed": 1}, "compile_model has no option 'seed'"),
    ({"rematerialize": True}, "compile_model has no option 'rematerialize'"),
    (
        {"optimizer": keras.optimizers.SGD(), "gradient_accumulation_steps": 2},
        r"gradient_accumulation_steps=2 cannot .*SGD\(gradient_accumulation_steps=...\)",
    ),
    (
        {"optimizer": keras.optimizers.SGD(), "learning_rate": 0.1},
        r"learning_rate=0.1 cannot be used .*SGD\(learning_rate=...\)",
    ),
    (
        {"optimizer": several_optimizers(), "clipnorm": 0.1},
        "clipnorm=0.1 cannot be used .*, here MultiOptimizer, .*: give it to those it is made of",
    ),
]


@pytest.mark.parametrize(("options", "message"), BAD)
def test_a_bad_option_is_named_with_its_value(options, message):
    with pytest.raises(InputError, match=message):
        compile_model(network(), **options)


@pytest.mark.parametrize(
    "options", [{"loss": "cosine_similarity"}, {"metrics": ["mae", "PearsonCorrelation"]}]
)
def test_what_needs_several_outputs_is_refused_for_one(options):
    compile_model(network(2, None), task="regression", **options)
    with pytest.raises(InputError, match=r"' compares several numbers .* gives one; use mae"):
        compile_model(network(1, None), task="regression", **options)


def test_a_scaled_regression_answers_in_units_and_learns_in_deviations():
    """By hand: outputs are mean + deviation * network, and the loss is that of standard scores."""
    plain = network(2, None)
    scale = (300.0, -1.0), (100.0, 0.01)
    model = compile_model(plain, task="regression", metrics=["mae"], target_scale=scale)
    x = np.random.default_rng(0).normal(size=(5, 4)).astype("float32")
    y = np.array([[200, -1.02], [300, -1], [350, -0.99], [410, -1.01], [90, -1]])
    raw = plain.predict(x, verbose=0)
    np.testing.assert_allclose(
        model.predict(x, verbose=0), raw * scale[1] + np.array(scale[0]), rtol=1e-5
    )
    results = model.evaluate(x, y, verbose=0, return_dict=True)
    off = raw - (y - scale[0]) / np.array(scale[1])
    assert results["loss"] == pytest.approx((off**2).mean(), rel=1e-4)
    assert results["mae"] == pytest.approx(abs(off * scale[1]).mean(), rel=1e-4)
    for loss, expected in (("mae", abs(off).mean()), ("mape", None)):
        made = compile_model(plain, task="regression", loss=loss, target_scale=scale)
        got = made.evaluate(x, y, verbose=0)[0]
        assert got == pytest.approx(expected, rel=1e-4) if expected else got > 0


def test_check_options_fills_in_what_the_task_decides():
    assert check_compile_options(task="binary")["loss"] == "binary_crossentropy"
    assert check_compile_options(optimizer="lion")["optimizer"] == "lion"


@pytest.mark.parametrize(
    "options",
    [
        {"task": "multiclass", "label_smoothing": 0.1},
        {"task": "regression", "loss": "mae", "target_scale": (3.0, 2.0)},
        {"task": "binary", "loss": "focal"},
    ],
)
def test_a_loss_alone_is_the_one_that_a_model_is_compiled_with(options):
    layers = [keras.Input((2,)), keras.layers.Dense(1 if options["task"] != "multiclass" else 3)]
    model = compile_model(keras.Sequential(layers), **options)
    made = make_loss(**options)
    assert type(made) is type(model.loss)
    assert made.get_config() == model.loss.get_config()
    with pytest.raises(InputError, match="label_smoothing=2"):
        make_loss(label_smoothing=2)
