"""What a server can be told, in one place for `serve`, `Server` and the command line."""

from dataclasses import dataclass, fields
from typing import Any

from dlkit.checks import check_integer, check_names
from dlkit.errors import InputError


@dataclass(frozen=True)
class Settings:
    """The options of a server beyond where it listens.

    Args:
        poll_seconds: How often the base path is looked at for new versions; 0 for never again.
        num_versions: How many of the highest versions are served at a time.
        timeout_seconds: How long one prediction may run; 0 for no limit.
        max_body_bytes: The largest body of a REST request, before and after decompression. A gRPC
            message may be as large as with TensorFlow Serving, 2 GiB.
        threads: How many predictions run at a time, over REST and over gRPC each; 0 for four a
            processor.
        warmup: Whether the export's warm-up requests are run before a version takes traffic.
        cors: Whether browsers of other origins may read the answers.
    """

    poll_seconds: float = 1.0
    num_versions: int = 1
    timeout_seconds: float = 30.0
    max_body_bytes: int = 100 * 2**20
    threads: int = 0
    warmup: bool = True
    cors: bool = False

    @classmethod
    def of(cls, what: str, options: dict[str, Any]) -> "Settings":
        """Return the settings that `options` ask for, checked.

        Args:
            what: What takes the options, for messages.
            options: The fields that differ from their defaults.

        Raises:
            InputError: for an unknown option or a value out of range.

        Example:
            >>> Settings.of("serve", {"poll_seconds": 5}).poll_seconds
            5
        """
        check_names(what, options, [field.name for field in fields(cls)])
        settings = cls(**options)
        check_integer("num_versions", settings.num_versions)
        check_integer("max_body_bytes", settings.max_body_bytes)
        check_integer("threads", settings.threads, minimum=0)
        _check_seconds("poll_seconds", settings.poll_seconds)
        _check_seconds("timeout_seconds", settings.timeout_seconds)
        _check_bool("warmup", settings.warmup)
        _check_bool("cors", settings.cors)
        return settings


def _check_bool(argument: str, value: Any) -> None:
    if not isinstance(value, bool):
        raise InputError(f"{argument} must be True or False. Received: {argument}={value!r}.")


def _check_seconds(argument: str, value: Any) -> None:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not number or not 0 <= value < 1e6:
        raise InputError(
            f"{argument} must be a number of seconds, 0 or more. Received: {argument}={value!r}."
        )
