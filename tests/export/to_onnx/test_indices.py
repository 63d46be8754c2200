import keras
import numpy as np
import onnx
import pytest

from dlkit.errors import ExportError
from dlkit.export.signatures.signature import serving_default
from dlkit.export.to_onnx import indices
from dlkit.export.to_onnx.files import convert_to_onnx, onnx_runner


@pytest.mark.parametrize("dtype", ["int32", "int64"])
def test_a_row_that_a_table_lacks_is_refused_however_far_below_it_is(dtype):
    """ONNX counted -51 + 50 from the end; TensorFlow refuses it."""
    table = keras.layers.Embedding(50, 3, name="rows")
    model = keras.Sequential([keras.Input((2,), dtype=dtype, name="ids"), table])
    run = onnx_runner(convert_to_onnx(model, serving_default(model), None))
    weights = table.embeddings.numpy()
    for index in (0, 49, -1, -50):
        answer = run({"ids": np.array([[index, 7]], dtype)})["rows"]
        np.testing.assert_array_equal(answer, weights[np.array([[index, 7]])])
    for index in (50, -51, -52, -100, -101, np.iinfo(dtype).max, np.iinfo(dtype).min):
        with pytest.raises(ExportError, match="out of data bounds"):
            run({"ids": np.array([[index, 7]], dtype)})


def test_indices_that_are_known_stay_as_they_are(tiny):
    signature = serving_default(tiny)
    proto = onnx.load_from_string(convert_to_onnx(tiny, signature, None))
    before = proto.SerializeToString()
    indices.refuse_negative_indices(proto)
    assert proto.SerializeToString() == before
