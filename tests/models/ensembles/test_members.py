"""What can be a member, and what is said of what cannot."""

import types

import keras
import numpy as np
import pytest
import tensorflow as tf

import dlkit as dk
from dlkit.errors import InputError
from dlkit.models import catalogue
from dlkit.models.ensembles.members import common_preferences, parse_members
from dlkit.models.registry import builder
from dlkit.training.compiling import compile_model


def network(shape=(6,), units=3, activation="softmax", **compiled):
    layers = [keras.Input(shape), keras.layers.Flatten(), keras.layers.Dense(units, activation)]
    model = keras.Sequential(layers, name="mine")
    if compiled:
        model.compile(**compiled)
    return model


def names(members, kinds=("features",), **options):
    options = {"task": "multiclass", "method": "averaging", **options}
    return [info.name for info, _ in parse_members(members, kinds, **options)]


def test_what_stands_for_members():
    assert names(None) == ["mlp"] * 5
    assert names(None, ["image"]) == ["cnn"] * 5
    assert names("perceptron") == ["perceptron"] * 5
    assert names("mlp, perceptron") == names(["mlp", "perceptron"]) == ["mlp", "perceptron"]
    assert names(("mlp", {"units": (8,)})) == ["mlp"] * 5
    # As a job file has it.
    specs = parse_members(
        [["mlp", {"units": [8]}], "mlp"], ["features"], task="binary", method="bagging"
    )
    assert [options for _, options in specs] == [{"units": [8]}, {}]


def ensemble(*, shape=(6,), classes=3, **options):
    return dk.models.ensemble(shape, classes, **{"jit_compile": False, **options})


twice = network()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"method": "bosting"},
            r"averaging, bagging, boosting.*'bosting'\. Did you mean 'boosting'",
        ),
        ({"members": "mpl,mlp"}, "There is no model named 'mpl'. Did you mean 'mlp'"),
        ({"members": ["mlp"]}, r"two members or more; .* Received: members=\['mlp'\]"),
        ({"members": []}, "two members or more"),
        ({"members": 5}, "builders' names.*Received: members=5"),
        ({"members": ["mlp", 5]}, "A member is a builder's name.*Received: 5"),
        ({"members": ["mlp", "ensemble"]}, r"cannot be a member. Received: members=\['ensemble'\]"),
        ({"members": "mlp,cnn"}, r"The member cnn needs images .* Received: an input of features"),
        (
            {"members": "cnn,capsnet", "shape": (9, 9, 1), "task": "multilabel"},
            "The member capsnet does multiclass. Received: task='multilabel'",
        ),
        (
            {"members": "cnn,capsnet", "shape": (9, 9, 1), "method": "boosting"},
            r"capsnet does multiclass. Received: task='regression' \(method='boosting' adds",
        ),
        (
            {"members": ["mlp", ("mlp", {"unit": 3})]},
            "mlp has no option 'unit'. Did you mean 'units'",
        ),
        (
            {"members": ["mlp", ("mlp", {"optimizer": "sgd"})]},
            r"optimizer is of the whole ensemble.*\('mlp', \{'optimizer': 'sgd'\}\)",
        ),
        ({"members": ["mlp", network((5,))]}, r"'mine' takes .* \(5,\). Received: .*\(6,\)"),
        ({"members": ["mlp", network(units=4)]}, r"must give 3 numbers .* shape \(4,\)"),
        (
            {"members": ["mlp", network(activation=None)]},
            "give probabilities. .*'linear' of 'mine'",
        ),
        (
            {"members": ["mlp", network()], "method": "boosting"},
            "give numbers, by a linear last layer. .*'softmax' of 'mine'",
        ),
        ({"members": ["mlp", keras.Sequential(name="open")]}, "begins with keras.Input.*'open'"),
        ({"members": [twice, twice]}, r"can be a member once.*\['mine', 'mine'\]"),
        ({"members": "mlp,perceptron", "method": "snapshot"}, "takes members that are alike"),
        ({"members": [network(), network()], "method": "snapshot"}, "takes members that are alike"),
        ({"shrinkage": 0}, r"shrinkage must be in \(0, 1\]. Received: shrinkage=0"),
        ({"shrinkage": 1.5}, "shrinkage=1.5"),
        ({"holdout": 1}, "holdout must be in .* Received: holdout=1"),
        ({"kinds": ["tokens"]}, "no members of its own for tokens: name those that take them"),
        ({"kinds": ["words"]}, r"kinds must be from: features.* Received: kinds=\['words'\]"),
        ({"kinds": ["features", "id"]}, "one for each input, of which there is one"),
        ({"kinds": ["tokens"], "members": "mlp"}, "mlp needs features .* an input of tokens"),
        ({"task": "segmentation"}, "ensemble's task must be one of"),
        ({"shape": (2, 2, 2, 2)}, "ensemble needs what its members take. Received: input_shape"),
    ],
)
def test_what_cannot_be_used_is_said_before_anything_is_trained(options, message):
    with pytest.raises(InputError, match=message) as caught:
        ensemble(**options)
    assert str(caught.value).count("\n") == 0


