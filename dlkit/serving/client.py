"""A client of TensorFlow Serving's REST API: NumPy arrays in and out, no TensorFlow."""

import base64
import itertools
import json
import os
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any

import numpy as np

from dlkit.checks import check_integer, require
from dlkit.errors import InputError, ServerError
from dlkit.serving.client_tls import trusting

_FIRST_PAUSE_SECONDS = 0.1
_OK = 200
_BAD_REQUEST = 400
_UNAVAILABLE = 503


class Client:
    """Asks a model that is served over TensorFlow Serving's REST API.

    Use it against `dlkit.serving.Server` and TensorFlow Serving alike. One client may be shared by
    many threads; it keeps connections open, so make one and keep it.

    Reference: https://www.tensorflow.org/tfx/serving/api_rest

    Args:
        url: The model's URL, as `http://127.0.0.1:8501/v1/models/digits`; append `/versions/3` for
            that version.
        timeout: Seconds to wait for an answer. Defaults to 30.0.
        retries: How often a request is sent again when the server is unavailable (503) or the
            connection is lost, waiting 0.1 s, 0.2 s, 0.4 s, ... between. Defaults to 3.
        api_key: The key that the server asks for. Defaults to None, which sends none.
        ca_file: The certificate of the authority that vouches for an https server, in PEM. Defaults
            to None, those that the system trusts.

    Raises:
        InputError: when `url` is no model's URL, or `ca_file` cannot be read.
        MissingExtraError: when httpx or orjson are not installed.

    Example:
        >>> with Client("http://127.0.0.1:9/v1/models/digits", retries=0) as client:
        ...     client.predict([[0.0, 1.0]])  # where a server listens: an array
        Traceback (most recent call last):
        dlkit.errors.ServerError: No server answers at http://127.0.0.1:9/v1/models/digits ...
    """

    def __init__(
        self,
        url: str,
        *,
        timeout: float = 30.0,
        retries: int = 3,
        api_key: str | None = None,
        ca_file: str | os.PathLike | None = None,
    ):
        httpx = require("httpx", "serve")
        self._orjson = require("orjson", "serve")
        if not url.startswith(("http://", "https://")) or "/v1/models/" not in url:
            raise InputError(
                "url must be a model's URL such as http://127.0.0.1:8501/v1/models/digits."
                f" Received: url={url!r}."
            )
        self.url = url.rstrip("/").removesuffix(":predict")
        self._retries = check_integer("retries", retries, minimum=0)
        # A proxy of the environment cannot reach this machine's own addresses.
        local = httpx.URL(url).host in ("127.0.0.1", "localhost", "::1")
        self._http = httpx.Client(
            timeout=timeout,
            trust_env=not local,
            verify=True if ca_file is None else trusting(ca_file),
            headers={} if api_key is None else {"authorization": f"Bearer {api_key}"},
        )
        self._lost = (httpx.NetworkError, httpx.RemoteProtocolError)
        self._failed = httpx.HTTPError

    def __enter__(self) -> "Client":
        """Return the client itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the connections."""
        self.close()

    def __del__(self):  # for `Client(url).predict(x)` in one line
        if hasattr(self, "_http"):
            self._http.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def predict(self, inputs: Any, *, signature_name: str | None = None) -> Any:
        """Return the model's answer to a batch of inputs.

        Args:
            inputs: One array (or nested list) whose first axis is the batch, or a dictionary of
                them for a model with several inputs. Numbers, booleans, strings, and bytes (an
                encoded image, say), which travel as base64.
            signature_name: Which of the model's signatures to run. Defaults to None, which is
                `serving_default`.

        Returns:
            An array, or a dictionary of arrays when the model has several outputs. JSON does not
            tell float32 from float64: floats come as float64 with the digits of the model's own
            dtype, so that `.astype("float32")` gives exactly what the model computed.

        Raises:
            ServerError: with the server's own sentence, or when it cannot be reached.
        """
        request = {"inputs": _jsonable(inputs)}
        if signature_name is not None:
            request["signature_name"] = signature_name
        answer = self._ask("POST", ":predict", self._dumps(request), inputs)
        outputs = answer["outputs"]
        if isinstance(outputs, dict) and not _is_b64(outputs):
            return {name: _array(value) for name, value in outputs.items()}
        return _array(outputs)

    def status(self) -> list[dict[str, Any]]:
        """Return the state of each version of the model, the highest first.

        Raises:
            ServerError: with the server's own sentence, or when it cannot be reached.
        """
        return self._ask("GET", "")["model_version_status"]

    def metadata(self) -> dict[str, Any]:
        """Return the model's name, version and signatures, as TensorFlow Serving describes them.

        Raises:
            ServerError: with the server's own sentence, or when it cannot be reached.
        """
        return self._ask("GET", "/metadata")

    def _dumps(self, request: dict[str, Any]) -> bytes:
        try:
            return self._orjson.dumps(request, option=self._orjson.OPT_SERIALIZE_NUMPY)
        except self._orjson.JSONEncodeError:
            return json.dumps(request, default=_listed).encode()

    def _ask(self, method: str, path: str, body: bytes | None = None, inputs: Any = None) -> Any:
        answer = self._send(method, path, body)
        content = self._content(answer)
        if answer.status_code == _OK and content is not None:
            return content
        refusal = self._refusal(answer, content or {})
        if (
            answer.status_code == _BAD_REQUEST
            and inputs is not None
            and "hint" not in (content or {})
        ):
            refusal += self._rank_hint(inputs, body)
        raise ServerError(refusal)

    def _content(self, answer: Any) -> dict[str, Any] | None:
        try:
            content = self._orjson.loads(answer.content)
        except ValueError:
            try:
                content = json.loads(answer.content)  # which reads NaN and Infinity
            except ValueError:
                return None
        return content if isinstance(content, dict) else None

    def _send(self, method: str, path: str, body: bytes | None) -> Any:
        headers = {"Content-Type": "application/json"} if body is not None else None
        for attempt in itertools.count():
            last = attempt == self._retries
            try:
                answer = self._http.request(method, self.url + path, content=body, headers=headers)
                if answer.status_code != _UNAVAILABLE or last:
                    return answer
            except self._lost as error:  # a prediction changes nothing: it may be asked for again
                if last:
                    raise ServerError(
                        f"No server answers at {self.url} ({error}): is it running?"
                    ) from None
            except self._failed as error:
                raise ServerError(f"{self.url} did not answer: {error}.") from None
            time.sleep(_FIRST_PAUSE_SECONDS * 2**attempt)

    def _refusal(self, answer: Any, content: dict[str, Any]) -> str:
        if "error" not in content:
            return (
                f"{self.url} answered {answer.status_code} without TensorFlow Serving's JSON:"
                " is the URL right?"
            )
        hint = f" ({content['hint']})" if "hint" in content else ""
        return f"{content['error']}{hint}"

    def _rank_hint(self, inputs: Any, body: bytes) -> str:
        """Say so when a batch axis is missing; our server says it itself, TF Serving does not."""
        answer = self._send("GET", "/metadata", None)
        if answer.status_code != _OK:
            return ""
        signatures = answer.json()["metadata"]["signature_def"]["signature_def"]
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


def _decoded(value: Any):
    if isinstance(value, list):
        for item in value:
            yield from _decoded(item)
    else:
        yield base64.b64decode(value["b64"])
