"""What is computed again; that its gradients are the same is in `test_builders.py`."""

import keras
import numpy as np
import pytest

import dlkit as dk
from dlkit.errors import InputError
from dlkit.models.rematerialization import rematerialize

X = np.random.default_rng(0).normal(size=(8, 4)).astype("float32")
Y = np.arange(8) % 3


class Counting(keras.layers.Layer):
    """A dense layer that notes each time it is called with numbers."""

    def __init__(self, calls):
        super().__init__()
        self.dense, self.note = keras.layers.Dense(4, "tanh"), calls.append

    def build(self, shape):
        self.dense.build(shape)

    def call(self, x):
        if not isinstance(x, keras.KerasTensor):
            self.note(self.name)
        return self.dense(x)

    def compute_output_spec(self, x):
        return keras.KerasTensor(x.shape, x.dtype)


def chain(x, count, calls):
    for _ in range(count):
        x = Counting(calls)(x)
    return x


def test_all_segments_but_the_last_are_computed_twice():
    """16 layers make 4 segments of 4, of which 3 are computed again, from the last to the first."""
    calls, inputs = [], keras.Input((4,))
    model = rematerialize(keras.Model(inputs, chain(inputs, 16, calls)))
    model.compile("sgd", "mse", run_eagerly=True)
    calls.clear()
    model.train_on_batch(X, X)
    names = [layer.name for layer in model.layers[1:]]
    assert calls == [*names, *names[8:12], *names[4:8], *names[:4]]
    calls.clear()
    model.predict_on_batch(X)
    assert calls == names


def test_a_model_inside_of_a_model_has_segments_of_its_own():
    calls, inputs, outer = [], keras.Input((4,)), keras.Input((4,))
    inner = keras.Model(inputs, chain(inputs, 9, calls), name="inner")
    model = keras.Model(outer, chain(inner(chain(outer, 4, calls)), 4, calls))
    rematerialize(model).compile("sgd", "mse", run_eagerly=True)
    calls.clear()
    model.train_on_batch(X, X)
    twice = [layer.name for layer in inner.layers[1:7]]
    assert [calls.count(name) for name in twice] == [2] * 6
    assert [calls.count(layer.name) for layer in inner.layers[7:]] == [1] * 3
    assert max(map(calls.count, set(calls))) == 2


@pytest.mark.parametrize("options", [{"jit_compile": True}, {"mixed_precision": "mixed_bfloat16"}])
def test_fit_goes_the_same_way(options):
    """Compiled by TensorFlow and by XLA, with masks of dropout, and in half precision."""
    models = [
        dk.models.mlp(
            (4,), 3, units=(8,) * 5, normalization="batch", dropout=0.3, seed=1, optimizer="sgd",
            learning_rate=0.1, rematerialize=on, **{"jit_compile": False, **options},
        )
        for on in (False, True)
    ]  # fmt: skip
    one, other = (
        model.fit(X, Y, batch_size=4, epochs=3, shuffle=False, verbose=0).history["loss"]
        for model in models
    )
    close = {"rtol": 1e-5} if "jit_compile" in options else {"rtol": 0.05}
    np.testing.assert_allclose(other, one, **close)


def test_what_is_frozen_stays_and_what_is_exported_answers_the_same(tmp_path):
    model = dk.models.mlp((4,), 3, units=(8,) * 6, rematerialize=True, seed=1)
    frozen, free = model.layers[1], model.layers[-1]
    frozen.trainable = False
    model.compile("sgd", model.loss)
    before = [layer.get_weights()[0] for layer in (frozen, free)]
    model.train_on_batch(X, Y)
    assert np.array_equal(before[0], frozen.get_weights()[0])
    assert not np.array_equal(before[1], free.get_weights()[0])
    dk.export.saved_model(model, tmp_path / "exported")  # compares what it has written with Keras


def test_what_cannot_be_computed_again_is_refused():
    class Own(keras.Model):
        def call(self, x):
            return x

    with pytest.raises(InputError, match=r"needs a functional model.* Received: Own 'own'"):
        rematerialize(Own(name="own"))
    inputs = keras.Input((4,))
    shared = keras.layers.Dense(4, name="shared")
    twice = keras.Model(inputs, shared(shared(inputs)))
    with pytest.raises(InputError, match=r"call each layer once. Received: .*shared"):
        rematerialize(twice)
    with pytest.raises(InputError, match=r"rematerialize must be True or False.*='yes'"):
        dk.models.mlp((4,), 3, rematerialize="yes")


def test_what_would_be_lost_is_refused_by_the_first_step():
    model = dk.models.mlp(
        (4,), 3, units=(8,) * 6, normalization="weight", l2=0.1, rematerialize=True
    )
    with pytest.raises(InputError, match=r"cannot pass on losses of layers .* among weight_norm"):
        model.fit(X, Y, verbose=0)
    x = inputs = keras.Input((4,), dtype="int32")
    x = keras.layers.Embedding(5, 4, mask_zero=True)(x)
    for _ in range(9):
        x = keras.layers.Dense(4)(x)
    model = rematerialize(keras.Model(inputs, x))
    model.compile("sgd", "mse")
    with pytest.raises(InputError, match=r"cannot pass on masks. Received: among embedding"):
        model.fit(np.ones((2, 4)), np.ones((2, 4, 4)), verbose=0)


def test_an_input_that_is_needed_later_stays_the_models_own(tmp_path):
    """Keras gives the input of a model that also takes what was made of it to that model."""
    x = inputs = keras.Input((4,))
    for _ in range(6):
        x = keras.layers.Add()([inputs, keras.layers.Dense(4)(x)])
    model = rematerialize(keras.Model(inputs, x))
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras", safe_mode=True)
    np.testing.assert_array_equal(again(np.ones((1, 4))), model(np.ones((1, 4))))
