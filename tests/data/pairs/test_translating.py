"""From numbers back to texts, and greedy decoding."""

import keras
import numpy as np
import pytest

import dlkit as dk
from dlkit.errors import InputError

WORDS = ["[pad]", "[UNK]", "[start]", "[end]", "j'", "ai", "froid", ",", "non", "!"]


def test_texts_end_at_their_mark_and_are_joined_as_they_are_written():
    rows = [[2, 8, 7, 4, 5, 6, 3, 9], [4, 5, 9, 0, 6, 0, 0, 0], [1, 3, 0, 0, 0, 0, 0, 0]]
    assert dk.data.to_sentences(rows, WORDS) == ["non, j'ai froid", "j'ai !", "[UNK]"]
    assert dk.data.to_sentences([[6, 5, 4, 5]], [*WORDS[:4], "a", "b", " "]) == [
        " bab"[0:1] + "bab"
    ]
    with pytest.raises(InputError, match=r"places in the vocabulary, 0 to 9. Received: 0 to 12"):
        dk.data.to_sentences([[0, 12]], WORDS)


@pytest.fixture(scope="module")
def counting():
    """Numbers in words, whose French follows from the English word alone."""
    english = [f"{a} {b}" for a in ("one", "two") for b in ("one", "two")] * 10
    french = [e.replace("one", "un").replace("two", "deux") for e in english]
    tests = (english[:4], french[:4])
    return dk.data.from_text_pairs(english, french, test=tests, val_fraction=0, batch_size=8)


def copier(data):
    """Return a network that looks at the source's word at the place it is at: no weights needed."""
    inputs = {k: keras.Input(s.shape, dtype=s.dtype, name=k) for k, s in data.input_spec.items()}
    source, target = data.vocabularies["source"], data.vocabularies["target"]
    table = np.zeros((len(source), len(target)), np.float32)
    for one, other in (("one", "un"), ("two", "deux"), ("[pad]", "[end]")):
        table[source.index(one), target.index(other)] = 1.0
    words = keras.ops.pad(inputs["source"], [[0, 0], [0, 1]])  # (B, 2) -> (B, 3)
    picked = keras.ops.take(keras.ops.convert_to_tensor(table), words, axis=0)
    started = keras.ops.cast(inputs["target"] > 0, "float32")[..., None]
    # A place whose token was not given yet knows nothing but padding.
    blank = keras.ops.one_hot(keras.ops.zeros_like(words), len(target))
    return keras.Model(inputs, picked * started + blank * (1 - started))


def test_each_token_is_found_from_those_before_it(counting):
    sentences = ["two one", "One, two", "two"]
    assert dk.data.translate(copier(counting), counting, sentences) == ["deux un", "un", "deux"]
    assert counting.vocabularies["source"][4:] == ("one", "two")


def test_what_cannot_be_translated_is_told(counting):
    with pytest.raises(
        InputError, match=r"needs data of sentence pairs.* Received: 'iris' of kind"
    ):
        dk.data.translate(copier(counting), dk.data.load("iris"), ["one"])
    for wrong in ("one two", []):
        with pytest.raises(InputError, match=r"one text or more, as a list. Received: sentences="):
            dk.data.translate(copier(counting), counting, wrong)
