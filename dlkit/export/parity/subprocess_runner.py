"""Run a SavedModel in a fresh process that holds TensorFlow's C++ library and no Python of it.

The process that wrote an export knows more than a model server does: Python functions that a graph
calls back (`tf.py_function`), operations added by `tf.load_op_library`. In a fresh process both are
missing, as they will be in TensorFlow Serving.
"""

import base64
import json
import os
import pathlib
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from dlkit.errors import ExportError
from dlkit.export.parity.cpp_loader import load_session

Call = tuple[Mapping[str, np.ndarray], Sequence[str]]


def run_in_subprocess(path: pathlib.Path, calls: Sequence[Call]) -> list[list[np.ndarray] | str]:
    """Return what the SavedModel at `path` gives for each of `calls`, or why it refuses one.

    Args:
        path: The directory that holds `saved_model.pb`.
        calls: For each run, tensor name -> array, and the names of the tensors to fetch.

    Raises:
        ExportError: with the C++ runtime's message, when the model cannot be loaded.
    """
    request = {
        "path": os.path.abspath(path),
        "calls": [
            [{name: _encode(value) for name, value in feeds.items()}, list(fetches)]
            for feeds, fetches in calls
        ],
    }
    # The accelerator's memory belongs to the process that trains, so the check runs on the CPU.
    environment = os.environ | {
        "CUDA_VISIBLE_DEVICES": "-1",
        "TF_CPP_MIN_LOG_LEVEL": "2",
        "PYTHONPATH": os.pathsep.join(os.path.abspath(place) for place in sys.path),
    }
    done = subprocess.run(
        [sys.executable, "-m", "dlkit.export.parity.subprocess_runner"],
        input=json.dumps(request).encode(),
        capture_output=True,
        env=environment,
        cwd=path,  # `-m` looks in the working directory first: there must be no modules in it
    )
    if done.returncode:
        last = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
        raise ExportError(
            f"The process that checks the export ended with status {done.returncode}:"
            f" {' '.join(last)}"
        )
    answer = json.loads(done.stdout)
    if "error" in answer:
        raise ExportError(answer["error"])
    return [
        values if isinstance(values, str) else [_decode(value) for value in values]
        for values in answer["calls"]
    ]


def _encode(array: np.ndarray) -> dict[str, Any]:
    array = np.asarray(array)
    fields: dict[str, Any] = {"shape": list(array.shape)}
    if array.dtype.kind in "OSU":
        values = [v.encode() if isinstance(v, str) else bytes(v) for v in array.ravel().tolist()]
        return fields | {"strings": [base64.b64encode(value).decode() for value in values]}
    content = base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()
    return fields | {"dtype": array.dtype.name, "content": content}


def _decode(fields: Mapping[str, Any]) -> np.ndarray:
    if "strings" not in fields:
        content = base64.b64decode(fields["content"])
        return np.frombuffer(content, dtype=fields["dtype"]).reshape(fields["shape"])
    array = np.empty(len(fields["strings"]), dtype=object)
    array[:] = [base64.b64decode(value) for value in fields["strings"]]
    return array.reshape(fields["shape"])


def _answer(request: Mapping[str, Any]) -> dict[str, Any]:
    try:
        with load_session(request["path"]) as session:
            return {"calls": [_one(session, *call) for call in request["calls"]]}
    except ExportError as error:
        return {"error": str(error)}


def _one(session: Any, feeds: Mapping[str, Any], fetches: Sequence[str]) -> list[Any] | str:
    try:
        given = {name: _decode(value) for name, value in feeds.items()}
        return [_encode(array) for array in session.run(given, fetches)]
    except ExportError as error:
        return str(error)


def _main() -> None:
    # A model may print (tf.print): that goes to the log, and only the answer to the parent.
    with os.fdopen(os.dup(sys.stdout.fileno()), "w") as parent:
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        json.dump(_answer(json.load(sys.stdin)), parent)


if __name__ == "__main__":
    _main()
