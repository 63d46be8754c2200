"""resnet against the papers' tables and Keras's own ResNet-50."""

import re

import keras
import numpy as np
import pytest

import dlkit as dk
from dlkit.errors import InputError


def trainable(model):
    return sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)


@pytest.mark.parametrize(
    ("depth", "millions"), [(20, 0.27), (32, 0.46), (44, 0.66), (56, 0.85), (110, 1.7)]
)
def test_the_cifar_form_has_the_weights_of_the_papers_table_6(depth, millions):
    model = dk.models.resnet((32, 32, 3), 10, depth=depth)
    digits = 1 if depth == 110 else 2
    assert round(trainable(model) / 1e6, digits) == millions
    convolutions = [w for w in model.trainable_weights if len(w.shape) in (2, 4)]
    assert len(convolutions) == depth


# What torchvision's models of the same design have, to the weight.
@pytest.mark.parametrize(
    ("depth", "count"),
    [(18, 11_689_512), (34, 21_797_672), (50, 25_557_032), (101, 44_549_160)],
)
def test_the_imagenet_form_has_the_published_number_of_weights(depth, count):
    assert trainable(dk.models.resnet((224, 224, 3), 1000, depth=depth)) == count


def test_depth_50_computes_what_keras_does_with_its_weights():
    theirs = keras.applications.ResNet50(weights=None)
    rng = np.random.default_rng(0)
    for weight in theirs.weights:  # means and variances as of a trained network
        spread = 0.02 if "variance" not in weight.path else 0.0
        weight.assign(weight + rng.normal(0, spread, weight.shape))
    ours = dk.models.resnet((224, 224, 3), 1000, depth=50)
    copy_weights(theirs, ours)
    x = rng.normal(size=(2, 224, 224, 3)).astype("float32")
    np.testing.assert_allclose(ours(x), theirs(x), rtol=1e-3, atol=1e-6)


def copy_weights(theirs, ours):
    """Copy them in the order of the layers; a bias before a normalization only moves its mean."""
    convolutions = made(ours, keras.layers.Conv2D)
    normalizations = made(ours, keras.layers.BatchNormalization)
    pairs = list(ordered(theirs))
    for (theirs_conv, theirs_bn), conv, bn in zip(pairs, convolutions, normalizations, strict=True):
        kernel, bias = theirs_conv.get_weights()
        conv.set_weights([kernel])
        gamma, beta, mean, variance = theirs_bn.get_weights()
        bn.set_weights([gamma, beta, mean - bias, variance])
    ours.get_layer("predictions").set_weights(theirs.get_layer("predictions").get_weights())


def made(model, kind):
    """Return the layers of a kind in the order in which they were made."""
    found = [layer for layer in model.layers if isinstance(layer, kind)]
    return sorted(found, key=lambda layer: int(re.sub(r".*?(\d*)$", r"0\1", layer.name)))


def ordered(model):
    """Each convolution, then its normalization; a block's shortcut comes before its branch."""
    names = [layer.name for layer in model.layers]
    convolutions = [name for name in names if name.endswith("_conv")]

    def place(name):
        stage, _, rest = name.partition("_block")
        block, _, number = rest.partition("_")
        return stage, int(block or 0), number

    for name in sorted(convolutions, key=place):
        yield model.get_layer(name), model.get_layer(name.replace("_conv", "_bn"))


def test_a_block_adds_to_what_it_was_given():
    """With branches of zeros, version 2 is its shortcuts: every second pixel, and more channels."""
    model = dk.models.resnet((8, 8, 4), 3, depth=8, filters=4, version=2)
    stem = next(layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D))
    for layer in model.layers:
        if isinstance(layer, keras.layers.Conv2D) and layer is not stem:
            layer.set_weights([np.zeros_like(w) for w in layer.get_weights()])
    added = [layer.output for layer in model.layers if isinstance(layer, keras.layers.Add)]
    first, *_, last = keras.Model(model.input, [stem.output, *added])(
        np.random.default_rng(0).normal(size=(2, 8, 8, 4)).astype("float32")
    )
    assert last.shape == (2, 2, 2, 16)
    first = np.maximum(np.asarray(first) / np.sqrt(1 + 1e-5), 0)  # shortened where it is normalized
    np.testing.assert_allclose(
        np.asarray(last)[..., 6:10], first[:, ::4, ::4] / np.sqrt(1 + 1e-5), rtol=1e-4, atol=1e-6
    )


def test_blocks_are_skipped_the_more_the_deeper_they_are():
    model = dk.models.resnet((8, 8, 1), 3, depth=20, stochastic_depth=0.5)
    rates = [layer.rate for layer in model.layers if isinstance(layer, dk.layers.StochasticDepth)]
    np.testing.assert_allclose(rates, 0.5 * np.arange(1, 10) / 9)


def test_small_images_keep_their_size_before_the_stages():
    sides = {}
    for side in (32, 64):
        model = dk.models.resnet((side, side, 3), 10, depth=18)
        sides[side] = model.layers[-3].input.shape[1]
    assert sides == {32: 4, 64: 2}


@pytest.mark.parametrize(
    ("shape", "options", "words"),
    [
        ((32, 32, 3), {"depth": 21}, "depth=21, block='auto'; depth=20 and depth=26 are near"),
        ((3, 32, 3), {}, r"depth=20 needs images of at least 4 x 4 .*\(3, 32, 3\)"),
        ((31, 40, 3), {"depth": 50, "stem": "7x7-pool"}, "at least 32 x 32"),
        ((32, 32, 3), {"version": 3}, "version must be 1 or 2. Received: version=3"),
        ((32, 32, 3), {"block": "botleneck"}, "bottleneck"),
    ],
)
def test_what_cannot_be_built_is_refused(shape, options, words):
    with pytest.raises(InputError, match=words):
        dk.models.resnet(shape, 10, **options)
