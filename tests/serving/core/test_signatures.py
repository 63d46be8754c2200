import numpy as np
import pytest
import tensorflow as tf
from google.protobuf.json_format import MessageToDict
from tensorflow.core.framework import types_pb2
from tensorflow.core.protobuf import saved_model_pb2

from dlkit.serving.core import signatures
from dlkit.serving.runtimes.tensorflow_model import SavedModel


def test_metadata_is_what_protobuf_prints(sink):
    """The oracle is TensorFlow Serving's own way: proto3 JSON with every default printed."""
    version = sink / "00000002"
    proto = saved_model_pb2.SavedModel.FromString((version / "saved_model.pb").read_bytes())
    wanted = {
        key: MessageToDict(
            definition,
            preserving_proto_field_name=True,
            always_print_fields_with_no_presence=True,
        )
        for key, definition in proto.meta_graphs[0].signature_def.items()
    }
    model = SavedModel(version)
    found = signatures.metadata_json("sink", 2, model.signatures)
    model.close()
    assert found["metadata"]["signature_def"]["signature_def"] == wanted
    assert found["model_spec"] == {"name": "sink", "signature_name": "", "version": "2"}


@pytest.mark.parametrize("name", sorted(signatures.DTYPES))
def test_dtypes_are_tensorflows(name):
    message_name, numpy_dtype = signatures.DTYPES[name]
    wanted = tf.dtypes.as_dtype(types_pb2.DataType.Value(name))
    assert message_name == {"float32": "float", "float64": "double", "float16": "half"}.get(
        wanted.name, wanted.name
    )
    if numpy_dtype is not None:
        assert numpy_dtype == np.dtype(wanted.as_numpy_dtype)


def test_a_dtype_that_nobody_sends():
    info = signatures.TensorInfo("DT_QINT8")
    assert (info.dtype_name, info.numpy_dtype) == ("qint8", None)


def test_d9_default_values_are_not_sent():
    """They may be of any size; the key is there, as a client expects it."""
    default = {"x": np.zeros(1_000_000, np.float32)}
    info = {"x": signatures.TensorInfo("DT_FLOAT", (-1,))}
    answer = signatures.metadata_json("m", 1, {"s": signatures.Signature(info, {}, "m", default)})
    assert answer["metadata"]["signature_def"]["signature_def"]["s"]["defaults"] == {}
