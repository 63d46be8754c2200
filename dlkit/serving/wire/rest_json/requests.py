"""A predict request in TensorFlow Serving's JSON -> named NumPy arrays.

The two formats of https://www.tensorflow.org/tfx/serving/api_rest, rows (`instances`) and columns
(`inputs`), with TensorFlow Serving's checks and messages.
"""

import functools
from collections.abc import Mapping
from typing import Any

import numpy as np

from dlkit.serving.core.signatures import TensorInfo
from dlkit.serving.core.status import StatusError, invalid
from dlkit.serving.wire.rest_json.elements import Rows, exact_array, fast_array, is_named
from dlkit.serving.wire.rest_json.numbers import Numbers, split_numbers
from dlkit.serving.wire.rest_json.text import debug_text, parse_json

Infos = Mapping[str, TensorInfo]
Tensors = dict[str, np.ndarray]

_SHORT = 64 * 1024  # bytes of numbers, which take a tenth of a millisecond for a model's usual ones
_FEW = 300  # values, which take less than one when each has to be looked at


class Request:
    """A predict request, before it is known which model will answer.

    Args:
        body: The JSON text.
        numbers: What `numbers.split_numbers` found in it.

    Attributes:
        signature_name: As the client gave it; empty when it did not.

    Raises:
        StatusError: INVALID_ARGUMENT: malformed JSON, not an object, or a `signature_name` that is
            no string.
    """

    def __init__(self, body: bytes, numbers: Numbers | None):
        self._body = body
        self.numbers = numbers
        if numbers is not None:
            self.signature_name = numbers.signature_name
            return
        self.signature_name = self.document.get("signature_name", "")
        if not isinstance(self.signature_name, str):
            raise invalid(
                f"JSON Value: {debug_text(self.document)} not formatted correctly."
                " 'signature_name' key must be a string value."
            )

    @functools.cached_property
    def document(self) -> dict[str, Any]:
        """The JSON object."""
        document = parse_json(self._body)
        if not isinstance(document, dict):
            raise invalid(f"JSON Value: {debug_text(document)} Is not object")
        return document

    @functools.cached_property
    def is_short(self) -> bool:
        """Whether it holds so little that to read it takes no time, in whatever way."""
        return _is_short(self._body)

    def check(self) -> None:
        """Raise what is malformed in the text, where that has not been read as a whole yet.

        A request that fails is told this first.
        """
        _ = self.document

    @functools.cached_property
    def literals(self) -> bool:
        """Whether the text may hold `true` or `false`, which NumPy would take for numbers."""
        return b"true" in self._body or b"false" in self._body


def read_request(body: bytes) -> Request:
    """Parse the body of a predict request as far as that is possible without the model.

    What is numbers alone is parsed when their type is known: what is wrong with it is said by
    `Request.document`.

    Args:
        body: The JSON text.

    Raises:
        StatusError: INVALID_ARGUMENT: malformed JSON, not an object, or a `signature_name` that is
            no string.

    Example:
        >>> read_request(b'{"instances": [1.0]}').signature_name
        ''
    """
    return Request(body, split_numbers(body))


def read_at_once(body: bytes) -> Request | None:
    """Do what `read_request` does if that takes less than a millisecond, else return None.

    Args:
        body: The JSON text.

    Raises:
        StatusError: as `read_request` does.

    Example:
        >>> read_at_once(b'{"instances": [%b]}' % b",".join([b'"a"'] * 1000))
    """
    numbers = split_numbers(body) if len(body) <= _SHORT else None
    return Request(body, numbers) if numbers is not None or _is_short(body) else None


def _is_short(body: bytes) -> bool:
    return len(body) <= _SHORT and sum(map(body.count, (b",", b"[", b"{"))) <= _FEW


def decode_numbers(request: Request, infos: Infos) -> tuple[Tensors, bool] | None:
    """Do what `decode_request` does for a request of numbers alone, else return None.

    Args:
        request: What `read_request` returned.
        infos: The signature's inputs.
    """
    if request.numbers is None or len(infos) != 1:
        return None
    ((name, info),) = infos.items()
    array = request.numbers.array(info)
    return None if array is None else ({name: array}, request.numbers.rows)


