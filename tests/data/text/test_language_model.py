"""One text as windows for a language model: what they hold, and a network that learns from them."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import dlkit as dk
from dlkit.errors import InputError

LINES = "".join(f"line {i} has the words w{i % 7} and w{i % 11}\n" for i in range(400))


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("text") / "lines.txt"
    path.write_text(LINES)
    return path


def rows(data, split):
    """Return the texts of a split's windows and of their targets, in order."""
    chosen = getattr(data.origin.split, split)
    x, y = zip(*data.origin.feed.batches(chosen), strict=True)
    return [dk.data.decode_tokens(data, np.concatenate(part)) for part in (x, y)]


@pytest.mark.parametrize("tokens", ["character", "bpe"])
def test_windows_lie_one_behind_the_other_and_never_over_a_cut(path, tokens):
    size = {"vocabulary_size": 300}
    data = dk.data.from_text_file(path, window=20, tokens=tokens, batch_size=8, **size)
    parts = {}
    for split in ("train", "val", "test"):
        parts[split] = "".join(rows(data, split)[0])
        ids = [np.concatenate([b[i] for b in getattr(data, split)]) for i in (0, 1)]
        if split != "train":  # whose order is another each epoch
            np.testing.assert_array_equal(ids[0][:, 1:], ids[1][:, :-1])
            np.testing.assert_array_equal(ids[0][1:, 0], ids[1][:-1, -1])
    assert LINES.startswith(parts["train"])
    starts = [LINES.index(parts[split]) for split in ("train", "val", "test")]
    assert starts[0] == 0
    assert starts[1] / len(LINES) == pytest.approx(0.81, abs=0.01)
    assert starts[2] / len(LINES) == pytest.approx(0.9, abs=0.01)
    for split, start in zip(("train", "val"), starts[1:], strict=True):
        assert len(parts[split]) <= start and LINES[start - 1] == "\n"
    assert data.task == "language_model" and data.num_classes == len(data.vocabulary)


def test_windows_may_overlap(path):
    data = dk.data.from_text_file(path, window=20, stride=5, batch_size=8)
    inputs, _ = rows(data, "test")
    assert inputs[0][5:] == inputs[1][:15]
    assert data.origin.overlap == 4


def test_tokens_are_those_of_the_training_part(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("abc " * 200 + "\n" + "xyz " * 20)
    data = dk.data.from_text_file(path, window=5, batch_size=4, val_fraction=0)
    assert set(data.vocabulary[2:]) == set("abc \n") and data.val is None
    assert 1 in next(iter(data.test))[0].numpy()


@pytest.mark.parametrize(("window", "stride"), [(20, None), (20, 5), (7, 30), (1, 1)])
def test_windows_are_slices_of_the_text(path, window, stride):
    data = dk.data.from_text_file(path, window=window, stride=stride, batch_size=8, val_fraction=0)
    cut = LINES.index("\n", int(len(LINES) * 0.9)) + 1  # the end of the line in which 90% lies
    for split, part in (("train", LINES[:cut]), ("test", LINES[cut:])):
        starts = range(0, len(part) - window, stride or window)
        expected = [part[start : start + window] for start in starts]
        following = [part[start + 1 : start + window + 1] for start in starts]
        assert rows(data, split) == [expected, following]


def test_words_are_slices_of_the_words(path):
    data = dk.data.from_text_file(path, window=6, stride=4, tokens="word", batch_size=8)
    cut = LINES.index("\n", int(len(LINES) * 0.9)) + 1
    words, known = LINES[cut:].split(), set(data.vocabulary)
    words = [word if word in known else "[UNK]" for word in words]
    starts = range(0, len(words) - 6, 4)
    inputs, targets = rows(data, "test")
    assert inputs == [" ".join(words[start : start + 6]) for start in starts]
    assert targets == [" ".join(words[start + 1 : start + 7]) for start in starts]
    assert "[UNK]" in words  # the numbers of the last lines


@pytest.mark.parametrize("tokens", ["character", "word", "bpe"])
def test_raw_windows_become_the_same_ids(tmp_path, tokens):
    path = tmp_path / "a.txt"
    path.write_text(LINES + "w\u00e4rmer words\n" * 60)  # the training part has no umlaut
    data = dk.data.from_text_file(path, window=12, tokens=tokens, batch_size=8, vocabulary_size=300)
    chosen = data.origin.split.test
    ids = data.preprocessing(tf.constant(data.origin.raw(chosen), tf.string)).numpy()
    np.testing.assert_array_equal(ids, np.concatenate([x for x, _ in data.test]))
    assert (1 in ids) == (tokens != "bpe")
    texts, targets = data.examples
    assert texts.tolist() == data.origin.raw(chosen[: len(texts)]).tolist()
    np.testing.assert_array_equal(ids[: len(texts), 1:], targets[:, :-1])


def test_full_windows_are_no_texts_cut_short(path):
    data = dk.data.from_text_file(path, window=20, batch_size=8)
    assert "texts cut short" not in [found.what for found in data.check()]


def test_a_seed_repeats_the_order_on_any_number_of_threads(path):
    epochs = []
    for threads, seed in ((1, 0), (8, 0), (1, 1)):
        data = dk.data.from_text_file(
            path, window=20, batch_size=8, seed=seed, augment=lambda ids, seed: ids[:, ::-1]
        )
        options = tf.data.Options()
        options.threading.private_threadpool_size = threads
        dataset = data.train.with_options(options)
        epochs.append(np.concatenate([x for x, _ in dataset] + [x for x, _ in dataset]))
    np.testing.assert_array_equal(epochs[0], epochs[1])
    assert (epochs[0] != epochs[2]).any()


def test_data_made_again_from_other_rows(path):
    data = dk.data.from_text_file(path, window=20, batch_size=8)
    split = data.origin.split
    turned = data.origin.remake(type(split)(split.val, split.train, split.test))
    assert turned.vocabulary == data.vocabulary
    assert len(turned.train) == -(-len(split.val) // 8)
    weights = np.arange(len(split.train) + len(split.val) + len(split.test))
    weighted = data.origin.feed.batches(split.val, train=True, weights=weights)
    assert sorted(np.concatenate([w for _, _, w in weighted])) == split.val.tolist()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"window": 2000}, r"window=2000 needs more than 2000 tokens .* validation part has 1\d+"),
        ({"window": 20_000}, r"window=20000 needs .*lines\.txt.* training part has 10\d+"),
        ({"window": 60, "val_fraction": 0.001}, r"window=60 needs .* validation part has 0"),
        ({"window": 0}, r"at least 1\. Received: window=0"),
        ({"window": 20, "stride": 0}, r"at least 1\. Received: stride=0"),
        ({"window": 20, "augment": "light"}, r"not augmented by recipes.*augment='light'"),
        ({"window": 20, "vocabulary_size": 0}, r"Received: vocabulary_size=0"),
        ({"window": 20, "tokens": "bpe", "vocabulary_size": 9}, r"at least 256.*vocabulary_size=9"),
    ],
)
def test_what_cannot_be_used_is_told(path, options, sentence):
    with pytest.raises(InputError, match=sentence):
        dk.data.from_text_file(path, **({"batch_size": 8} | options))


