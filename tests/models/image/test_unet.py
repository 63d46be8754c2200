"""U-Net against the paper's figure, and digits found pixel by pixel in noise."""

import keras
import numpy as np
import pytest
import sklearn.datasets

import dlkit as dk
from dlkit.errors import InputError
from dlkit.models.image.unet import convolution_block, unet_body


def test_it_has_the_layers_and_weights_of_the_papers_figure():
    """Figure 1: channels of each 3 x 3, of each 2 x 2 up-convolution, and the last 1 x 1."""
    model = dk.models.unet((64, 64, 1), 2, normalization="none")
    down = [(1, 64), (64, 64), (64, 128), (128, 128), (128, 256), (256, 256), (256, 512)]
    down += [(512, 512), (512, 1024), (1024, 1024)]
    up = [(1024, 512), (512, 512), (512, 256), (256, 256), (256, 128), (128, 128), (128, 64)]
    up += [(64, 64)]
    doubled = [(1024, 512), (512, 256), (256, 128), (128, 64)]
    kernels = [(9, *pair) for pair in down + up] + [(4, *pair) for pair in doubled] + [(1, 64, 2)]
    assert len(kernels) == 23  # "In total the network has 23 convolutional layers."
    expected = sum(size * a * b + b for size, a, b in kernels)
    assert model.count_params() == expected == 31_030_658
    layers = keras.layers.Conv2D | keras.layers.Conv2DTranspose | keras.layers.Dense
    assert sum(isinstance(layer, layers) for layer in model.layers) == 23


def test_each_pixel_sees_what_the_papers_network_sees():
    """Near ones through the way across, and as far as the smallest map's convolutions reach."""
    options = {"normalization": "none", "activation": "linear", "kernel_initializer": "ones"}
    model = dk.models.unet((64, 64, 1), 2, filters=(1, 1, 1), **options)
    body = keras.Model(model.input, model.layers[-2].output)
    seen = []
    for place in range(64):
        x = np.zeros((1, 64, 64, 1), "float32")
        x[0, place, 32] = 1
        seen.append(float(np.asarray(body(x))[0, 32, 32, 0]) > 0)
    reached = np.flatnonzero(seen)
    # Down: 2 + 2 * 2 + 4 * 2 pixels to each side, and those that pooling joins; up as many again
    # but for the smallest map's.
    assert 32 - reached[0] >= 14 + 2 + 4
    assert 32 - reached[0] <= 14 + 6 + 3
    assert reached[-1] - reached[0] + 1 == len(reached)


def test_a_time_is_added_to_each_pixel_of_each_block():
    image, time = keras.Input((4, 4, 3)), keras.Input((5,))
    options = {"activation": "linear", "normalization": "none"}
    block = convolution_block(image, 6, time=time, convs=1, **options)
    model = keras.Model([image, time], block)
    (dense,) = [layer for layer in model.layers if isinstance(layer, keras.layers.Dense)]
    rng = np.random.default_rng(0)
    x, told = (rng.normal(size=(2, *shape)).astype("float32") for shape in ((4, 4, 3), (5,)))
    change = np.asarray(model([x, told])) - np.asarray(model([x, 0 * told]))
    expected = told @ np.asarray(dense.kernel)
    np.testing.assert_allclose(change, np.tile(expected[:, None, None], (4, 4, 1)), atol=1e-5)


def test_every_block_of_the_body_is_told_the_time():
    image, time = keras.Input((8, 8, 3)), keras.Input((5,))
    model = keras.Model([image, time], unet_body(image, (4, 8, 12), time=time))
    dense = [layer.units for layer in model.layers if isinstance(layer, keras.layers.Dense)]
    assert sorted(dense) == [4, 4, 8, 8, 12]


@pytest.fixture(scope="module")
def scenes():
    """Digits in noise; where their ink is."""
    images = sklearn.datasets.load_digits().images.astype("float32")[:, :, :, None] / 16
    noisy = images + np.random.default_rng(0).normal(0, 0.4, images.shape).astype("float32")
    return noisy, (images[..., 0] > 0.4).astype("int64")


def test_it_finds_ink_in_noise_better_than_any_threshold(scenes):
    x, y = scenes
    model = dk.models.unet((8, 8, 1), 2, filters=(8, 16, 32), learning_rate=0.005, seed=0)
    model.fit(x[:1400], y[:1400], batch_size=32, epochs=4, verbose=0)
    scores = model.evaluate(x[1400:], y[1400:], verbose=0, return_dict=True)
    found = model.predict(x[1400:], verbose=0).argmax(axis=-1)
    assert scores["mean_io_u"] == pytest.approx(mean_iou(y[1400:], found), abs=1e-5)
    best = max(mean_iou(y[1400:], x[1400:, ..., 0] > t) for t in np.linspace(0, 1, 21))
    assert 0.4 < best < 0.7
    assert scores["mean_io_u"] > best + 0.1


def mean_iou(labels, guesses):
    """Return the mean over background and ink of intersection over union, by counting."""
    pairs = [((labels == k) & (guesses == k), (labels == k) | (guesses == k)) for k in (0, 1)]
    return np.mean([both.sum() / either.sum() for both, either in pairs])


@pytest.mark.parametrize(
    ("shape", "classes", "options", "words"),
    [
        ((28, 28, 1), 2, {}, r"multiples of 16 pixels: give them as 32 x 32, .*\(28, 28, 1\)"),
        ((32, 32, 1), 1, {}, "task='segmentation' needs at least 2 classes. .*num_classes=1"),
        ((32, 32, 1), 2, {"task": "multiclass"}, "unet's task must be one of: segmentation"),
        ((32, 32, 1), 2, {"convs_per_block": 0}, "convs_per_block must be .*=0"),
        ((32, 32, 1), 2, {"loss": "mse"}, "loss='mse' .* task='segmentation'"),
    ],
)
def test_what_cannot_be_built_is_refused(shape, classes, options, words):
    with pytest.raises(InputError, match=words):
        dk.models.unet(shape, classes, **options)


def test_data_with_a_class_an_image_names_the_models_that_take_it():
    words = "unet does segmentation; 'digits' is a multiclass task: try .*cnn"
    with pytest.raises(InputError, match=words):
        dk.models.build("unet", dk.data.load("digits"))
