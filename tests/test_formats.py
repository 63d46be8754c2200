import re

import pytest

from dlkit import formats
from dlkit.errors import InputError


def test_what_goes_together():
    formats.check_export("saved_model", None)
    formats.check_export("saved_model", None, ("onnx", "litert", "onnx_dynamic"))
    formats.check_export("litert", "int8")
    formats.check_export("onnx", "dynamic")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("onyx", None), "format='onyx'. Did you mean 'onnx'?"),
        (("litert", "int7"), "quantize='int7'. Did you mean 'int8'?"),
        (("onnx", "int8"), "quantize must be one of: dynamic. Received: quantize='int8'"),
        (
            ("saved_model", "int8"),
            "give --format litert or onnx with --quantize int8. Received: format='saved_model'",
        ),
        (("saved_model", None, ("onyx",)), "runtimes='onyx'. Did you mean 'onnx'?"),
        (("onnx", None, ("onnx",)), "leave --format out. Received: format='onnx', runtimes=('onnx"),
    ],
)
def test_what_does_not_is_refused(options, message):
    with pytest.raises(InputError, match=re.escape(message)):
        formats.check_export(*options)


def test_the_lists_are_those_of_the_export():
    from dlkit.export import quantization
    from dlkit.export.to_saved_model import twins

    assert set(formats.QUANTIZED["litert"]) == set(quantization.MAX_LOSS)
    assert set(formats.RUNTIMES) == set(twins.RUNTIMES)
