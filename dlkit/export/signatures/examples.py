"""Signatures that take serialized tf.Examples, for TensorFlow Serving's Classify and Regress.

    inputs (strings) -> tf.io.parse_example -> raw input by name -> predictions
                                            -> bytes of files    ->

Reference: https://www.tensorflow.org/tfx/serving/signature_defs
"""

from typing import Any

import numpy as np
import tensorflow as tf

from dlkit.export.signatures.labels import Classes, Unfit, classified_outputs, one_output
from dlkit.export.signatures.signature import Arrays, Signature

CLASSIFY = "tensorflow/serving/classify"
REGRESS = "tensorflow/serving/regress"
INPUT = "inputs"  # TensorFlow Serving takes no other name


def classify_signature(given: Signature, classes: Classes) -> Signature:
    """Return a signature from tf.Examples to `classes` and `scores`, in the order of the classes.

    Args:
        given: A signature with the output that `classes` names.
        classes: What its columns stand for.

    Raises:
        Unfit: when its inputs cannot be features of a tf.Example.
    """
    names = np.array([name.encode() for name in classes.names], dtype=object)

    def reference(outputs: Arrays) -> Arrays:
        scores = classes.scores_of_arrays(outputs)
        return {"classes": np.broadcast_to(names, scores.shape), "scores": scores}

    compute = classified_outputs(given.compute, classes)
    return _from_examples(given, compute, reference, CLASSIFY)


def regress_signature(given: Signature, answer: Arrays) -> Signature:
    """Return a signature from tf.Examples to `outputs`, one number a row.

    Args:
        given: A signature with one output.
        answer: What it gives, by output name.

    Raises:
        Unfit: when it gives anything else, or its inputs cannot be features of a tf.Example.
    """
    name, values = one_output(answer)
    if values[0].size != 1 or values.ndim > 2:
        raise Unfit(f"it needs one number a row, and '{name}' has the shape {values.shape}")

    def compute(tensors: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        return {"outputs": tf.cast(tf.reshape(given.compute(tensors)[name], [-1]), tf.float32)}

    def reference(outputs: Arrays) -> Arrays:
        return {"outputs": outputs[name].reshape(-1).astype("float32")}

    return _from_examples(given, compute, reference, REGRESS)


def _from_examples(given: Signature, compute: Any, reference: Any, method: str) -> Signature:
    """Return a signature that parses examples first; `reference` is from the outputs of `given`."""
    features = {name: _feature(name, spec) for name, spec in given.inputs.items()}

    def parse(tensors: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        parsed = tf.io.parse_example(tensors[INPUT], features)
        return compute({name: tf.cast(parsed[name], s.dtype) for name, s in given.inputs.items()})

    def parse_arrays(arrays: Arrays) -> Arrays:
        found = [tf.train.Example.FromString(text).features.feature for text in arrays[INPUT]]
        return reference(
            given.reference(
                {
                    name: _values([row[name] for row in found], spec)
                    for name, spec in given.inputs.items()
                }
            )
        )

    return Signature(
        {INPUT: tf.TensorSpec([None], tf.string, INPUT)},
        parse,
        parse_arrays,
        method,
        lambda batch: {INPUT: serialized_examples(given.from_raw(batch))},
    )


def _feature(name: str, spec: tf.TensorSpec) -> tf.io.FixedLenFeature:
    shape = spec.shape[1:]
    if not shape.is_fully_defined():
        raise Unfit(f"a tf.Example holds no '{name}', whose shape {shape} is open")
    if spec.dtype == tf.string:
        return tf.io.FixedLenFeature(shape, tf.string)
    if spec.dtype.is_floating:
        return tf.io.FixedLenFeature(shape, tf.float32)
    if spec.dtype.is_integer or spec.dtype.is_bool:
        return tf.io.FixedLenFeature(shape, tf.int64)
    raise Unfit(f"a tf.Example holds no '{name}' of type {spec.dtype.name}")


def _values(rows: list[Any], spec: tf.TensorSpec) -> np.ndarray:
    lists = [getattr(row, row.WhichOneof("kind")).value for row in rows]
    dtype = object if spec.dtype == tf.string else spec.dtype.as_numpy_dtype
    return np.array([list(values) for values in lists], dtype).reshape(-1, *spec.shape[1:])


def serialized_examples(batch: Arrays) -> np.ndarray:
    """Return each row of a batch as a serialized tf.Example.

    Example:
        >>> (text,) = serialized_examples({"age": np.array([[3.5]])})
        >>> tf.train.Example.FromString(text).features.feature["age"].float_list.value
        [3.5]
    """
    rows = len(next(iter(batch.values())))
    examples = np.empty(rows, dtype=object)
    examples[:] = [
        tf.train.Example(
            features=tf.train.Features(
                feature={name: _to_feature(array[row]) for name, array in batch.items()}
            )
        ).SerializeToString()
        for row in range(rows)
    ]
    return examples


def _to_feature(value: Any) -> tf.train.Feature:
    array = np.asarray(value)
    flat = (array.astype(int) if array.dtype.kind == "b" else array).reshape(-1).tolist()
    if array.dtype.kind == "f":
        return tf.train.Feature(float_list=tf.train.FloatList(value=flat))
    if array.dtype.kind in "biu":
        return tf.train.Feature(int64_list=tf.train.Int64List(value=flat))
    texts = [text.encode() if isinstance(text, str) else text for text in flat]
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=texts))
