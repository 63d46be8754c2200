"""What an export can be, told apart before TensorFlow is loaded."""

from dlkit.argument_validation import check_choice
from dlkit.errors import InputError

# Format -> the ending of its file; a SavedModel is a directory.
FORMATS = {"saved_model": "", "onnx": ".onnx", "litert": ".tflite"}
QUANTIZED = {"litert": ("dynamic", "float16", "int8"), "onnx": ("dynamic",)}
RUNTIMES = ("onnx", "litert", "onnx_dynamic")


def check_export(format: str, quantize: str | None, runtimes: tuple[str, ...] = ()) -> None:
    """Refuse an unknown format, or what it cannot be combined with. Loads no TensorFlow.

    Args:
        format: A key of `FORMATS`.
        quantize: One of those of the format in `QUANTIZED`, or None.
        runtimes: Of `RUNTIMES`, for a SavedModel. Defaults to ().

    Raises:
        InputError: naming what there is.
    """
    check_choice("format", format, FORMATS)
    for runtime in runtimes:
        check_choice("runtimes", runtime, RUNTIMES)
    if runtimes and format != "saved_model":
        raise InputError(
            "Runtimes are for a SavedModel, which they are put into: leave --format out."
            f" Received: format={format!r}, runtimes={runtimes!r}."
        )
    if quantize is None:
        return
    if format not in QUANTIZED:
        raise InputError(
            "Only files are quantized, and the twin of --runtimes onnx_dynamic: give --format"
            f" {' or '.join(QUANTIZED)} with --quantize {quantize}. Received: format={format!r}."
        )
    check_choice("quantize", quantize, QUANTIZED[format])
