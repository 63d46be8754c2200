"""The shared blocks against NumPy and against the formulas of their papers."""

import math

import keras
import numpy as np
import pytest

from dlkit.errors import InputError
from dlkit.models import blocks

RNG = np.random.default_rng(3)
X = np.linspace(-3, 3, 13)


def softmax(x):
    e = np.exp(x - x.max())
    return e / e.sum()


GELU = np.array([x * 0.5 * (1 + math.erf(x / math.sqrt(2))) for x in X])
ACTIVATIONS = {
    "relu": np.maximum(X, 0),
    "leaky_relu": np.where(X > 0, X, 0.2 * X),
    "sigmoid": 1 / (1 + np.exp(-X)),
    "tanh": np.tanh(X),
    "softmax": softmax(X),
    "gelu": GELU,
    "swish": X / (1 + np.exp(-X)),
    "elu": np.where(X > 0, X, np.exp(X) - 1),
    "linear": X,
    "celu": np.where(X > 0, X, np.exp(X) - 1),
    "exponential": np.exp(X),
    "hard_shrink": np.where(abs(X) > 0.5, X, 0),
    "hard_sigmoid": np.clip(X + 3, 0, 6) / 6,
    "hard_silu": X * np.clip(X + 3, 0, 6) / 6,
    "hard_swish": X * np.clip(X + 3, 0, 6) / 6,
    "hard_tanh": np.clip(X, -1, 1),
    "log_sigmoid": -np.log1p(np.exp(-X)),
    "log_softmax": np.log(softmax(X)),
    "mish": X * np.tanh(np.log1p(np.exp(X))),
    "relu6": np.clip(X, 0, 6),
    "selu": 1.05070099 * np.where(X > 0, X, 1.67326324 * (np.exp(X) - 1)),
    "silu": X / (1 + np.exp(-X)),
    "soft_shrink": np.sign(X) * np.maximum(abs(X) - 0.5, 0),
    "softplus": np.log1p(np.exp(X)),
    "softsign": X / (1 + abs(X)),
    "sparse_plus": np.where(X > 1, X, np.maximum(X + 1, 0) ** 2 / 4),
    "sparse_sigmoid": np.clip((X + 1) / 2, 0, 1),
    "squareplus": (X + np.sqrt(X**2 + 4)) / 2,
    "tanh_shrink": X - np.tanh(X),
}


def test_every_activation_has_a_formula():
    assert ACTIVATIONS.keys() == set(blocks.ACTIVATIONS)


@pytest.mark.parametrize("name", blocks.ACTIVATIONS)
def test_an_activation_has_the_values_of_its_formula(name):
    got = blocks.activate(keras.ops.array(X[None], "float32"), name)
    np.testing.assert_allclose(got[0], ACTIVATIONS[name], atol=1e-6)


FAN_IN, FAN_OUT = 300, 200
NORMAL = {
    "random": 0.05,
    "random_normal": 0.05,
    "glorot_normal": math.sqrt(2 / (FAN_IN + FAN_OUT)),
    "he": math.sqrt(2 / FAN_IN),
    "he_normal": math.sqrt(2 / FAN_IN),
    "lecun_normal": math.sqrt(1 / FAN_IN),
}
UNIFORM = {
    "random_uniform": 0.05,
    "glorot": math.sqrt(6 / (FAN_IN + FAN_OUT)),
    "glorot_uniform": math.sqrt(6 / (FAN_IN + FAN_OUT)),
    "he_uniform": math.sqrt(6 / FAN_IN),
    "lecun": math.sqrt(3 / FAN_IN),
    "lecun_uniform": math.sqrt(3 / FAN_IN),
}


def draw(name, shape=(FAN_IN, FAN_OUT)):
    return keras.ops.convert_to_numpy(blocks.initializer(name)(shape))


@pytest.mark.parametrize(("name", "deviation"), NORMAL.items())
def test_a_normal_initializer_has_its_deviation(name, deviation):
    values = draw(name)
    assert values.std() == pytest.approx(deviation, rel=0.02)
    assert abs(values.mean()) < 4 * deviation / math.sqrt(values.size)
    assert abs(values).max() > 1.9 * deviation  # a uniform one would end at 1.73


@pytest.mark.parametrize(("name", "limit"), UNIFORM.items())
def test_a_uniform_initializer_fills_its_interval(name, limit):
    values = draw(name)
    assert abs(values).max() == pytest.approx(limit, rel=0.001)
    assert abs(values).max() <= limit * 1.000001
    assert values.std() == pytest.approx(limit / math.sqrt(3), rel=0.02)


TRUNCATED = {"truncated_normal": 0.05 * 0.8796, "variance_scaling": math.sqrt(1 / FAN_IN)}


@pytest.mark.parametrize(("name", "deviation"), TRUNCATED.items())
def test_a_truncated_initializer_ends_at_two_deviations(name, deviation):
    values = draw(name)
    assert values.std() == pytest.approx(deviation, rel=0.02)
    assert 2.2 * deviation < abs(values).max() <= 2 / 0.8796 * deviation * 1.001


