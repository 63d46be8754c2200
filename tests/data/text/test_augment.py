"""Recipes on ids: what they change, how often, and that a seed repeats it."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

import dlkit as dk
from dlkit.data.text import augment
from dlkit.data.text import wordnet as thesaurus
from dlkit.data.text.augment import check_text_augmentation, resolve_text_augmentation
from dlkit.data.text.encoding import Encoding
from dlkit.errors import InputError, MissingExtraError

IDS = np.zeros((200, 40), np.int64)
LENGTHS = np.random.default_rng(0).integers(1, 41, 200)
for row, length in enumerate(LENGTHS):
    IDS[row, :length] = np.arange(2, 2 + length)
SEED = tf.constant([3, 4], tf.int64)
TOKENS = Encoding("clean", "word", "tokens", 100, None)


def test_words_are_dropped():
    made = augment.drop_words(tf.constant(IDS), SEED, 0.3).numpy()
    lengths = (made != 0).sum(axis=1)
    assert (lengths >= 1).all()
    assert lengths.sum() / LENGTHS.sum() == pytest.approx(0.7, abs=0.02)
    for ids, length in zip(made, lengths, strict=True):
        assert (np.diff(ids[:length]) > 0).all()  # in their order, without holes
    every = augment.drop_words(tf.constant(IDS), SEED, 1.0).numpy()
    assert ((every != 0).sum(axis=1) == 1).all()


def test_neighbours_are_swapped():
    made = augment.swap_words(tf.constant(IDS), SEED, 0.3).numpy()
    np.testing.assert_array_equal(np.sort(made), np.sort(IDS))
    np.testing.assert_array_equal(made == 0, IDS == 0)
    assert np.abs(made - IDS).max() == 1
    long = LENGTHS > 20
    assert (made != IDS)[long].sum() / LENGTHS[long].sum() == pytest.approx(0.3, abs=0.03)


def test_words_are_replaced_by_the_tables():
    table = np.repeat(np.arange(50)[:, None], 2, axis=1)
    table[5] = [30, 31]
    made = augment.replace_words(tf.constant(IDS), SEED, 0.5, table=table).numpy()
    np.testing.assert_array_equal(made[IDS != 5], IDS[IDS != 5])
    chosen = made[IDS == 5]
    assert set(chosen) == {5, 30, 31}
    assert (chosen != 5).mean() == pytest.approx(0.5, abs=0.12)


def test_a_seed_repeats_it_and_another_does_not():
    steps = {"drop_words": 0.2, "swap_words": 0.2}
    strong = resolve_text_augmentation(steps, TOKENS, ["", "[UNK]"])
    once, again, other = (strong(IDS, seed).numpy() for seed in (SEED, SEED, SEED + 1))
    np.testing.assert_array_equal(once, again)
    assert (once != other).any()


def test_synonyms_come_from_the_vocabulary(monkeypatch):
    known = {"big": ["large"], "fast": ["quick", "rapid"]}
    monkeypatch.setattr(thesaurus, "synonyms", lambda words: known)
    monkeypatch.setattr(thesaurus, "folder", lambda: None)
    words = ["", "[UNK]", "big", "large", "fast", "quick", "rapid"]
    table = augment.synonym_table(words)
    assert table[2].tolist() == [3] * 8
    assert table[4].tolist() == [5, 6] * 4
    assert table[[0, 1, 3]].tolist() == [[0] * 8, [1] * 8, [3] * 8]
    made = resolve_text_augmentation({"synonyms": 1.0}, TOKENS, words)(
        tf.constant([[2, 4, 0]], tf.int64), SEED
    )
    assert made.numpy()[0, 0] == 3 and made.numpy()[0, 1] in (5, 6) and made.numpy()[0, 2] == 0


def meanings(folder):
    """Return the words of each meaning in WordNet's data files, read as text."""
    found = []
    for path in folder.glob("data.*"):
        for line in path.read_text().splitlines():
            if line[0] != " ":
                count, words = int(line.split()[3], 16), line.split()[4:]
                found.append({word.split("(")[0].lower() for word in words[: 2 * count : 2]})
    return found


def test_real_sentences_are_said_in_other_words(shared_data, wordnet):
    options = {"vocabulary_size": 3000, "length": 30}
    data = dk.data.load("sentence_polarity", augment={"synonyms": 0.5}, **options)
    feed, rows = data.origin.feed, data.origin.split.train[:640]
    plain = dataclasses.replace(feed, augment=None)
    pairs = []
    for (ids, _), (changed, _) in zip(
        plain.batches(rows, train=True), feed.batches(rows, train=True), strict=True
    ):
        different = (ids != changed).numpy()
        names = np.array(data.vocabulary)
        pairs += zip(names[ids.numpy()[different]], names[changed.numpy()[different]], strict=True)
        assert ((ids == 0) == (changed == 0)).numpy().all()
    assert len(pairs) > 500
    found = meanings(wordnet)
    for old, new in set(pairs):
        assert any(old in words and new in words for words in found), (old, new)
    assert ("movie", "film") in pairs
    val = next(iter(data.val))[0]
    np.testing.assert_array_equal(val, next(iter(plain.batches(data.origin.split.val)))[0])


@pytest.mark.parametrize(
    ("augment", "sentence"),
    [
        ("flip", r"augment must be one of: drop_words.*augment='flip'"),
        (["drop"], r"Each step of augment must be one of.*='drop'"),
        ({"drop_words": 2}, r"'drop_words' must be a part.*\{'drop_words': 2\}"),
        ([], r"must name steps for texts.*augment=\[\]"),
        (3, r"must name steps for texts.*augment=3"),
        ("synonyms", r"needs tokens='word'\. Received: tokens='character'"),
    ],
)
def test_bad_augmentations_are_told(augment, sentence):
    with pytest.raises(InputError, match=sentence):
        check_text_augmentation(augment, dataclasses.replace(TOKENS, tokens="character"))


@pytest.mark.parametrize("name", ["tf_idf", "count"])
def test_words_of_vectors_are_dropped(name):
    vectors = np.random.default_rng(0).uniform(1, 2, (50, 300)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    how = dataclasses.replace(TOKENS, encoding=name)
    made = resolve_text_augmentation({"drop_words": 0.3}, how, ())(vectors, SEED).numpy()
    kept = made != 0
    assert kept.mean() == pytest.approx(0.7, abs=0.02)
    expected = vectors * kept
    if name == "tf_idf":
        expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    np.testing.assert_allclose(made, expected, rtol=1e-5)
    # A level does what it can; what is asked for by name is refused.
    assert resolve_text_augmentation("strong", how, ()) is not None
    with pytest.raises(InputError, match=rf"'swap_words' needs .*'tokens'.*'{name}'"):
        check_text_augmentation("swap_words", how)


def test_missing_synonyms_are_told(monkeypatch, tmp_path):
    monkeypatch.setattr(thesaurus, "places", lambda: iter([tmp_path]))
    with pytest.raises(MissingExtraError, match="apt install wordnet-base"):
        check_text_augmentation("strong", TOKENS)
    check_text_augmentation("medium", TOKENS)
    assert resolve_text_augmentation(False, TOKENS, ()) is None
