"""Exports of one model side by side: how large, how good and how fast each is.

path -> runner (C++ or Python runtime, by the ending) -> raw test rows -> accuracy
                                                      -> one row, in turns -> microseconds
"""

import math
import os
import pathlib
import statistics
import time
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import tensorflow as tf

from dlkit.argument_validation import check_integer, require
from dlkit.errors import InputError
from dlkit.export.parity import scoring
from dlkit.export.signatures.signature import DEFAULT_SIGNATURE, Arrays
from dlkit.export.to_litert.files import signature_runner
from dlkit.records import Records

_ONNX_TYPES = {"float": "float32", "double": "float64"}  # the others have NumPy's names
Runner = tuple[dict[str, np.dtype], Callable[[Arrays], Arrays]]


def benchmark(
    paths: Iterable[str | os.PathLike],
    data: Any,
    *,
    rounds: int = 5,
    calls: int = 100,
    threads: int = 1,
) -> Records:
    """Print the size, the accuracy and the latency of one row of several exports, side by side.

    When to use: to choose a format, or to see what quantization costs and gains, on the machine
    that will run it. Figures of one run may be compared with each other, and with no others.

    Each is given the same raw rows of the test split (`data.origin`; else `data.examples`), up to
    1,024. One row at a time is timed in this process, in rounds that take turns after one that is
    not counted; the figure is the median of the rounds' mean time a call.

    Args:
        paths: SavedModel version directories, `.onnx` and `.tflite` files, of one model.
        data: What the model was trained on: what has `task`, and `origin` or `examples`.
        rounds: How many rounds count. Defaults to 5.
        calls: How many calls there are in a round. Defaults to 100.
        threads: How many threads ONNX Runtime and LiteRT use; TensorFlow's are those of this
            process. Defaults to 1.

    Returns:
        A dict for each path: `path`, `format`, `bytes`, `measure` ("accuracy" or "R2"), `rows`,
        `score` and `microseconds`. The score is `None` for a task that has none.

    Raises:
        InputError: when a path is no export, or `data` holds no raw rows.
        MissingExtraError: when onnxruntime is not installed, for an `.onnx` file.

    Example:
        >>> import tempfile, types, keras
        >>> model = keras.Sequential([keras.Input((1,), name="x"), keras.layers.Dense(1)])
        >>> model.layers[0].set_weights([np.array([[2.0]]), np.zeros(1)])
        >>> x = np.array([[1.0], [2.0], [3.0]], "float32")
        >>> data = types.SimpleNamespace(task="regression", examples=(x, 2 * x))
        >>> from dlkit.export import litert
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = litert(model, f"{folder}/line.tflite", data)
        ...     (row,) = benchmark([path], data, rounds=1, calls=1)
        format      KB      R2  us a row  path
        litert ... 1.0000 ...line.tflite
        >>> row["rows"], row["score"]
        (3, 1.0)
    """
    for name, value in (("rounds", rounds), ("calls", calls), ("threads", threads)):
        check_integer(name, value)
    checked = [_check(path) for path in paths]
    if not checked:
        raise InputError(f"paths must name at least one export. Received: paths={checked!r}.")
    raw, y = _raw_rows(data)
    runners = [_runner(path, threads) for path in checked]
    timed = _time(runners, raw, rounds, calls)
    table = [
        {
            "path": str(path),
            "format": _format(path),
            "bytes": _size(path),
            "measure": "R2" if data.task == "regression" else "accuracy",
            "rows": len(y),
            "score": _score(runner, raw, y, data.task),
            "microseconds": microseconds,
        }
        for path, runner, microseconds in zip(checked, runners, timed, strict=True)
    ]
    text = _text(table)
    print(text)
    return Records(table, text, printed=True)


def _check(path: str | os.PathLike) -> pathlib.Path:
    checked = pathlib.Path(path)
    if not (checked / "saved_model.pb").exists() and not (
        checked.is_file() and checked.suffix in (".onnx", ".tflite")
    ):
        raise InputError(
            "paths must name version directories of a SavedModel, .onnx and .tflite files that"
            f" exist. Received: '{path}'."
        )
    return checked


def _raw_rows(data: Any) -> tuple[Arrays, np.ndarray]:
    found = scoring.raw_test_rows(data)
    if found is None:
        raise InputError(
            "data must have a task, and raw rows with their targets in its origin or examples, to"
            f" score with. Received: data of the task {getattr(data, 'task', None)!r}."
        )
    return found