def decode_request(request: Request, infos: Infos) -> tuple[Tensors, bool]:
    """Return the request's tensors by input name, and whether the answer is wanted in rows.

    Args:
        request: What `read_request` returned.
        infos: The signature's inputs.

    Raises:
        StatusError: INVALID_ARGUMENT (UNIMPLEMENTED for a dtype that JSON cannot carry) with
            TensorFlow Serving's message.

    Example:
        >>> infos = {"x": TensorInfo("DT_FLOAT", (-1,))}
        >>> decode_request(read_request(b'{"instances": [1, 2.5]}'), infos)
        ({'x': array([1. , 2.5], dtype=float32)}, True)
    """
    found = decode_numbers(request, infos)
    if found is not None:
        return found
    document = request.document
    rows, columns = "instances" in document, "inputs" in document
    if rows and columns:
        raise invalid(
            f"JSON Value: {debug_text(document)} Not formatted correctly expecting only one of"
            " 'inputs' or 'instances' keys to exist "
        )
    if rows:
        return _decode_rows(document["instances"], infos, request.literals), True
    if columns:
        return _decode_columns(document["inputs"], infos, request.literals), False
    raise invalid("Missing 'inputs' or 'instances' key")


# ---------------------------------------------------------------- rows: {"instances": [...]}


def _decode_rows(instances: Any, infos: Infos, literals: bool) -> Tensors:
    if not isinstance(instances, list):
        raise invalid(
            f"JSON Value: {debug_text(instances)} Expecting 'instances' to be an list/array"
        )
    if not instances:
        raise invalid(f"JSON Value: {debug_text(instances)} No values in 'instances' array")
    named = is_named(instances[0])
    if not named and len(infos) > 1:
        raise invalid(
            "instances is a plain list, but expecting list of objects as multiple input tensors"
            " required as per tensorinfo_map"
        )
    fast = _fast_rows(instances, infos, named, literals)
    if fast is not None:
        return fast
    return _exact_named_rows(instances, infos) if named else _exact_rows(instances, infos)


def _fast_rows(instances: list, infos: Infos, named: bool, literals: bool) -> Tensors | None:
    tensors = {}
    for name, info in infos.items():
        try:
            values = [row[name] for row in instances] if named else instances
        except (KeyError, TypeError):
            return None
        array = fast_array(values, info, literals)
        if array is None:
            return None
        tensors[name] = array
    if named and any(len(row) != len(infos) for row in instances):
        return None
    return tensors


def _exact_rows(instances: list, infos: Infos) -> Tensors:
    ((name, info),) = infos.items()
    rows = Rows(info)
    for index, item in enumerate(instances):
        if is_named(item):
            raise invalid(f"Expecting value/list but got object at item {index} of input list")
        try:
            rows.add(item)
        except StatusError as error:
            raise invalid(
                f"Failed to process element: {index} of 'instances' list. Error: {error.absl()}"
            ) from None
    return {name: rows.tensor()}


def _exact_named_rows(instances: list, infos: Infos) -> Tensors:
    rows = {name: Rows(info) for name, info in infos.items()}
    for index, item in enumerate(instances):
        if not is_named(item):
            raise invalid(f"Expecting object but got list at item {index} of input list")
        for name, value in item.items():
            try:
                if name not in rows:
                    raise invalid(f"JSON object: does not have named input: {name}")
                rows[name].add(value)
            except StatusError as error:
                raise invalid(
                    f"Failed to process element: {index} key: {name} of 'instances' list."
                    f" Error: {error.absl()}"
                ) from None
        if item.keys() != infos.keys():
            raise invalid(
                f"Failed to process element: {index} of 'instances' list. JSON object:"
                f" {debug_text(item)} keys must be equal to: {','.join(sorted(infos))}"
            )
    return {name: found.tensor() for name, found in rows.items()}


# ---------------------------------------------------------------- columns: {"inputs": ...}


def _decode_columns(inputs: Any, infos: Infos, literals: bool) -> Tensors:
    if is_named(inputs):
        return {name: _column(inputs, name, info, literals) for name, info in infos.items()}
    if len(infos) > 1:
        raise invalid(
            "inputs is a plain value/list, but expecting an object as multiple input tensors"
            " required as per tensorinfo_map"
        )
    ((name, info),) = infos.items()
    return {name: _whole(inputs, info, literals)}


def _column(inputs: dict, name: str, info: TensorInfo, literals: bool) -> np.ndarray:
    if name not in inputs:
        raise invalid(f"Missing named input: {name} in 'inputs' object.")
    return _whole(inputs[name], info, literals)


def _whole(value: Any, info: TensorInfo, literals: bool) -> np.ndarray:
    array = fast_array(value, info, literals)
    return exact_array(value, info) if array is None else array
