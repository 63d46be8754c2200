"""What an operator may do over REST: see, replace and change the list of models.

    GET    /dlkit/v1/config                the models, as TensorFlow Serving's ModelServerConfig
    POST   /dlkit/v1/config                serve these, and nothing else
    PUT    /dlkit/v1/models/<name>         add a model, or change one
    DELETE /dlkit/v1/models/<name>         serve it no longer
    POST   /dlkit/v1/models/<name>:reload  look for versions now

Off unless asked for; then for those who have a key, or, where there are no keys, for programs of
this machine. A page in a browser of this machine is none: what browsers and proxies say of
themselves is refused.
"""

import asyncio
import ipaddress
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

from dlkit.serving.core.base_path import find_versions, no_versions_text, unlisted_text
from dlkit.serving.core.settings import Settings
from dlkit.serving.core.status import StatusError, invalid
from dlkit.serving.inference.calls import find_model, find_status
from dlkit.serving.rest_api.request_body import read_body
from dlkit.serving.versions.model_config import PLATFORM, ModelConfig, from_list
from dlkit.serving.versions.served_models import ServedModels
from dlkit.serving.wire.rest_json.text import parse_json, pretty

_PREFIX = "/dlkit/v1/"
_CONFIG = "/dlkit/v1/config"
_MODEL = re.compile(r"/dlkit/v1/models/(?P<name>[^/:]+)(?P<verb>:reload)?")
_NAME = re.compile(r"[^/:\x00-\x1f\x7f]{1,255}")
_PORT = re.compile(r":\d+$")  # IPv6 addresses stand in brackets before it
_TELL_TALES = (b"origin", b"forwarded", b"x-forwarded-for", b"x-forwarded-host", b"via")
_LOCAL_NAMES = ("localhost", "localhost.localdomain")
_JSON = (b"content-type", b"application/json")


class Admin:
    """What answers an operator.

    Args:
        models: The served models.
        settings: The options: which bodies are too large or too slow, and whether there are keys.
    """

    def __init__(self, models: ServedModels, settings: Settings):
        self._models = models
        self._limits = (settings.max_body_bytes, settings.client_seconds)
        self._keys = bool(settings.api_key_file)  # then who gets here has shown one

    async def __call__(self, scope: dict, path: str, receive: Callable) -> Any:
        """Return the answer, or None for other paths.

        Raises:
            StatusError: for a request that is refused.
        """
        if not path.startswith(_PREFIX):
            return None
        if not (self._keys or is_of_this_machine(scope)):
            raise StatusError(
                "PERMISSION_DENIED",
                "Only programs on the server's own machine may change its models",
                "Give the server an api_key_file; then whoever has a key may, from anywhere.",
            )
        method, match = scope["method"], _MODEL.fullmatch(path)
        arguments: tuple[str | bytes, ...]
        if path == _CONFIG and (work := self._config_work(method)):
            arguments = ()
        elif match and (work := self._work(method, match["verb"])):
            arguments = (check_name(unquote(match["name"])),)
        else:
            raise invalid(f"Malformed request: {method} {path}")
        if method in ("POST", "PUT") and not (match and match["verb"]):
            body = await read_body(scope, receive, *self._limits)
            arguments = (*arguments, body)
        found = await asyncio.to_thread(work, *arguments)  # loading takes a while
        return 200, [_JSON], pretty(found)

    def _config_work(self, method: str) -> Callable[..., dict[str, Any]] | None:
        if method == "POST":
            return self._replace
        return self._list if method == "GET" else None

    def _work(self, method: str, verb: str | None) -> Callable[..., dict[str, Any]] | None:
        if verb:
            return self._reload if method == "POST" else None
        if method == "PUT":
            return self._put
        return self._delete if method == "DELETE" else None

    def _list(self) -> dict[str, Any]:
        return {"model_config_list": {"config": [to_json(c) for c in self._models.configs()]}}

    def _replace(self, body: bytes) -> dict[str, Any]:
        content = _object(body).get("model_config_list")
        listed = content.get("config") if isinstance(content, dict) else None
        if not isinstance(listed, list):
            raise invalid('Expected {"model_config_list": {"config": [...]}}, as GET returns it')
        configs = [_read(content) for content in listed]
        if len({config.name for config in configs}) < len(configs):
            raise invalid("A model is listed twice")
        try:
            self._models.reload(configs)
        except StatusError as error:
            raise _refused(error) from None
        return self._list()

    def _put(self, name: str, body: bytes) -> dict[str, Any]:
        wanted = _read({**_object(body), "name": name})
        new, failure = name not in self._models, None

        def edit(configs: list[ModelConfig]) -> list[ModelConfig]:
            return [*(config for config in configs if config.name != name), wanted]

        try:
            self._models.change(edit)
        except StatusError as error:
            if error.code != "UNKNOWN":
                raise
            failure = error  # of this model, or of another one that did not load before either
        model = self._models.get(name)
        if failure and (model is None or not model.ready or model.base != wanted.base):
            if new:
                self._remove(name)
            raise _refused(failure)
        return self._status(name)

    def _delete(self, name: str) -> dict[str, Any]:
        find_model(self._models, name)
        self._remove(name)
        return self._list()

    def _remove(self, name: str) -> None:
        try:
            self._models.change(lambda configs: [c for c in configs if c.name != name])
        except StatusError as error:
            if error.code != "UNKNOWN":  # others that did not load before either
                raise

    def _reload(self, name: str) -> dict[str, Any]:
        find_model(self._models, name)
        self._models.poll(name)
        return self._status(name)

    def _status(self, name: str) -> dict[str, Any]:
        return {"model_version_status": find_status(self._models, name, None)}


