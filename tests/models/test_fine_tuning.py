"""fine_tune: which layers learn, how fast, and what stays as it was."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import dlkit as dk
from dlkit.errors import InputError
from dlkit.training.schedules import each_optimizer


def small(**options):
    """Return a transfer model whose body has three convolutions and batch normalization."""
    inputs = keras.Input((8, 8, 3))
    x = inputs
    for number in range(3):
        draw = keras.initializers.HeNormal(seed=number)
        x = keras.layers.Conv2D(4, 3, kernel_initializer=draw, name=f"conv_{number}")(x)
        x = keras.layers.BatchNormalization(name=f"norm_{number}")(x)
    body = keras.Model(inputs, x, name="body")
    settings = {"backbone": body, "seed": 3, "dropout": 0.0, "l2": 0.0, **options}
    return dk.models.transfer((8, 8, 3), 4, **settings)


@pytest.fixture
def arrays():
    rng = np.random.default_rng(0)
    return rng.uniform(0, 255, (12, 8, 8, 3)).astype("float32"), np.arange(12) % 4


def learning(model):
    return [w.path for w in model.trainable_weights]


def rates(model):
    return [float(part.learning_rate) for part in each_optimizer(model.optimizer)]


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        ("all", ["conv_0", "conv_1", "conv_2"]),
        (1, ["conv_2"]),
        (2, ["conv_1", "conv_2"]),
        (0, []),
        ("conv_1", ["conv_1", "conv_2"]),
        (["conv_0"], ["conv_0"]),
        (["conv_2", "conv_0"], ["conv_0", "conv_2"]),
    ],
)
def test_the_chosen_layers_learn_and_no_other(layers, expected, arrays):
    model = small()
    before = {w.path: w.numpy() for w in model.weights}
    assert dk.models.fine_tune(model, layers, learning_rate=0.01) is model
    model.fit(*arrays, batch_size=6, epochs=1, verbose=0)
    changed = [w.path for w in model.weights if np.any(w.numpy() != before[w.path])]
    assert sorted({path.split("/")[0] for path in changed if path.startswith("conv")}) == expected
    assert [path for path in changed if path.endswith("kernel")][-1] == "predictions/kernel"
    moved = [path for path in changed if "moving" in path and path.startswith("norm")]
    assert moved == []  # batch normalization of the body keeps its statistics


def test_each_group_learns_at_its_own_rate(arrays):
    x, y = arrays
    model = small(optimizer="sgd")
    dk.models.fine_tune(model, learning_rate=0.1, layer_decay=0.5, groups=3)
    assert rates(model) == pytest.approx([0.025, 0.05, 0.1])
    with tf.GradientTape() as tape:
        loss = model.compute_loss(x, y, model(x, training=True))
    weights = model.trainable_weights
    gradients = tape.gradient(loss, [w.value for w in weights])
    # Three layers in two runs: the first, and the other two.
    by_layer = {"conv_0": 0.025, "conv_1": 0.05, "conv_2": 0.05}
    expected = [
        w.numpy() - by_layer.get(w.path.split("/")[0], 0.1) * g.numpy()
        for w, g in zip(weights, gradients, strict=True)
    ]
    model.train_on_batch(x, y)
    for weight, value in zip(weights, expected, strict=True):
        np.testing.assert_allclose(weight.numpy(), value, rtol=1e-4, atol=1e-5)


def test_one_group_is_a_plain_optimizer():
    model = dk.models.fine_tune(small(optimizer="momentum"), groups=1, learning_rate=0.01)
    assert type(model.optimizer) is keras.optimizers.SGD
    assert model.optimizer.momentum == 0.9


def test_more_groups_than_layers_are_as_many_as_there_are():
    model = dk.models.fine_tune(small(), groups=9, learning_rate=1.0, layer_decay=0.5)
    assert rates(model) == pytest.approx([0.125, 0.25, 0.5, 1.0])


@pytest.mark.parametrize("precision", [None, "mixed_float16"])
def test_it_is_saved_and_goes_on(arrays, tmp_path, precision):
    x, y = arrays
    model = dk.models.fine_tune(small(mixed_precision=precision), 2, learning_rate=0.01)
    model.fit(x, y, epochs=1, verbose=0)
    model.save(tmp_path / "tuned.keras")
    again = dk.models.load(tmp_path / "tuned.keras")
    assert learning(again) == learning(model)
    assert rates(again) == pytest.approx(rates(model))
    for _ in range(2):
        assert again.train_on_batch(x, y)[0] == model.train_on_batch(x, y)[0]
    for one, other in zip(again.weights, model.weights, strict=True):
        np.testing.assert_array_equal(one.numpy(), other.numpy())


def test_a_schedule_goes_on_in_each_group_on_its_scale(arrays, tmp_path):
    schedule = dk.training.OneCycle(0.1, total_steps=10)
    model = dk.models.fine_tune(small(), learning_rate=schedule)
    found = []
    for _ in range(4):
        found.append(rates(model))
        model.train_on_batch(*arrays)
    expected = [[float(schedule(step)) * share for share in (0.01, 0.1, 1)] for step in range(4)]
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    model.save(tmp_path / "tuned.keras")
    again = dk.models.load(tmp_path / "tuned.keras")
    assert rates(again) == pytest.approx(rates(model))


def test_the_callbacks_of_keras_reach_every_group(arrays):
    model = dk.models.fine_tune(small(), learning_rate=1e-2)
    halve = keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2)
    model.fit(*arrays, epochs=1, verbose=0, callbacks=[halve])
    assert rates(model) == pytest.approx([5e-5, 5e-4, 5e-3])
    plateau = keras.callbacks.ReduceLROnPlateau("loss", 0.1, patience=1, min_delta=1e9)
    model.fit(*arrays, epochs=2, verbose=0, callbacks=[plateau])
    assert rates(model) == pytest.approx([5e-6, 5e-5, 5e-4])


def test_it_can_be_done_again_and_undone():
    model = dk.models.fine_tune(small(optimizer="adamw"), learning_rate=1e-2)
    dk.models.fine_tune(model, 1, learning_rate=1e-3, groups=2)
    assert rates(model) == pytest.approx([1e-4, 1e-3])
    assert type(each_optimizer(model.optimizer)[0]) is keras.optimizers.AdamW
    dk.models.fine_tune(model, 0)
    assert not any(path.startswith("conv") for path in learning(model))
    assert model._keeps_features(np.zeros((1, 8, 8, 3)))


def test_any_model_of_layers_can_be_tuned():
    model = dk.models.mlp((5,), 3, units=(8, 8), seed=0)
    dk.models.fine_tune(model, 1)
    last, head = [layer for layer in model.layers if layer.weights][-2:]
    assert learning(model) == [w.path for w in (*last.weights, *head.weights)]


def test_metrics_and_loss_stay():
    model = small(loss="focal", metrics=["accuracy", "top_5_accuracy"][:1], label_smoothing=0.1)
    before = model.get_compile_config()
    dk.models.fine_tune(model, 1)
    after = model.get_compile_config()
    assert {k: v for k, v in after.items() if k != "optimizer"} == {
        k: v for k, v in before.items() if k != "optimizer"
    }


@pytest.mark.parametrize(
    ("layers", "options", "message"),
    [
        ("conv_9", {}, r"no layer 'conv_9'.*conv_"),
        (["conv_1", "norm_1"], {}, "no layer 'norm_1' that can learn"),
        (4, {}, "from 0 to 3"),
        (-1, {}, "from 0 to 3"),
        (True, {}, "layers must be"),
        (1.5, {}, "layers must be"),
        ([1], {}, "layers must be"),
        (1, {"learning_rate": 0}, "learning_rate must be"),
        (1, {"learning_rate": float("nan")}, "learning_rate must be"),
        (1, {"learning_rate": "fast"}, "learning_rate must be"),
        (1, {"layer_decay": 0}, "layer_decay must be"),
        (1, {"layer_decay": 1.5}, "layer_decay must be"),
        (1, {"groups": 0}, "groups"),
    ],
)
def test_what_cannot_be_used_is_refused_and_changes_nothing(layers, options, message):
    model = small()
    optimizer, before = model.optimizer, learning(model)
    with pytest.raises(InputError, match=message) as raised:
        dk.models.fine_tune(model, layers, **options)
    assert "eceived: " in str(raised.value)
    assert model.optimizer is optimizer and learning(model) == before


def test_a_model_without_a_loss_is_refused():
    network = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    with pytest.raises(InputError, match="not compiled"):
        dk.models.fine_tune(network)


def test_weights_of_one_name_in_two_groups_are_refused():
    def twin(seed):
        inputs = keras.Input((3,))
        return keras.Model(inputs, keras.layers.Dense(3, name="same")(inputs), name=f"twin_{seed}")

    inputs = keras.Input((3,))
    outputs = keras.layers.Dense(2)(twin(1)(twin(0)(inputs)))
    network = keras.Model(inputs, outputs)
    network.compile(loss="mse")
    network.layers[1].trainable = False
    with pytest.raises(InputError, match="same/"):
        dk.models.fine_tune(network)
    assert not network.layers[1].trainable  # nothing was changed


def test_an_ensemble_a_second_head_and_no_model_are_refused():
    inputs = keras.Input((4,))
    outputs = [keras.layers.Dense(2)(inputs), keras.layers.Dense(3)(inputs)]
    several = keras.Model(inputs, outputs)
    several.compile(loss=["mse", "mse"])
    ensemble = dk.models.ensemble((4,), 3, members=["perceptron", "perceptron"])
    for model in (several, ensemble):
        with pytest.raises(InputError, match="one head"):
            dk.models.fine_tune(model)
    with pytest.raises(InputError, match=r"takes a keras\.Model"):
        dk.models.fine_tune("mlp")


def test_a_loss_that_keras_cannot_save_is_refused_and_nothing_changes():
    def mine(y_true, y_pred):
        return keras.ops.mean(y_pred)

    model = small()
    model.compile("adam", loss=mine)
    before = learning(model)
    with pytest.raises(InputError, match="register_keras_serializable"):
        dk.models.fine_tune(model, 2)
    assert learning(model) == before