@pytest.mark.parametrize(
    ("name", "plain"),
    [("xavier", "glorot"), ("xavier_normal", "glorot_normal"), ("kaiming_uniform", "he_uniform")],
)
def test_a_method_goes_by_its_authors_first_name_too(name, plain):
    assert type(blocks.initializer(name)) is type(blocks.initializer(plain))


def test_zeros_and_orthogonal_are_what_they_say():
    assert not draw("zeros").any()
    assert (draw("ones") == 1).all()
    np.testing.assert_array_equal(draw("identity"), np.eye(FAN_IN, FAN_OUT))
    columns = draw("orthogonal")
    np.testing.assert_allclose(columns.T @ columns, np.eye(FAN_OUT), atol=1e-5)


def test_every_initializer_is_covered():
    others = {*TRUNCATED, "zeros", "ones", "orthogonal", "identity"}
    assert {*NORMAL, *UNIFORM, *others} == set(blocks.INITIALIZERS)
    named = {name for name in vars(keras.initializers) if name.islower() and name[0] != "_"}
    # constant needs its value, stft is for a layer of its own
    assert named - others - {*NORMAL, *UNIFORM} == {"constant", "stft", *GETTERS}


GETTERS = ("deserialize", "get", "serialize")


def model_of(shape, block):
    inputs = keras.Input(shape)
    return keras.Model(inputs, block(inputs))


def test_penalties_have_the_values_of_their_formulas():
    model = model_of((3,), lambda x: blocks.dense(x, 2, l1=0.1, l2=0.5))
    kernel = RNG.normal(size=(3, 2))
    model.layers[1].kernel.assign(kernel)
    expected = 0.1 * abs(kernel).sum() + 0.5 * (kernel**2).sum()
    assert float(sum(model.losses)) == pytest.approx(expected, rel=1e-5)
    assert blocks.regularizer() is None


def normalized(x, axes, epsilon=1e-3):
    mean, variance = x.mean(axes, keepdims=True), x.var(axes, keepdims=True)
    return (x - mean) / np.sqrt(variance + epsilon)


IMAGES = RNG.normal(2.0, 3.0, size=(5, 4, 3, 8))
# batch, height, width, groups, channels of a group
GROUPED = IMAGES.reshape(5, 4, 3, 2, 4)
NORMALIZED = {
    "none": IMAGES,
    "weight": IMAGES,
    "batch": normalized(IMAGES, (0, 1, 2)),
    "layer": normalized(IMAGES, 3),
    "group": normalized(GROUPED, (1, 2, 4)).reshape(IMAGES.shape),
    "instance": normalized(IMAGES, (1, 2)),
}


def test_every_normalization_has_a_formula():
    assert NORMALIZED.keys() == set(blocks.NORMALIZATIONS)


@pytest.mark.parametrize("name", blocks.NORMALIZATIONS)
def test_a_normalization_has_the_values_of_its_formula(name):
    model = model_of((4, 3, 8), lambda x: blocks.normalize(x, name))
    got = keras.ops.convert_to_numpy(model(IMAGES.astype("float32"), training=True))
    np.testing.assert_allclose(got, NORMALIZED[name], atol=1e-4)


def test_batch_normalization_predicts_with_the_mean_of_what_it_saw():
    model = model_of((4, 3, 8), lambda x: blocks.normalize(x, "batch"))
    for _ in range(1500):
        model(IMAGES.astype("float32"), training=True)
    got = keras.ops.convert_to_numpy(model(IMAGES.astype("float32"), training=False))
    np.testing.assert_allclose(got, NORMALIZED["batch"], atol=1e-3)


@pytest.mark.parametrize(
    ("channels", "groups"), [(8, 2), (64, 16), (128, 32), (256, 32), (7, 1), (3, 1), (20, 5)]
)
def test_groups_hold_at_least_four_channels(channels, groups):
    model = model_of((channels,), lambda x: blocks.normalize(x, "group"))
    assert model.layers[1].groups == groups


@pytest.mark.parametrize("normalization", [n for n in blocks.NORMALIZATIONS if n != "instance"])
def test_a_dense_block_is_affine_then_normalization_then_activation(normalization):
    model = model_of((3,), lambda x: blocks.dense(x, 8, normalization=normalization))
    x, kernel = RNG.normal(size=(6, 3)), RNG.normal(size=(3, 8))
    layer = model.layers[1]
    if normalization == "weight":
        layer.gain.assign(np.linalg.norm(kernel, axis=0, keepdims=True))
        layer = layer.layer
    layer.kernel.assign(kernel)
    linear = x @ kernel
    formulas = {
        "batch": lambda: normalized(linear, 0),
        "layer": lambda: normalized(linear, 1),
        "group": lambda: normalized(linear.reshape(6, 2, 4), 2).reshape(6, 8),
    }
    expected = np.maximum(formulas.get(normalization, lambda: linear)(), 0)
    got = keras.ops.convert_to_numpy(model(x.astype("float32"), training=True))
    np.testing.assert_allclose(got, expected, atol=2e-5)
    assert layer.use_bias == (normalization in ("none", "weight"))


