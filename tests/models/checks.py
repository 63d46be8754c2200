"""What every builder has to pass, whatever its family: each check runs over the registry."""

import inspect
import random
from unittest import mock

import keras
import numpy as np
import tensorflow as tf

from dlkit.models.building import builder_function, find_builder
from dlkit.models.image.inception import MODULES
from dlkit.models.registry import dtype_policy

CLASSES = {"binary": 2, "multiclass": 3, "multilabel": 4, "regression": 2}
CLASSES |= {"detection": 3, "segmentation": 3}  # of objects, and of pixels
CLASSES |= {"language_model": 7}  # tokens
# The loss that memorizing a tiny batch has to reach.
MEMORIZED = {
    "binary": 0.1,
    "multiclass": 0.1,
    "multilabel": 0.15,
    "regression": 0.05,
    "detection": 0.5,
    "segmentation": 0.1,
    "language_model": 0.4,
}
# Layers that compute in float32 under mixed precision too.
OUTPUTS = {"predictions", "detections", "pixels", "seasonal", "trend"}
# Builders whose classes each have a number in [0, 1] of their own, and no shares of 1.
NO_SHARES = ("capsnet",)
# What a test_config cannot say: one of GoogLeNet's modules a stage does what nine would.
SMALLER = {"inception": {"MODULES": tuple(stage[:1] for stage in MODULES)}}


def make(name, task, **options):
    """Build the tiny model of a builder's test_config, run as Keras would by itself."""
    info = find_builder(name)
    build = builder_function(info)
    settings = {"seed": 1, "jit_compile": False, "steps_per_execution": 1, **info.test_config}
    shape = settings.pop("input_shape")
    if "backbone" in settings:
        with dtype_policy(options.get("mixed_precision")):
            settings["backbone"] = small_backbone(shape)
    with mock.patch.dict(inspect.unwrap(build).__globals__, SMALLER.get(name, {})):
        return build(shape, CLASSES[task], task=task, **{**settings, **options})


def takes(name, options):
    """Return those of the options that a builder has."""
    own = inspect.signature(builder_function(find_builder(name))).parameters
    return {option: value for option, value in options.items() if option in own}


def small_backbone(shape):
    """Return a network in the place of Keras's own, which have millions of weights."""
    inputs = x = keras.Input(shape)
    for number, filters in enumerate((4, 8)):
        draw = keras.initializers.HeNormal(seed=number)
        x = keras.layers.Conv2D(filters, 3, 2, kernel_initializer=draw)(x)
        x = keras.layers.ReLU()(keras.layers.BatchNormalization()(x))
    return keras.Model(inputs, x, name="backbone")


def batch(model, task, size):
    """Return inputs and labels of the right form, the same each time."""
    rng = np.random.default_rng(0)
    x = inputs_for(model, rng, size)
    if task == "multilabel":
        return x, rng.integers(0, 2, (size, CLASSES[task])).astype("float32")
    if task == "regression":
        return x, rng.normal(size=(size, CLASSES[task])).astype("float32")
    if task == "detection":
        return x, boxes(rng, size)
    if task == "language_model":
        return x, rng.integers(0, CLASSES[task], x.shape)
    if task == "segmentation":
        return x, rng.integers(0, CLASSES[task], x.shape[:-1])
    return x, np.arange(size) % CLASSES[task]


def inputs_for(model, rng, size):
    """Return numbers, or tokens of which every second row has padding at its end."""
    shape = (size, *(axis or 6 for axis in model.input_shape[1:]))
    if "int" not in model.inputs[0].dtype:
        return rng.normal(size=shape).astype("float32")
    embedding = next(layer for layer in model.layers if hasattr(layer, "input_dim"))
    x = rng.integers(1, embedding.input_dim, shape).astype("int32")
    x[1::2, -2:] = 0
    return x


def boxes(rng, size):
    """Return the boxes of two objects an image, and room for a third."""
    low = rng.uniform(0, 0.5, (size, 3, 2))
    edges = np.concatenate([low, low + rng.uniform(0.2, 0.5, low.shape)], axis=-1)
    classes = rng.integers(0, CLASSES["detection"], (size, 3))
    edges[:, 2], classes[:, 2] = 0, -1
    return {"boxes": edges.astype("float32"), "classes": classes}


def outputs_of(model, x):
    answer = model(x) if isinstance(model, keras.Function) else model(x, training=False)
    return keras.tree.map_structure(keras.ops.convert_to_numpy, answer)


