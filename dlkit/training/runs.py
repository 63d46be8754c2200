"""A directory for each training, with all that is needed to know what was trained."""

import datetime
import importlib.metadata
import json
import pathlib
import platform
import re
import secrets
import subprocess
import sys
from typing import Any

import dlkit
from dlkit.errors import InputError
from dlkit.training.atomic_files import write_atomically
from dlkit.training.seeding import last_seed

_LIBRARIES = ("tensorflow", "keras", "numpy")


def run_directory(
    name: str | None, *, base: str | pathlib.Path = "runs", config: dict[str, Any] | None = None
) -> pathlib.Path:
    """Make the directory of a run, or find it again.

    The first call makes `<base>/<name>/` and writes `config.json`: the configuration, the seed that
    `set_seed` was given, the versions of Python, dlkit, TensorFlow, Keras and NumPy, the command
    line, the git commit and the time. A later call with the same name and the same configuration
    returns the same directory: that is how a training that was killed is started again. Another
    configuration under a used name is refused, so that no results are mixed up.

    Args:
        name: Name of the run (letters, digits, `.`, `_`, `-`), or None for a fresh name made of the
            UTC time and a short suffix.
        base: Directory that holds the runs. Defaults to "runs".
        config: What the run depends on (model, options, data, seed), as plain JSON. None is an
            empty one for a new run, and any for a run that exists. Defaults to None.

    Returns:
        The path of the directory.

    Raises:
        InputError: when the name cannot be a file name, the configuration is not plain JSON or
            differs from that of the run, or the directory cannot be written.

    Example:
        >>> import tempfile
        >>> base = tempfile.mkdtemp()
        >>> run = run_directory("first", base=base, config={"model": "mlp", "seed": 1})
        >>> sorted(path.name for path in run.iterdir())
        ['config.json']
        >>> run == run_directory("first", base=base, config={"model": "mlp", "seed": 1})
        True
    """
    path = pathlib.Path(base) / (_fresh_name() if name is None else _check_name(name))
    wanted = None if config is None else _check_config(config)
    record = path / "config.json"
    if record.exists():
        _check_same(record, wanted)
        return path
    try:
        if path.is_dir() and any(not file.name.endswith(".partial") for file in path.iterdir()):
            raise InputError(
                f"{path} exists and is not the directory of a run (it holds no config.json);"
                " choose another name or base."
            )
        path.mkdir(parents=True, exist_ok=True)
        content = json.dumps(_describe(wanted or {}), indent=2) + "\n"
        write_atomically(record, lambda file: file.write(content.encode()))
    except OSError as error:
        raise InputError(
            f"The run directory {path} cannot be made ({error.strerror}); choose a base that can be"
            f" written. Received: base={str(base)!r}."
        ) from None
    return path


def _fresh_name() -> str:
    now = datetime.datetime.now(datetime.UTC)
    return f"{now:%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"


def _check_name(name: Any) -> str:
    if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]*", name):
        raise InputError(
            "name must be made of letters, digits, '.', '_' and '-', beginning with a letter or a"
            f" digit. Received: name={name!r}."
        )
    return name


def _check_config(config: Any) -> dict[str, Any]:
    """Return the configuration as JSON gives it back (tuples become lists)."""
    if not isinstance(config, dict):
        raise InputError(f"config must be a dictionary or None. Received: config={config!r}.")
    for key, value in config.items():
        try:
            json.dumps({key: value}, allow_nan=False)
        except (TypeError, ValueError):
            raise InputError(
                "config must be plain JSON (text, finite numbers, booleans, None, lists,"
                f" dictionaries). Received: config[{key!r}]={value!r}."
            ) from None
    return json.loads(json.dumps(config))


def _check_same(record: pathlib.Path, wanted: dict[str, Any] | None) -> None:
    try:
        content = json.loads(record.read_text())
        held = {"seed": content["seed"], **content["config"]}
    except (OSError, ValueError, TypeError, KeyError):
        raise InputError(
            f"{record} cannot be read as the record of a run; remove {record.parent} or choose"
            " another name."
        ) from None
    if wanted is None:
        return
    wanted = {"seed": last_seed(), **wanted}
    if wanted == held:
        return
    differing = [
        f"{key} ({_shown(held, key)} there, {_shown(wanted, key)} now)"
        for key in sorted({*held, *wanted})
        if _shown(held, key) != _shown(wanted, key)
    ]
    raise InputError(
        f"The run {record.parent} was made with another configuration, differing in"
        f" {', '.join(differing)}; choose another name, or give the configuration of that run."
    )


def _shown(config: dict[str, Any], key: str) -> str:
    return repr(config[key]) if key in config else "nothing"


def _describe(config: dict[str, Any]) -> dict[str, Any]:
    return {
        "config": config,
        "seed": last_seed(),
        "versions": {
            "python": platform.python_version(),
            "dlkit": dlkit.__version__,
            **{library: _version(library) for library in _LIBRARIES},
        },
        "command": sys.argv,
        "git_commit": _git_commit(),
        "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    }


def _version(library: str) -> str | None:
    try:
        return importlib.metadata.version(library)
    except importlib.metadata.PackageNotFoundError:
        return None


def _git_commit() -> str | None:
    try:
        found = subprocess.run(
            ["git", "rev-parse", "HEAD"], capture_output=True, text=True, timeout=5, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return found.stdout.strip() or None
