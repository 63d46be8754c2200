"""From what is in files, as a client has them, to predictions.

image_bytes             -> data.decoding -> raw input -> preprocessing -> network
cells by column (texts) ->
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from dlkit.column_names import input_names
from dlkit.errors import InputError
from dlkit.export.sample_inputs import raw_columns
from dlkit.export.signatures.signature import Arrays, Signature

_RATE = 16_000  # of the made-up sound
_SIDE = 64  # of the made-up picture
CELLS = "cells"


def content_signature(given: Signature, data: Any) -> tuple[str, Signature]:
    """Return the key of the signature that takes what is in files, and the signature.

    Args:
        given: The signature from raw input to predictions.
        data: What has `decoding`: a Keras model to the raw input, from the bytes of files, or from
            the cells of a table by column.

    Raises:
        InputError: when `data.decoding` is no such model.
    """
    decoding = data.decoding
    if isinstance(decoding, keras.Model) and isinstance(decoding.input, dict):
        taken = {path[-1]: leaf for path, leaf in keras.tree.flatten_with_path(decoding.input)}
        columns = dict(zip(taken, input_names(taken), strict=True))
        key, order = CELLS, [columns[name] for name in decoding.input]
    else:
        taken = {_check(decoding): decoding.inputs[0]}
        (key,) = input_names(taken)
        columns = {}
    names = input_names(taken)

    def decode(contents: list[Any]) -> dict[str, Any]:
        packed = dict(zip(taken, contents, strict=True)) if columns else contents[0]
        return _named(given, decoding.predict_step((packed,)))

    def compute(tensors: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        raw = decode([tensors[name] for name in names])
        for key, spec in given.inputs.items():
            raw[key] = tf.ensure_shape(tf.cast(raw[key], spec.dtype), spec.shape)
        return given.compute(raw)

    def reference(arrays: Arrays) -> Arrays:
        raw = decode([tf.constant(arrays[name].tolist()) for name in names])
        return given.reference({key: np.asarray(value) for key, value in raw.items()})

    def from_raw(batch: Arrays) -> Arrays:
        return _cells(order, batch) if columns else {key: _files(key, batch)}

    leaves = zip(names, taken.values(), strict=True)
    return key, dataclasses.replace(
        given,
        inputs={name: tf.TensorSpec(leaf.shape, tf.string, name) for name, leaf in leaves},
        compute=compute,
        reference=reference,
        from_raw=from_raw,
        columns=columns,
    )


def _files(name: str, batch: Arrays) -> np.ndarray:
    """Return a file of each raw input, or a made-up one."""
    make = _sound if name == "audio_bytes" else _picture
    array = next(iter(batch.values()))
    files = np.empty(len(array), dtype=object)
    files[:] = [make(raw, row) for row, raw in enumerate(array)]
    return files


def _cells(names: list[str], batch: Arrays) -> Arrays:
    """Return the cells of raw columns, or of windows with the variables `names` in their order."""
    array = next(iter(batch.values()))
    if array.ndim > 1:
        batch = {name: array[..., place] for place, name in enumerate(names)}
    return {name: np.frompyfunc(_cell, 1, 1)(values) for name, values in batch.items()}


def _cell(value: Any) -> Any:
    """Return a value as text; a number without a decimal point, which tables write differently."""
    if isinstance(value, str | bytes):
        return value
    if isinstance(value, bool):
        return str(value)
    digits, _, exponent = f"{value:.16e}".partition("e")
    return f"{digits.replace('.', '')}e{int(exponent) - 16}" if exponent else ""


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
    return taken.name


def _named(given: Signature, raw: Any) -> dict[str, Any]:
    """Name what was decoded after the inputs of `given`: by its keys, or in their order."""
    if isinstance(raw, Mapping):
        found = raw_columns(dict(raw))
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
