"""mobilenet against the paper, Keras's own and its weights of ImageNet."""

import json
import os
import pathlib

import keras
import numpy as np
import pytest
from PIL import Image
from sklearn import datasets

import dlkit as dk
from dlkit.errors import InputError

WEIGHTS = pathlib.Path(os.environ["DLKIT_DATA"], "weights")
WITH_HEAD = WEIGHTS / "mobilenet_2_5_224_tf.h5"
WITHOUT = WEIGHTS / "mobilenet_2_5_224_tf_no_top.h5"


# The paper's table 6, in millions; the first to the weight as keras.applications has it.
@pytest.mark.parametrize(
    ("alpha", "millions"), [(1.0, 4.253864), (0.75, 2.6), (0.5, 1.3), (0.25, 0.5)]
)
def test_it_has_the_published_number_of_weights(alpha, millions):
    count = dk.models.mobilenet((224, 224, 3), 1000, alpha=alpha).count_params() / 1e6
    assert round(count, 6 if alpha == 1 else 1) == millions


@pytest.fixture(scope="module")
def trained():
    return dk.models.mobilenet((224, 224, 3), 1000, alpha=0.25, weights=WITH_HEAD)


def photo(name):
    """Return one of scikit-learn's photos, its middle, with pixels in [-1, 1]."""
    pixels = datasets.load_sample_image(name)
    height, width, _ = pixels.shape
    left = (width - height) // 2
    square = Image.fromarray(pixels[:, left : left + height]).resize((224, 224), Image.BILINEAR)
    return np.asarray(square, "float32")[None] / 127.5 - 1


def test_it_computes_what_keras_does(trained):
    theirs = keras.applications.MobileNet(alpha=0.25, weights=str(WITH_HEAD))
    x = photo("flower.jpg")
    np.testing.assert_allclose(trained(x), theirs(x), atol=1e-5)


@pytest.mark.parametrize(
    ("file", "name"),
    [("china.jpg", "stupa"), ("flower.jpg", "mushroom")],  # a dahlia, which ImageNet does not know
)
def test_it_names_photos(trained, file, name):
    names = json.loads((WEIGHTS / "imagenet_class_index.json").read_text())
    best = int(np.argmax(trained(photo(file))))
    assert names[str(best)][1] == name


def test_a_body_is_taken_over_without_the_head(trained):
    for file in (WITH_HEAD, WITHOUT):
        model = dk.models.mobilenet((96, 96, 3), 5, alpha=0.25, weights=file, seed=1)
        fresh = dk.models.mobilenet((96, 96, 3), 5, alpha=0.25, seed=1)
        for layer in (layer for layer in model.layers if layer.weights):
            same = fresh if layer.name == "predictions" else trained
            for one, other in zip(
                layer.get_weights(), same.get_layer(layer.name).get_weights(), strict=True
            ):
                np.testing.assert_array_equal(one, other)


def test_a_depthwise_layer_convolves_each_channel_by_itself():
    model = dk.models.mobilenet((8, 8, 3), 2, alpha=0.125, halvings=0)
    layer = model.get_layer("conv_dw_1")
    kernel = np.asarray(layer.kernel)  # (3, 3, C, 1)
    x = np.random.default_rng(0).normal(size=(1, 5, 6, 4)).astype("float32")
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    expected = sum(
        padded[:, i : i + 5, j : j + 6] * kernel[i, j, :, 0] for i in range(3) for j in range(3)
    )
    np.testing.assert_allclose(layer(x), expected, atol=1e-5)


def test_a_depthwise_kernel_starts_with_the_spread_that_its_nine_inputs_ask_for():
    model = dk.models.mobilenet((32, 32, 3), 2, alpha=1.0, seed=0)
    spread = np.std(model.get_layer("conv_dw_12").kernel)
    assert abs(spread - np.sqrt(2 / 9)) < 0.02


@pytest.mark.parametrize(
    ("side", "halvings", "last"),
    [(224, None, 7), (96, None, 3), (32, None, 4), (32, 5, 1), (2, None, 2)],
)
def test_small_images_are_halved_less(side, halvings, last):
    model = dk.models.mobilenet((side, side, 1), 2, alpha=0.0625, halvings=halvings)
    assert model.get_layer("conv_pw_13").output.shape[1] == last


@pytest.mark.parametrize(
    ("shape", "options", "words"),
    [
        ((96, 96, 3), {"alpha": 0.5, "weights": WITH_HEAD}, "another network than .* alpha=0.5"),
        ((96, 96, 1), {"alpha": 0.25, "weights": WITH_HEAD}, "images of 3 channels"),
        ((96, 96, 3), {"alpha": 0.25, "weights": WITHOUT, "normalization": "layer"}, "'batch'"),
        ((96, 96, 3), {"weights": "imagnet"}, "no file of weights. Received: weights='imagnet'"),
        ((16, 40, 3), {"halvings": 5}, "halvings=5 needs images of at least 32 x 32"),
        ((96, 96, 3), {"halvings": 6}, "halvings is at most 5"),
        ((96, 96, 3), {"alpha": 0}, r"alpha must be in \[0.015625"),
    ],
)
def test_what_cannot_be_built_is_refused(shape, options, words):
    with pytest.raises(InputError, match=words):
        dk.models.mobilenet(shape, 10, **options)
