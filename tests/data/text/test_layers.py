"""The layers of texts, against values by hand and scikit-learn."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from dlkit.data.text.layers import STANDARDS, BagOfTokens, FitLength, Standardize


@pytest.mark.parametrize(
    ("standard", "expected"),
    [
        ("clean", "dont ärgere dich £5 00 3 < 4 x"),
        ("lower", "<br />don't ärgere-dich £5,00! 3 < 4 \u00a0 x"),
        ("strip_punctuation", "br Dont Ärgeredich £500 3  4 \u00a0 x"),
        ("lower_and_strip_punctuation", "br dont ärgeredich £500 3  4 \u00a0 x"),
    ],
)
def test_texts_are_made_alike(standard, expected):
    assert set(STANDARDS) >= {standard}
    text = "<br />Don't Ärgere-dich £5,00! 3 < 4 \u00a0 x"
    made = Standardize(standard)(tf.constant([text])).numpy()[0].decode()
    assert made == expected


def test_keras_strips_the_same_punctuation():
    text = "".join(map(chr, range(32, 127)))
    keras_layer = keras.layers.TextVectorization(
        split=None, standardize="strip_punctuation", output_mode="int", vocabulary=["x"]
    )
    theirs = keras_layer._preprocess(tf.constant([text]))
    ours = Standardize("strip_punctuation")(tf.constant([text]))
    assert ours.numpy()[0] == theirs.numpy().ravel()[0]


def test_ids_are_cut_and_padded():
    ids = tf.constant([[5, 6, 7, 8], [9, 4, 0, 0]], tf.int64)
    assert FitLength(3)(ids).numpy().tolist() == [[5, 6, 7], [9, 4, 0]]
    assert FitLength(6)(ids).numpy().tolist() == [[5, 6, 7, 8, 0, 0], [9, 4, 0, 0, 0, 0]]
    assert FitLength(3, pad=False)(ids[:, :2]).shape == (2, 2)
    assert FitLength(3, pad=False)(ids).numpy().tolist() == [[5, 6, 7], [9, 4, 0]]


def test_a_text_without_a_token_is_an_unknown_one():
    none = tf.zeros((1, 0), tf.int64)
    assert FitLength(2)(none).numpy().tolist() == [[1, 0]]
    assert FitLength(2, pad=False)(none).numpy().tolist() == [[1]]
    assert FitLength(2, keep="last")(none).numpy().tolist() == [[0, 1]]
    assert FitLength(2)(tf.constant([[0, 0], [3, 0]])).numpy().tolist() == [[1, 0], [3, 0]]
    # What it is for: the mean of no words.
    x = keras.layers.Embedding(4, 2, mask_zero=True)(FitLength(3)(none))
    assert np.isfinite(keras.layers.GlobalAveragePooling1D()(x)).all()


def test_the_last_ids_stand_at_the_end():
    ids = tf.constant([[5, 6, 7, 8], [9, 4, 0, 0], [0, 0, 0, 0]], tf.int64)
    kept = FitLength(3, keep="last")(ids).numpy().tolist()
    assert kept == [[6, 7, 8], [0, 9, 4], [0, 0, 1]]


def test_tokens_are_counted_without_padding_and_unknown_ones():
    ids = tf.constant([[2, 3, 2, 1, 0], [4, 0, 0, 0, 0]], tf.int64)
    assert BagOfTokens(3)(ids).numpy().tolist() == [[2, 1, 0], [0, 0, 1]]
    assert BagOfTokens(3, binary=True)(ids).numpy().tolist() == [[1, 1, 0], [0, 0, 1]]
    weighed = BagOfTokens(3, weights=[0.5, 2.0, 3.0])(ids)
    assert weighed.numpy().tolist() == [[1, 2, 0], [0, 0, 3]]
    assert BagOfTokens(3)(tf.zeros((2, 0), tf.int64)).numpy().tolist() == [[0, 0, 0]] * 2


def test_the_layers_survive_a_file(tmp_path):
    text = keras.Input((), dtype="string", name="text")
    words = keras.layers.TextVectorization(standardize=None, vocabulary=["a", "b"])
    cut = FitLength(3, keep="last")(words(Standardize("clean")(text)))
    model = keras.Model(text, [cut, BagOfTokens(2, weights=[1.0, 3.0])(cut)])
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")  # safe_mode is on
    texts = tf.constant(["A <i>b</i> c, b", ""])
    for ours, theirs in zip(model(texts), again(texts), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert again(texts)[1].numpy().tolist() == [[0, 6], [0, 0]]
