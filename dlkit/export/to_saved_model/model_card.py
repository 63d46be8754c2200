"""What a served model is, for whoever finds it: beside the graph, as JSON.

Reference: Mitchell et al. 2019, "Model Cards for Model Reporting", arXiv:1810.03993
"""

import datetime
import json
import pathlib
from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf

import dlkit
from dlkit.errors import InputError

SPLITS = ("train", "val", "test")


def check_notes(notes: Any) -> dict[str, Any]:
    """Return `notes` as a dictionary if they can be written as JSON.

    Raises:
        InputError: when they cannot.

    Example:
        >>> check_notes({"seed": 0})
        {'seed': 0}
    """
    try:
        json.dumps(notes, allow_nan=False)
        return dict(notes or {})
    except (TypeError, ValueError) as error:
        raise InputError(
            "notes must be a dictionary of what JSON can hold."
            f" Received: notes={notes!r:.80} ({error})."
        ) from None


def write_model_card(
    extra: pathlib.Path, name: str, model: keras.Model, data: Any, facts: Mapping[str, Any]
) -> None:
    """Write the class names and the model card into `extra`.

    Args:
        extra: The directory `assets.extra` of a version.
        name: The name that a server gives the model.
        model: What is exported.
        data: What has `name`, `task`, `kind`, `class_names`, `input_spec` and the splits, as far as
            it has them.
        facts: What else the card says.
    """
    class_names = getattr(data, "class_names", None)
    if class_names:
        _dump(extra / "class_names.json", list(class_names))
    card = {
        "name": name,
        "keras_name": model.name,
        "task": getattr(data, "task", None),
        "data": getattr(data, "name", None),
        "kind": getattr(data, "kind", None),
        "splits": _splits(data),
        "class_names": list(class_names) if class_names else None,
        "parameters": model.count_params(),
        "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "versions": {
            "dlkit": dlkit.__version__,
            "keras": keras.__version__,
            "tensorflow": tf.__version__,
        },
        **facts,
    }
    _dump(extra / "model_card.json", card)


def _dump(path: pathlib.Path, value: Any) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, indent=2), encoding="utf-8")


def _splits(data: Any) -> dict[str, int] | None:
    """Return how many rows there are in each split, where the data knows."""
    split = getattr(getattr(data, "origin", None), "split", None)
    return None if split is None else {name: len(getattr(split, name)) for name in SPLITS}