def _format(path: pathlib.Path) -> str:
    return {".onnx": "onnx", ".tflite": "litert"}.get(path.suffix, "saved_model")


def _size(path: pathlib.Path) -> int:
    return sum(file.stat().st_size for file in (path, *path.rglob("*")) if file.is_file())


def _runner(path: pathlib.Path, threads: int) -> Runner:
    """Return the dtypes of the inputs by name, and a function from inputs to outputs."""
    if path.suffix == ".onnx":
        return _onnx(path, threads)
    return _litert(path, threads) if path.suffix == ".tflite" else _saved_model(path)


def _saved_model(path: pathlib.Path) -> Runner:
    loaded = tf.saved_model.load(str(path))
    signature = loaded.signatures[DEFAULT_SIGNATURE]
    specs = signature.structured_input_signature[1]

    def run(batch: Arrays, loaded: Any = loaded) -> Arrays:  # a signature alone does not keep it
        found = signature(**{name: tf.constant(value) for name, value in batch.items()})
        return {name: value.numpy() for name, value in found.items()}

    return {name: np.dtype(spec.dtype.as_numpy_dtype) for name, spec in specs.items()}, run


def _onnx(path: pathlib.Path, threads: int) -> Runner:
    onnxruntime = require("onnxruntime", "onnx")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = threads
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    given = {taken.name: taken.type[len("tensor(") : -1] for taken in session.get_inputs()}
    names = [output.name for output in session.get_outputs()]
    dtypes = {name: np.dtype(_ONNX_TYPES.get(kind, kind)) for name, kind in given.items()}
    return dtypes, lambda batch: dict(zip(names, session.run(names, batch), strict=True))


def _litert(path: pathlib.Path, threads: int) -> Runner:
    run = signature_runner(path.read_bytes(), threads)
    dtypes = {name: np.dtype(told["dtype"]) for name, told in run.get_input_details().items()}
    return dtypes, lambda batch: run(**batch)


def _batch(dtypes: dict[str, np.dtype], raw: Arrays) -> Arrays:
    """Return the raw columns under the names, and in the types, that an export takes."""
    named = dict.fromkeys(dtypes, *raw.values()) if list(raw) == [""] else raw
    # Exports of earlier versions have lower-case names; no two names differ in case alone.
    folded = {name.lower(): column for name, column in named.items()}
    if folded.keys() != {name.lower() for name in dtypes}:
        raise InputError(
            f"paths must name exports that take the raw input of data, {', '.join(named)}."
            f" Received one that takes {', '.join(dtypes)}."
        )
    return {name: np.asarray(folded[name.lower()]).astype(dtype) for name, dtype in dtypes.items()}


def _score(runner: Runner, raw: Arrays, y: np.ndarray, task: str) -> float | None:
    dtypes, run = runner
    answers = [run(batch) for batch in scoring.row_batches(_batch(dtypes, raw))]
    return scoring.score_answers(task, y, answers)


def _time(runners: list[Runner], raw: Arrays, rounds: int, calls: int) -> list[float]:
    """Return the median microseconds of a call with one row, for each runner."""
    one = {name: column[:1] for name, column in raw.items()}
    rows = [_batch(dtypes, one) for dtypes, _ in runners]
    means: list[list[float]] = [[] for _ in runners]
    for _ in range(rounds + 1):
        for (_, run), row, found in zip(runners, rows, means, strict=True):
            start = time.perf_counter()
            for _ in range(calls):
                run(row)
            found.append(1e6 * (time.perf_counter() - start) / calls)
    return [statistics.median(found[1:]) for found in means]


def _text(table: list[dict[str, Any]]) -> str:
    measure = table[0]["measure"]
    lines = [f"{'format':<11} {'KB':>4} {measure:>{max(7, len(measure))}}  us a row  path"]
    for row in table:
        kilobytes = math.ceil(row["bytes"] / 1000)
        told = "-" if row["score"] is None else f"{row['score']:.4f}"
        lines.append(
            f"{row['format']:<11} {kilobytes:>4} {told:>{max(7, len(measure))}}"
            f" {row['microseconds']:>9.1f}  {row['path']}"
        )
    return "\n".join(lines)
