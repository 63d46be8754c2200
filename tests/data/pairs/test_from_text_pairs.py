"""`from_text_pairs`: no leaks, nothing learned of padding, a network that reads its source."""

import dataclasses
import re

import keras
import numpy as np
import pytest
import tensorflow as tf

import dlkit as dk
from dlkit.errors import InputError

ENGLISH = [f"{who} {does}." for who in ("I", "We", "You", "They") for does in ("go", "see", "win")]
FRENCH = [
    f"{who} {does} !" for who in ("Je", "On", "Tu", "Ils") for does in ("va", "voit", "gagne")
]


def small(**options):
    return dk.data.from_text_pairs(ENGLISH * 5, FRENCH * 5, **{"batch_size": 8, **options})


@pytest.fixture(scope="module")
def fra_eng(shared_data):
    return dk.data.load("fra_eng", max_pairs=4000, batch_size=32)


def attention(data, units=48):
    keras.utils.set_random_seed(0)
    specs = data.input_spec
    inputs = {key: keras.Input(s.shape, dtype=s.dtype, name=key) for key, s in specs.items()}
    words = {key: len(known) for key, known in data.vocabularies.items()}
    x = keras.layers.Embedding(words["source"], units)(inputs["source"])
    gru = keras.layers.GRU(units, return_sequences=True, return_state=True, go_backwards=True)
    x, state = gru(x)
    y = keras.layers.Embedding(words["target"], units)(inputs["target"])
    y = keras.layers.GRU(units, return_sequences=True)(y, initial_state=state)
    y = keras.layers.Concatenate()([y, keras.layers.Attention()([y, x])])
    head = keras.layers.Dense(words["target"], activation="softmax", name="predictions")
    model = keras.Model(inputs, head(y))
    loss = "sparse_categorical_crossentropy"
    model.compile(keras.optimizers.Adam(8e-3), loss, weighted_metrics=["accuracy"])
    return model


def test_a_network_beats_the_most_frequent_tokens_and_is_served_from_texts(fra_eng, tmp_path):
    """The most frequent token of each place is right for 3 of 10 of the test tokens."""
    data, split = fra_eng, fra_eng.origin.split
    answers = data.origin.feed.targets
    train, truth = answers[split.train], answers[split.test]
    counts = np.stack([np.bincount(column, minlength=data.num_classes) for column in train.T])
    frequent = counts[:, 1:].argmax(axis=1) + 1
    baseline = (frequent == truth)[truth != 0].mean()
    assert 0.25 < baseline < 0.35

    model = attention(data)
    model.fit(data.train, epochs=3, verbose=0)
    measured = model.evaluate(data.test, verbose=0, return_dict=True)["accuracy"]
    probabilities = model.predict(data.test, verbose=0)
    # Keras's own number is that of the tokens alone.
    right = (probabilities.argmax(axis=-1) == truth)[truth != 0]
    assert measured == pytest.approx(right.mean(), abs=1e-5)
    assert measured > 0.5 > baseline + 0.15

    version = dk.export.saved_model(model, tmp_path / "french", data=data)
    served = tf.saved_model.load(version).signatures["serving_default"]
    raw = data.origin.raw(split.test[:50])
    given = served(**{key: tf.constant(texts) for key, texts in raw.items()})["predictions"]
    np.testing.assert_allclose(given, probabilities[:50], atol=1e-5)
    # A source of other words has another answer: the network reads it.
    other = served(source=tf.constant(["he left ."] * 50), target=tf.constant(raw["target"]))
    assert (other["predictions"].numpy().argmax(-1) == truth[:50])[truth[:50] != 0].mean() < (
        right[: int((truth[:50] != 0).sum())].mean() - 0.1
    )


def test_no_test_sentence_was_trained_on(fra_eng):
    """Most sentences have several translations here, so rows at random would leak."""
    split, raw = fra_eng.origin.split, fra_eng.origin.raw
    parts = [
        {plain(s) for s in raw(rows)["source"]} for rows in (split.train, split.val, split.test)
    ]
    rows = [len(part) for part in (split.train, split.val, split.test)]
    assert sum(rows) == 4000 and [round(n / 4000, 2) for n in rows] == [0.72, 0.08, 0.20]
    for one, other in ((0, 1), (0, 2), (1, 2)):
        assert not parts[one] & parts[other]
    everything = [plain(s) for s in raw(np.arange(4000))["source"]]
    assert len(set(everything)) < 2500


def plain(sentence):
    return " ".join(re.findall(r"\w+|[^\w\s]", sentence.lower()))


def test_the_published_splits_of_multi30k_are_kept(shared_data):
    data = dk.data.load("multi30k", languages=("en", "fr"), batch_size=256)
    split = data.origin.split
    assert [len(part) for part in (split.train, split.val, split.test)] == [29_000, 1014, 1000]
    (first,) = data.origin.raw(split.test[:1])["source"]
    assert first == "A man in an orange hat starring at something."
    assert data.examples[0]["source"][0] == first
    counts = {}
    for caption in data.origin.raw(split.train)["source"]:
        for word in re.findall(r"\w+", caption.lower()):
            counts[word] = counts.get(word, 0) + 1
    top = sorted(counts, key=counts.get)[::-1][:6]
    assert set(top) <= set(data.vocabularies["source"][4:14])
    for wrong in (("en", "en"), ("en", "it"), "en", ("en",)):
        with pytest.raises(InputError, match=r"must be two of en, de, fr: .* Received: languages="):
            dk.data.load("multi30k", languages=wrong)


