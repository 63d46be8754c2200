"""What the REST clients send and read: arrays to JSON and back, refusals to sentences."""

import base64
import json
import os
import urllib.parse
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from tenacity import retry_if_exception, retry_if_result

from dlkit.argument_validation import require
from dlkit.errors import InputError, ServerError
from dlkit.serving.client.columns import fit_columns, is_columns
from dlkit.serving.client.inputs import choose_signature, holds_files
from dlkit.serving.client.tls import client_context
from dlkit.serving.core.signatures import DEFAULT_SIGNATURE, Signature, TensorInfo

_OK = 200
_BAD_REQUEST = 400
_UNAVAILABLE = 503


def check_url(url: str) -> str:
    """Return a model's URL without a verb.

    Raises:
        InputError: when it is no model's URL.
    """
    if not url.startswith(("http://", "https://")) or "/v1/models/" not in url:
        raise InputError(
            "url must be a model's URL such as http://127.0.0.1:8501/v1/models/digits."
            f" Received: url={url!r}."
        )
    return url.rstrip("/").removesuffix(":predict")


def connection_options(
    url: str,
    api_key: str | None,
    ca_file: str | os.PathLike | None,
    cert_file: str | os.PathLike | None,
) -> dict[str, Any]:
    """Return what httpx's clients are to be made with, besides the timeout.

    Raises:
        InputError: when one of the files cannot be read.
    """
    # A proxy of the environment cannot reach this machine's own addresses.
    local = urllib.parse.urlsplit(url).hostname in ("127.0.0.1", "localhost", "::1")
    headers = {} if api_key is None else {"authorization": f"Bearer {api_key}"}
    if local:  # packing an answer takes longer than moving it within the machine
        headers["accept-encoding"] = "identity"
    return {
        "trust_env": not local,
        "verify": client_context(ca_file, cert_file) if ca_file or cert_file else True,
        "headers": headers,
    }


def _is_lost(error: BaseException) -> bool:
    """Whether an error of httpx is of a connection that could not be made, or ended."""
    httpx = require("httpx", "serve")
    return isinstance(error, (httpx.NetworkError, httpx.RemoteProtocolError))


def _is_unavailable(answer: Any) -> bool:
    """Whether an answer of httpx says that the server cannot answer now."""
    return answer.status_code == _UNAVAILABLE


TRANSIENT = retry_if_exception(_is_lost) | retry_if_result(_is_unavailable)


def connection_error(url: str, error: Exception) -> ServerError:
    """Return the error of a request without an answer: nobody is there, or it took too long."""
    if not _is_lost(error):
        return ServerError(f"{url} did not answer: {error}.")
    # The client has long finished its part of the handshake when the server misses something in it.
    hung_up = not isinstance(error, require("httpx", "serve").ConnectError)
    asks = url.startswith("https://") and hung_up
    more = " and does it ask for a client's certificate (cert_file)" if asks else ""
    return ServerError(f"No server answers at {url} ({error}): is it running{more}?")


def wants_signatures(inputs: Any, signature_name: str | None) -> bool:
    """Whether the model's signatures tell how to send these inputs; arrays go as they are."""
    return is_columns(inputs) or (signature_name is None and holds_files(inputs))


def read_signatures(content: Mapping[str, Any]) -> dict[str, Signature]:
    """Return what the signatures in a metadata answer take; none where it tells none."""
    try:
        listed = content["metadata"]["signature_def"]["signature_def"]
        return {key: Signature(_infos(told["inputs"]), {}) for key, told in listed.items()}
    except (KeyError, TypeError, AttributeError):
        return {}


def request_body(
    inputs: Any, signature_name: str | None, signatures: Mapping[str, Signature]
) -> bytes:
    """Return the body of a predict request.

    Args:
        inputs: What `prepare_inputs` returned.
        signature_name: Which signature is asked; None for the default one, or that of files.
        signatures: Those of the model, where they are known: columns are fitted to them.

    Raises:
        InputError: for values that JSON cannot carry, and tables that do not suit the signature.
    """
    orjson = require("orjson", "serve")
    signature_name = choose_signature(inputs, signature_name, signatures)
    signature = signatures.get(signature_name or DEFAULT_SIGNATURE)
    if signature is not None:
        inputs = fit_columns(inputs, signature)
    request = {"inputs": _jsonable(inputs)}
    if signature_name is not None:
        request["signature_name"] = signature_name
    try:
        return orjson.dumps(request, option=orjson.OPT_SERIALIZE_NUMPY)
    except orjson.JSONEncodeError:
        return json.dumps(request, default=_listed).encode()


def read_outputs(content: Mapping[str, Any]) -> Any:
    """Return the array, or the arrays by name, of an answer to a predict request."""
    outputs = content["outputs"]
    if isinstance(outputs, dict) and not _is_b64(outputs):
        return {name: _array(value) for name, value in outputs.items()}
    return _array(outputs)