@pytest.mark.parametrize("compiled", [{}, {"loss": "kl_divergence", "optimizer": "adam"}])
def test_models_go_on_from_their_weights_by_their_own_loss(compiled):
    members = [network(**compiled), network(**compiled)]
    x = np.random.default_rng(0).normal(size=(8, 6)).astype("float32")
    said = np.mean([member.predict(x, verbose=0) for member in members], axis=0)
    model = ensemble(members=members)
    np.testing.assert_allclose(model.predict(x, verbose=0), said, atol=1e-6)
    assert [member.name for member in model.members] == ["mine_1", "mine_2"]
    assert [member.optimizer for member in model.members] == [None, None]
    expected = compiled.get("loss", model.loss)
    assert [member.loss for member in model.members] == [expected] * 2
    before = model.get_weights()
    model.train_on_batch(x, np.eye(3, dtype="float32")[np.arange(8) % 3])
    assert all(np.any(a != b) for a, b in zip(before, model.get_weights(), strict=True))


def test_what_all_builders_prefer_is_the_ensembles():
    def preferred(members, **given):
        kinds = ["image"]
        specs = parse_members(members, kinds, task="multiclass", method="averaging")
        return common_preferences(specs, {"task": "multiclass", **given})

    assert preferred("cnn,cnn")["optimizer"] == "adamw"
    assert preferred("cnn,resnet").get("weight_decay") is None  # they differ
    assert preferred("cnn,resnet")["label_smoothing"] == 0.1
    assert preferred("perceptron,perceptron")["learning_rate"] == 0.01
    assert "learning_rate" not in preferred("perceptron,mlp")
    assert "weight_decay" not in preferred("cnn,cnn", optimizer="sgd")
    assert preferred("cnn,cnn", learning_rate=0.5)["learning_rate"] == 0.5
    assert preferred(["cnn", network((8, 8, 1))]) == {"task": "multiclass"}


# ------------------------------------------------------------------ several inputs, and tokens


@pytest.fixture
def fusion():
    """A builder of a user's own for an image with features."""

    @builder(tasks=("multiclass",), inputs=(("image", "features"),), reference="")
    def fusion(input_shape, num_classes, *, task="multiclass", **compile_options):
        """What is seen and what is known."""
        inputs = {name: keras.Input(shape, name=name) for name, shape in input_shape.items()}
        flat = [keras.layers.Flatten()(tensor) for tensor in inputs.values()]
        x = keras.layers.Dense(num_classes, "softmax")(keras.layers.Concatenate()(flat))
        return compile_model(keras.Model(inputs, x), task=task, **compile_options)

    yield
    del catalogue.REGISTERED["fusion"]


