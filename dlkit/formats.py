"""What an export can be, told apart before TensorFlow is loaded."""

from dlkit.checks import check_choice
from dlkit.errors import InputError

# Format -> the ending of its file; a SavedModel is a directory.
FORMATS = {"saved_model": "", "onnx": ".onnx", "litert": ".tflite"}
QUANTIZED = ("dynamic", "float16", "int8")
RUNTIMES = ("onnx", "litert")


def check_export(format: str, quantize: str | None, runtimes: tuple[str, ...] = ()) -> None:
    """Refuse an unknown format, or what it cannot be combined with. Loads no TensorFlow.

    Args:
        format: A key of `FORMATS`.
        quantize: One of `QUANTIZED`, for LiteRT, or None.
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
    check_choice("quantize", quantize, QUANTIZED)
    if format != "litert":
        raise InputError(
            f"Only LiteRT files are quantized: give --format litert with --quantize {quantize}."
            f" Received: format={format!r}."
        )
