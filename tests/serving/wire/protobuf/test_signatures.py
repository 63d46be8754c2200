import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from dlkit.serving.core.signatures import Signature, TensorInfo, metadata_json
from dlkit.serving.core.status import StatusError
from dlkit.serving.runtimes.tensorflow_model import SavedModel
from dlkit.serving.wire.protobuf.signatures import from_definition, to_definition
from tests.serving import saved_models


@pytest.fixture(scope="module")
def definitions(sink):
    loader = tf.compat.v1.saved_model.loader
    with tf.compat.v1.Session(graph=tf.Graph()) as session:
        return loader.load(session, ["serve"], str(sink / "00000002")).signature_def


def test_q19_a_saved_models_signatures_survive(definitions):
    assert len(definitions) > 20
    for key, definition in definitions.items():
        assert to_definition(from_definition(definition)) == definition, key


def test_the_names_of_axes_survive():
    """By them an export tells of which column of a table an input is."""
    for axes, column in ((("Hours per week",), "Hours per week"), ((), "")):
        given = Signature({"x": TensorInfo("DT_FLOAT", (-1,), "x:0", axes)}, {})
        found = from_definition(to_definition(given))
        assert found == given and found.inputs["x"].column == column
        (dim,) = metadata_json("m", 1, {"a": found})["metadata"]["signature_def"]["signature_def"][
            "a"
        ]["inputs"]["x"]["tensor_shape"]["dim"]
        assert dim == {"size": "-1", "name": column}


def test_q10_defaults_are_read_and_written(tmp_path):
    saved_models.with_default(tmp_path / "1")
    model = SavedModel(tmp_path / "1")
    signature = model.signatures["serving_default"]
    assert signature.defaults["power"].tolist() == 3.0
    definition = to_definition(signature)
    np.testing.assert_array_equal(tf.make_ndarray(definition.defaults["power"]), np.float32(3))
    model.close()


def test_a_malformed_default_fails_the_load(tmp_path):
    saved_models.with_default(tmp_path / "1")
    file = tmp_path / "1" / "saved_model.pb"
    proto = saved_model_pb2.SavedModel.FromString(file.read_bytes())
    default = proto.meta_graphs[0].signature_def["serving_default"].defaults["power"]
    default.tensor_shape.unknown_rank = True
    file.write_bytes(proto.SerializeToString())
    with pytest.raises(StatusError, match="A default value is malformed: the shape is not known"):
        SavedModel(tmp_path / "1")