@pytest.mark.usefixtures("fusion")
@pytest.mark.parametrize("method", ["averaging", "bagging", "stacking"])
def test_several_inputs_go_to_members_by_name(method, tmp_path):
    rng = np.random.default_rng(0)
    x = {
        "age": rng.normal(size=(12, 2)).astype("float32"),
        "scan": rng.normal(size=(12, 3, 3, 1)).astype("float32"),
    }
    split = tf.data.Dataset.from_tensor_slices((x, np.arange(12) % 3)).batch(4)
    spec = {name: tf.TensorSpec(array.shape[1:]) for name, array in x.items()}
    data = types.SimpleNamespace(name="cases", input_spec=spec, task="multiclass", num_classes=3)
    model = dk.models.build("ensemble", data, members="fusion,fusion", method=method, seed=0)
    model.fit(split, epochs=2, verbose=0)
    kernels = [member.get_weights() for member in model.members]
    flat = np.concatenate([x["scan"].reshape(12, -1), x["age"]], axis=1)
    said = [np.asarray(keras.ops.softmax(flat @ kernel + bias)) for kernel, bias in kernels]
    if method != "stacking":
        np.testing.assert_allclose(model.predict(x, verbose=0), np.mean(said, axis=0), atol=1e-5)
    model.save(tmp_path / "model.keras")
    again = dk.models.load(tmp_path / "model.keras")
    np.testing.assert_array_equal(again.predict(x, verbose=0), model.predict(x, verbose=0))
    with pytest.raises(InputError, match="no members of its own for features and image"):
        dk.models.build("ensemble", data)


def test_models_of_ones_own_take_tokens():
    def reader():
        tokens = keras.Input((7,), dtype="int32")
        x = keras.layers.GlobalAveragePooling1D()(keras.layers.Embedding(20, 4)(tokens))
        return keras.Model(tokens, keras.layers.Dense(1, "sigmoid")(x))

    spec = {"tokens": tf.TensorSpec((7,), "int32")}
    data = types.SimpleNamespace(name="notes", input_spec=spec, task="binary", num_classes=2)
    model = dk.models.build("ensemble", data, members=[reader(), reader()], method="bagging")
    assert model.inputs[0].dtype == "int32"
    x = np.random.default_rng(0).integers(0, 20, (8, 7)).astype("int32")
    model.fit(x, np.arange(8) % 2, verbose=0)
    with pytest.raises(InputError, match="The member mlp needs features"):
        dk.models.build("ensemble", data, members="mlp")


def test_a_member_is_told_how_images_are_standardised():
    inputs = keras.Input((8, 8, 3))
    backbone = keras.Model(inputs, keras.layers.Flatten()(inputs))
    members = [("transfer", {"backbone": backbone}), "cnn"]
    scale = ((1.0, 2.0, 3.0), (4.0, 5.0, 6.0))
    model = dk.models.ensemble((8, 8, 3), 3, members=members, input_scale=scale)
    kernel, offset = model.members[0].get_layer("pixels").get_weights()
    np.testing.assert_allclose(offset, scale[0])
    np.testing.assert_allclose(np.diag(kernel[0, 0]), scale[1])


def test_networks_for_tables_are_told_the_bins_and_train_their_own_members():
    x = np.random.default_rng(0).normal(size=(60, 2))
    data = dk.data.from_arrays(x, x[:, 0] > 0, batch_size=24)
    member = ("tabular", {"members": 2, "units": (4,), "embedding_dim": 2})
    model = dk.models.build("ensemble", data, members=[member, member], seed=0)
    for one in model.members:
        assert one.get_layer("piecewise_linear").bin_edges == data.bin_edges
    inputs, targets = next(iter(data.train))
    predicted = model(inputs, training=True)
    own = model.own_losses(inputs, targets, predicted, None, [None, None])
    said = [one.get_layer("predictions").kept.numpy()[..., 0] for one in model.members]
    sure = np.where(targets.numpy()[:, None], said, 1 - np.array(said))  # (networks, rows, members)
    np.testing.assert_allclose(own, -np.log(sure).mean(axis=(1, 2)).sum(), rtol=1e-4)
    before = [weight.numpy() for weight in model.trainable_weights]
    model.fit(data.train, verbose=0)
    assert all(np.any(a != b) for a, b in zip(before, model.get_weights(), strict=True))
