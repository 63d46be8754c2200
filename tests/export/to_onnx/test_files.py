import dataclasses
import math

import keras
import numpy as np
import pytest

from dlkit.errors import ExportError
from dlkit.export.signatures.signature import serving_default
from dlkit.export.to_onnx.files import convert_to_onnx, onnx_runner, run_onnx


def test_a_file_and_a_batch_are_refused_each_in_its_words(tiny):
    with pytest.raises(ExportError, match="ONNX Runtime refused the file: "):
        onnx_runner(b"no file")
    content = convert_to_onnx(tiny, serving_default(tiny), None)
    run = onnx_runner(content)
    with pytest.raises(ExportError, match="ONNX Runtime refused a batch: "):
        run({"row": np.zeros((1, 5), "float32")})
    rows = np.eye(4, dtype="float32")
    expected = tiny.predict(rows, verbose=0)
    np.testing.assert_allclose(run({"row": rows})["predictions"], expected, atol=1e-6)
    (answer,) = run_onnx(content, [{"row": rows[:2]}])
    np.testing.assert_allclose(answer["predictions"], expected[:2], atol=1e-6)


def test_an_input_that_is_called_as_an_output_is_named():
    row = keras.Input((4,), name="predictions")
    model = keras.Model({"predictions": row}, keras.layers.Dense(1, name="answer")(row), name="m")
    plain = serving_default(model)
    signature = dataclasses.replace(
        plain, compute=lambda inputs: {"predictions": plain.compute(inputs)["answer"]}
    )
    with pytest.raises(ExportError, match=r"called as an output: 'predictions'; rename the column"):
        convert_to_onnx(model, signature, None)


def test_an_exact_gelu_is_written_with_what_onnx_has():
    row = keras.Input((50,), name="row")
    model = keras.Model(row, keras.layers.Activation("gelu", name="bent")(row))
    x = np.linspace(-6, 6, 50, dtype="float32")
    expected = [0.5 * value * math.erfc(-value / math.sqrt(2)) for value in x]
    (answer,) = run_onnx(convert_to_onnx(model, serving_default(model), None), [{"row": x[None]}])
    np.testing.assert_allclose(answer["bent"], [expected], atol=1e-6)
