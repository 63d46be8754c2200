"""The named sets of texts: what they hold, and networks that learn from them."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import dlkit as dk
from dlkit.errors import InputError

pytestmark = pytest.mark.usefixtures("shared_data")


def train(data, epochs):
    return accuracy(dk.models.build("perceptron", data, seed=0, learning_rate=0.02), data, epochs)


def accuracy(model, data, epochs):
    model.fit(data.train, epochs=epochs, verbose=0)
    return model.evaluate(data.test, verbose=0, return_dict=True)["accuracy"]


def sizes(data):
    split = data.origin.split
    return len(split.train) + len(split.val), len(split.test)


def mean_of_words(data):
    """Return a network for ids of any length that sees no padding."""
    keras.utils.set_random_seed(0)
    ids = keras.Input(data.input_spec["tokens"].shape, dtype="int64")
    x = keras.layers.Embedding(len(data.vocabulary), 16, mask_zero=True)(ids)
    x = keras.layers.GlobalAveragePooling1D()(x)
    x = keras.layers.Dense(1, activation="sigmoid", name="predictions")(x)
    model = keras.Model(ids, x)
    model.compile(keras.optimizers.Adam(0.02), "binary_crossentropy", metrics=["accuracy"])
    return model


@pytest.mark.parametrize("options", [{"encoding": "tf_idf"}, {"bucket": True}], ids=str)
def test_sms_spam_is_told_from_messages(tmp_path, options):
    data = dk.data.load("sms_spam", **options)
    labels = data.origin.targets.values
    assert len(labels) == 5574 and labels.sum() == 747
    assert data.class_names == ("ham", "spam")
    if "encoding" in options:
        model = dk.models.build("perceptron", data, seed=0, learning_rate=0.02)
    else:
        model = mean_of_words(data)
    # Always "ham" is right for 86.6%; logistic regression on vectors of tf-idf reaches 98.4% in a
    # cross-validation.
    assert accuracy(model, data, 5) > 0.97

    version = dk.export.saved_model(model, tmp_path / "spam", data=data)
    served = tf.saved_model.load(str(version)).signatures["serving_default"]
    messages = data.origin.raw(data.origin.split.test)
    (answer,) = served(text=tf.constant(messages, tf.string)).values()
    np.testing.assert_allclose(answer, model.predict(data.test, verbose=0), atol=1e-5)


def test_polarity_of_sentences():
    data = dk.data.load("sentence_polarity", encoding="tf_idf", vocabulary_size=8000)
    assert np.bincount(data.origin.targets.values).tolist() == [5331, 5331]
    assert data.class_names == ("negative", "positive")
    assert train(data, 2) > 0.74  # 0.5 by chance, 0.773 by logistic regression


def test_topics_of_news():
    data = dk.data.load("ag_news", encoding="tf_idf")
    assert np.bincount(data.origin.targets.values).tolist() == [1900] * 4
    assert data.class_names == ("World", "Sports", "Business", "Sci/Tech")
    assert data.origin.raw(np.array([0]))[0].startswith("Fears for T N pension after talks Unions")
    assert train(data, 2) > 0.83  # 0.25 by chance, 0.859 by logistic regression


def test_reviews_keep_their_published_test_split(monkeypatch, tmp_path):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))  # unpacked anew
    data = dk.data.load("imdb_small", length=60)
    assert sizes(data) == (8000, 4000)
    assert data.class_names == ("neg", "pos")
    assert "br" not in data.vocabulary[:2000]  # the tags are gone


def test_unknown_options_are_told():
    with pytest.raises(InputError, match=r"sms_spam has no option 'encodings'\. Did you mean"):
        dk.data.load("sms_spam", encodings="tf_idf")
    with pytest.raises(InputError, match="ag_news has no option 'test'"):
        dk.data.load("ag_news", test="a.csv")