def is_of_this_machine(scope: dict) -> bool:
    """Whether a request comes from a program of this machine, by itself.

    A web page that a browser here shows, or a proxy here, asks from this machine's address as well:
    they say so in headers, and a name that somebody else made to point here is in Host.

    Args:
        scope: The request's ASGI scope.
    """
    headers = dict(scope["headers"])
    if any(name in headers for name in _TELL_TALES):
        return False
    named = _PORT.sub("", headers.get(b"host", b"").decode("latin-1"))
    return _is_loopback((scope.get("client") or ("",))[0]) and (
        named.lower() in _LOCAL_NAMES or _is_loopback(named.strip("[]"))
    )


def _is_loopback(address: str) -> bool:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    return (getattr(found, "ipv4_mapped", None) or found).is_loopback


def check_name(name: str) -> str:
    """Return a model's name, if it can be one.

    Raises:
        StatusError: INVALID_ARGUMENT for one that is a path or no text.
    """
    if not _NAME.fullmatch(name) or name in (".", ".."):
        raise invalid(f"A model's name has no '/', ':' or control characters: {name!r:.100}")
    return name


def to_json(config: ModelConfig) -> dict[str, Any]:
    """Return a model's configuration as proto3's JSON of TensorFlow Serving's ModelConfig.

    Example:
        >>> import pathlib
        >>> to_json(ModelConfig("m", pathlib.Path("/exports/m")))["model_version_policy"]
        {'latest': {'num_versions': 1}}
    """
    policy = config.policy
    fields = {
        "latest": {"num_versions": max(1, policy.count)},
        "all": {},
        "specific": {"versions": [str(number) for number in policy.versions]},
    }
    return {
        "name": config.name,
        "base_path": str(config.base),
        "model_platform": PLATFORM,
        "model_version_policy": {policy.kind: fields[policy.kind]},
        "version_labels": {label: str(number) for label, number in config.labels.items()},
    }


def _read(content: Any) -> ModelConfig:
    from google.protobuf import json_format
    from tensorflow_serving.config.model_server_config_pb2 import ModelConfigList

    given = content if isinstance(content, dict) else {}
    platform = {"model_platform": PLATFORM}
    try:
        listed = json_format.ParseDict({"config": [platform | given]}, ModelConfigList())
    except (json_format.ParseError, RecursionError) as error:  # it quotes what is deep
        raise invalid(f"No ModelConfig of TensorFlow Serving: {error}") from None
    (config,) = from_list(listed)
    check_name(config.name)
    if not (versions := find_versions(config.base)):
        text = f"{unlisted_text(config.base)} for servable {config.name}"
        if versions is not None:
            text = no_versions_text(config.name, config.base)
        raise StatusError("FAILED_PRECONDITION", text)
    return config


def _object(body: bytes) -> dict[str, Any]:
    content = parse_json(body)
    if not isinstance(content, dict):
        raise invalid("Expected a JSON object")
    return content


def _refused(error: StatusError) -> StatusError:
    """Return what could not be loaded as the mistake of who asked for it, not of the server."""
    return StatusError("FAILED_PRECONDITION", error.message) if error.code == "UNKNOWN" else error