def check_boxes(found, alone):
    """Boxes inside their images, the surest first, and what is none says so."""
    assert {name: array.shape for name, array in found.items()} == {
        "boxes": (3, 5, 4),
        "classes": (3, 5),
        "scores": (3, 5),
    }
    for name, array in found.items():
        np.testing.assert_allclose(alone[name], array[:1], atol=1e-5)
    there = found["classes"] >= 0
    assert there.any() and (found["classes"] < CLASSES["detection"]).all()
    assert (found["scores"] > 0).tolist() == there.tolist()
    assert (np.diff(found["scores"]) <= 0).all() and (found["scores"] <= 1).all()
    assert (found["boxes"] >= 0).all() and (found["boxes"] <= 1).all()
    assert (found["boxes"][there][:, :2] < found["boxes"][there][:, 2:]).all()
    assert not found["boxes"][~there].any()
    assert np.ptp(found["scores"], axis=0).max() > 1e-5  # it looks at its input


def check_outputs(name, task):
    """Probabilities or numbers of the right shape, and a sample's does not depend on its batch."""
    model = make(name, task)
    x, _ = batch(model, task, 3)
    y = outputs_of(model, x)
    if task == "detection":
        return check_boxes(y, outputs_of(model, x[:1]))
    places = {"segmentation": x.shape[1:-1], "language_model": x.shape[1:]}.get(task, ())
    assert y.shape == (3, *places, 1 if task == "binary" else CLASSES[task])
    assert y.dtype == np.float32
    np.testing.assert_allclose(outputs_of(model, x[:1]), y[:1], atol=1e-5)
    if task in ("multiclass", "segmentation", "language_model") and name not in NO_SHARES:
        np.testing.assert_allclose(y.sum(-1), 1.0, atol=1e-5)
    if task != "regression":
        assert (y >= 0).all() and (y <= 1).all()
    assert np.ptp(y, axis=0).max() > 1e-4  # it looks at its input


def gradients_of(model, x, y):
    with tf.GradientTape() as tape:
        loss = model.compute_loss(x, y, model(x, training=True))
    return loss, tape.gradient(loss, [weight.value for weight in model.trainable_variables])


def check_gradients(name, task):
    """Every trainable weight gets a gradient that is finite and not zero."""
    model = make(name, task)
    _, gradients = gradients_of(model, *batch(model, task, 16))
    for weight, gradient in zip(model.trainable_variables, gradients, strict=True):
        assert gradient is not None, weight.path
        values = keras.ops.convert_to_numpy(gradient)
        assert np.isfinite(values).all(), weight.path
        assert np.any(values != 0), weight.path


def plain(name):
    """Return options that leave out what makes training noisy or its loss other than the task's."""
    return {"label_smoothing": 0.0, **takes(name, {"dropout": 0.0})}


def check_memorizes(name, task, steps=300):
    """A tiny batch is learned by heart, and one step already changes every weight."""
    model = make(name, task, optimizer="adam", learning_rate=0.01, **plain(name))
    x, y = batch(model, task, 4)
    before = [w.numpy() for w in model.trainable_variables]
    model.train_on_batch(x, y)
    for old, weight in zip(before, model.trainable_variables, strict=True):
        assert np.any(old != weight.numpy()), weight.path
    losses = (model.train_on_batch(x, y)[0] for _ in range(steps))
    assert any(loss < MEMORIZED[task] for loss in losses)


def check_round_trip(name, task, path):
    """A saved model predicts the same, and goes on training the same.

    Without dropout: Keras leaves the state of its random generators out of a `.keras` file.
    """
    model = make(name, task, **plain(name))
    x, y = batch(model, task, 6)
    model.train_on_batch(x, y)
    model.save(path)
    again = keras.saving.load_model(path, safe_mode=True)
    keras.tree.map_structure(
        np.testing.assert_array_equal, outputs_of(again, x), outputs_of(model, x)
    )
    assert again.train_on_batch(x, y)[0] == model.train_on_batch(x, y)[0]
    for one, other in zip(model.weights, again.weights, strict=True):
        np.testing.assert_array_equal(one.numpy(), other.numpy())


