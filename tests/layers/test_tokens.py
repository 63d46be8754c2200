"""The layers from images to tokens against NumPy."""

import keras
import numpy as np
import pytest

from dlkit.errors import InputError
from dlkit.layers import ClassToken, ConvolutionalTokenizer, PatchEmbedding, PositionEmbedding

RNG = np.random.default_rng(0)


def test_a_patch_is_cut_out_and_mapped():
    layer = PatchEmbedding(5, patch_size=2)
    images = RNG.normal(size=(2, 4, 6, 3)).astype("float32")
    got = layer(images)
    kernel, bias = layer.get_weights()
    bias = bias + 1
    layer.set_weights([kernel, bias])
    patches = [
        images[:, top : top + 2, left : left + 2].reshape(2, -1)
        for top in (0, 2)
        for left in (0, 2, 4)
    ]
    expected = np.stack([patch @ kernel.reshape(-1, 5) for patch in patches], axis=1)
    np.testing.assert_allclose(got, expected, atol=1e-5)
    np.testing.assert_allclose(layer(images), expected + 1, atol=1e-5)
    assert layer.compute_output_shape((None, 4, 6, 3)) == (None, 6, 5)


@pytest.mark.parametrize(
    ("shape", "sizes"), [((28, 28, 1), "1, 2, 4, 7, 14, 28"), ((30, 45, 3), "1, 3, 5, 15")]
)
def test_a_patch_size_that_leaves_a_rest_is_refused_with_those_that_do_not(shape, sizes):
    words = f"patch_size=16 does not divide images of .* pixels: choose from {sizes}, or resize"
    with pytest.raises(InputError, match=words):
        PatchEmbedding(8, patch_size=16)(np.zeros((1, *shape), "float32"))


def convolved(x, kernel):
    """A convolution of odd size with zeros around it, then ReLU, then the largest of 3 x 3, /2."""
    size = kernel.shape[0]
    height, width = x.shape[:2]
    x = np.pad(x, ((size // 2,) * 2, (size // 2,) * 2, (0, 0)))
    maps = [
        [np.tensordot(x[i : i + size, j : j + size], kernel, 3) for j in range(width)]
        for i in range(height)
    ]
    # An even side lacks one row for its last window, an odd one a row on both sides.
    padding = [(side % 2, 1) for side in (height, width)]
    maps = np.pad(np.maximum(maps, 0), (*padding, (0, 0)))
    rows, columns = (range(0, side, 2) for side in (height, width))
    return np.array([[maps[i : i + 3, j : j + 3].max((0, 1)) for j in columns] for i in rows])


def test_a_convolution_halves_the_image_and_its_map_is_the_tokens():
    layer = ConvolutionalTokenizer((3, 5))
    images = RNG.normal(size=(2, 8, 6, 2)).astype("float32")
    got = layer(images)
    first, second = layer.get_weights()
    expected = [convolved(convolved(x, first), second).reshape(-1, 5) for x in images]
    np.testing.assert_allclose(got, expected, atol=1e-5)
    assert layer.compute_output_shape((None, 8, 6, 2)) == (None, 2 * 2, 5)


def test_large_filters_take_steps_of_their_own():
    layer = ConvolutionalTokenizer((4, 4), kernel_size=7)
    assert layer(np.zeros((1, 224, 224, 3), "float32")).shape == (1, 14 * 14, 4)
    assert layer.compute_output_shape((None, 224, 224, 3)) == (None, 14 * 14, 4)


def test_a_class_token_stands_before_the_others():
    layer = ClassToken()
    tokens = RNG.normal(size=(2, 3, 4)).astype("float32")
    layer.build(tokens.shape)
    token = RNG.normal(size=(1, 1, 4))
    layer.set_weights([token])
    got = layer(tokens)
    np.testing.assert_allclose(got[:, 0], np.repeat(token[0], 2, axis=0), rtol=1e-6)
    np.testing.assert_array_equal(got[:, 1:], tokens)


def test_each_place_has_its_vector():
    layer = PositionEmbedding()
    tokens = RNG.normal(size=(2, 300, 40)).astype("float32")
    got = layer(tokens)
    (positions,) = layer.get_weights()
    np.testing.assert_allclose(got, tokens + positions, rtol=1e-6)
    assert positions.std() == pytest.approx(0.02, rel=0.05)


@pytest.mark.parametrize("tokenizer", [PatchEmbedding(8, 4), ConvolutionalTokenizer((2, 8), 5)])
def test_they_are_saved_and_loaded(tokenizer, tmp_path):
    steps = [keras.Input((8, 8, 1)), tokenizer, ClassToken(), PositionEmbedding()]
    model = keras.Sequential(steps)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras", safe_mode=True)
    x = RNG.normal(size=(2, 8, 8, 1)).astype("float32")
    np.testing.assert_array_equal(again(x), model(x))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: PatchEmbedding(8, 0), "patch_size=0"),
        (lambda: ConvolutionalTokenizer(()), r"needs a convolution. Received: filters=\(\)"),
        (lambda: ConvolutionalTokenizer((4, 2.5)), r"filters\[1\]=2.5"),
        (lambda: ConvolutionalTokenizer((4,), kernel_size=0), "kernel_size=0"),
    ],
)
def test_what_cannot_be_made_is_refused(make, words):
    with pytest.raises(InputError, match=words):
        make()
