"""What the `@builder` decorator does around every builder's own lines."""

import inspect
import random

import keras
import numpy as np
import pytest

import dlkit as dk
from dlkit.errors import InputError
from dlkit.models import catalogue
from dlkit.models.registry import builder, dtype_policy, on_gpu, seeded
from dlkit.training.compiling import compile_model


@pytest.fixture
def line(monkeypatch):
    """A builder of a user's own."""
    monkeypatch.setattr(catalogue, "REGISTERED", dict(catalogue.REGISTERED))

    @builder(
        tasks=("regression", "multiclass"),
        inputs=("features", "sequence"),
        reference="Gauss 1809",
        options={"optimizer": "lion", "learning_rate": 0.5, "label_smoothing": 0.1},
        cpu={"jit_compile": False, "steps_per_execution": 7},
    )
    def line(input_shape, num_classes, *, task="multiclass", width=1, **compile_options):
        """A line."""
        activation = "softmax" if task == "multiclass" else None
        pooled = keras.layers.GlobalAveragePooling1D() if len(input_shape) == 2 else None
        layers = [keras.Input(input_shape), *([pooled] if pooled else [])]
        layers += [keras.layers.Dense(num_classes, activation)]
        return compile_model(keras.Sequential(layers), task=task, **compile_options)

    return line


def test_the_signature_and_the_docstring_stay():
    parameters = inspect.signature(dk.models.cnn).parameters
    assert list(parameters)[:4] == ["input_shape", "num_classes", "task", "filters"]
    assert parameters["pool"].default == "max"
    assert dk.models.cnn.__doc__.startswith("Convolutional network in VGG style")
    assert dk.models.cnn.__name__ == "cnn"


def test_a_users_builder_is_listed_and_built(line):
    (info,) = [info for info in dk.models.list() if info.name == "line"]
    assert info.description == "A line."
    assert line((3,), 4).output_shape == (None, 4)


def test_a_familys_options_give_way_to_the_users(line):
    def choices(**options):
        model = line((3,), 4, **options)
        smoothing = getattr(model.loss, "label_smoothing", 0.0)
        rate = pytest.approx(float(model.optimizer.learning_rate))
        return type(model.optimizer).__name__, rate, smoothing

    assert choices() == ("Lion", 0.5, 0.1)
    assert choices(learning_rate=0.25) == ("Lion", 0.25, 0.1)
    assert choices(optimizer="lion") == ("Lion", 0.5, 0.1)
    assert choices(optimizer="sgd") == ("SGD", 0.01, 0.1)
    assert choices(optimizer=keras.optimizers.Adam(0.3)) == ("Adam", 0.3, 0.1)
    assert choices(label_smoothing=0.2) == ("Lion", 0.5, 0.2)
    assert choices(loss="focal") == ("Lion", 0.5, 0.0)
    assert choices(task="regression") == ("Lion", 0.5, 0.0)


def test_the_cpu_profile_fills_in_what_is_auto(line, monkeypatch):
    monkeypatch.setattr("dlkit.models.registry.on_gpu", lambda: False)
    assert line((3,), 4).steps_per_execution == 7
    assert line((3,), 4, steps_per_execution="auto").steps_per_execution == 7
    assert line((3,), 4, steps_per_execution=2).steps_per_execution == 2
    assert line((3,), 4, jit_compile=True).jit_compile is True
    monkeypatch.setattr("dlkit.models.registry.on_gpu", lambda: True)
    assert line((3,), 4).steps_per_execution == 1


@pytest.mark.parametrize(("gpu", "policy"), [(False, "mixed_bfloat16"), (True, "mixed_float16")])
def test_mixed_precision_follows_the_device(gpu, policy, monkeypatch):
    monkeypatch.setattr("dlkit.models.registry.on_gpu", lambda: gpu)
    model = dk.models.mlp((4,), 3, mixed_precision=True)
    assert model.dtype_policy.name == policy
    scaled = type(model.optimizer).__name__ == "LossScaleOptimizer"
    assert scaled == gpu
    assert keras.config.dtype_policy().name == "float32"