@pytest.mark.parametrize("cache", [True, False])
def test_a_batch_is_shifted_by_one_and_padding_weighs_nothing(cache):
    data = small(cache=cache, target_length=6)
    words = data.vocabularies["target"]
    for x, following, weights in data.train:
        assert x["target"].shape[1:] == following.shape[1:] == weights.shape[1:] == (6,)
        for seen, comes, weight in zip(
            x["target"].numpy(), following.numpy(), weights, strict=True
        ):
            end = comes.tolist().index(3)
            assert words[seen[0]] == "[start]" and words[comes[end]] == "[end]"
            np.testing.assert_array_equal(seen[1 : end + 1], comes[:end])
            assert not seen[end + 1 :].any() and not comes[end + 1 :].any()
            np.testing.assert_array_equal(weight, np.arange(6) <= end)


def test_rewards_for_padding_do_not_exist():
    """A network that is sure of padding everywhere has the loss of its tokens alone."""
    data = small()
    key = "target"
    inputs = {k: keras.Input(s.shape, dtype=s.dtype, name=k) for k, s in data.input_spec.items()}
    pad = keras.ops.one_hot(keras.ops.zeros_like(inputs[key]), data.num_classes) * 0.98 + 0.001
    model = keras.Model(inputs, pad)
    model.compile(loss="sparse_categorical_crossentropy", weighted_metrics=["accuracy"])
    result = model.evaluate(data.test, verbose=0, return_dict=True)
    assert result["accuracy"] == 0
    tokens = data.origin.feed.targets[data.origin.split.test] != 0
    assert result["loss"] == pytest.approx(
        -np.log(0.001 / (0.98 + 0.001 * data.num_classes)) * tokens.mean(), rel=0.02
    )


def test_vocabularies_and_lengths_are_those_of_the_training_pairs():
    data = dk.data.from_text_pairs(
        ["a b", "a c"] * 10, ["x y", "x z z z"] * 10, test=(["d d d d"], ["w w"]), val_fraction=0,
        batch_size=4,
    )  # fmt: skip
    assert data.vocabularies["source"] == ("[pad]", "[UNK]", "[start]", "[end]", "a", "b", "c")
    assert data.vocabularies["target"][4:] == ("z", "x", "y")
    x, following, _ = next(iter(data.test))
    assert x["source"].numpy().tolist() == [[1, 1]]  # unknown, and cut to two tokens
    assert following.numpy().tolist() == [[1, 1, 3, 0, 0]]
    fewer = data.origin.remake(dataclasses.replace(data.origin.split, train=np.arange(0, 20, 2)))
    assert fewer.vocabularies["target"][4:] == ("x", "y")
    assert fewer.input_spec["target"].shape == (3,)


def test_weights_of_examples_are_those_of_all_their_tokens():
    data = small()
    weights = np.linspace(1, 2, 60)
    other = data.origin.remake(dataclasses.replace(data.origin.split, weights=weights))
    shown = np.concatenate([w.numpy().max(axis=1) for *_, w in other.train])
    np.testing.assert_allclose(np.sort(shown), weights[data.origin.split.train], rtol=1e-6)


@pytest.mark.parametrize("tokens", ["word", "character"])
def test_the_same_seed_gives_the_same_batches_on_any_number_of_threads(tokens):
    seen = []
    for threads, cache in ((1, True), (8, False)):
        data = small(tokens=tokens, cache=cache)
        options = tf.data.Options()
        options.threading.private_threadpool_size = threads
        seen.append([tf.nest.flatten(b) for b in data.train.with_options(options).repeat(2)])
    assert len(seen[0]) == 2 * int(data.train.cardinality())
    for one, other in zip(*seen, strict=True):
        for a, b in zip(one, other, strict=True):
            np.testing.assert_array_equal(a, b)


def test_splits_in_order_would_part_what_belongs_together():
    for split in (small().resplit, small().folds):
        with pytest.raises(InputError, match=r"'pairs' belong together.* without ordered=True"):
            split(ordered=True)


def test_a_cache_holds_the_weights_of_padding(tmp_path):
    data = small()
    cached = data.cache_to(tmp_path / "cache")
    for one, other in zip(data.test, cached.test, strict=True):
        for a, b in zip(tf.nest.flatten(one), tf.nest.flatten(other), strict=True):
            np.testing.assert_array_equal(a, b)
    shown = [np.concatenate([batch[2] for batch in d.train]).sum() for d in (data, cached)]
    assert shown[0] == shown[1] > 0
    with pytest.raises(InputError, match=r"data of kind 'pairs' is not augmented; leave"):
        data.show(augmented=True)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tokens": "bytes"}, r"tokens must be one of: word, character. Received: tokens='bytes'"),
        ({"vocabulary_size": 0}, r"vocabulary_size must be a whole number of at least 5"),
        ({"min_count": 100}, r"leaves a source vocabulary of size zero: .* more than \d+ times"),
        ({"target_length": 1}, r"target_length must be a whole number of at least 2"),
        ({"max_pairs": 0}, r"max_pairs must be a whole number of at least 1"),
        ({"max_pairs": 1}, r"All 1 pairs have the same source sentence"),
        ({"augment": "swap"}, r"not augmented: .* Received: augment='swap'"),
        ({"val": ["one", "two", "three"]}, r"val must be \(source, target\), .* list of 3"),
        ({"val": (["one"], ["un", "deux"])}, r"val source and val target .* Received: 1 and 2"),
    ],
)
def test_a_wrong_option_is_told_in_a_sentence(options, message):
    with pytest.raises(InputError, match=message):
        small(**options)
