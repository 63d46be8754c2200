"""A SavedModel through TensorFlow's C++ loader, without TensorFlow's Python side.

The shared library in the TensorFlow wheel has a C API, and its `TF_LoadSessionFromSavedModel` is
the loader that TensorFlow Serving stands on. What loads here loads there. This module needs NumPy
and that library, and never imports tensorflow: a process that has only this module is as bare as a
model server.

Reference: https://www.tensorflow.org/install/lang_c
"""

import ctypes
import importlib.util
import os
import pathlib
import sys
import types
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from dlkit.errors import ExportError

_STRING = 7
_STRING_BYTES = 24  # sizeof(TF_TString)
_TYPES = {
    "float32": 1,
    "float64": 2,
    "int32": 3,
    "uint8": 4,
    "int16": 5,
    "int8": 6,
    "complex64": 8,
    "int64": 9,
    "bool": 10,
    "uint16": 17,
    "complex128": 18,
    "float16": 19,
    "uint32": 22,
    "uint64": 23,
}
_NAMES = {number: name for name, number in _TYPES.items()}
_POINTER = ctypes.c_void_p
_PLACES = (_POINTER, _POINTER, ctypes.c_int)  # of a graph, the tensors there, how many


class _Output(ctypes.Structure):
    """`TF_Output`: which output of which operation."""

    _fields_ = [("operation", _POINTER), ("index", ctypes.c_int)]


# Name -> result type and argument types, for the calls whose types ctypes cannot guess.
_CALLS = {
    "TF_NewStatus": (_POINTER, []),
    "TF_DeleteStatus": (None, [_POINTER]),
    "TF_GetCode": (ctypes.c_int, [_POINTER]),
    "TF_Message": (ctypes.c_char_p, [_POINTER]),
    "TF_NewGraph": (_POINTER, []),
    "TF_DeleteGraph": (None, [_POINTER]),
    "TF_GraphOperationByName": (_POINTER, [_POINTER, ctypes.c_char_p]),
    "TF_OperationNumOutputs": (ctypes.c_int, [_POINTER]),
    "TF_NewSessionOptions": (_POINTER, []),
    "TF_DeleteSessionOptions": (None, [_POINTER]),
    "TF_LoadSessionFromSavedModel": (
        _POINTER,
        [_POINTER, _POINTER, ctypes.c_char_p, _POINTER, ctypes.c_int, _POINTER, _POINTER, _POINTER],
    ),
    "TF_CloseSession": (None, [_POINTER, _POINTER]),
    "TF_DeleteSession": (None, [_POINTER, _POINTER]),
    "TF_SessionRun": (
        None,
        # session, options, inputs, outputs, targets and their number, metadata, status
        [_POINTER, _POINTER, *_PLACES, *_PLACES, _POINTER, ctypes.c_int, _POINTER, _POINTER],
    ),
    "TF_AllocateTensor": (_POINTER, [ctypes.c_int, _POINTER, ctypes.c_int, ctypes.c_size_t]),
    "TF_DeleteTensor": (None, [_POINTER]),
    "TF_TensorData": (_POINTER, [_POINTER]),
    "TF_TensorType": (ctypes.c_int, [_POINTER]),
    "TF_TensorByteSize": (ctypes.c_size_t, [_POINTER]),
    "TF_NumDims": (ctypes.c_int, [_POINTER]),
    "TF_Dim": (ctypes.c_int64, [_POINTER, ctypes.c_int]),
    "TF_StringInit": (None, [_POINTER]),
    "TF_StringCopy": (None, [_POINTER, ctypes.c_char_p, ctypes.c_size_t]),
    "TF_StringDealloc": (None, [_POINTER]),
    "TF_StringGetDataPointer": (_POINTER, [_POINTER]),
    "TF_StringGetSize": (ctypes.c_size_t, [_POINTER]),
}


def load_library() -> ctypes.CDLL:
    """Return TensorFlow's C API, loaded from the installed wheel without importing it.

    Raises:
        ExportError: when this build of TensorFlow has no such library.
    """
    name = "libtensorflow_cc.2.dylib" if sys.platform == "darwin" else "libtensorflow_cc.so.2"
    spec = importlib.util.find_spec("tensorflow")
    places = spec.submodule_search_locations if spec else None
    beside = [pathlib.Path(place) / name for place in places or ()]
    found = next((str(path) for path in beside if path.exists()), name)
    try:
        api = ctypes.CDLL(found)
    except OSError as error:
        raise ExportError(
            f"The C++ loader that checks an export is missing: {name} is in neither the tensorflow"
            f" package nor the library path ({error}); install tensorflow from PyPI."
        ) from None
    for call, (result, arguments) in _CALLS.items():
        function = getattr(api, call)
        function.restype, function.argtypes = result, arguments
    return api


def load_session(path: str | os.PathLike, *, tags: Sequence[str] = ("serve",)) -> "Session":
    """Load a SavedModel with TensorFlow's C++ loader.

    When to use: to prove that a model server without Python will take an export.

    Args:
        path: The directory that holds `saved_model.pb`.
        tags: The tags of the graph to load. Defaults to `("serve",)`.

    Returns:
        A session, to be used in a `with` statement.

    Raises:
        ExportError: with the loader's own message, when it refuses.
    """
    return Session(path, tags)


