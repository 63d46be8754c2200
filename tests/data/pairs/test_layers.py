"""From texts to numbers: tokens, vocabularies, marks, cutting and padding."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from dlkit.data.pairs import layers
from dlkit.errors import InputError


def split(text, tokens="word", lower=True):
    (found,) = layers.tokenize(tf.constant([text]), tokens, lower=lower).to_list()
    return [token.decode() for token in found]


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("J'AI l\u2019été, «\u00a0Çà\u00a0»!", "j' ai l' été , « çà » !"),
        ("Viens-tu\u202f? \u2014 Oui…", "viens-tu ? \u2014 oui …"),
        ("It's 5 o'clock; [start] now", "it' s 5 o' clock ; [ start ] now"),
        ("Ein Mädchen\tgeht", "ein mädchen geht"),
        ("e\u0301te\u0301", "e\u0301te\u0301"),  # combining accents stay with their letter
    ],
)
def test_words_are_apart_from_punctuation(text, tokens):
    assert split(text) == tokens.split(" ")


def test_characters_and_capitals():
    assert split("Né  là", "character") == list("né là")
    assert split("Né Là", lower=False) == ["Né", "Là"]


def test_the_vocabulary_is_by_frequency_then_alphabet():
    tokens = tf.ragged.constant([["b", "a", "c"], ["c", "d"], ["b", "a", "c"]])
    learn = layers.learn_vocabulary
    assert learn(tokens, 100, 1, "source") == (*layers.SPECIAL, "c", "a", "b", "d")
    assert learn(tokens, 100, 2, "source")[4:] == ("c", "a", "b")
    assert learn(tokens, 6, 1, "source")[4:] == ("c", "a")
    with pytest.raises(
        InputError, match=r"min_count=4 leaves a source .* none .* more than 3 times"
    ):
        learn(tokens, 100, 4, "source")


@pytest.mark.parametrize(
    ("mark", "expected"),
    [
        ("", [[4, 5, 1, 4], [5, 0, 0, 0], [0, 0, 0, 0]]),
        ("[start]", [[2, 4, 5, 1], [2, 5, 0, 0], [2, 0, 0, 0]]),
        ("[end]", [[4, 5, 1, 3], [5, 3, 0, 0], [3, 0, 0, 0]]),
    ],
)
def test_numbers_are_cut_marked_and_padded_and_saved(mark, expected, tmp_path):
    layer = layers.SentenceIds((*layers.SPECIAL, "a", "b"), 4, mark=mark)
    texts = keras.Input((), dtype="string")
    model = keras.Model(texts, layer(texts))
    assert model.output_shape == (None, 4)
    given = tf.constant(["a b new a b", "B", ""])
    np.testing.assert_array_equal(model(given), expected)
    model.save(tmp_path / "ids.keras")
    np.testing.assert_array_equal(keras.models.load_model(tmp_path / "ids.keras")(given), expected)
