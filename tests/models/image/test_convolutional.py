"""cnn and lenet5 against NumPy and the table of LeNet-5's paper."""

import keras
import numpy as np
import pytest

import dlkit as dk


def weights_by_layer(model):
    return {layer.name: layer.count_params() for layer in model.layers if layer.count_params()}


@pytest.mark.parametrize("shape", [(28, 28, 1), (32, 32, 1), (8, 8, 1)])
def test_lenet5_has_the_weights_of_its_papers_table(shape):
    model = dk.models.lenet5(shape, 10)
    # C1, C3 (with full connections), C5, F6, output
    assert list(weights_by_layer(model).values()) == [156, 2416, 48120, 10164, 850]
    assert model.count_params() == 61_706
    maps = [layer.output.shape[1:] for layer in model.layers if "conv" in layer.name]
    assert maps == [(28, 28, 6), (10, 10, 16), (1, 1, 120)]


def test_lenet5_pads_a_small_image_in_its_middle():
    small = dk.models.lenet5((28, 28, 1), 10)
    full = dk.models.lenet5((32, 32, 1), 10)
    full.set_weights(small.get_weights())
    x = np.random.default_rng(0).normal(size=(2, 28, 28, 1)).astype("float32")
    padded = np.pad(x, ((0, 0), (2, 2), (2, 2), (0, 0)))
    np.testing.assert_allclose(small(x), full(padded), atol=1e-6)


def kinds(model):
    return [type(layer).__name__ for layer in model.layers]


ORDERS = {
    "pool-norm-act": ["MaxPooling2D", "BatchNormalization", "Activation"],
    "act-pool-norm": ["Activation", "MaxPooling2D", "BatchNormalization"],
    "norm-act-pool": ["BatchNormalization", "Activation", "MaxPooling2D"],
}


@pytest.mark.parametrize("order", ORDERS)
def test_a_cnns_block_has_the_order_that_was_asked(order):
    bare = {"filters": (4,), "convs_per_block": 2, "units": (), "dropout": 0.0}
    model = dk.models.cnn((8, 8, 1), 3, order=order, **bare)
    inner = ["BatchNormalization", "Activation"] if order == "norm-act-pool" else ["Activation"]
    block = ["Conv2D", *inner, "Conv2D", *ORDERS[order]]
    assert kinds(model) == ["InputLayer", *block, "Flatten", "Dense"]


def test_a_cnns_convolution_has_a_bias_unless_a_normalization_follows():
    model = dk.models.cnn((8, 8, 1), 3, filters=(4,), convs_per_block=2)
    assert [layer.use_bias for layer in model.layers if "conv" in layer.name] == [True, False]


@pytest.mark.parametrize(
    ("pool", "kind"), [("max", "MaxPooling2D"), ("average", "AveragePooling2D")]
)
def test_a_cnn_halves_down_to_one_pixel(pool, kind):
    model = dk.models.cnn((5, 2, 1), 3, filters=(2, 2, 2, 2), pool=pool, units=())
    shapes = [layer.output.shape[1:3] for layer in model.layers if type(layer).__name__ == kind]
    assert shapes == [(2, 1), (1, 1), (1, 1), (1, 1)]


def test_a_cnn_can_halve_by_strides_or_not_at_all():
    shape = {"filters": (2, 4), "convs_per_block": 2, "units": ()}
    by_stride = dk.models.cnn((8, 8, 1), 3, pool="stride", **shape)
    strides = [layer.strides for layer in by_stride.layers if "conv" in layer.name]
    assert strides == [(1, 1), (2, 2), (1, 1), (2, 2)]
    assert by_stride.get_layer("predictions").input.shape == (None, 2 * 2 * 4)
    whole = dk.models.cnn((8, 8, 1), 3, pool="none", **shape)
    assert whole.get_layer("predictions").kernel.shape == (8 * 8 * 4, 3)


@pytest.mark.parametrize(("name", "reduce"), [("max", np.max), ("average", np.mean)])
def test_a_cnns_global_pool_reduces_the_map(name, reduce):
    model = dk.models.cnn((8, 8, 1), 3, filters=(4,), global_pool=name, units=(), dropout=0.0)
    x = np.random.default_rng(0).normal(size=(2, 8, 8, 1)).astype("float32")
    before = keras.Model(model.input, model.layers[-3].output)(x)
    features = keras.Model(model.input, model.layers[-2].output)(x)
    np.testing.assert_allclose(features, reduce(before.numpy(), axis=(1, 2)), rtol=1e-6)


@pytest.mark.parametrize("normalization", ["none", "layer", "group", "instance", "weight"])
def test_a_cnn_trains_under_every_normalization(normalization, tmp_path):
    options = {"filters": (8,), "units": (8,), "seed": 1, "learning_rate": 0.01}
    model = dk.models.cnn((6, 6, 1), 2, normalization=normalization, dropout=0.0, **options)
    rng = np.random.default_rng(0)
    y = np.arange(32) % 2
    x = (rng.normal(size=(32, 6, 6, 1)) + y[:, None, None, None]).astype("float32")
    for _ in range(40):
        results = model.train_on_batch(x, y, return_dict=True)
    assert results["accuracy"] > 0.9
    model.save(tmp_path / "model.keras")
    again = dk.models.load(tmp_path / "model.keras")
    np.testing.assert_array_equal(again(x), model(x))


def test_every_tensor_of_a_small_cnn_is_what_numpy_computes():
    options = {"filters": (3,), "convs_per_block": 1, "units": (), "normalization": "none"}
    model = dk.models.cnn((4, 4, 2), 3, **options)
    x = np.random.default_rng(0).normal(size=(1, 4, 4, 2)).astype("float32")
    kernel, bias, head, shift = model.get_weights()
    padded = np.pad(x[0], ((1, 1), (1, 1), (0, 0)))
    maps = np.array(
        [
            [np.tensordot(padded[i : i + 3, j : j + 3], kernel, 3) for j in range(4)]
            for i in range(4)
        ]
    )
    pooled = np.maximum((maps + bias).reshape(2, 2, 2, 2, 3).max((1, 3)), 0)
    logits = pooled.reshape(-1) @ head + shift
    expected = np.exp(logits) / np.exp(logits).sum()
    np.testing.assert_allclose(model(x)[0], expected, atol=1e-5)


def test_two_builds_of_one_seed_train_to_the_same_loss_under_the_cpu_profile():
    x = np.random.default_rng(0).normal(size=(40, 8, 8, 1)).astype("float32")
    y = np.arange(40) % 3
    losses = [
        dk.models.cnn((8, 8, 1), 3, filters=(4,), seed=2, steps_per_execution=steps).fit(
            x, y, batch_size=8, shuffle=False, verbose=0
        )
        for steps in (1, 4)
    ]
    assert losses[0].history["loss"] == pytest.approx(losses[1].history["loss"], rel=1e-5)
