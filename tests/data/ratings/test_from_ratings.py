"""`from_ratings`: splits by time, new users and items, a recommender that beats the means."""

import json
import urllib.request

import keras
import numpy as np
import pytest
import tensorflow as tf

import dlkit as dk
from dlkit.data.catalogue import loading
from dlkit.errors import InputError


def table(count=120):
    random = np.random.default_rng(0)
    users, items = random.integers(0, 8, count), random.integers(0, 15, count)
    return {
        "who": [f"user {u}" for u in users],
        "film": items.tolist(),
        "stars": (users % 3 + items % 3 + 0.5).tolist(),
        "when": random.permutation(count).tolist(),
    }


COLUMNS = {"user": "who", "item": "film", "rating": "stars"}


@pytest.fixture(scope="module")
def movielens(shared_data):
    return dk.data.load("movielens", batch_size=512)


def factors(data, units=16):
    """Return a bias for each user and item, and a product of their factors (Koren et al. 2009)."""
    keras.utils.set_random_seed(0)
    inputs = {role: keras.Input((), dtype="int32", name=role) for role in ("user", "item")}
    parts = []
    for role in inputs:
        known = len(data.vocabularies[role])
        vector = keras.layers.Embedding(known, units, keras.initializers.RandomNormal(stddev=0.05))
        bias = keras.layers.Embedding(known, 1, "zeros")
        parts.append((vector(inputs[role]), bias(inputs[role])))
    (user, user_bias), (item, item_bias) = parts
    total = keras.layers.Add()([keras.layers.Dot(-1)([user, item]), user_bias, item_bias])
    mean = keras.initializers.Constant(float(data.columns[2].note.split()[-1]))
    head = keras.layers.Dense(1, kernel_initializer="ones", bias_initializer=mean)
    model = keras.Model(inputs, head(total))
    model.compile(keras.optimizers.AdamW(2e-3, weight_decay=0.1), "mse")
    return model


def test_factors_beat_the_means_and_the_export_answers_raw_ids(movielens, tmp_path):
    """Test RMSE: mean of all ratings 1.05; each user's and item's own mean 0.92."""
    data = movielens
    (train, test), values = (data.origin.split.train, data.origin.split.test), data.origin.targets
    known, unseen = data.origin.raw(train), data.origin.raw(test)
    stars, truth = values.values[train], values.values[test]
    guess = np.full(len(truth), stars.mean())
    assert root_mean_square(guess - truth) == pytest.approx(1.05, abs=0.01)
    for role in ("user", "item"):
        names, codes = np.unique(known[role], return_inverse=True)
        offsets = np.bincount(codes, stars - stars.mean()) / np.bincount(codes)
        own = dict(zip(names.tolist(), offsets, strict=True))
        guess += [own.get(name, 0.0) for name in unseen[role].tolist()]
    assert root_mean_square(guess - truth) == pytest.approx(0.922, abs=0.01)

    model = factors(data)
    model.fit(data.train, epochs=3, verbose=0)
    answers = model.predict(data.test, verbose=0)[:, 0]
    assert root_mean_square(answers - truth) < 0.885

    version = dk.export.saved_model(model, tmp_path / "films", data=data)
    served = tf.saved_model.load(version).signatures["serving_default"]
    (given,) = served(**{k: tf.constant(v[:64]) for k, v in unseen.items()}).values()
    np.testing.assert_allclose(given[:, 0], answers[:64], atol=1e-5)
    rows = [{k: int(v[i]) for k, v in unseen.items()} for i in range(3)]
    rows.append({"user": 10**9, "item": rows[0]["item"]})  # nobody's number
    with dk.serving.Server(version.parent, rest_port=0) as server:
        body = json.dumps({"instances": rows}).encode()
        with urllib.request.urlopen(f"{server.url}:predict", body) as answer:
            predictions = np.array(json.load(answer)["predictions"])
    np.testing.assert_allclose(predictions[:3, 0], answers[:3], atol=1e-4)
    assert 0.5 < predictions[3, 0] < 5.0


def root_mean_square(values):
    return float(np.sqrt(np.mean(np.square(values))))


def test_the_counts_are_those_of_the_publisher(movielens):
    everything = movielens.origin.raw(np.arange(100_836))
    assert [len(np.unique(everything[role])) for role in ("user", "item")] == [610, 9_724]
    assert set(np.unique(movielens.origin.targets.values)) == set(np.arange(0.5, 5.5, 0.5))
    assert movielens.kind == "ratings" and movielens.task == "regression"
    assert loading.find_info("movielens").examples == 100_836


def test_one_hot_rows_are_for_the_models_of_dlkit():
    """These ratings are a sum of a user's and an item's part, which one layer can learn."""
    data = dk.data.from_ratings(table(600), **COLUMNS, encoding="one_hot", batch_size=32)
    assert data.input_spec["features"].shape == (23,)
    x, _ = next(iter(data.test))
    np.testing.assert_array_equal(x.numpy().sum(axis=1), 2)
    for row, raw_user in zip(x.numpy(), data.examples[0]["user"], strict=False):
        assert data.feature_names[row.argmax()] == f"user={raw_user}"
    model = dk.models.build("perceptron", data, learning_rate=0.05, seed=0)
    model.fit(data.train, epochs=25, verbose=0)
    assert model.evaluate(data.test, verbose=0, return_dict=True)["loss"] < 0.05
    with pytest.raises(InputError, match=r"'ratings' has 2 inputs \(user, item\)"):
        dk.models.build("mlp", dk.data.from_ratings(table(), **COLUMNS))


