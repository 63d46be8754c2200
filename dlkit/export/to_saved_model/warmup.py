"""Requests that a model server answers to itself before it says that a version is available.

Reference: TensorFlow Serving's "SavedModel Warmup",
https://www.tensorflow.org/tfx/serving/saved_model_warmup
"""

import pathlib
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

from dlkit.errors import InputError

FILE = "tf_serving_warmup_requests"
_UNKNOWN_SIZE = 32  # stands for an axis of any length: long enough for a few convolutions and pools


def samples(specs: Mapping[str, tf.TensorSpec], examples: Any, rows: int) -> dict[str, np.ndarray]:
    """Return a batch of `rows` for a signature: real examples, or made-up ones that fit the specs.

    Args:
        specs: Input name -> spec with the batch axis.
        examples: An array, or one for each input name, of at least one row; or `None`.
        rows: The batch size. Examples are repeated where there are too few.

    Raises:
        InputError: when `examples` do not fit `specs`.
    """
    if examples is None:
        random = np.random.default_rng(0)
        return {name: _made_up(spec, rows, random) for name, spec in specs.items()}
    if not isinstance(examples, Mapping) or list(examples) == [""]:
        (array,) = examples.values() if isinstance(examples, Mapping) else [examples]
        examples = dict.fromkeys(list(specs)[:1], array)
    if set(examples) != set(specs):
        raise InputError(
            f"data.examples must hold the inputs {sorted(specs)}. Received: {sorted(examples)}."
        )
    return {name: _repeated(name, specs[name], examples[name], rows) for name in specs}


def _repeated(name: str, spec: tf.TensorSpec, values: Any, rows: int) -> np.ndarray:
    values = np.asarray(values)
    if not spec.shape.is_compatible_with(values.shape) or not len(values):
        raise InputError(
            f"data.examples must fit the input '{name}', which is {tuple(spec.shape)}."
            f" Received: examples of shape {values.shape}."
        )
    chosen = values[np.arange(rows) % len(values)]
    return chosen.astype(object if spec.dtype == tf.string else spec.dtype.as_numpy_dtype)


def _made_up(spec: tf.TensorSpec, rows: int, random: np.random.Generator) -> np.ndarray:
    shape = (rows, *(size or _UNKNOWN_SIZE for size in spec.shape[1:]))
    if spec.dtype == tf.string:
        return random.choice(np.array([b"a", b"some text"], dtype=object), shape)
    if spec.dtype.is_floating:
        return random.random(shape).astype(spec.dtype.as_numpy_dtype)
    # 0 and 1 are an index into any vocabulary and a colour in any image.
    return random.integers(0, 2, shape).astype(spec.dtype.as_numpy_dtype)


Request = tuple[str, str, Mapping[str, np.ndarray]]


def write(path: pathlib.Path, model_name: str, requests: Iterable[Request]) -> None:
    """Write a warm-up file.

    Args:
        path: The file to write.
        model_name: The name that the server will know the model by.
        requests: For each, the signature's key, its method name, and input name -> array.
    """
    with tf.io.TFRecordWriter(str(path)) as records:
        for key, method, inputs in requests:
            log = prediction_log_pb2.PredictionLog()
            kind = method.rpartition("/")[2]  # predict, classify or regress
            request = getattr(log, f"{kind}_log").request
            request.model_spec.name = model_name
            request.model_spec.signature_name = key
            if kind == "predict":
                for name, array in inputs.items():
                    request.inputs[name].CopyFrom(tf.make_tensor_proto(array))
            else:
                examples = request.input.example_list.examples
                examples.extend(tf.train.Example.FromString(text) for text in inputs["inputs"])
            records.write(log.SerializeToString())