def test_bad_files_are_told(tmp_path):
    path = tmp_path / "a.txt"
    for content, sentence in (
        (b" \n", r"a\.txt holds no text"),
        (b"\xff", r"is not UTF-8"),
        (b"a\0b", r"a zero byte after 1"),
    ):
        path.write_bytes(content)
        with pytest.raises(InputError, match=sentence):
            dk.data.from_text_file(path, window=3)


def bigram_loss(data):
    """Return the nats a character of the test split costs by the counts of pairs in training."""
    pairs = np.ones((data.num_classes, data.num_classes))
    for x, y in data.train:
        np.add.at(pairs, (x.numpy(), y.numpy()), 1)
    chances = pairs / pairs.sum(axis=1, keepdims=True)
    single = pairs.sum(axis=0) / pairs.sum()
    losses = [
        [-np.log(table).mean() for table in (single[y.numpy()], chances[x.numpy(), y.numpy()])]
        for x, y in data.test
    ]
    return np.mean(losses, axis=0)


def test_a_network_beats_the_counts_of_pairs(shared_data, tmp_path):
    data = dk.data.load("tiny_shakespeare", batch_size=32)
    unigram, bigram = bigram_loss(data)
    assert (unigram, bigram) == pytest.approx((3.35, 2.48), abs=0.05)

    keras.utils.set_random_seed(0)
    ids = keras.Input((None,), dtype="int64")
    x = keras.layers.Embedding(data.num_classes, 24)(ids)
    x = keras.layers.Conv1D(128, 5, padding="causal", activation="relu")(x)
    chances = keras.layers.Dense(data.num_classes, activation="softmax", name="predictions")(x)
    model = keras.Model(ids, chances)
    model.compile(keras.optimizers.Adam(5e-3), "sparse_categorical_crossentropy")
    model.fit(data.train, epochs=1, verbose=0)
    assert model.evaluate(data.test, verbose=0) < bigram - 0.25

    version = dk.export.saved_model(model, tmp_path / "bard", data=data)
    served = tf.saved_model.load(str(version)).signatures["serving_default"]
    texts = data.examples[0][:4].tolist()
    (answer,) = served(text=tf.constant(texts)).values()
    expected = model.predict(next(iter(data.test))[0][:4], verbose=0)
    np.testing.assert_allclose(answer, expected, rtol=1e-4, atol=1e-6)
    (next_one,) = served(text=tf.constant(["ROMEO:\nWherefore art tho"])).values()
    assert data.vocabulary[int(tf.argmax(next_one[0, -1]))] == "u"
