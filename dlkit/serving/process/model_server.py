"""`dlkit-model-server`: a stand-in for `tensorflow_model_server`, flag by flag."""

import os
import sys
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

from dlkit.errors import InputError, ServerError
from dlkit.serving.process.flags import parse_flags, to_settings


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until stopped.

    Args:
        arguments: The flags. Defaults to None, those of the command line.

    Returns:
        The exit status: 2 for flags that cannot be used, 255 as TensorFlow Serving has it when the
        start fails.
    """
    from dlkit.serving.process.serve import serve

    # Before TensorFlow is imported: its notes would bury what this server says.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    try:
        values = parse_flags(sys.argv[1:] if arguments is None else arguments)
        if values["version"]:
            print(f"dlkit ModelServer: {version('dlkit')}")
            print(f"TensorFlow Library: {version('tensorflow')}")
            return 0
        serve(**_arguments(values))
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    except ServerError as error:
        print(f"Failed to start server. Error: {error}", file=sys.stderr)
        return 255
    return 0


def _arguments(values: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of `serve`."""
    options = to_settings(values)
    if not values["model_config_file"]:
        if not values["model_base_path"]:
            raise InputError(
                "Both server_options.model_base_path and server_options.model_config_file are"
                f" empty! Received: --model_base_path={values['model_base_path']!r}."
            )
        options |= {"base": values["model_base_path"], "name": values["model_name"]}
    return {**options, "host": values["host"], **_ports(values["port"], values["rest_api_port"])}


def _ports(grpc: int, rest: int) -> dict[str, int | None]:
    if rest and rest == grpc:  # TensorFlow Serving goes on without REST, too
        print(
            f"--rest_api_port cannot be same as --port. Please use a different port for HTTP/REST"
            f" API. Skipped exporting HTTP/REST API. Received: {rest}.",
            file=sys.stderr,
        )
        rest = 0
    return {"grpc_port": grpc or None, "rest_port": rest or None}


if __name__ == "__main__":
    sys.exit(main())
