"""`python -m dlkit.serving BASE`: the process that `Server` starts."""

import argparse
import os
import signal
import sys
import threading
from dataclasses import fields

from dlkit.errors import DlkitError
from dlkit.serving.core.settings import Settings
from dlkit.serving.process.serve import serve


def main(arguments: list[str] | None = None) -> int:
    """Serve until stopped; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m dlkit.serving")
    parser.add_argument("base", nargs="?")
    parser.add_argument("--name")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--rest-port", type=_port, default=8501)
    parser.add_argument("--grpc-port", type=_port)
    parser.add_argument("--until-stdin-closes", action="store_true", help="end with the parent")
    for field in fields(Settings):
        kind = _flag if field.type is bool else field.type
        parser.add_argument(f"--{field.name.replace('_', '-')}", type=kind, default=field.default)
    options = vars(parser.parse_args(arguments))
    if options.pop("until_stdin_closes"):
        threading.Thread(target=_end_with_stdin, daemon=True).start()
    try:
        serve(options.pop("base"), **options)
    except DlkitError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def _port(text: str) -> int | None:
    return None if text == "None" else int(text)


def _flag(text: str) -> bool:
    return {"true": True, "false": False}[text.lower()]


def _end_with_stdin() -> None:
    """Stop when the parent is gone: the system closes its end of the pipe however it ended."""
    while os.read(0, 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main())
