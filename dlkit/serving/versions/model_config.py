"""Which models a server has: TensorFlow Serving's ModelServerConfig, as text or as a message."""

import pathlib
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from google.protobuf import text_format
from tensorflow_serving.config.model_server_config_pb2 import ModelConfigList, ModelServerConfig

from dlkit.errors import InputError
from dlkit.serving.core.status import StatusError, invalid
from dlkit.serving.versions.policy import VersionPolicy

PLATFORM = "tensorflow"


@dataclass(frozen=True)
class ModelConfig:
    """One model that a server is to have.

    Args:
        name: The model's name in URLs.
        base: The base path.
        policy: Which of its versions are served.
        labels: Names for version numbers, as `stable` and `canary`.
    """

    name: str
    base: pathlib.Path
    policy: VersionPolicy = field(default_factory=VersionPolicy)
    labels: Mapping[str, int] = field(default_factory=dict)


def read_config_file(path: pathlib.Path, *, again: bool = False) -> list[ModelConfig]:
    """Return the models that a file lists, in the text format of `ModelServerConfig`.

    Args:
        path: The file.
        again: Whether models are served already. Defaults to False.

    Raises:
        InputError: when it cannot be read, is no such text, or lists what cannot be served.
    """
    try:
        if again and not stat.S_ISREG(path.stat().st_mode):  # a pipe may block for ever
            raise InputError(f"model_config_file {path} is no regular file: it is not read again.")
        return parse_config(path.read_text("utf-8"), again=again)
    except OSError as error:
        raise InputError(f"model_config_file {path} cannot be read: {error.strerror}.") from None
    except (StatusError, UnicodeDecodeError) as error:
        raise InputError(f"model_config_file {path}: {error}") from None


def parse_config(text: str, *, again: bool = False) -> list[ModelConfig]:
    """Return the models that a text lists.

    Args:
        text: The text. An empty one lists none.
        again: Whether models are served already: then an empty text, as a file has while it is
            written, is refused. Defaults to False.

    Raises:
        StatusError: INVALID_ARGUMENT or FAILED_PRECONDITION, with TensorFlow Serving's messages.

    Example:
        >>> text = 'config { name: "m" base_path: "/exports/m" model_platform: "tensorflow" }'
        >>> [model.name for model in parse_config(f"model_config_list {{ {text} }}")]
        ['m']
    """
    try:
        config = text_format.Parse(text, ModelServerConfig())
    except text_format.ParseError as error:
        raise invalid(
            f"Error parsing text-format tensorflow.serving.ModelServerConfig: {error}"
        ) from None
    kind = config.WhichOneof("config")
    if kind is None and again:
        raise StatusError(
            "FAILED_PRECONDITION",
            "Cannot transition to requested config. It is only legal to transition from one"
            " ModelConfigList to another.",
        )
    if kind == "custom_model_config":
        raise invalid("custom_model_config is not supported; list models in model_config_list")
    return from_list(config.model_config_list)


def from_list(models: ModelConfigList, known: Iterable[str] = ()) -> list[ModelConfig]:
    """Return what a message lists, checked as TensorFlow Serving does it.

    Args:
        models: The message.
        known: The names of the models that are served now. Defaults to (), none.

    Raises:
        StatusError: INVALID_ARGUMENT for a name that is there twice, a relative base path, or a
            platform other than `tensorflow`.
    """
    known, names = set(known), set()
    for config in models.config:
        if config.name in names:
            raise invalid(f"Illegal to list model {config.name} multiple times in config list")
        names.add(config.name)
        _check_base(config)
        _check_platform(config, config.name in known)
    return [_from_message(config) for config in models.config]


def _check_base(config: ModelConfigList) -> None:
    if "://" in config.base_path:
        raise invalid(
            f"Model {config.name} has base_path {config.base_path}: this server reads local"
            " directories only"
        )
    if not config.base_path.startswith("/"):
        raise invalid(
            f"Expected model {config.name} to have an absolute path or URI;"
            f" got base_path()={config.base_path}"
        )


def _check_platform(config: ModelConfigList, known: bool) -> None:
    platform = config.model_platform
    if config.model_type and not platform:  # the older way to say it, in which 1 is TensorFlow
        platform = PLATFORM if config.model_type == 1 else "other"
    if not platform:
        raise invalid(
            "Illegal setting neither ModelServerConfig::model_type nor"
            f" ModelServerConfig::model_platform for model {config.name}:"
            f' give model_platform: "{PLATFORM}"'
        )
    if platform != PLATFORM and known:
        raise invalid(
            f"Illegal to change a model's platform. For model {config.name} platform was"
            f" {PLATFORM} and new platform requested is {platform}"
        )
    if platform != PLATFORM:
        raise invalid(f"Model {config.name} requests unsupported platform {platform}")


def _from_message(config: ModelConfigList) -> ModelConfig:
    choice = config.model_version_policy
    kind = choice.WhichOneof("policy_choice") or "latest"
    count = choice.latest.num_versions if kind == "latest" else 1
    policy = VersionPolicy(kind, count, tuple(choice.specific.versions))
    return ModelConfig(
        config.name, pathlib.Path(config.base_path), policy, dict(config.version_labels)
    )
