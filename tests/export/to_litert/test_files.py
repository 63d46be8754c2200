import keras
import numpy as np
import pytest

from dlkit.errors import ExportError
from dlkit.export.signatures.signature import serving_default
from dlkit.export.to_litert.files import convert_to_litert, run_litert


def test_bytes_that_are_no_file():
    with pytest.raises(ExportError, match="LiteRT refused the file: "):
        run_litert(b"TFL3", [])


def test_the_statistics_of_a_normalization_are_in_the_file():
    """Converted from a concrete function, they are not, and the answer is NaN."""
    rows = np.array([[1.0, 10.0], [3.0, 30.0]], "float32")
    scale = keras.layers.Normalization(name="scaled")
    scale.adapt(rows)
    model = keras.Sequential([keras.Input((2,), name="row"), scale])
    content = convert_to_litert(model, serving_default(model))
    (answer,) = run_litert(content, [{"row": rows}])
    np.testing.assert_allclose(answer["scaled"], [[-1, -1], [1, 1]], atol=1e-6)


def test_text_is_refused_with_the_operations_that_are_missing():
    words = keras.layers.TextVectorization(6, output_mode="int", name="words")
    words.adapt(["good good film", "bad film"])
    text = keras.Input((), dtype="string", name="text")
    model = keras.Model(text, words(text), name="texts")
    with pytest.raises(ExportError, match=r"'texts' .* LiteRT, which has no .*StringSplitV2"):
        convert_to_litert(model, serving_default(model))


@pytest.mark.parametrize("dtype", ["mixed_float16", "mixed_bfloat16"])
def test_half_precision_is_refused_with_a_way_out(dtype):
    dense = keras.layers.Dense(3, dtype=dtype, activation="relu")
    model = keras.Sequential([keras.Input((4,), name="row"), dense], name="half")
    with pytest.raises(ExportError, match=r"'half' .* half precision \(.*\); build it without"):
        convert_to_litert(model, serving_default(model))
