"""A frozen body runs once an image, and nobody can tell but by the clock."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import dlkit as dk
from dlkit.models.image.frozen_features import TransferModel

ROWS = 23


def small(task="multiclass", **options):
    """Return a model whose body is a few random filters."""
    inputs = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(6, 3, kernel_initializer=keras.initializers.HeNormal(seed=1))(inputs)
    body = keras.Model(inputs, keras.layers.BatchNormalization()(x))
    settings = {"backbone": body, "seed": 3, "dropout": 0.0, **options}
    return dk.models.transfer((8, 8, 3), 4, task=task, **settings)


@pytest.fixture
def arrays():
    rng = np.random.default_rng(0)
    return rng.uniform(0, 255, (ROWS, 8, 8, 3)).astype("float32"), np.arange(ROWS) % 4


def counted(x, y, same):
    """Return a dataset, and a list that grows by one whenever it is read from its start."""
    reads = []

    def rows():
        reads.append(1)
        yield from zip(x, y, strict=True)

    spec = (tf.TensorSpec(x.shape[1:], x.dtype), tf.TensorSpec(y.shape[1:], y.dtype))
    dataset = tf.data.Dataset.from_generator(rows, output_signature=spec).batch(8)
    dataset = dataset.apply(tf.data.experimental.assert_cardinality(-(-len(x) // 8)))
    dataset.same_every_epoch = same
    return dataset, reads


def values(model):
    return [w.numpy() for w in model.weights]


def same_weights(one, other, **tolerance):
    for a, b in zip(values(one), values(other), strict=True):
        np.testing.assert_allclose(a, b, **{"rtol": 1e-4, "atol": 1e-5, **tolerance})


@pytest.mark.parametrize(
    ("task", "options"),
    [("multiclass", {}), ("regression", {"target_scale": (5.0, 2.0)}), ("multiclass", {"l2": 0.1})],
)
def test_training_on_features_is_training_on_images(arrays, task, options):
    x, y = arrays
    y = np.stack([y] * 4, axis=-1).astype("float32") if task == "regression" else y
    once, often = small(task, **options), small(task, **options)
    assert isinstance(once, TransferModel)
    fit = {"epochs": 3, "batch_size": 8, "shuffle": False, "validation_split": 0.2, "verbose": 0}
    found = once.fit(x, y, **fit).history
    expected = keras.Model.fit(often, x, y, **fit).history
    for name, series in expected.items():
        np.testing.assert_allclose(found[name], series, rtol=1e-4)
    same_weights(once, often)
    np.testing.assert_allclose(once.predict(x, verbose=0), often.predict(x, verbose=0), rtol=1e-3)
    weighted = np.linspace(0, 1, ROWS)
    assert once.evaluate(x, y, sample_weight=weighted, verbose=0) == pytest.approx(
        often.evaluate(x, y, sample_weight=weighted, verbose=0), rel=1e-3
    )


@pytest.mark.parametrize(("same", "reads"), [(True, 1), (False, 3)])
def test_only_what_stays_the_same_is_read_once(arrays, same, reads):
    dataset, counter = counted(*arrays, same)
    model = small()
    model.fit(dataset, epochs=3, verbose=0)
    assert len(counter) == reads
    again = len(counter)
    for layer in model.layers:
        layer.trainable = True  # the body may change from step to step
    model.layers[2].trainable = True
    model.compile(loss="sparse_categorical_crossentropy")
    model.fit(dataset, epochs=2, verbose=0)
    assert len(counter) == again + 2


def test_data_says_whether_it_stays_the_same():
    data = {name: dk.data.load("digits", augment=name) for name in (None, "light")}
    assert data[None].train.same_every_epoch
    assert not data["light"].train.same_every_epoch
    assert data["light"].val.same_every_epoch


def test_an_epoch_holds_each_row_once_with_its_target_and_weight(arrays):
    x, y = arrays
    weights = np.arange(ROWS, dtype="float32")
    dataset = tf.data.Dataset.from_tensor_slices((x, y, weights)).batch(8)
    model = small()
    batches = model.features(dataset, shuffle=True)
    every = model.features(x)
    orders = []
    for epoch in (0, 1, 0):
        batches.begin_epoch(epoch)
        read = [batches[i] for i in range(len(batches))]
        assert [len(features) for features, *_ in read] == [8, 8, 7]
        features, targets, own = map(np.concatenate, zip(*read, strict=True))
        rows = own.astype(int)
        assert sorted(rows) == list(range(ROWS))
        np.testing.assert_allclose(features, every[rows], rtol=1e-5)
        np.testing.assert_array_equal(targets, y[rows])
        orders.append(list(rows))
    assert orders[0] == orders[2] != orders[1]


def test_a_training_that_goes_on_has_the_order_of_one_that_was_not_broken(arrays):
    dataset, _ = counted(*arrays, same=True)
    whole, parts = small(), small()
    whole.fit(dataset, epochs=4, verbose=0)
    parts.fit(dataset, epochs=2, verbose=0)
    parts.fit(dataset, initial_epoch=2, epochs=4, verbose=0)
    same_weights(whole, parts)


def test_callbacks_see_the_whole_model(arrays, tmp_path):
    dataset, _ = counted(*arrays, same=True)
    model = small(learning_rate=0.1)
    steps = []
    callbacks = [
        keras.callbacks.ModelCheckpoint(tmp_path / "best.keras"),
        keras.callbacks.EarlyStopping("val_loss", min_delta=100, patience=1),
        keras.callbacks.LambdaCallback(on_train_batch_end=lambda step, logs: steps.append(step)),
    ]
    history = model.fit(
        dataset, validation_data=dataset, epochs=9, verbose=0, callbacks=callbacks
    ).history
    assert len(history["val_loss"]) == 2 and len(steps) == 2 * 3
    again = dk.models.load(tmp_path / "best.keras")
    x, y = arrays
    np.testing.assert_allclose(again.predict(x, verbose=0), model.predict(x, verbose=0), rtol=1e-5)
    loss = model.evaluate(x, y, verbose=0)[0]
    assert loss == pytest.approx(history["val_loss"][-1], rel=1e-3)


def test_a_bar_shows_the_features(arrays, capsys):
    dataset, _ = counted(*arrays, same=True)
    small().fit(dataset, epochs=1)
    assert "features" in capsys.readouterr().out


def test_images_and_features_take_turns(arrays, tmp_path):
    x, y = arrays
    kept, own = counted(x, y, same=True)[0], counted(x, y, same=False)[0]
    model = small()
    model.save(tmp_path / "model.keras")
    again = dk.models.load(tmp_path / "model.keras")
    for one in (model, again):
        before = one.evaluate(x, y, verbose=0)
        assert one.evaluate(one.features(x), y, verbose=0) == pytest.approx(before, rel=1e-3)
        callback = keras.callbacks.LambdaCallback(
            on_epoch_end=lambda epoch, logs, one=one: one.evaluate(x, y, verbose=0)
        )
        one.fit(x, y, validation_data=(x, y), epochs=2, verbose=0, callbacks=[callback])
        one.fit(own, epochs=1, verbose=0)
        one.fit(kept, steps_per_epoch=2, epochs=1, verbose=0)
        one.fit(kept, validation_data=own, epochs=1, verbose=0)
        one.train_on_batch(one.features(x), y)
        one.train_on_batch(x, y)
        assert one.test_on_batch(one.features(x), y) == pytest.approx(
            one.test_on_batch(x, y), rel=1e-3
        )
        np.testing.assert_allclose(
            one.predict(one.features(x), verbose=0), one.predict(x, verbose=0), rtol=1e-3
        )
        np.testing.assert_allclose(
            one.predict_on_batch(one.features(x)), one.predict_on_batch(x), rtol=1e-3
        )


def test_targets_that_are_too_few_are_refused_before_any_work(arrays, monkeypatch):
    x, y = arrays
    model = small()
    monkeypatch.setattr(TransferModel, "_body", lambda self: pytest.fail("features were computed"))
    with pytest.raises(ValueError, match="cardinality"):
        model.fit(x, y[:-1], verbose=0)
