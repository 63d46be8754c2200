"""Folders and tables of texts become `Data`: what is learned, fed, refused, and exported."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import dlkit as dk
from dlkit.data.text.bucketing import padding
from dlkit.errors import InputError

RNG = np.random.default_rng(0)
WORDS = [f"w{i}" for i in range(30)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return class folders of train and test; `onlytest` is in every text of the test split."""
    root = tmp_path_factory.mktemp("texts")
    for split, count, extra in (("train", 40, ""), ("test", 8, " onlytest")):
        for name, word in (("bad", "dull"), ("good", "fine")):
            (root / split / name).mkdir(parents=True)
            for i in range(count):
                text = " ".join(RNG.choice(WORDS, RNG.integers(1, 30))) + f" {word}{extra}"
                (root / split / name / f"{i}.txt").write_text(text)
    return root


def load(folder, **options):
    options = {"batch_size": 16} | options
    return dk.data.from_text_folder(folder / "train", test=folder / "test", **options)


def batches(dataset):
    return [[part.numpy() for part in batch] for batch in dataset]


def test_the_vocabulary_is_that_of_the_training_split(folder):
    data = load(folder, length=31)
    assert "onlytest" not in data.vocabulary and {"dull", "fine"} < set(data.vocabulary)
    for x, _ in batches(data.test):
        assert ((x == 1).sum(axis=1) == 1).all()  # "onlytest" is [UNK]
    # Made again from the test rows alone, it knows their words and only theirs.
    origin = data.origin
    turned = origin.remake(
        type(origin.split)(origin.split.test, origin.split.val, origin.split.train)
    )
    assert "onlytest" in turned.vocabulary


@pytest.mark.parametrize("options", [{}, {"bucket": True}, {"encoding": "tf_idf"}])
def test_the_pipeline_gives_what_the_preprocessing_gives(folder, options):
    data, anew = load(folder, **options), load(folder, cache=False, **options)
    (x, y), (x_anew, _) = batches(data.val)[0], batches(anew.val)[0]
    texts = data.origin.raw(data.origin.split.val)
    np.testing.assert_array_equal(x, data.preprocessing(tf.constant(texts, tf.string)))
    np.testing.assert_array_equal(x, x_anew)
    assert [data.class_names[i] for i in y] == ["good" if "fine" in t else "bad" for t in texts]
    assert data.kind == "text" and data.preprocessing.inputs[0].name == "text"


def test_buckets_save_padding_and_keep_every_text(folder):
    plain, bucket = load(folder, batch_size=8), load(folder, batch_size=8, bucket=True)
    rows = plain.origin.split.train
    saved = [padding(data.origin.feed, rows) for data in (plain, bucket)]
    assert saved[1] < saved[0] / 2
    epoch = batches(bucket.train)
    assert len(epoch) == int(bucket.train.cardinality())
    assert sum(len(y) for _, y in epoch) == len(rows)
    assert len({x.shape[1] for x, _ in epoch}) > 3
    again = batches(bucket.train)
    assert [len(x) for x, _ in epoch] != [len(x) for x, _ in again] or any(
        a.shape != b.shape or (a != b).any() for (a, _), (b, _) in zip(epoch, again, strict=True)
    )
    shown = sorted(text for x, _ in epoch for text in dk.data.decode_tokens(bucket, x))
    assert (
        shown
        == sorted(text for x, _ in batches(plain.train) for text in dk.data.decode_tokens(plain, x))
        or max(len(text.split()) for text in shown) == plain.input_spec["tokens"].shape[0]
    )


@pytest.mark.parametrize("options", [{}, {"bucket": True}, {"encoding": "count", "cache": False}])
def test_same_seed_same_batches_on_any_number_of_threads(folder, options):
    epochs = []
    for threads in (1, 8):
        data = load(folder, augment="medium", seed=5, **options)
        chosen = tf.data.Options()
        chosen.threading.private_threadpool_size = threads
        dataset = data.train.with_options(chosen)
        epochs.append(batches(dataset) + batches(dataset))
    for one, other in zip(*epochs, strict=True):
        for a, b in zip(one, other, strict=True):
            np.testing.assert_array_equal(a, b)
    other_seed = batches(load(folder, augment="medium", seed=6, **options).train)
    assert not all(np.array_equal(a[1], b[1]) for a, b in zip(epochs[0], other_seed, strict=False))


