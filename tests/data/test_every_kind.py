"""What holds for every kind of data: the same seed, the same batches, from caches and workers too.

A kind that gets a named set is tested here without further words, on the first set of its kind.
"""

import dataclasses
import itertools

import numpy as np
import pytest
import tensorflow as tf

import dlkit as dk
from dlkit.data.catalogue import sets
from dlkit.data.core.record import Split

# Sets and options that are quick, and that shuffle, decode in parallel and augment.
CHOSEN = {
    "image": ("flowers", {"image_size": (32, 32), "augment": "strong"}),
    "boxes": ("blood_cells", {"image_size": (48, 64), "augment": "medium"}),
    "features": ("penguins", {"cache": False}),
    "ratings": ("movielens", {"min_count": 1}),
    "pairs": ("multi30k", {"max_pairs": 1500}),
    "text": ("sms_spam", {"augment": "medium"}),
    "audio": ("spoken_digits", {"augment": "medium"}),
    "series": ("airline_passengers", {"augment": "medium"}),
}
CASES = {
    kind: CHOSEN.get(kind, (next(one.name for one in sets.SETS if one.kind == kind), {}))
    for kind in dict.fromkeys(one.kind for one in sets.SETS)
}
CASES |= {
    "arrays": ("digits", {"augment": "medium"}),
    "text in groups": ("sms_spam", {"bucket": True}),
    "text windows": ("tiny_shakespeare", {}),
    "graph by number": ("cora", {"encoding": "node", "cache": False}),
}
BATCH, TRAIN, HELD = 8, 60, 12
PLAIN = {"augment": None, "augment_raw": None}


@pytest.fixture(scope="module", params=CASES)
def data(request, shared_data, tmp_path_factory):
    """A set of each kind, of a few examples."""
    name, options = CASES[request.param]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KERAS_HOME", str(tmp_path_factory.getbasetemp() / "keras"))
        origin = dk.data.load(name, batch_size=BATCH, **options).origin
        split = origin.split
        few = Split(split.train[:TRAIN], split.val[:HELD], split.test[:HELD])
        return origin.remake(few)


@pytest.fixture(scope="module")
def plain(data):
    """The training examples in an order of the data's seed, not augmented: an epoch's batches."""
    return epoch(fed(data, **PLAIN))


def epoch(dataset):
    """Return the batches of an epoch, each as its parts."""
    return [tf.nest.flatten(batch) for batch in dataset.as_numpy_iterator()]


def epochs(dataset, threads):
    """Return the batches of two epochs, read on so many threads."""
    options = tf.data.Options()
    options.threading.private_threadpool_size = threads
    dataset = dataset.with_options(options)
    return [epoch(dataset) for _ in range(2)]


def same(left, right):
    pairs = zip(itertools.chain(*left), itertools.chain(*right), strict=True)
    return all(np.array_equal(a, b) for a, b in pairs)


def examples(batches):
    """Return what tells one example from another, for all of them."""
    told = []
    for batch in batches:
        parts = [np.asarray(part, float) for part in batch]
        # Sums, since what fills up a batch is zeros, as many as its longest example needs.
        told += zip(*([round(row.sum(), 3) for row in part] for part in parts), strict=True)
    return told


def fed(data, **changes):
    """Return the training pipeline made once more, with some changes to what makes it."""
    feed, split = dataclasses.replace(data.origin.feed, **changes), data.origin.split
    return feed.batches(split.train, train=True, weights=split.weights)


def test_the_same_seed_gives_the_same_batches_on_any_number_of_threads(data):
    again = data.origin.remake(data.origin.split)
    one, two, eight = epochs(data.train, 1), epochs(again.train, 2), epochs(fed(data), 8)
    for epoch in range(2):
        assert same(one[epoch], two[epoch]) and same(one[epoch], eight[epoch])
    assert not same(*one)  # each epoch has an order of its own


def test_another_seed_gives_the_same_examples_in_another_order(data, plain):
    other = epoch(fed(data, seed=1, **PLAIN))
    assert not same(plain, other)
    ours, theirs = examples(plain), examples(other)
    assert len(ours) == TRAIN and sorted(ours) == sorted(theirs)


def test_a_batch_size_above_the_examples_takes_all_of_them(data, plain):
    dataset = fed(data, batch_size=10_000, **PLAIN)
    batches = epoch(dataset)
    assert len(batches) == int(dataset.cardinality()) <= 8  # a batch a group of lengths
    assert sorted(examples(batches)) == sorted(examples(plain))


def test_a_cache_holds_the_same_examples_whatever_reads_it(data, tmp_path):
    cached = data.cache_to(tmp_path / "cache")
    assert cached.train.element_spec == data.train.element_spec
    for split in ("val", "test"):
        read, made = epoch(getattr(cached, split)), epoch(getattr(data, split))
        assert examples(read) == examples(made)
    one, eight = epochs(cached.train, 1), epochs(cached.origin.stored.pipeline("train"), 8)
    assert same(one[0], eight[0]) and same(one[1], eight[1])
    assert not same(*one)
    assert sum(len(batch[0]) for batch in one[0]) == TRAIN


def test_workers_give_each_example_once_an_epoch(data, plain, service):
    feed = dataclasses.replace(data.origin.feed, **PLAIN)
    origin = dataclasses.replace(data.origin, feed=feed)
    distributed = dataclasses.replace(data, origin=origin).distribute(service)
    assert distributed.train.element_spec == data.train.element_spec
    assert sorted(examples(epoch(distributed.train))) == sorted(examples(plain))
