"""A language model that writes on, served: a text in, the text and what follows it out.

text -> preprocessing -> ids -> the model's writer -> ids -> postprocessing -> text

Each row has its own length, temperature and seed, and the same answer whatever stands beside it.
"""

import dataclasses
from typing import Any

import numpy as np
import tensorflow as tf

from dlkit.export.signatures.labels import Unfit
from dlkit.export.signatures.signature import Arrays, Signature

GENERATE = "generate"
# What a request says besides its text -> type, and what the export is checked with.
_OPTIONS: dict[str, tuple[tf.DType, Any]] = {
    "length": (tf.int32, 4),
    "temperature": (tf.float32, 0.0),
    "top_k": (tf.int32, 0),
    "top_p": (tf.float32, 1.0),
    "seed": (tf.int32, 0),
}


def generate_signature(given: Signature, model: Any, data: Any) -> Signature:
    """Return the signature from texts, and how to go on, to texts.

    Args:
        given: The signature from raw input to predictions.
        model: What has a `writer()` and a `context`.
        data: What has `preprocessing` and `postprocessing`.

    Raises:
        Unfit: for another model or other data.
    """
    before, behind = (getattr(data, f"{side}processing", None) for side in ("pre", "post"))
    if not hasattr(model, "writer") or before is None or behind is None:
        raise Unfit("it needs a model that writes on, and data from texts to its tokens and back")
    writer = model.writer()
    ((name, spec),) = given.inputs.items()

    def compute(tensors: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        with tf.control_dependencies(_checks(tensors, model.context)):
            tensors = {key: tf.identity(tensor) for key, tensor in tensors.items()}
        prompt = tf.cast(before.predict_step((tensors[name],)), tf.int32)  # (B, window)
        length = tensors["length"]
        # What is left of the model's view for the prompt, each row's by its own length.
        place = tf.range(tf.shape(prompt)[1])[tf.newaxis] - tf.shape(prompt)[1] + model.context
        prompt = tf.where(place < length[:, tf.newaxis], 0, prompt)
        written = writer(_request(prompt, tensors))
        kept = tf.sequence_mask(length, tf.shape(written)[1])
        ids = tf.concat([prompt, tf.where(kept, written, 0)], axis=1)
        return {"text": behind.predict_step((ids,))}

    def reference(arrays: Arrays) -> Arrays:
        tensors = {key: tf.constant(array.tolist(), _type(key)) for key, array in arrays.items()}
        return {key: value.numpy() for key, value in compute(tensors).items()}

    def from_raw(batch: Arrays) -> Arrays:
        return {name: batch[name], **_told(len(batch[name]))}

    options = {key: tf.TensorSpec([None], dtype, key) for key, (dtype, _) in _OPTIONS.items()}
    return dataclasses.replace(
        given,
        inputs={name: spec, **options},
        compute=compute,
        reference=reference,
        from_raw=from_raw,
    )


def _told(rows: int) -> Arrays:
    """Return what a request says besides its text, to check an export with."""
    return {
        key: np.full((rows,), start, dtype.as_numpy_dtype)
        for key, (dtype, start) in _OPTIONS.items()
    }


def _checks(tensors: dict[str, tf.Tensor], context: int) -> list[tf.Operation]:
    """Return what refuses a request whose options are out of range."""
    return [
        tf.debugging.assert_greater(tensors["length"], 0, "length must be at least 1"),
        tf.debugging.assert_less(
            tensors["length"], context, f"length must be below {context}, the model's tokens"
        ),
        tf.debugging.assert_non_negative(tensors["temperature"], "temperature is below 0"),
        tf.debugging.assert_positive(tensors["top_p"], "top_p must be above 0"),
        tf.debugging.assert_non_negative(tensors["top_k"], "top_k is below 0; 0 is all"),
    ]


def _type(key: str) -> tf.DType:
    return _OPTIONS[key][0] if key in _OPTIONS else tf.string


def _request(prompt: tf.Tensor, tensors: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """Return what the writer takes; a row's draws are decided by its seed alone."""
    steps = tf.reduce_max(tensors["length"])
    draws = tf.map_fn(
        lambda seed: tf.random.stateless_uniform((steps,), (seed, 0)),
        tensors["seed"],
        fn_output_signature=tf.TensorSpec([None], tf.float32),
    )
    how = {key: tensors[key] for key in ("length", "temperature", "top_k", "top_p")}
    return {"tokens": prompt, "draws": draws, **how}
