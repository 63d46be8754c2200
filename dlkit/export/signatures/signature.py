"""What an export offers: named inputs, a function of them, named outputs.

A signature starts at what a client has. Where the data comes with a preprocessing model, that is
the first part of the function, so that no client can prepare its input differently from training.
"""

import dataclasses
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from dlkit.column_names import input_names
from dlkit.errors import InputError

# TensorFlow Serving's REST API has no JSON form for these types.
_REST_TYPES = {tf.float16: tf.float32, tf.bfloat16: tf.float32, tf.uint16: tf.int32}
_AUTOMATIC_NAME = re.compile(r"(keras_tensor|input_layer)(_\d+)?")
PREDICT = "tensorflow/serving/predict"
DEFAULT_SIGNATURE = "serving_default"
# What data may have, besides a name, which files and columns of tables have too.
_TOLD = ("preprocessing", "decoding", "examples", "class_names", "input_spec", "task")

INSTEAD = "; export a SavedModel instead."  # where a format has not all operations

Arrays = dict[str, np.ndarray]


@dataclasses.dataclass(frozen=True)
class Signature:
    """A function to be served.

    Attributes:
        inputs: Name -> spec with the batch axis, `None`.
        compute: From a dict of tensors, by input name, to a dict of tensors, by output name.
        reference: The same on arrays, through `model.predict`.
        method: What TensorFlow Serving says it is for.
        from_raw: From a batch for `serving_default` to one for this signature, to check it with.
        unordered: Undoes, in arrays of outputs, an order that rounding may change.
        columns: The raw input's own name, as a table's column -> the name in `inputs`.
    """

    inputs: dict[str, tf.TensorSpec]
    compute: Callable[[dict[str, tf.Tensor]], dict[str, tf.Tensor]]
    reference: Callable[[Arrays], Arrays]
    method: str = PREDICT
    from_raw: Callable[[Arrays], Arrays] = dict
    unordered: Callable[[Arrays], Arrays] = dict
    columns: Mapping[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class _Inputs:
    """The inputs of a model: their nested structure, and names and a spec for each leaf."""

    structure: Any
    own: list[str]
    names: list[str]
    specs: list[tf.TensorSpec]

    def pack(self, tensors: dict[str, Any]) -> Any:
        """Put named tensors into the model's own structure, in its own types."""
        flat = [tf.cast(tensors[n], s.dtype) for n, s in zip(self.names, self.specs, strict=True)]
        return keras.tree.pack_sequence_as(self.structure, flat)


def serving_default(model: keras.Model, data: Any = None) -> Signature:
    """Return the signature from raw input to predictions.

    Args:
        model: A built Keras model.
        data: What has `preprocessing` (a Keras model, or `None`) and `input_spec`; or `None`.

    Raises:
        InputError: when the data's network input is not what `model` takes.
    """
    preprocessing = getattr(data, "preprocessing", None)
    if preprocessing is not None and not isinstance(preprocessing, keras.Model):
        raise InputError(
            "data.preprocessing must be a keras.Model or None."
            f" Received: {type(preprocessing).__name__}."
        )
    _check_fit(model, data)
    inputs = _inputs(model if preprocessing is None else preprocessing, data)

    def prepare(tensors: dict[str, Any]) -> Any:
        x = inputs.pack(tensors)
        return x if preprocessing is None else preprocessing.predict_step((x,))

    def compute(tensors: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        # predict_step is the inference half of Keras's own predict: training=False throughout.
        return _named(model, model.predict_step((prepare(tensors),)), tf.cast)

    def reference(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        # What predict does with one batch, without a tf.data pipeline for each.
        answer = model.predict_on_batch(prepare(arrays))
        return _named(model, answer, lambda array, dtype: array.astype(dtype.as_numpy_dtype))

    served = {
        name: tf.TensorSpec([None, *spec.shape[1:]], _REST_TYPES.get(spec.dtype, spec.dtype), name)
        for name, spec in zip(inputs.names, inputs.specs, strict=True)
    }
    columns = dict(zip(inputs.own, inputs.names, strict=True))
    return Signature(served, compute, reference, columns=columns)


def check_export_data(data: Any) -> None:
    """Refuse a pipeline, a name and what else tells nothing of itself, not even its preprocessing.

    Raises:
        InputError: when `data` has nothing that an export asks data for.

    Example:
        >>> check_export_data(None)
    """
    if data is not None and not any(hasattr(data, name) for name in _TOLD):
        raise InputError(
            f"data must be a dlkit.data.Data, or an object with some of {', '.join(_TOLD)}."
            f" Received: {type(data).__name__}; pass data itself, not data.train or its name."
        )


def _check_fit(model: keras.Model, data: Any) -> None:
    """Refuse data whose network input has other shapes than the model's.

    Keras matches a dict of inputs by name, and so does this where all names are the same.
    """
    taken = _named_shapes(_symbolic(model, "inputs"))
    preprocessing = getattr(data, "preprocessing", None)
    if preprocessing is not None:
        given = _named_shapes(_symbolic(preprocessing, "outputs"))
    else:
        specs = getattr(data, "input_spec", None) or {}
        given = [(name, (None, *spec.shape)) for name, spec in specs.items()]
    if not taken or not given:
        return
    if sorted(name for name, _ in taken) == sorted(name for name, _ in given):
        taken, given = (sorted(side, key=lambda pair: pair[0]) for side in (taken, given))
    takes, gives = ([shape for _, shape in side] for side in (taken, given))
    fits = len(takes) == len(gives) and all(
        tf.TensorShape(a).is_compatible_with(tf.TensorShape(b))
        for a, b in zip(takes, gives, strict=True)
    )
    if not fits:
        raise InputError(
            f"data must be what the model was built for: '{model.name}' takes {_shapes(takes)}."
            f" Received: data '{getattr(data, 'name', '')}', which gives {_shapes(gives)}."
        )


def _symbolic(model: keras.Model, side: str) -> Any:
    """Return the nested `inputs` or `outputs` of a model, or `None` where it has no symbolic ones.

    A sequential model does not know them as a structure: it has one of each.
    """
    flat = getattr(model, side, None)
    if not flat or isinstance(model, keras.Sequential):
        return flat[0] if flat else None
    return getattr(model, side.removesuffix("s"))


def _named_shapes(structure: Any) -> list[tuple[str, Sequence[int | None]]]:
    """Return the name, by its key or its own, and the shape of each symbolic tensor."""
    leaves = [] if structure is None else keras.tree.flatten_with_path(structure)
    return [(_input_name(path, leaf, ""), leaf.shape) for path, leaf in leaves]


def _shapes(shapes: Iterable[Sequence[int | None]]) -> str:
    return " and ".join(f"({', '.join(str(size) for size in shape)})" for shape in shapes)


def _inputs(model: keras.Model, data: Any) -> _Inputs:
    """Find out what `model` takes: from its symbolic inputs, `data`, or how it was built."""
    symbolic = _symbolic(model, "inputs")
    told = {
        name: tf.TensorSpec([None, *spec.shape], spec.dtype, name)
        for name, spec in (getattr(data, "input_spec", None) or {}).items()
    }
    if symbolic is not None:
        structure = symbolic
    elif told:
        structure = told if len(told) > 1 else next(iter(told.values()))
    else:
        structure = _recorded(model)
    leaves = keras.tree.flatten_with_path(structure)
    specs = [tf.TensorSpec(leaf.shape, leaf.dtype) for _, leaf in leaves]
    fallback = next(iter(told)) if len(told) == 1 else "inputs"
    own = [_input_name(path, leaf, fallback) for path, leaf in leaves]
    return _Inputs(structure, own, input_names(own), specs)


def _recorded(model: keras.Model) -> Any:
    """Return the input specs of a subclassed model, which Keras records when it is built."""
    shapes = (model.get_build_config() or {}).get("input_shape")
    if shapes is None:
        raise InputError(
            f"Model '{model.name}' does not tell what it takes; give data with an input_spec"
            " (name -> tf.TensorSpec of one row)."
        )
    # Keras records no type. It casts floats to the layer's own type, and so may we.
    dtype = tf.as_dtype(model.input_dtype)
    dtype = _REST_TYPES.get(dtype, dtype)
    return keras.tree.map_shape_structure(
        lambda shape: tf.TensorSpec([None, *shape[1:]], dtype), shapes
    )


def _input_name(path: tuple, leaf: Any, fallback: str) -> str:
    keys = [key for key in path if isinstance(key, str)]
    if keys:
        return keys[-1]
    # Keras numbers unnamed inputs through the process; a client needs the same name each time.
    name = getattr(leaf, "name", None)
    return fallback if not name or _AUTOMATIC_NAME.fullmatch(name) else name


def _named(model: keras.Model, outputs: Any, cast: Callable[[Any, tf.DType], Any]) -> dict:
    """Name a model's outputs after their keys or layers, in types that REST can carry."""
    leaves = keras.tree.flatten_with_path(outputs)
    names = _output_names(model, [path for path, _ in leaves])
    answer = {}
    for name, (_, leaf) in zip(names, leaves, strict=True):
        dtype = tf.as_dtype(leaf.dtype)
        answer[name] = cast(leaf, _REST_TYPES[dtype]) if dtype in _REST_TYPES else leaf
    return answer


def _output_names(model: keras.Model, paths: list[tuple]) -> list[str]:
    if any(isinstance(key, str) for path in paths for key in path):
        names = ["_".join(str(key) for key in path) for path in paths]
    elif isinstance(model, keras.Sequential):
        names = [model.layers[-1].name]
    else:
        numbered = [f"output_{place}" for place in range(len(paths))]
        names = list(getattr(model, "output_names", None) or numbered)
    counts = [names[:place].count(name) for place, name in enumerate(names)]
    return [f"{name}_{c}" if c else name for name, c in zip(names, counts, strict=True)]


def binary_outputs(answers: Iterable[Arrays]) -> dict[str, str]:
    r"""Return output name -> name ending in `_bytes`, for strings in `answers` that are no text.

    TensorFlow Serving's REST API writes those in base64, and all others as text.

    Example:
        >>> binary_outputs([{"png": np.array([b"\x89PNG"], dtype=object)}])
        {'png': 'png_bytes'}
    """
    return {
        name: f"{name}_bytes"
        for answer in answers
        for name, value in answer.items()
        if value.dtype.kind in "OS" and not name.endswith("_bytes") and not _is_text(value)
    }


def _is_text(values: np.ndarray) -> bool:
    try:
        return all(isinstance(v, str) or v.decode() is not None for v in values.ravel().tolist())
    except UnicodeDecodeError:
        return False


def rename_outputs(signature: Signature, names: Mapping[str, str]) -> Signature:
    """Return `signature` with some outputs called otherwise."""

    def renamed(function: Callable[[dict], dict]) -> Callable[[dict], dict]:
        return lambda given: {names.get(key, key): v for key, v in function(given).items()}

    return dataclasses.replace(
        signature, compute=renamed(signature.compute), reference=renamed(signature.reference)
    )
