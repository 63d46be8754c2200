"""Byte pairs in TensorFlow, against the library that learned them."""

import sys

import keras
import pytest
import tensorflow as tf
import tokenizers

from dlkit.data.files.plain_text import read_text
from dlkit.data.text import byte_pairs
from dlkit.errors import InputError, MissingExtraError

ODD = [
    "",
    "  a  b\t\n\r\n ",
    "日本語のテキスト naïve café ☃☃☃ \U0001d4b3 e\u0301",
    "don't stop-now!!! £100.50 http://www.foo.com/ " * 3,
    "aaaaaaa",
    "a\u00a0\u00a0\u00a0b !\u00a0\u0085\u2028",
    "ab" * 200 + " é" * 50 + "日本" * 50,
    "١٢٣ ½ Ⅷ\u200b\x00\x1c\x1f",
]


@pytest.fixture(scope="module")
def messages(shared_data):
    path = shared_data / "text/smsspamcollection/SMSSpamCollection"
    return [line.partition("\t")[2] for line in read_text(path).split("\n")[:-1]]


@pytest.fixture(scope="module")
def learned(messages):
    return byte_pairs.learn(messages[:2000], 1500)


def ids_of(layer, texts):
    return [[int(i) for i in row if i] for row in layer(tf.constant(texts)).numpy()]


def test_ids_are_those_of_the_library(messages, learned):
    vocabulary, merges = learned
    assert len(vocabulary) == 1502 and len(merges) == 1500 - 256
    library = byte_pairs.tokenizer()
    library.model = tokenizers.models.BPE(
        {token: place for place, token in enumerate(vocabulary)}, [tuple(pair) for pair in merges]
    )
    texts = messages[2000:4000] + ODD
    expected = [found.ids for found in library.encode_batch(texts)]
    layer = byte_pairs.BytePairs(vocabulary, merges)
    assert ids_of(tf.function(layer), texts) == expected
    assert [byte_pairs.decode(vocabulary[i] for i in ids) for ids in expected] == texts


def test_the_same_texts_give_the_same_merges(messages, learned):
    assert byte_pairs.learn(messages[:2000], 1500) == learned


def test_merges_by_hand():
    vocabulary, merges = byte_pairs.learn(["low low lower lowest"], 258)
    assert merges == [["l", "o"], ["lo", "w"]]
    layer = byte_pairs.BytePairs(vocabulary, merges)
    low, space, e = (vocabulary.index(token) for token in ("low", "Ġ", "e"))
    assert ids_of(layer, ["low lowe"]) == [[low, space, low, e]]


def test_bytes_that_are_no_text_do_not_stop_it():
    layer = byte_pairs.BytePairs(*byte_pairs.learn(["abc"], 256))
    ids = layer(tf.constant([b"a\xffb", b"\xc3"])).numpy()
    text = byte_pairs.decode(byte_pairs.learn(["abc"], 256)[0][i] for i in ids[0] if i)
    assert text == "a\ufffdb"


def test_the_layer_survives_a_file(tmp_path, learned):
    text = keras.Input((), dtype="string", name="text")
    model = keras.Model(text, byte_pairs.BytePairs(*learned)(text))
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert ids_of(again, ODD) == ids_of(model, ODD)


def test_fewer_tokens_than_bytes_are_refused():
    with pytest.raises(InputError, match=r"at least 256.*vocabulary_size=100"):
        byte_pairs.learn(["abc"], 100)


def test_the_missing_library_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(MissingExtraError, match=r'tokenizers is not.*"dlkit\[text\]"'):
        byte_pairs.learn(["abc"], 300)
