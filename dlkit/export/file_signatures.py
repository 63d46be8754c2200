"""From the bytes of files, as a client has them, to predictions.

image_bytes -> data.decoding -> raw input -> preprocessing -> network
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from dlkit.column_names import input_names
from dlkit.errors import InputError
from dlkit.export.signatures import Arrays, Signature

_RATE = 16_000  # of the made-up sound
_SIDE = 64  # of the made-up picture


def from_files(given: Signature, data: Any) -> tuple[str, Signature]:
    """Return the name of the input of `data.decoding`, and the signature that begins there.

    Args:
        given: The signature from raw input to predictions.
        data: What has `decoding`: a Keras model from the bytes of files to the raw input.

    Raises:
        InputError: when `data.decoding` is no such model.
    """
    decoding, name = data.decoding, _check(data.decoding)

    def decode(files: Any) -> dict[str, Any]:
        return _named(given, decoding.predict_step((files,)))

    def compute(tensors: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        raw = decode(tensors[name])
        for key, spec in given.inputs.items():
            raw[key] = tf.ensure_shape(tf.cast(raw[key], spec.dtype), spec.shape)
        return given.compute(raw)

    def reference(arrays: Arrays) -> Arrays:
        raw = decode(tf.constant(arrays[name].tolist()))
        return given.reference({key: np.asarray(value) for key, value in raw.items()})

    def from_raw(batch: Arrays) -> Arrays:
        make = _sound if name == "audio_bytes" else _picture
        arrays = list(batch.values())
        files = np.empty(len(arrays[0]), dtype=object)
        files[:] = [make(arrays[0][row], row) for row in range(len(files))]
        return {name: files}

    spec = tf.TensorSpec([None], tf.string, name)
    return name, dataclasses.replace(
        given, inputs={name: spec}, compute=compute, reference=reference, from_raw=from_raw
    )


def _check(decoding: Any) -> str:
    if not isinstance(decoding, keras.Model) or len(getattr(decoding, "inputs", None) or ()) != 1:
        raise InputError(
            "data.decoding must be a functional keras.Model with one input."
            f" Received: {type(decoding).__name__}."
        )
    (taken,) = decoding.inputs
    if keras.backend.standardize_dtype(taken.dtype) != "string" or len(taken.shape) != 1:
        raise InputError(
            "data.decoding must take a string a row: keras.Input((), dtype='string',"
            f" name='image_bytes'). Received: '{taken.name}' {taken.dtype} {tuple(taken.shape)}."
        )
    (name,) = input_names([taken.name])
    return name


def _named(given: Signature, raw: Any) -> dict[str, Any]:
    """Name what was decoded after the inputs of `given`: by its keys, or in their order."""
    if isinstance(raw, Mapping):
        found = dict(zip(input_names(raw), raw.values(), strict=True))
    else:
        found = dict(zip(given.inputs, keras.tree.flatten(raw), strict=False))
    if found.keys() != given.inputs.keys():
        raise InputError(
            f"data.decoding must give what the preprocessing takes, {', '.join(given.inputs)}."
            f" Received: {', '.join(found)}."
        )
    return found


def _picture(raw: np.ndarray, row: int) -> bytes:
    """Return a file of the raw image, or of a made-up one where the raw input is none."""
    if raw.ndim not in (2, 3) or raw.dtype != np.uint8 or raw.shape[2:] not in ((), (1,), (3,)):
        raw = np.random.default_rng(row).integers(0, 256, (_SIDE, _SIDE, 3), dtype="uint8")
    pixels = raw.reshape(*raw.shape[:2], -1)
    encode = tf.io.encode_png if row % 2 else tf.io.encode_jpeg
    return encode(tf.constant(pixels)).numpy()


def _sound(raw: np.ndarray, row: int) -> bytes:
    """Return a WAV file of the raw waveform, or of noise where the raw input is none."""
    if raw.ndim not in (1, 2) or raw.dtype.kind != "f" or not raw.size:
        raw = np.random.default_rng(row).uniform(-0.5, 0.5, _RATE)
    wave = np.clip(raw, -1, 1).astype("float32").reshape(len(raw), -1)
    return tf.audio.encode_wav(wave, _RATE).numpy()
