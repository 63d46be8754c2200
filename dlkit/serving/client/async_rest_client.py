"""The REST client for programs with an event loop."""

import os
from types import TracebackType
from typing import Any

from tenacity import AsyncRetrying

from dlkit.argument_validation import require
from dlkit.errors import DlkitError, ServerError
from dlkit.serving.client import json_messages
from dlkit.serving.client.inputs import prepare_inputs
from dlkit.serving.client.retries import retry_policy
from dlkit.serving.core.signatures import Signature


class AsyncClient:
    """Asks a model that is served over TensorFlow Serving's REST API, without blocking the loop.

    As `Client`, with `await`; many requests may be under way at a time.

    Args:
        url: The model's URL, as `http://127.0.0.1:8501/v1/models/digits`; append `/versions/3` for
            that version.
        timeout: Seconds to wait for an answer. Defaults to 30.0.
        retries: How often a request is sent again when the server is unavailable (503) or the
            connection is lost, waiting 0.1 s, 0.2 s, 0.4 s, ... between. Defaults to 3.
        api_key: The key that the server asks for. Defaults to None, which sends none.
        ca_file: The certificate of the authority that vouches for an https server, in PEM. Defaults
            to None, those that the system trusts.
        cert_file: The client's own certificate and key, in PEM, for a server that asks for them
            (mTLS). Defaults to None.

    Raises:
        InputError: when `url` is no model's URL, or a file cannot be read.
        MissingExtraError: when httpx or orjson are not installed.

    Example:
        >>> import asyncio
        >>> async def ask():
        ...     async with AsyncClient("http://127.0.0.1:9/v1/models/digits", retries=0) as client:
        ...         return await client.predict([[0.0, 1.0]])  # where a server listens: an array
        >>> asyncio.run(ask())
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
        cert_file: str | os.PathLike | None = None,
    ):
        httpx = require("httpx", "serve")
        require("orjson", "serve")
        self.url = json_messages.check_url(url)
        self._retrying = AsyncRetrying(**retry_policy(retries, json_messages.TRANSIENT))
        options = json_messages.connection_options(self.url, api_key, ca_file, cert_file)
        self._http = httpx.AsyncClient(timeout=timeout, **options)
        self._failed = httpx.HTTPError
        self._signatures: dict[str, Signature] | None = None

    async def __aenter__(self) -> "AsyncClient":
        """Return the client itself."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the connections."""
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def predict(self, inputs: Any, *, signature_name: str | None = None) -> Any:
        """Return the model's answer to a batch of inputs, as `Client.predict` does.

        Args:
            inputs: What `Client.predict` takes.
            signature_name: Which of the model's signatures to run. Defaults to None, which is
                `serving_default`, or `image_bytes` and the like for a list of files or bytes where
                that one takes numbers.

        Returns:
            An array, or a dictionary of arrays when the model has several outputs.

        Raises:
            InputError: for values that JSON cannot carry, and a DataFrame that lacks an input or
                does not fit it.
            ServerError: with the server's own sentence, or when it cannot be reached.
        """
        inputs = prepare_inputs(inputs)
        wants = json_messages.wants_signatures(inputs, signature_name)
        known = await self._describe() if wants else {}
        try:
            body = json_messages.request_body(inputs, signature_name, known)
            return json_messages.read_outputs(await self._ask("POST", ":predict", body, inputs))
        except DlkitError:
            self._signatures = None  # another version may have taken over
            raise

    async def status(self) -> list[dict[str, Any]]:
        """Return the state of each version of the model, the highest first.

        Raises:
            ServerError: with the server's own sentence, or when it cannot be reached.
        """
        return (await self._ask("GET", ""))["model_version_status"]

    async def metadata(self) -> dict[str, Any]:
        """Return the model's name, version and signatures, as TensorFlow Serving describes them.

        Raises:
            ServerError: with the server's own sentence, or when it cannot be reached.
        """
        return await self._ask("GET", "/metadata")

    async def _describe(self) -> dict[str, Signature]:
        """Return the model's signatures, asked for once; none where the server has no metadata."""
        if self._signatures is not None:
            return self._signatures
        answer = await self._send("GET", "/metadata")
        content = json_messages.read_content(answer.content)
        if not json_messages.is_good(answer.status_code, content):
            return {}
        self._signatures = json_messages.read_signatures(content)
        return self._signatures

    async def _ask(self, method: str, path: str, body: bytes = b"", inputs: Any = None) -> Any:
        answer = await self._send(method, path, body)
        content = json_messages.read_content(answer.content)
        if json_messages.is_good(answer.status_code, content):
            return content
        refusal = json_messages.refusal_text(self.url, answer.status_code, content)
        if json_messages.wants_rank_hint(answer.status_code, content, inputs):
            described = await self._send("GET", "/metadata")
            metadata = json_messages.read_content(described.content)
            refusal += json_messages.rank_hint(metadata, inputs, body)
        raise ServerError(refusal)

    async def _send(self, method: str, path: str, body: bytes = b"") -> Any:
        headers = {"Content-Type": "application/json"} if body else None
        try:
            return await self._retrying(
                self._http.request, method, self.url + path, content=body, headers=headers
            )
        except self._failed as error:
            raise json_messages.connection_error(self.url, error) from None
