import dataclasses
import json
import types

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from dlkit.errors import InputError
from dlkit.export import saved_model
from tests.export.asking import answer
from tests.export.signature_def import signature_of


def keys_of(version):
    content = (version / "saved_model.pb").read_bytes()
    found = saved_model_pb2.SavedModel.FromString(content).meta_graphs[0].signature_def
    return sorted(key for key in found if not key.startswith("__"))


def test_images_with_class_names_have_them_all(digits):
    keys = ["serving_default", "image_bytes", "labels", "image_bytes_labels", "classify"]
    assert keys_of(digits.version) == sorted(keys)
    card = json.loads((digits.version / "assets.extra" / "model_card.json").read_text())
    assert card["signatures"][0] == "serving_default"
    assert sorted(card["signatures"]) == sorted(keys)
    methods = {key: signature_of(digits.version, key).method_name for key in keys}
    assert methods.pop("classify") == "tensorflow/serving/classify"
    assert set(methods.values()) == {"tensorflow/serving/predict"}


def convolutions(version):
    content = (version / "saved_model.pb").read_bytes()
    (graph,) = saved_model_pb2.SavedModel.FromString(content).meta_graphs
    nodes = [node.op for function in graph.graph_def.library.function for node in function.node_def]
    return nodes.count("Conv2D")


def test_without_data_there_is_but_one(tiny, tmp_path):
    assert keys_of(saved_model(tiny, tmp_path / "tiny")) == ["serving_default"]


def test_only_what_is_asked_for_and_the_network_no_more_often(digits, tmp_path):
    version = saved_model(digits.model, tmp_path / "few", digits.data, signatures=[])
    assert keys_of(version) == ["serving_default"]
    assert convolutions(version) == convolutions(digits.version)
    version = saved_model(digits.model, tmp_path / "few", digits.data, signatures=["labels"])
    assert keys_of(version) == ["labels", "serving_default"]


@pytest.mark.parametrize(
    ("wanted", "changes", "message"),
    [
        (["lables"], {}, r"signatures='lables'\. Did you mean 'labels'\?"),
        ("labels", {}, r"must be a list of names\. Received: signatures='labels'"),
        (["labels"], {"class_names": None}, "names 'labels', .*: it needs data with class_names"),
        (["labels"], {"class_names": ("a", "b")}, "has 10 classes, and data.class_names 2"),
        (["regress"], {}, "names 'regress', .* regression task, and the task is 'multiclass'"),
        (["classify"], {"task": "regression"}, "classification task, and the task is 'regression'"),
    ],
)
def test_what_cannot_be_made_is_refused(wanted, changes, message, digits, tmp_path):
    data = dataclasses.replace(digits.data, **changes)
    with pytest.raises(InputError, match=message):
        saved_model(digits.model, tmp_path / "wrong", data, signatures=wanted)
    assert not list(tmp_path.iterdir())


def test_ratings_of_two_columns_by_name(tmp_path):
    """Two raw strings -> a dict of two network inputs, in another order than the model's list."""
    user, item = (keras.Input((), dtype="string", name=name) for name in ("user", "item"))
    users = keras.layers.StringLookup(vocabulary=["ann", "bob"])
    items = keras.layers.StringLookup(vocabulary=["tea", "jam", "rye"], output_mode="one_hot")
    preprocessing = keras.Model(
        {"user": user, "item": item}, {"user_id": users(user), "item_hot": items(item)}
    )
    taken = [keras.Input((), dtype="int64", name="user_id"), keras.Input((4,), name="item_hot")]
    embedded = keras.layers.Embedding(3, 4, name="users")(taken[0])
    rating = keras.layers.Dot(1, name="rating")([embedded, taken[1]])
    model = keras.Model(taken, rating)
    table = np.arange(12.0).reshape(3, 4)
    model.get_layer("users").set_weights([table])
    columns = {"user": np.array(["bob", "ann"]), "item": np.array(["jam", "rye"])}
    data = types.SimpleNamespace(
        preprocessing=preprocessing, task="regression", examples=(columns, None)
    )
    version = saved_model(model, tmp_path / "ratings", data)
    assert keys_of(version) == ["regress", "serving_default"]
    given = {"user": np.array([b"bob", b"ann", b"eve"], object)}
    given["item"] = np.array([b"jam", b"tea", b"rye"], object)
    expected = [table[2, 2], table[1, 1], table[0, 3]]
    np.testing.assert_allclose(answer(version, **given)["rating"][:, 0], expected)
    examples = [example(user=u, item=i) for u, i in zip(given["user"], given["item"], strict=True)]
    outputs = answer(version, "regress", inputs=np.array(examples, object))["outputs"]
    np.testing.assert_allclose(outputs, expected)


def example(**values):
    features = {k: tf.train.Feature(bytes_list={"value": [v]}) for k, v in values.items()}
    return tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString()


def test_data_whose_dict_is_in_another_order_than_the_model(tmp_path):
    """A graph's nodes: features and neighbours of other shapes, matched by name."""
    nodes, edges = keras.Input((3,), name="nodes"), keras.Input((2, 3), name="edges")
    mean = keras.layers.GlobalAveragePooling1D()(edges)
    model = keras.Model([nodes, edges], keras.layers.Subtract(name="gap")([nodes, mean]))
    spec = {"edges": tf.TensorSpec((2, 3), tf.float32), "nodes": tf.TensorSpec((3,), tf.float32)}
    version = saved_model(model, tmp_path / "graph", types.SimpleNamespace(input_spec=spec))
    near = np.arange(12, dtype="float32").reshape(2, 2, 3)
    got = answer(version, nodes=np.ones((2, 3), "float32"), edges=near)["gap"]
    np.testing.assert_allclose(got, 1 - near.mean(axis=1))


class Reverse(keras.layers.Layer):
    """Text -> bytes that are no text."""

    def call(self, text):
        return tf.strings.join([tf.constant(b"\xff\x00"), text])

    def compute_output_shape(self, shape):
        return shape


def test_outputs_of_bytes_say_so_in_their_name(tmp_path):
    text = keras.Input((), dtype="string", name="text")
    model = keras.Model(text, Reverse(name="packed", dtype="string")(text))
    version = saved_model(model, tmp_path / "packed")
    got = answer(version, text=np.array([b"a"], object))
    assert {name: value.tolist() for name, value in got.items()} == {"packed_bytes": [b"\xff\x00a"]}