def test_only_training_texts_are_augmented(folder):
    plain, changed = load(folder, length=31), load(folder, length=31, augment={"drop_words": 0.5})
    for split in ("val", "test"):
        for (x, _), (other, _) in zip(
            batches(getattr(plain, split)), batches(getattr(changed, split)), strict=True
        ):
            np.testing.assert_array_equal(x, other)
    counts = [sum((x != 0).sum() for x, _ in batches(data.train)) for data in (plain, changed)]
    assert counts[1] / counts[0] == pytest.approx(0.5, abs=0.1)
    own = load(folder, length=31, augment=lambda ids, seed: ids * 0 + 7)
    assert set(np.unique(next(iter(own.train))[0])) == {7}


def test_weights_go_beside(folder):
    data = load(folder)
    weights = np.arange(len(data.origin.targets.values), dtype=np.float32)
    for bucket in (False, True):
        feed = load(folder, bucket=bucket).origin.feed
        rows = data.origin.split.train
        found = [w for _, _, w in batches(feed.batches(rows, train=True, weights=weights))]
        assert sorted(np.concatenate(found)) == sorted(weights[rows])


def test_labels_with_stray_spaces_are_one_class(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(
        "text,label\n" + "".join(f"word {i}, {'no' if i % 2 else 'yes '}\n" for i in range(20))
    )
    data = dk.data.from_text_table(path, "text", label_column="label", batch_size=4)
    assert data.class_names == ("no", "yes") and data.name == "a"


def test_several_labels_and_numbers(tmp_path):
    path = tmp_path / "a.csv"
    rows = [f"w{i} x,{i % 2},{i % 3 // 2},{i / 7}\n" for i in range(40)]
    path.write_text("text,rude,long,score\n" + "".join(rows))
    options = {"batch_size": 8, "encoding": "count"}
    data = dk.data.from_text_table(path, "text", label_column=("rude", "long"), **options)
    assert data.task == "multilabel" and data.class_names == ("rude", "long")
    data = dk.data.from_text_table(path, "text", label_column="score", **options)
    assert data.task == "regression"


def test_what_cannot_be_used_is_told(folder, tmp_path):
    (tmp_path / "only").mkdir()
    (tmp_path / "only" / "a.txt").write_text("a")
    with pytest.raises(InputError, match=r"one class folder only \('only'\)"):
        dk.data.from_text_folder(tmp_path)
    with pytest.raises(InputError, match=r"holds splits \(test, train\) and not classes"):
        dk.data.from_text_folder(folder)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "b.txt").write_text(" \n")
    with pytest.raises(InputError, match=r"b\.txt holds no text"):
        dk.data.from_text_folder(tmp_path)
    with pytest.raises(InputError, match=r"vocabulary_size must be .* Received: vocabulary_size=0"):
        load(folder, vocabulary_size=0)
    with pytest.raises(InputError, match=r"has no option 'vocab'\. Did you mean"):
        dk.data.from_text_table("a.csv", "text", label_column="label", vocab=3)


@pytest.mark.parametrize(
    "options",
    [
        {"encoding": "tf_idf"},
        {"length": 12},
        {"tokens": "character", "length": 20},
        {"tokens": "bpe", "vocabulary_size": 300, "bucket": True},
    ],
    ids=str,
)
def test_a_raw_text_is_answered_as_in_training(folder, tmp_path, options):
    data = load(folder, **options)
    (spec,) = data.input_spec.values()
    inputs = keras.Input(spec.shape, dtype=spec.dtype)
    x = inputs
    if "tokens" in data.input_spec:
        x = keras.layers.Embedding(len(data.vocabulary), 4)(x)
        x = keras.layers.GlobalAveragePooling1D()(x)
    model = keras.Model(inputs, keras.layers.Dense(1, activation="sigmoid", name="predictions")(x))
    version = dk.export.saved_model(model, tmp_path / "model", data=data)
    served = tf.saved_model.load(str(version)).signatures["serving_default"]
    texts = [*data.examples[0][:5], "Wholly <b>unseen</b> wörds", ""]
    for text in texts:
        (answer,) = served(text=tf.constant([text])).values()
        expected = model(data.preprocessing(tf.constant([text])))
        np.testing.assert_allclose(answer, expected, rtol=1e-5)
    x, _ = batches(data.test)[0]
    (answer,) = served(text=tf.constant(data.examples[0][:5].tolist())).values()
    expected = model(data.preprocessing(tf.constant(data.examples[0][:5].tolist())))
    np.testing.assert_allclose(answer, expected, rtol=1e-5)
    if x.shape[1] == spec.shape[0]:
        np.testing.assert_allclose(model(x[:5]), answer, rtol=1e-5)