def test_a_float16_model_goes_on_after_loading(tmp_path):
    """The loss scale is part of the optimizer, and comes back with it."""
    model = dk.models.mlp((4,), 3, mixed_precision="mixed_float16", seed=1)
    x = np.random.default_rng(0).normal(size=(8, 4)).astype("float32")
    model.train_on_batch(x, np.arange(8) % 3)
    model.save(tmp_path / "model.keras")
    again = dk.models.load(tmp_path / "model.keras")
    assert type(again.optimizer).__name__ == "LossScaleOptimizer"
    losses = [float(m.train_on_batch(x, np.arange(8) % 3)[0]) for m in (model, again)]
    assert losses[0] == losses[1]


def test_mixed_precision_can_be_switched_off_and_is_restored_after_an_error():
    with dtype_policy("mixed_bfloat16"):
        assert dk.models.mlp((4,), 3).dtype_policy.name == "mixed_bfloat16"
        assert dk.models.mlp((4,), 3, mixed_precision=False).dtype_policy.name == "float32"
    with pytest.raises(InputError):
        dk.models.mlp((4,), 3, mixed_precision="mixed_bfloat16", activation="none")
    assert keras.config.dtype_policy().name == "float32"


def test_without_a_seed_the_global_state_decides():
    keras.utils.set_random_seed(3)
    first = dk.models.mlp((4,), 3).get_weights()[0]
    second = dk.models.mlp((4,), 3).get_weights()[0]
    keras.utils.set_random_seed(3)
    again = dk.models.mlp((4,), 3).get_weights()[0]
    assert np.any(first != second)
    np.testing.assert_array_equal(first, again)


def test_the_global_state_is_restored_after_an_error():
    random.seed(1)
    with pytest.raises(RuntimeError), seeded(2):
        raise RuntimeError
    drawn = random.random()
    random.seed(1)
    assert drawn == random.random()


def test_one_seed_gives_the_same_weights_after_training_too():
    x = np.random.default_rng(0).normal(size=(64, 4)).astype("float32")
    y = (x.sum(-1) > 0).astype(int)
    trained = []
    for _ in range(2):
        model = dk.models.mlp((4,), 2, units=(8,), dropout=0.5, seed=9)
        model.fit(x, y, epochs=2, shuffle=False, verbose=0)
        trained.append(model.get_weights())
    for one, two in zip(*trained, strict=True):
        np.testing.assert_array_equal(one, two)


def test_this_machine_says_whether_it_has_a_gpu():
    import tensorflow as tf

    assert on_gpu() == bool(tf.config.list_physical_devices("GPU"))


def test_an_open_length_is_for_sequences(line):
    assert line((None, 3), 2).input_shape == (None, None, 3)
    with pytest.raises(InputError, match=r"input_shape\[0\] must be .* Received: .*=None"):
        line((None,), 2)
    with pytest.raises(InputError, match=r"fixed length.*\(None, 3\)"):
        dk.models.mlp((None, 3), 2)


