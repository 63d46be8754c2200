"""A search's directory: whose it is, and that no other process works in it.

`search.json` says what the search is of, and another one is refused; `oracle.json`, `tuner0.json`,
`trial_*/trial.json` and `trial_*/checkpoint.weights.h5` are KerasTuner's.
"""

from __future__ import annotations

import json
import pathlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from dlkit.data.changes.cache_fingerprint import fingerprint_examples
from dlkit.errors import InputError
from dlkit.training.run_lock import lock_run
from dlkit.tuning.oracles.oracle import write_json

if TYPE_CHECKING:
    import keras_tuner

    from dlkit.data.data import Data


def describe_data(data: Data) -> dict[str, Any]:
    """Return what a search is bound to of its data."""
    specs = {
        name: [spec.shape.as_list(), spec.dtype.name] for name, spec in data.input_spec.items()
    }
    facts: dict[str, Any] = {"name": data.name, "task": data.task, "inputs": specs}
    if data.origin is not None:
        split = data.origin.split
        facts |= {"training examples": len(split.train), "validation examples": len(split.val)}
        facts["examples"] = fingerprint_examples(data.origin)
    return facts


def describe_space(hp: keras_tuner.HyperParameters) -> dict[str, str]:
    """Return each hyperparameter of a space in words."""
    return {p.name: f"{type(p).__name__} {json.dumps(p.get_config())}" for p in hp.space}


def open_project(directory: pathlib.Path, facts: Mapping[str, Any]) -> None:
    """Make a search's directory, or see that it is this search's, and lock it.

    Args:
        directory: Where it lies.
        facts: What the search is of.

    Raises:
        InputError: when another process searches there, or it holds a search of something else;
            the sentence names the difference.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"The directory {directory} cannot be made ({error.strerror}); give one that can be"
            " written."
        ) from None
    lock_run(directory)
    check_project(directory, facts)
    if not (directory / "search.json").exists():
        write_json(directory / "search.json", facts)


def check_project(directory: pathlib.Path, facts: Mapping[str, Any]) -> None:
    """See that a search that was begun in a directory, if any, is this one.

    Raises:
        InputError: naming the difference.
    """
    try:
        former = json.loads((directory / "search.json").read_text())
    except FileNotFoundError:
        return
    except (OSError, ValueError):
        raise InputError(
            f"{directory / 'search.json'} cannot be read; delete the directory, or give another"
            " name."
        ) from None
    now = json.loads(json.dumps(facts))
    for path, then, asked in _differences(former, now):
        raise InputError(
            f"{directory} holds a search with {path}={_brief(then)}, and now {path}={_brief(asked)}"
            " is asked for: give the search another name, or delete that directory."
        )


def _differences(former: Any, now: Any, path: str = "") -> Any:
    """Yield `(path, former, now)` of whatever differs in nested dicts."""
    if not (isinstance(former, dict) and isinstance(now, dict)):
        if former != now:
            yield path, former, now
        return
    for key in {**former, **now}:
        yield from _differences(former.get(key), now.get(key), f"{path}.{key}" if path else key)


def _brief(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 160 else f"{text[:157]}..."
