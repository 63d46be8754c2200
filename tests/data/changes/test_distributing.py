"""A tf.data service of real processes: a dispatcher and two workers that share an epoch."""

import dataclasses
import os

import keras
import numpy as np
import pytest

import dlkit as dk
from dlkit.errors import InputError, ServerError


def rows(count=1000, **options):
    """Return rows that are all different, and say which they are."""
    x = np.arange(count, dtype=np.float32)[:, None] * [1, 1]
    return dk.data.from_arrays(x, np.arange(count, dtype=np.float32), batch_size=16, **options)


def targets(dataset):
    return np.concatenate([y for _, y, *_ in dataset.as_numpy_iterator()])


@pytest.mark.parametrize("cached", [False, True])
def test_two_workers_give_each_example_exactly_once_an_epoch(service, cached, tmp_path):
    keras.utils.set_random_seed(0)  # must not make workers draw alike, nor get in their way
    data = rows()
    if cached:
        data = data.cache_to(tmp_path / "cache")
    distributed = data.distribute(service)
    assert distributed.train.element_spec == data.train.element_spec
    expected = np.sort(targets(data.train))
    epochs = [targets(distributed.train) for _ in range(2)]
    for epoch in epochs:
        np.testing.assert_array_equal(np.sort(epoch), expected)
    assert (epochs[0] != epochs[1]).any()
    if not cached:
        assert len(distributed.train) == len(data.train) == 45
    np.testing.assert_array_equal(targets(distributed.val), targets(data.val))


def test_the_work_is_shared_and_each_worker_augments(service):
    """Each batch is marked by the process that augmented it; noise differs from batch to batch."""
    import tensorflow as tf

    def marked(features, seed):
        count = tf.shape(features)[:1]
        process = tf.strings.split(tf.io.read_file("/proc/self/stat"), " ")[0]
        number = tf.fill(count, tf.strings.to_number(process))
        return tf.stack([tf.random.stateless_uniform(count, seed), number], axis=1)

    distributed, workers = rows(augment=marked).distribute(service), set()
    for _ in range(20):  # on a busy machine one worker may be through before the other begins
        x = np.concatenate([x for x, _ in distributed.train.as_numpy_iterator()])
        assert len(np.unique(x[:, 0])) > 700  # of 720: no two batches are alike
        workers.update(x[:, 1])
        if len(workers) == 2:
            break
    assert len(workers) == 2 and os.getpid() not in workers


@pytest.mark.parametrize("cached", [False, True])
def test_raw_inputs_are_augmented_before_they_are_prepared(service, cached, tmp_path):
    data = rows(cache=False)
    feed = dataclasses.replace(data.origin.feed, augment_raw=lambda x, seed: 1000 - x)
    data = dataclasses.replace(data, origin=dataclasses.replace(data.origin, feed=feed))
    shared = (data.cache_to(tmp_path / "cache") if cached else data).distribute(service)
    x, y = (np.concatenate(part) for part in zip(*shared.train, strict=True))
    wanted = data.preprocessing(1000 - data.origin.raw(y.astype(int))).numpy()
    np.testing.assert_allclose(x, wanted, atol=1e-6)


def test_photos_are_read_by_the_workers_and_trained_on(service, shared_data, tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    data = dk.data.load(
        "flowers",
        cache=False,
        image_size=(32, 32),
        batch_size=32,
        augment={"flip": 0.5, "rotate": 20.0, "zoom": 0.1},
    )
    distributed = data.distribute(service)
    model = dk.models.build("perceptron", distributed, seed=0)
    history = model.fit(distributed.train, validation_data=distributed.val, epochs=2, verbose=0)
    assert history.history["loss"][1] < history.history["loss"][0]
    x, y = (np.concatenate(part) for part in zip(*distributed.train, strict=True))
    assert len(x) == 432 and np.bincount(y).max() - np.bincount(y).min() <= 5
    assert abs(x.mean()) < 0.2 and abs(x.std() - 1) < 0.2  # standardised before


@pytest.mark.parametrize("service", ["10.0.0.1:5050", "http://a:1", None, "grpc://host"])
def test_what_is_no_address_is_refused(service):
    with pytest.raises(InputError, match=rf"like 'grpc://.*Received: service={service!r}\."):
        rows().distribute(service)


@pytest.mark.parametrize("address", ["grpc://127.0.0.1:1", "grpc://127.0.0.1:99999"])
def test_a_service_that_does_not_answer_is_told(address):
    with pytest.raises(ServerError, match=rf"No tf\.data service answers at {address} "):
        rows().distribute(address)


def test_data_without_an_origin_cannot_be_shared_out(service):
    data = dataclasses.replace(rows(), origin=None)
    with pytest.raises(InputError, match=r"'arrays' does not say which examples"):
        data.distribute(service)