MLP, CNN = dk.models.mlp, dk.models.cnn
BAD = [
    (lambda: MLP((4,), 3, unit=(8,)), "mlp has no option 'unit'. Did you mean 'units'"),
    (lambda: MLP((4,), 3, filters=(8,)), "mlp has no option 'filters'"),
    (lambda: MLP(4, 3), r"mlp takes features \(count,\) or images .*input_shape=4"),
    (lambda: MLP("4", 3), "input_shape must be a tuple .*input_shape='4'"),
    (lambda: MLP((4, 0), 3), r"input_shape\[1\] must be .*=0"),
    (lambda: MLP((4, 2.5), 3), r"input_shape\[1\] must be .*=2.5"),
    (lambda: CNN((28, 28), 3), r"cnn needs images \(height, width, .*\(28, 28\)"),
    (lambda: CNN((None, 28, 1), 3), r"input_shape\[0\] must be .*=None"),
    (lambda: MLP((4,), 0), "num_classes must be .* Received: num_classes=0"),
    (lambda: MLP((4,), "ten"), "num_classes='ten'"),
    (lambda: MLP((4,), 1), "'multiclass' needs at least 2 classes. Received: num_classes=1"),
    (lambda: MLP((4,), 3, task="binary"), "task='binary' has num_classes=2. Received: .*=3"),
    (lambda: MLP((4,), 3, task="rank"), "mlp's task must be one of: .*'rank'"),
    (lambda: MLP((4,), 3, seed=-1), "seed must be a whole number of at least 0. .*seed=-1"),
    (lambda: MLP((4,), 3, seed=1.5), "seed=1.5"),
    (lambda: MLP((4,), 3, mixed_precision="half"), "mixed_precision='half'"),
    (lambda: MLP((4,), 3, optimizer="adma"), "optimizer='adma'.* Did you mean 'adam'"),
    (lambda: MLP((4,), 3, normalization="instance"), "normalization='instance' normalizes"),
    (lambda: CNN((8, 8, 1), 3, pool="min"), "pool='min'"),
    (lambda: CNN((8, 8, 1), 3, order="pool"), "order='pool'"),
    (lambda: CNN((8, 8, 1), 3, global_pool="mean"), "global_pool='mean'"),
    (lambda: CNN((8, 8, 1), 3, convs_per_block=0), "convs_per_block must be .*=0"),
    (lambda: CNN((8, 8, 1), 3, kernel_size=0), "kernel_size must be .*=0"),
    (lambda: CNN((8, 8, 1), 3, filters="32"), "filters='32'"),
    (lambda: CNN((8, 8, 1), 3, dropout=1), r"dropout must be in \[0, 1\). Received: dropout=1"),
]


@pytest.mark.parametrize(("build", "message"), BAD)
def test_a_bad_argument_is_named_with_its_value(build, message):
    with pytest.raises(InputError, match=message):
        build()


def test_a_bad_compile_option_costs_no_building(line, monkeypatch):
    def build(*args, **kwargs):
        pytest.fail("a layer was made")

    monkeypatch.setattr(keras.layers.Dense, "__init__", build)
    with pytest.raises(InputError, match="clipnorm=0"):
        line((3,), 2, clipnorm=0)


def test_the_training_step_is_traced_once():
    """Keras traces it again where the first trace made the optimizer's variables."""
    model = dk.models.mlp((4,), 3, units=(2,))
    traced, step = [], model.train_step
    model.train_step = lambda batch: traced.append(batch) or step(batch)
    model.fit(np.eye(4), np.zeros(4), verbose=0)
    assert len(traced) == 1


def test_a_builder_of_other_models_takes_every_rank(monkeypatch):
    monkeypatch.setattr(catalogue, "REGISTERED", dict(catalogue.REGISTERED))
    seen = []

    @builder(tasks=("regression",), inputs=("any",), reference="")
    def both(input_shape, num_classes, *, task="regression", **compile_options):
        """Whatever comes."""
        seen.append(input_shape)
        layers = [keras.Input((2,)), keras.layers.Dense(1)]
        return compile_model(keras.Sequential(layers), task=task, **compile_options)

    several = {"words": (None,), "scan": (4, 4, 1), "user": ()}
    shapes = [(4,), (None, 3), (8, 8, 1), (), several]
    for shape in shapes:
        both(shape, 1)
    assert seen == shapes
    for shape in ((2, 2, 2, 2), {"a": (2,), "b": (2, 2, 2, 2)}, {"a": (2,)}):
        with pytest.raises(InputError, match=r"both needs what its members take. Received"):
            both(shape, 1)
    with pytest.raises(InputError, match=r"input_shape\['b'\]\[0\] must be a whole number"):
        both({"a": (2,), "b": (None, 4, 1)}, 1)