class Session:
    """A loaded SavedModel that takes and gives arrays by tensor name."""

    def __init__(self, path: str | os.PathLike, tags: Sequence[str] = ("serve",)):
        self._api = load_library()
        self._session = None
        self._status = self._api.TF_NewStatus()
        self._graph = self._api.TF_NewGraph()
        options = self._api.TF_NewSessionOptions()
        names = (ctypes.c_char_p * len(tags))(*[tag.encode() for tag in tags])
        try:
            self._session = self._api.TF_LoadSessionFromSavedModel(
                *[options, None, os.fspath(path).encode(), names, len(tags)],
                *[self._graph, None, self._status],
            )
            self._check(f"TensorFlow's C++ loader refused '{path}'")
        except BaseException:
            self.close()
            raise
        finally:
            self._api.TF_DeleteSessionOptions(options)

    def __enter__(self) -> "Session":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: types.TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Free the session and its graph; a second call does nothing."""
        if self._session is not None:
            self._api.TF_CloseSession(self._session, self._status)
            self._api.TF_DeleteSession(self._session, self._status)
        if self._graph is not None:
            self._api.TF_DeleteGraph(self._graph)
            self._api.TF_DeleteStatus(self._status)
        self._session = self._graph = None

    def run(self, feeds: Mapping[str, np.ndarray], fetches: Iterable[str]) -> list[np.ndarray]:
        """Compute `fetches` from `feeds`.

        Args:
            feeds: Tensor name (`"serving_default_image:0"`) -> array; strings as `bytes`.
            fetches: Tensor names.

        Returns:
            An array for each of `fetches`.

        Raises:
            ExportError: with the runtime's own message, when the graph cannot be run.
        """
        if self._session is None:
            raise ExportError("This session is closed; load the SavedModel again.")
        fetches = list(fetches)
        inputs = (_Output * len(feeds))(*[self._find(name) for name in feeds])
        outputs = (_Output * len(fetches))(*[self._find(name) for name in fetches])
        given = (_POINTER * len(feeds))()
        results = (_POINTER * len(fetches))()
        try:
            for place, array in enumerate(feeds.values()):
                given[place] = self._tensor(np.asarray(array))
            self._api.TF_SessionRun(
                *[self._session, None, inputs, given, len(feeds), outputs, results, len(fetches)],
                *[None, 0, None, self._status],
            )
            self._check("TensorFlow's C++ runtime could not run the model")
            return [self._array(tensor) for tensor in filter(None, results)]
        finally:
            # An output may share its memory with an input: read first, then free.
            for tensor in filter(None, results):
                self._api.TF_DeleteTensor(tensor)
            for tensor in filter(None, given):
                self._free(tensor)

    def _check(self, what: str) -> None:
        if self._api.TF_GetCode(self._status):
            message = self._api.TF_Message(self._status).decode(errors="replace")
            raise ExportError(f"{what}: {' '.join(message.split())}")

    def _find(self, name: str) -> _Output:
        operation, _, place = name.partition(":")
        found = self._api.TF_GraphOperationByName(self._graph, operation.encode())
        index = int(place or 0)
        if not found or index >= self._api.TF_OperationNumOutputs(found):
            raise ExportError(f"The SavedModel has no tensor '{name}'.")
        return _Output(found, index)

    def _tensor(self, array: np.ndarray) -> int:
        text = array.dtype.kind in "OSU"
        if not text and array.dtype.name not in _TYPES:
            raise ExportError(f"A tensor of type {array.dtype.name} cannot be fed.")
        size = array.size * _STRING_BYTES if text else array.nbytes
        shape = (ctypes.c_int64 * array.ndim)(*array.shape)
        number = _STRING if text else _TYPES[array.dtype.name]
        tensor = self._api.TF_AllocateTensor(number, shape, array.ndim, size)
        start = self._api.TF_TensorData(tensor)
        if text:
            self._write_strings(start, array)
        else:
            ctypes.memmove(start, np.ascontiguousarray(array).ctypes.data, size)
        return tensor

    def _write_strings(self, start: int, array: np.ndarray) -> None:
        for place, value in enumerate(array.ravel().tolist()):
            value = value.encode() if isinstance(value, str) else bytes(value)
            self._api.TF_StringInit(start + place * _STRING_BYTES)
            self._api.TF_StringCopy(start + place * _STRING_BYTES, value, len(value))

    def _free(self, tensor: int) -> None:
        # The C API frees the tensor's own memory, not what long strings in it point to.
        if self._api.TF_TensorType(tensor) == _STRING:
            start = self._api.TF_TensorData(tensor)
            for offset in range(0, self._api.TF_TensorByteSize(tensor), _STRING_BYTES):
                self._api.TF_StringDealloc(start + offset)
        self._api.TF_DeleteTensor(tensor)

    def _array(self, tensor: int) -> np.ndarray:
        rank = self._api.TF_NumDims(tensor)
        shape = tuple(self._api.TF_Dim(tensor, axis) for axis in range(rank))
        number = self._api.TF_TensorType(tensor)
        start = self._api.TF_TensorData(tensor)
        size = self._api.TF_TensorByteSize(tensor)
        if number == _STRING:
            return self._read_strings(start, size, shape)
        if number not in _NAMES:
            raise ExportError(f"A tensor of TensorFlow's type number {number} cannot be read.")
        content = ctypes.string_at(start, size) if size else b""
        return np.frombuffer(content, dtype=_NAMES[number]).reshape(shape)

    def _read_strings(self, start: int, size: int, shape: tuple[int, ...]) -> np.ndarray:
        values = np.empty(size // _STRING_BYTES, dtype=object)
        for place in range(len(values)):
            string = start + place * _STRING_BYTES
            length = self._api.TF_StringGetSize(string)
            values[place] = ctypes.string_at(self._api.TF_StringGetDataPointer(string), length)
        return values.reshape(shape)
