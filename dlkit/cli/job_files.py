"""Job files: what `dlkit train` is told, written down, as in the `config.json` of each run.

    job.yaml or config.json -> the keys of a `Job` -> what is given beside it -> the `Job`

YAML is read by the rules of its version 1.2. PyYAML's own are those of 1.1, where 1e-3 is a text
and `no` is False.
"""

from __future__ import annotations

import dataclasses
import json
import pathlib
import re
from collections.abc import Collection, Mapping
from typing import Any

from dlkit.argument_validation import closest
from dlkit.cli.job import Job
from dlkit.data.catalogue.resolving import existing
from dlkit.errors import InputError

_KEYS = tuple(field.name for field in dataclasses.fields(Job))
_TEXTS = ("model", "data", "schedule", "target", "delimiter", "data_fingerprint")
_MAPPINGS = ("options", "data_options")
# What a run's config.json holds besides its job.
_RECORD = ("seed", "versions", "command", "git_commit", "created")
# What is no text although it stands without quotes, and the first characters of each.
_PLAIN = {
    "null": (r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    "bool": (r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    "int": (r"[-+]?(?:0|[1-9][0-9]*)", list("-+0123456789")),
    "float": (
        r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))(?:[eE][-+]?[0-9]+)?",
        list("-+.0123456789"),
    ),
}


def read_job(path: pathlib.Path) -> dict[str, Any]:
    r"""Return what a job file says, by the names of the `Job`'s attributes.

    Args:
        path: A YAML file, or a JSON file as the `config.json` of a run.

    Raises:
        InputError: when it cannot be read, or a key or a value is none of a job's.

    Example:
        >>> import pathlib, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = pathlib.Path(folder, "job.yaml")
        ...     _ = path.write_text("model: mlp\ndata: iris\noptions: {learning_rate: 1e-3}\n")
        ...     read_job(path)
        {'model': 'mlp', 'data': 'iris', 'options': {'learning_rate': 0.001}}
    """
    told = _read(path)
    if isinstance(told, dict) and "config" in told and {*told} <= {"config", *_RECORD}:  # a run's
        told = told["config"]
    if not isinstance(told, dict):
        raise InputError(
            f"{path} holds no job: write its keys and values, as model: cnn and data: photos/."
            f" Received: {type(told).__name__}."
        )
    for key, value in told.items():
        if key not in _KEYS:
            raise InputError(
                f"{path} has the key {key!r}, which a job lacks.{closest(key, _KEYS)} Its keys:"
                f" {', '.join(_KEYS)}."
            )
        if value is not None:
            _check_value(path, key, value)
    return {key: value for key, value in told.items() if value is not None}


def make_job(told: Mapping[str, Any], values: Mapping[str, Any], given: Collection[str]) -> Job:
    """Return the job of a job file and of the command line, which goes first where it says so.

    Args:
        told: What the file says.
        values: What the command line says, its defaults too; options go beside those of the file.
        given: Which of `values` are no defaults.

    Raises:
        InputError: when none of them names a model.

    Example:
        >>> told = {"model": "mlp", "data": "digits", "epochs": 3}
        >>> job = make_job(told, {"data": "iris", "epochs": 10}, ["data"])
        >>> job.data, job.epochs
        ('iris', 3)
    """
    first = {key: values[key] for key in given}
    if "data" in first:
        told = {key: value for key, value in told.items() if key != "data_fingerprint"}
    options = {key: {**told.get(key, {}), **values.get(key, {})} for key in _MAPPINGS}
    merged = {**values, **told, **first, **options}
    if merged["model"] is None:
        raise InputError(
            "Missing argument 'MODEL': name a builder, see `dlkit models`, or give a job file that"
            f" does, with --job. Received: model={merged['model']}."
        )
    return Job(**merged)


def _check_value(path: pathlib.Path, key: str, value: Any) -> None:
    """Refuse what is not even of the right type; what else is wrong, the job tells."""
    if key in _TEXTS and not isinstance(value, str):
        raise InputError(f"{path}: {key} must be a text; put it into quotes. Received: {value!r}.")
    if key == "augment" and not isinstance(value, bool):
        raise InputError(f"{path}: augment must be true or false. Received: {value!r}.")
    if key in _MAPPINGS and not (
        isinstance(value, dict) and all(isinstance(name, str) for name in value)
    ):
        raise InputError(
            f"{path}: {key} must be names with their values, as {key}: {{name: value}}. Received:"
            f" {value!r}."
        )


def _read(path: pathlib.Path) -> Any:
    path = existing(path)
    if path.is_dir():
        raise InputError(f"{path} is a folder; give a job file, as {path / 'config.json'}.")
    try:
        text = path.read_text(encoding="utf-8-sig")  # Windows writes a mark before it
        if path.suffix == ".json":
            return json.loads(text, object_pairs_hook=_each_once)
        return _read_yaml(text)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    except (OSError, ValueError, TypeError) as error:
        told = " ".join(str(error).split())
        raise InputError(f"{path} cannot be read as a job file ({told}); mend it.") from None


def _each_once(pairs: list[tuple[Any, Any]]) -> dict[Any, Any]:
    """Return a dict, unless a key comes twice: parsers take the last one in silence."""
    found: dict[Any, Any] = {}
    for key, value in pairs:
        if key in found:
            raise InputError(f"the key {key!r} is there twice; give it once.")
        found[key] = value
    return found


def _read_yaml(text: str) -> Any:
    import yaml

    class Loader(yaml.SafeLoader):
        """Makes plain data alone."""

        def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
            return _each_once(
                [
                    (self.construct_object(key, deep=True), self.construct_object(value, deep=True))
                    for key, value in node.value
                ]
            )

    Loader.yaml_implicit_resolvers = {}
    for name, (pattern, first) in _PLAIN.items():
        tag = f"tag:yaml.org,2002:{name}"
        Loader.add_implicit_resolver(tag, re.compile(rf"(?:{pattern})$"), first)
    try:
        return yaml.load(text, Loader)
    except yaml.YAMLError as error:
        raise ValueError(error) from None