def check_seed(name, task):
    """One seed, the same weights, whatever was drawn before; another seed, others."""
    random.seed(5)
    first = make(name, task, seed=1)
    drawn = random.random()
    second = make(name, task, seed=1)
    other = make(name, task, seed=2)
    random.seed(5)
    assert drawn == random.random()  # building left the global state alone
    for one, two in zip(first.variables, second.variables, strict=True):
        np.testing.assert_array_equal(one.numpy(), two.numpy())
    assert any(
        np.any(one.numpy() != two.numpy())
        for one, two in zip(first.trainable_variables, other.trainable_variables, strict=True)
    )


def check_mixed_precision(name, task):
    """Under mixed precision the layers compute in bfloat16, weights and predictions are float32."""
    model = make(name, task, mixed_precision="mixed_bfloat16")
    assert keras.config.dtype_policy().name == "float32"
    inner = {layer.compute_dtype for layer in model.layers[1:] if layer.name not in OUTPUTS}
    assert inner <= {"bfloat16"}
    x, y = batch(model, task, 4)
    assert np.isfinite(model.train_on_batch(x, y)[0])
    assert {w.dtype for w in model.trainable_variables} == {"float32"}
    full = make(name, task)
    full.set_weights(model.get_weights())
    if task == "detection":  # maps, since what is nearly as hot may come in another order
        model, full = model.to_maps, full.to_maps
    np.testing.assert_allclose(outputs_of(model, x), outputs_of(full, x), atol=0.1)
    assert outputs_of(model, x).dtype == np.float32


def check_accumulation(name, task, norm=0.01):
    """The step of two half batches is that of the whole one, cut to the norm that is asked for.

    Without batch normalization, which sees the halves.
    """
    options = {"optimizer": "sgd", "learning_rate": 1.0, "global_clipnorm": norm, **plain(name)}
    options |= takes(name, {"normalization": "none", "stochastic_depth": 0.0})
    whole = make(name, task, **options)
    halves = make(name, task, gradient_accumulation_steps=2, **options)
    x, y = batch(whole, task, 6)
    before = [weight.numpy() for weight in whole.trainable_variables]
    for model, size in ((whole, 6), (halves, 3)):
        model.run_eagerly = True
        for start in range(0, 6, size):
            rows = slice(start, start + size)
            part = keras.tree.map_structure(lambda array, rows=rows: array[rows], y)
            model.train_on_batch(x[rows], part)
    squares = 0.0
    for old, one, other in zip(
        before, whole.trainable_variables, halves.trainable_variables, strict=True
    ):
        np.testing.assert_allclose(other.numpy() - old, one.numpy() - old, atol=1e-3 * norm)
        squares += np.square(one.numpy() - old, dtype="float64").sum()
    np.testing.assert_allclose(np.sqrt(squares), norm, rtol=1e-3)


# What makes each training step another one, or its loss the sum of several.
NOISY = {"dropout": 0.3, "stochastic_depth": 0.3, "auxiliary": True}


def check_rematerialized(name, task, path):
    """Activations that are computed again give the same gradients, statistics and masks.

    Twice, since a random generator that was moved on too far would show the second time.
    """
    models = [make(name, task, rematerialize=on, **takes(name, NOISY)) for on in (False, True)]
    x, y = batch(models[0], task, 6)
    for _ in range(2):
        (loss, kept), (same, again) = (gradients_of(model, x, y) for model in models)
        np.testing.assert_allclose(same, loss, rtol=1e-5)
        largest = max(np.abs(gradient).max() for gradient in kept)
        for one, other in zip(kept, again, strict=True):
            np.testing.assert_allclose(other, one, rtol=1e-3, atol=1e-4 * largest)
    for one, other in zip(*(model.variables for model in models), strict=True):
        np.testing.assert_allclose(other.numpy(), one.numpy(), rtol=1e-5, atol=1e-6)
    models[1].save(path)
    loaded = keras.saving.load_model(path, safe_mode=True)
    keras.tree.map_structure(
        np.testing.assert_array_equal, outputs_of(loaded, x), outputs_of(models[1], x)
    )


def check_xla(name, task):
    """A step that XLA compiled changes the weights as the plain step does."""
    options = {"optimizer": "sgd", **plain(name)}
    models = [make(name, task, jit_compile=jit, **options) for jit in (False, True)]
    x, y = batch(models[0], task, 6)
    losses = [model.train_on_batch(x, y)[0] for model in models]
    np.testing.assert_allclose(losses[1], losses[0], rtol=1e-4)
    for one, other in zip(*(model.weights for model in models), strict=True):
        np.testing.assert_allclose(one.numpy(), other.numpy(), atol=1e-4)
