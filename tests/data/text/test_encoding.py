"""What is learned from training texts, against scikit-learn and values by hand."""

import types

import numpy as np
import pytest
import tensorflow as tf
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer

from dlkit.data.text.encoding import Encoding, decode_tokens, learn_encoder, make_ids
from dlkit.errors import InputError

TRAIN = np.array(["the cat saw the dog", "a dog", "the bird saw a cat", "bird song"], object)
OTHER = np.array(["the unseen dog, THE cat", "unseen", "", "song song cat"], object)


def encoding(**options):
    given = {"standardize": "clean", "tokens": "word", "encoding": "tokens"}
    return Encoding(**(given | {"vocabulary_size": 100, "length": None} | options))


@pytest.mark.parametrize(
    ("name", "vectorizer"),
    [
        ("tf_idf", TfidfVectorizer(token_pattern=r"\w+")),
        ("count", CountVectorizer(token_pattern=r"\w+")),
        ("multi_hot", CountVectorizer(token_pattern=r"\w+", binary=True)),
    ],
)
def test_vectors_are_those_of_scikit_learn(name, vectorizer):
    encoder = learn_encoder(TRAIN, encoding(encoding=name))
    vectorizer.fit(TRAIN)
    columns = [encoder.vocabulary.index(word) for word in vectorizer.get_feature_names_out()]
    for texts in (TRAIN, OTHER):
        ours = encoder.preprocessing(tf.constant(texts, tf.string)).numpy()
        expected = vectorizer.transform(texts).toarray()
        np.testing.assert_allclose(ours[:, columns], expected, atol=1e-6)
    assert len(columns) == ours.shape[1]


def test_ids_by_hand():
    encoder = learn_encoder(TRAIN, encoding(vocabulary_size=2, length=3))
    assert encoder.vocabulary == ("", "[UNK]", "the", "saw")
    ids = encoder.preprocessing(tf.constant(["the dog saw it", "saw", ""])).numpy()
    assert ids.tolist() == [[2, 1, 3], [3, 0, 0], [1, 0, 0]]


def test_the_length_is_learned_from_the_training_texts():
    texts = np.array(["a"] * 19 + ["a b c d"] + ["a b"] * 20, object)
    assert learn_encoder(texts, encoding()).preprocessing.output_shape == (None, 2)
    assert learn_encoder(texts, encoding(bucket=True)).preprocessing.output_shape == (None, None)


def test_characters():
    encoder = learn_encoder(np.array(["Aab a"], object), encoding(tokens="character", length=4))
    assert encoder.vocabulary[2] == "a" and set(encoder.vocabulary[3:]) == {"b", " "}
    assert encoder.preprocessing(tf.constant(["Ab!é"])).numpy()[0, 0] == 2


def test_ids_are_held_one_text_behind_the_other():
    encoder = learn_encoder(TRAIN, encoding())
    ids = make_ids(TRAIN, encoder.to_ids)
    assert ids.lengths.tolist() == [5, 2, 5, 2]
    word = encoder.tokens.index
    assert ids.ragged()[1].numpy().tolist() == [word("a"), word("dog")]


@pytest.mark.parametrize("tokens", ["word", "character", "bpe"])
def test_ids_are_read_back(tokens):
    texts = np.array(["the cat saw the dog", "naïve cats"], object)
    encoder = learn_encoder(texts, encoding(tokens=tokens, vocabulary_size=300, length=40))
    data = types.SimpleNamespace(
        name="x",
        preprocessing=encoder.preprocessing,
        vocabulary=encoder.vocabulary,
        feature_names=None,
        input_spec={"tokens": None},
    )
    assert (
        decode_tokens(data, encoder.preprocessing(tf.constant(texts, tf.string))) == texts.tolist()
    )
    assert decode_tokens(data, [[2, 0], [0, 0]])[1] == ""
    with pytest.raises(InputError, match=r"from 0 to \d+\. Received: int64 from 2 to 999"):
        decode_tokens(data, [2, 999])
    data.feature_names = encoder.vocabulary
    with pytest.raises(InputError, match=r"'x' holds tokens, which cannot be decoded"):
        decode_tokens(data, [2])


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"standardize": "uper"}, r"standardize must be one of: clean.*standardize='uper'"),
        ({"tokens": "words"}, r"tokens must be one of.*Did you mean 'word'"),
        ({"encoding": "tfidf"}, r"encoding must be one of.*Did you mean 'tf_idf'"),
        ({"vocabulary_size": 0}, r"at least 1\. Received: vocabulary_size=0"),
        ({"length": 0}, r"at least 1\. Received: length=0"),
        ({"encoding": "count", "length": 5}, r"length=5 is for .*encoding='count'"),
        ({"encoding": "count", "bucket": True}, r"bucket=True is for encoding='tokens'"),
    ],
)
def test_bad_options_are_told(options, sentence):
    with pytest.raises(InputError, match=sentence):
        encoding(**options)


def test_texts_without_a_word_are_told():
    with pytest.raises(InputError, match=r"None of the 2 training texts holds a word.*'clean'"):
        learn_encoder(np.array(["!!", "<br />"], object), encoding())