def test_rare_and_new_users_share_number_0():
    rare = table()
    rare["who"][:3] = ["once", "twice", "twice"]
    data = dk.data.from_ratings(rare, **COLUMNS, split="time", time="when", val_fraction=0)
    number = data.preprocessing(
        {"user": tf.constant(["once", "new", "user 0"]), "item": tf.constant([3] * 3, tf.int64)}
    )
    assert number["user"].numpy().tolist()[:2] == [0, 0]
    assert number["user"].numpy()[2] > 0
    trained = [rare["who"][row] for row in data.origin.split.train]
    users = sorted({who for who in trained if trained.count(who) >= 2})
    every = data.preprocessing({"user": tf.constant(users), "item": tf.zeros(len(users), tf.int64)})
    assert every["user"].numpy().tolist() == list(range(1, len(users) + 1))


def test_a_split_by_time_learns_from_the_past_alone():
    times = np.array(table()["when"])
    split = dk.data.from_ratings(table(), **COLUMNS, split="time", time="when").origin.split
    assert [len(part) for part in (split.train, split.val, split.test)] == [86, 10, 24]
    assert times[split.train].max() < times[split.val].min()
    assert times[split.val].max() < times[split.test].min()


def test_other_splits_of_ratings_by_time_are_by_time(tmp_path):
    times = np.array(table()["when"])
    data = dk.data.from_ratings(table(), **COLUMNS, split="time", time="when", batch_size=8)
    test = data.origin.split.test
    for fold in data.folds(3, ordered=True):
        split = fold.origin.split
        assert times[split.train].max() < times[split.val].min()
        np.testing.assert_array_equal(split.test, test)
    other = data.resplit(ordered=True, val_fraction=0.25, test_fraction=0.25).origin.split
    assert [len(part) for part in (other.train, other.val, other.test)] == [67, 23, 30]
    assert times[other.train].max() < times[other.val].min()
    assert times[other.val].max() < times[other.test].min()
    with pytest.raises(InputError, match=r"'ratings' are by time.* resplit\(..., ordered=True\)"):
        data.resplit()
    with pytest.raises(InputError, match=r"'ratings' are by time.* folds\(..., ordered=True\)"):
        data.folds(3)
    cold = data.resplit(groups="user").origin.split  # for users that nobody has seen
    users = np.array(table()["who"])
    assert not set(users[cold.test]) & set(users[cold.train])
    cached = data.cache_to(tmp_path / "cache")
    for one, held in zip(data.test, cached.test, strict=True):
        for a, b in zip(tf.nest.flatten(one), tf.nest.flatten(held), strict=True):
            np.testing.assert_array_equal(a, b)


def test_the_latest_rating_of_each_user_is_held_out():
    given = table()
    given["who"][:2] = ["twice", "twice"]  # too few to lose one
    split = dk.data.from_ratings(given, **COLUMNS, split="latest", time="when").origin.split
    users, times = np.array(given["who"]), np.array(given["when"])
    assert len(split.test) == len(split.val) == 8
    for row in split.test:
        own = times[users == users[row]]
        before = split.val[users[split.val] == users[row]]
        assert [times[row], *times[before]] == sorted(own)[:-3:-1]
    assert np.isin([0, 1], split.train).all()
    with pytest.raises(InputError, match=r"users with 3 or more. Received: at most 1 a user"):
        alone = {"who": range(9), "film": [1] * 9, "stars": range(9), "when": range(9)}
        dk.data.from_ratings(alone, **COLUMNS, split="latest", time="when")


@pytest.mark.parametrize("encoding", ["ids", "one_hot"])
def test_the_same_seed_gives_the_same_batches_on_any_number_of_threads(encoding):
    seen = []
    for threads, cache in ((1, True), (8, False)):
        data = dk.data.from_ratings(
            table(), **COLUMNS, encoding=encoding, cache=cache, batch_size=8
        )
        options = tf.data.Options()
        options.threading.private_threadpool_size = threads
        epochs = data.train.with_options(options).repeat(2)
        seen.append([tf.nest.flatten(batch) for batch in epochs])
    for one, other in zip(*seen, strict=True):
        for a, b in zip(one, other, strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"user": "whom"}, r"no column 'whom' for user='whom'. Did you mean 'who'\? Its columns"),
        ({"split": "time"}, r"split='time' needs to know when"),
        ({"split": "late", "time": "when"}, r"split must be one of: random, time, latest"),
        ({"min_count": 500}, r"min_count=500 leaves no user .* none has more than \d+ ratings"),
        ({"min_count": 0}, r"min_count must be a whole number of at least 1"),
        ({"encoding": "onehot"}, r"encoding must be .* Did you mean 'one_hot'"),
        ({"augment": "light"}, r"not augmented: .* Received: augment='light'"),
    ],
)
def test_a_wrong_option_is_told_in_a_sentence(options, message):
    with pytest.raises(InputError, match=message):
        dk.data.from_ratings(table(), **{**COLUMNS, **options})
