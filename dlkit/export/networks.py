"""The network without its preprocessing, for formats that cannot hold that.

raw text -> data.preprocessing (stays in Python) -> network input -> [ the file ] -> predictions
"""

import types
from collections.abc import Iterable, Iterator
from typing import Any

import keras
import numpy as np

from dlkit.argument_validation import check_choice
from dlkit.column_names import input_names
from dlkit.errors import ExportError
from dlkit.export.signatures.signature import Arrays, Signature

INPUTS = ("raw", "network")
_ROWS = 1024


def data_for_inputs(inputs: str, data: Any) -> Any:
    """Return the data that a file is written for.

    Args:
        inputs: `"raw"`: `data` itself; `"network"`: what it is without its preprocessing, with
            rows of its test split (else of its training split) for examples.
        data: What the model was trained on, or `None`.

    Raises:
        InputError: when `inputs` is neither.
    """
    check_choice("inputs", inputs, INPUTS)
    if inputs == "raw" or data is None:
        return data
    names = ("name", "task", "class_names", "input_spec", "train", "test")
    alone = types.SimpleNamespace(**{name: getattr(data, name, None) for name in names})
    split = alone.test if alone.test is not None else alone.train
    alone.examples = None if split is None else _examples(split)
    return alone


def _examples(split: Iterable[Any]) -> tuple[Any, np.ndarray]:
    """Return the first rows of prepared batches as one batch."""
    batches, count = [], 0
    for x, y, *_ in split:
        batches.append(keras.tree.map_structure(np.asarray, (x, y)))
        count += len(keras.tree.flatten(batches[-1])[0])
        if count >= _ROWS:
            break
    x, y = keras.tree.map_structure(lambda *parts: np.concatenate(parts)[:_ROWS], *batches)
    return x, y


def named_inputs(signature: Signature, x: Any) -> Arrays:
    """Return a batch of network inputs by the names of `signature`: by its keys, or in order."""
    leaves = keras.tree.flatten_with_path(x)
    keys = input_names(str(path[-1]) if path else "" for path, _ in leaves)
    arrays = [np.asarray(leaf) for _, leaf in leaves]
    if set(keys) == set(signature.inputs):
        return dict(zip(keys, arrays, strict=True))
    return dict(zip(signature.inputs, arrays, strict=True))


def split_rows(
    signature: Signature, dataset: Iterable[Any], limit: int, size: int
) -> Iterator[tuple[Arrays, np.ndarray]]:
    """Yield the first `limit` rows of a split, `size` at a time: inputs by name, and targets."""
    for x, y, *_ in dataset:
        both = named_inputs(signature, x), keras.tree.map_structure(np.asarray, y)
        count = len(next(iter(both[0].values())))
        for start in range(0, count, size):
            end = min(count, start + min(size, limit))
            yield keras.tree.map_structure(lambda array, rows=slice(start, end): array[rows], both)
            limit -= end - start
            if limit <= 0:
                return


def explain_refusal(error: ExportError, signature: Signature, data: Any) -> ExportError:
    """Return `error`, which says what to do where the preprocessing of text is what is in the way.

    Args:
        error: Why a model could not be written.
        signature: What was to be written.
        data: What has `preprocessing` and `input_spec`, as far as it has them.
    """
    texts = [f"'{name}'" for name, spec in signature.inputs.items() if spec.dtype == "string"]
    if not texts or getattr(data, "preprocessing", None) is None:
        return error
    takes = ", ".join(getattr(data, "input_spec", None) or ["what data.preprocessing gives"])
    return ExportError(
        f"{str(error).rstrip('.')} (text in {', '.join(texts)} needs a SavedModel;"
        f" inputs='network' writes the network alone, which takes {takes})."
    )
