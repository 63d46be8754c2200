import re

import pytest

from dlkit import formats
from dlkit.errors import InputError


def test_what_goes_together():
    formats.check_export("saved_model", None)
    formats.check_export("saved_model", None, ("onnx", "litert"))
    formats.check_export("litert", "int8")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("onyx", None), "format='onyx'. Did you mean 'onnx'?"),
        (("litert", "int7"), "quantize='int7'. Did you mean 'int8'?"),
        (("onnx", "int8"), "give --format litert with --quantize int8. Received: format='onnx'"),
        (("saved_model", None, ("onyx",)), "runtimes='onyx'. Did you mean 'onnx'?"),
        (("onnx", None, ("onnx",)), "leave --format out. Received: format='onnx', runtimes=('onnx"),
    ],
)
def test_what_does_not_is_refused(options, message):
    with pytest.raises(InputError, match=re.escape(message)):
        formats.check_export(*options)


def test_the_lists_are_those_of_the_export():
    from dlkit.export import quantizing, twins

    assert set(formats.QUANTIZED) == set(quantizing.MAX_LOSS)
    assert set(formats.RUNTIMES) == set(twins.RUNTIMES)
