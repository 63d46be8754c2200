"""The named sets of texts: what they hold, and networks that learn from them."""

import numpy as np
import pytest

import dlkit as dk
from dlkit.errors import InputError

pytestmark = pytest.mark.usefixtures("shared_data")


def train(data, epochs, **options):
    model = dk.models.build("perceptron", data, seed=0, learning_rate=0.02, **options)
    model.fit(data.train, epochs=epochs, verbose=0)
    return model.evaluate(data.test, verbose=0, return_dict=True)["accuracy"]


def sizes(data):
    split = data.origin.split
    return len(split.train) + len(split.val), len(split.test)


def test_sms_spam_is_told_from_messages():
    data = dk.data.load("sms_spam", encoding="tf_idf")
    labels = data.origin.targets.values
    assert len(labels) == 5574 and labels.sum() == 747
    assert data.class_names == ("ham", "spam")
    # Always "ham" is right for 86.6%; logistic regression on the same vectors reaches 98.4% in a
    # cross-validation.
    assert train(data, 5) > 0.97


def test_polarity_of_sentences():
    data = dk.data.load("sentence_polarity", encoding="tf_idf", vocabulary_size=8000)
    assert np.bincount(data.origin.targets.values).tolist() == [5331, 5331]
    assert data.class_names == ("negative", "positive")
    assert train(data, 4) > 0.74  # 0.5 by chance, 0.773 by logistic regression


def test_topics_of_news():
    data = dk.data.load("ag_news", encoding="tf_idf")
    assert np.bincount(data.origin.targets.values).tolist() == [1900] * 4
    assert data.class_names == ("World", "Sports", "Business", "Sci/Tech")
    assert data.origin.raw(np.array([0]))[0].startswith("Fears for T N pension after talks Unions")
    assert train(data, 4) > 0.83  # 0.25 by chance, 0.859 by logistic regression


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