def read_content(body: bytes) -> dict[str, Any]:
    """Return the JSON object in an answer, or an empty one where there is none."""
    try:
        content = require("orjson", "serve").loads(body)
    except ValueError:
        try:
            content = json.loads(body)  # which reads NaN and Infinity
        except ValueError:
            return {}
    return content if isinstance(content, dict) else {}


def is_good(status: int, content: dict[str, Any]) -> bool:
    """Whether an answer is one of a model server that agreed."""
    return status == _OK and bool(content)


def wants_rank_hint(status: int, content: dict[str, Any], inputs: Any) -> bool:
    """Whether a refusal may be about a missing batch axis; our server says so itself."""
    return status == _BAD_REQUEST and inputs is not None and "hint" not in content


def refusal_text(url: str, status: int, content: dict[str, Any]) -> str:
    """Return the sentence for an answer that refuses."""
    if "error" not in content:
        return f"{url} answered {status} without TensorFlow Serving's JSON: is the URL right?"
    hint = f" ({content['hint']})" if "hint" in content else ""
    return f"{content['error']}{hint}"


def rank_hint(metadata: dict[str, Any], inputs: Any, body: bytes) -> str:
    """Return a sentence for each input that lacks the batch axis, by the model's metadata."""
    if "metadata" not in metadata:
        return ""
    signatures = metadata["metadata"]["signature_def"]["signature_def"]
    name = json.loads(body).get("signature_name", "serving_default")
    infos = signatures.get(name, {"inputs": {}})["inputs"]
    given = inputs if isinstance(inputs, Mapping) else dict.fromkeys(infos, inputs)
    short = [
        key for key, value in given.items() if key in infos and _lacks_batch(value, infos[key])
    ]
    return "".join(
        f" Input '{key}' lacks the batch axis: predict takes a batch, so pass x[np.newaxis]."
        for key in short
    )


def _infos(inputs: Mapping[str, Any]) -> dict[str, TensorInfo]:
    return {name: _info(told["dtype"], told["tensor_shape"]) for name, told in inputs.items()}


def _info(dtype: str, shape: Mapping[str, Any]) -> TensorInfo:
    if shape["unknown_rank"]:
        return TensorInfo(dtype)
    axes = tuple(dim.get("name", "") for dim in shape["dim"])
    return TensorInfo(dtype, tuple(int(dim["size"]) for dim in shape["dim"]), axes=axes)


def _jsonable(value: Any) -> Any:
    """Return what orjson writes: arrays of numbers as they are, everything else as plain Python."""
    if isinstance(value, Mapping):
        return {name: _jsonable(item) for name, item in value.items()}
    array = value if isinstance(value, np.ndarray) else _numbers(value)
    if array is None or array.dtype.kind not in "fiub":
        return _plain(value.tolist() if isinstance(value, np.ndarray) else value)
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        return _NonFinite(array)
    return np.ascontiguousarray(array) if array.ndim else array.item()


class _NonFinite:
    """Floats with NaN or infinity among them: orjson would write null, and must not know them."""

    def __init__(self, array: np.ndarray):
        self.array = array


def _listed(value: Any) -> Any:
    return value.array.tolist() if isinstance(value, _NonFinite) else value.tolist()


def _numbers(value: Any) -> np.ndarray | None:
    try:
        return np.asarray(value)
    except ValueError:  # ragged: the server says what is wrong with it
        return None


def _lacks_batch(value: Any, info: dict[str, Any]) -> bool:
    shape = info["tensor_shape"]
    array = _numbers(value)
    return array is not None and not shape["unknown_rank"] and array.ndim == len(shape["dim"]) - 1


def _plain(value: Any) -> Any:
    if isinstance(value, (bytes, bytearray)):
        return {"b64": base64.b64encode(value).decode()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    value = value.item() if isinstance(value, np.generic) else value
    if value is None or isinstance(value, (str, int, float)):
        return value
    raise InputError(
        "predict takes numbers, booleans, strings and bytes in arrays or lists."
        f" Received: {value!r} of type {type(value).__name__}."
    )


def _is_b64(value: Any) -> bool:
    return isinstance(value, dict) and value.keys() == {"b64"}


def _array(value: Any) -> np.ndarray:
    leaf = value
    while isinstance(leaf, list) and leaf:
        leaf = leaf[0]
    if not _is_b64(leaf):
        return np.asarray(value)
    shape, leaf = [], value
    while isinstance(leaf, list):
        shape.append(len(leaf))
        leaf = leaf[0]
    array = np.empty(shape, object)
    array.reshape(-1)[:] = list(_decoded(value))
    return array


def _decoded(value: Any) -> Iterator[bytes]:
    if isinstance(value, list):
        for item in value:
            yield from _decoded(item)
    else:
        yield base64.b64decode(value["b64"])