def test_dropout_scales_what_it_keeps():
    model = model_of((20_000,), lambda x: blocks.drop(x, 0.25))
    values = keras.ops.convert_to_numpy(model(np.ones((1, 20_000), "float32"), training=True))
    np.testing.assert_allclose(np.unique(values), [0, 1 / 0.75], rtol=1e-6)
    assert (values == 0).mean() == pytest.approx(0.25, abs=0.02)


def test_dropped_channels_are_the_same_ones_at_each_step():
    model = model_of((6, 2000), lambda x: blocks.drop_channels(x, 0.25))
    values = keras.ops.convert_to_numpy(model(np.ones((2, 6, 2000), "float32"), training=True))
    np.testing.assert_array_equal(values, np.repeat(values[:, :1], 6, axis=1))
    assert (values == 0).mean() == pytest.approx(0.25, abs=0.05)
    assert np.any(values[0] != values[1])


def test_batch_normalization_leaves_padding_out_of_its_mean_and_variance():
    inputs, mask = keras.Input((5, 2)), keras.Input((5,), dtype="bool")
    model = keras.Model([inputs, mask], blocks.normalize(inputs, "batch", mask=mask))
    x, there = RNG.normal(size=(3, 5, 2)), np.arange(5) < np.array([[5], [2], [3]])
    x[~there] = 100
    got = keras.ops.convert_to_numpy(model([x, there], training=True))
    real = x[there]
    wanted = (real - real.mean(axis=0)) / np.sqrt(real.var(axis=0) + 1e-3)
    np.testing.assert_allclose(got[there], wanted, rtol=1e-4, atol=1e-5)


def test_a_convolution_is_the_sum_over_its_window():
    model = model_of((4, 4, 2), lambda x: blocks.convolution(x, 3, padding="valid"))
    x, kernel = RNG.normal(size=(1, 4, 4, 2)), RNG.normal(size=(3, 3, 2, 3))
    model.layers[1].kernel.assign(kernel)
    expected = [
        [np.tensordot(x[0, i : i + 3, j : j + 3], kernel, 3) for j in range(2)] for i in range(2)
    ]
    got = keras.ops.convert_to_numpy(model(x.astype("float32")))[0]
    np.testing.assert_allclose(got, expected, atol=1e-4)


HEADS = {
    "binary": (2, 1, lambda z: 1 / (1 + np.exp(-z))),
    "multiclass": (4, 4, lambda z: np.apply_along_axis(softmax, 1, z)),
    "multilabel": (4, 4, lambda z: 1 / (1 + np.exp(-z))),
    "regression": (2, 2, lambda z: z),
}


@pytest.mark.parametrize("task", HEADS)
def test_a_head_is_what_its_task_needs(task):
    num_classes, units, link = HEADS[task]
    model = model_of((5,), lambda x: blocks.head(x, num_classes, task))
    layer = model.get_layer("predictions")
    x, kernel = RNG.normal(size=(3, 5)), RNG.normal(size=(5, units))
    layer.kernel.assign(kernel)
    got = keras.ops.convert_to_numpy(model(x.astype("float32")))
    np.testing.assert_allclose(got, link(x @ kernel), atol=1e-5)


FEATURES = keras.Input((4,))
BAD = [
    (lambda: blocks.initializer("hee"), "kernel_initializer='hee'. Did you mean 'he'"),
    (
        lambda: blocks.convolution(keras.Input((4, 4, 1)), 2, kernel_initializer="identity"),
        "kernel_initializer='identity' is for dense layers",
    ),
    (lambda: blocks.initializer(3), "kernel_initializer=3"),
    (lambda: blocks.activate(FEATURES, "rleu"), "activation='rleu'. Did you mean 'relu'"),
    (lambda: blocks.normalize(FEATURES, "bach"), "normalization='bach'. Did you mean 'batch'"),
    (lambda: blocks.normalize(FEATURES, "instance"), r"'instance' .* shape \(4,\)"),
    (lambda: blocks.dense(FEATURES, 3, l1=-0.1), r"l1 must be in \[0, inf\). .*l1=-0.1"),
    (lambda: blocks.dense(FEATURES, 3, l2="big"), "l2='big'"),
    (lambda: blocks.drop(FEATURES, 1.5), r"dropout must be in \[0, 1\). Received: dropout=1.5"),
    (lambda: blocks.head(FEATURES, 3, "ranking"), "task='ranking'"),
    (lambda: blocks.flatten(keras.Input((None, 4))), r"fixed length.*\(None, 4\)"),
    (lambda: blocks.check_sizes("units", "64"), "units must be whole numbers, .* units='64'"),
    (lambda: blocks.check_sizes("units", 6.5), "units=6.5"),
    (lambda: blocks.check_sizes("units", (64, 0)), r"units\[1\] must be .* Received: .*=0"),
]


@pytest.mark.parametrize(("build", "message"), BAD)
def test_a_bad_value_is_named(build, message):
    with pytest.raises(InputError, match=message):
        build()


def test_one_number_is_one_layer():
    assert blocks.check_sizes("units", 64) == (64,)
