import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from dlkit.serving.runtime import SavedModel
from dlkit.serving.signature_protos import from_definition, to_definition
from dlkit.serving.status import StatusError
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
