import gc
import threading
import weakref

import numpy as np
import pytest
import tensorflow as tf

from dlkit.serving.core.settings import Settings
from dlkit.serving.core.status import StatusError
from dlkit.serving.runtimes import tensorflow_model
from dlkit.serving.runtimes.tensorflow_model import SavedModel
from tests.serving import saved_models


def texts(*values):
    array = np.empty(len(values), object)
    array[:] = [value.encode() for value in values]
    return array


@pytest.fixture(scope="module")
def model(sink):
    model = SavedModel(sink / "00000002")
    yield model
    model.close()


def test_a_tf2_module(model):
    found = model.run("pair", {"a": np.float32([[1, 2]]), "b": np.int32([10])})
    assert found.keys() == {"sum", "scaled"}
    np.testing.assert_array_equal(found["sum"], np.float32([11]), strict=True)
    np.testing.assert_array_equal(found["scaled"], np.float32([[2, 4]]), strict=True)


def test_a_tf2_lookup_table_is_initialised(model):
    found = model.run("words", {"word": texts("yes", "no", "maybe")})
    assert found["index"].tolist() == [1, 0, -1]


def test_a_tf1_graph_with_its_variable_and_table(tf1):
    model = SavedModel(tf1 / "1")
    assert model.run("serving_default", {"x": np.float32([1, 2])})["y"].tolist() == [2.5, 3.0]
    assert model.run("words", {"word": texts("yes", "?")})["index"].tolist() == [1, -1]
    model.close()


def test_a_keras_export_gives_what_keras_computes(tmp_path):
    import keras

    keras.utils.set_random_seed(0)
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1), name="image"),
            layers.Conv2D(4, 3, activation="relu"),
            layers.BatchNormalization(),
            layers.Flatten(),
            layers.Dense(3),
        ]
    )
    images = np.random.default_rng(0).random((5, 8, 8, 1), np.float32)
    wanted = model(images, training=False).numpy()
    model.export(str(tmp_path / "1"), verbose=False)
    served = SavedModel(tmp_path / "1")
    (name,) = served.signatures["serving_default"].inputs
    (found,) = served.run("serving_default", {name: images}).values()
    served.close()
    np.testing.assert_allclose(found, wanted, atol=1e-6)


def test_the_answer_equals_the_concrete_functions(model, sink):
    loaded = tf.saved_model.load(str(sink / "00000002"))
    image = np.random.default_rng(0).random((3, 2, 2), np.float32)
    wanted = loaded.signatures["image"](image=tf.constant(image))["total"].numpy()
    np.testing.assert_array_equal(model.run("image", {"image": image})["total"], wanted)


def test_many_threads_at_once(model):
    wrong = []

    def ask(number):
        for step in range(50):
            value = number * 100.0 + step
            if model.run("serving_default", {"x": np.float32([value])})["y"][0] != value / 2 + 2:
                wrong.append(value)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_p45_tensorflows_own_code_and_text(model):
    with pytest.raises(StatusError, match="Input to reshape is a tensor with 3 values") as caught:
        model.run("image", {"image": np.zeros(3, np.float32)})
    assert caught.value.code == "INVALID_ARGUMENT"


def test_r19_a_call_past_its_time_ends(sink):
    hasty = SavedModel(sink / "00000002", Settings(timeout_seconds=1.0))
    with pytest.raises(StatusError, match="Timed out") as caught:
        hasty.run("repeat", {"n": np.int32([2**31 - 1])})
    assert caught.value.code == "DEADLINE_EXCEEDED"
    assert hasty.run("serving_default", {"x": np.float32([1])})["y"] == 2.5
    hasty.close()


def test_no_limit(sink):
    patient = SavedModel(sink / "00000002", Settings(timeout_seconds=0))
    assert patient.run("repeat", {"n": np.int32([10])})["trace"].tolist() == [64.0]
    patient.close()


def test_what_cannot_be_loaded(tmp_path):
    with pytest.raises(StatusError, match="SavedModel file does not exist at") as caught:
        SavedModel(tmp_path)
    assert caught.value.code == "NOT_FOUND"
    saved_models.broken(tmp_path / "2")
    with pytest.raises(StatusError, match="Cannot parse file") as caught:
        SavedModel(tmp_path / "2")
    assert caught.value.code == "DATA_LOSS"


def test_a_model_without_its_variables(tmp_path):
    saved_models.affine(tmp_path / "1")
    for file in (tmp_path / "1" / "variables").iterdir():
        file.unlink()
    with pytest.raises(StatusError) as caught:
        SavedModel(tmp_path / "1")
    assert caught.value.code in ("NOT_FOUND", "INVALID_ARGUMENT", "DATA_LOSS")


def test_a_model_saved_for_training_only(tmp_path):
    saved_models.tf1(tmp_path / "1", tag="train")
    with pytest.raises(StatusError, match="'serve'"):
        SavedModel(tmp_path / "1")
    model = SavedModel(tmp_path / "1", Settings(saved_model_tags="train"))
    assert model.run("serving_default", {"x": np.float32([1])})["y"].tolist() == [2.5]
    model.close()


def test_close_frees_the_graph(sink):
    model = SavedModel(sink / "00000002")
    model.run("serving_default", {"x": np.float32([1])})
    graph = weakref.ref(model._session.graph)
    model.close()
    del model
    gc.collect()
    assert graph() is None


class Checks(tf.Module):
    """Refuses with its own words, and with TensorFlow's."""

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="text")])
    def words(self, text):
        with tf.control_dependencies([tf.Assert(False, ['text can\'t be "this" é. Got:', text])]):
            return {"y": tf.strings.length(text)}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="image_bytes")])
    def picture(self, image_bytes):
        return {"y": tf.io.decode_jpeg(image_bytes[0])}


def test_a_refusal_is_a_sentence_without_names_of_the_graph(tmp_path):
    """Over REST and gRPC, for all kinds of clients."""
    from dlkit.errors import ServerError
    from dlkit.serving import Client, GrpcClient, Server

    module = Checks()
    signatures = {"serving_default": module.words, "image_bytes": module.picture}
    tf.saved_model.save(module, tmp_path / "checks" / "1", signatures=signatures)
    told = {
        "serving_default": ('text can\'t be "this" é. Got: nobody', ["nobody"]),
        "image_bytes": (
            "Invalid JPEG data or crop window. ('image_bytes' takes the bytes of whole",
            [b"\xff\xd8\xff\xe0"],
        ),
    }
    with Server(tmp_path / "checks", rest_port=0, grpc_port=0) as server:
        for make in (lambda: Client(server.url), lambda: GrpcClient(server.grpc_url, "checks")):
            with make() as client:
                for key, (sentence, values) in told.items():
                    with pytest.raises(ServerError) as caught:
                        client.predict(np.array(values, object), signature_name=key)
                    assert sentence in str(caught.value)
                    assert "node" not in str(caught.value) and "[[" not in str(caught.value)


def test_the_first_of_several_refusals_is_told():
    message = (
        "2 root error(s) found.\n  (0) INVALID_ARGUMENT: no such id\n\t [[{{node a}}]]\n  (1) ..."
    )
    assert tensorflow_model._plain(message) == "no such id"
    assert (
        tensorflow_model._plain("assertion failed: [a \\x]") == "a \\x"
    )  # not as TensorFlow writes it
