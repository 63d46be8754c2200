"""From the bytes of a WAV file to samples at one rate: in training and in an export.

    bytes -> header -> samples in [-1, 1] -> mixed down to mono -> resampled -> cut or padded

TensorFlow's own decoder reads 16-bit files only, and does not resample.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from dlkit.data.audio.wav_header import ENCODINGS, EXTENSIBLE, RATES
from dlkit.data.files.class_folders import Files
from dlkit.data.files.file_reader import FileReader

# The low-pass of scipy.signal.resample_poly: a sinc of 10 zero crossings a side under a Kaiser
# window.
_CROSSINGS, _BETA = 10, 5.0


@dataclasses.dataclass(frozen=True)
class WavReader(FileReader):
    """Reads WAV files as `samples` float32 samples at `sample_rate`, by their row number."""

    files: Files
    sample_rate: int
    samples: int

    @property
    def spec(self) -> tf.TensorSpec:
        """Shape and type of a waveform."""
        return tf.TensorSpec((self.samples,), tf.float32)

    def _load(self, row: tf.Tensor) -> tf.Tensor:
        return read_wav(tf.io.read_file(self._paths[row]), self.sample_rate, self.samples)


@keras.saving.register_keras_serializable(package="dlkit")
class DecodeWavs(keras.layers.Layer):
    """Bytes of WAV files (B,) -> waveforms (B, samples) in [-1, 1].

    A row that is no WAV file fails the batch. A `.keras` file that holds this layer loads after
    `import dlkit.data.audio.wav_decoding`; an export needs nothing.

    Args:
        sample_rate: Samples a second of the waveforms.
        samples: How many each holds; longer sounds are cut, shorter ones end in silence.
    """

    def __init__(self, sample_rate: int, samples: int, **options: Any) -> None:
        super().__init__(**options)
        self.sample_rate, self.samples = sample_rate, samples

    def call(self, contents: Any) -> tf.Tensor:
        """Return the waveforms in `contents`."""
        spec = tf.TensorSpec((self.samples,), tf.float32)
        read = functools.partial(read_wav, sample_rate=self.sample_rate, samples=self.samples)
        return tf.map_fn(read, contents, fn_output_signature=spec)

    def compute_output_spec(self, contents: Any) -> keras.KerasTensor:
        """Return the shape and type of `call`'s result."""
        return keras.KerasTensor((*contents.shape, self.samples), dtype="float32")

    def get_config(self) -> dict[str, Any]:
        """Return what Keras needs to make this layer again."""
        own = {"sample_rate": self.sample_rate, "samples": self.samples}
        return {**super().get_config(), **own}


def decoding_model(sample_rate: int, samples: int) -> keras.Model:
    """Return the model from WAV files' bytes to what an audio data set's preprocessing takes."""
    contents = keras.Input((), dtype="string", name="audio_bytes")
    return keras.Model(contents, DecodeWavs(sample_rate, samples)(contents), name="decoding")


def read_wav(content: tf.Tensor, sample_rate: int, samples: int) -> tf.Tensor:
    """Return the sound in a WAV file's bytes, mixed down to mono, in [-1, 1].

    Args:
        content: The bytes, a string of shape ().
        sample_rate: Samples a second of the result.
        samples: How many of them; a longer sound is cut, a shorter one ends in silence.

    Returns:
        Samples `(samples,)`, float32.
    """
    form, data = _chunks(content)
    with tf.control_dependencies([_check((form > 0) & (data > 0))]):
        form, data = tf.identity(form), tf.identity(data)  # so that nothing is read before
    code, channels = _number(content, form, tf.uint16), _number(content, form + 2, tf.uint16)
    rate, bits = _number(content, form + 4, tf.int32), _number(content, form + 14, tf.uint16)
    code = tf.cond(code == EXTENSIBLE, lambda: _number(content, form + 24, tf.uint16), lambda: code)
    sane = (channels * bits >= 8) & (rate >= RATES[0]) & (rate <= RATES[1])
    with tf.control_dependencies([_check(sane)]):
        frame = channels * bits // 8
    # No more than the result needs, and what the resampling filter reaches beyond it.
    reach = _CROSSINGS * (tf.maximum(rate // sample_rate, 1) + 1)
    wanted = samples * tf.cast(rate, tf.int64) // sample_rate + tf.cast(reach + 1, tf.int64)
    there = _size(content, data) // frame
    frames = tf.cast(tf.minimum(wanted, tf.cast(there, tf.int64)), tf.int32)
    with tf.control_dependencies([_check(frames > 0)]):
        body = tf.strings.substr(content, data, frames * frame)
    waveform = tf.reduce_mean(tf.reshape(_decoded(body, code, bits), (frames, channels)), axis=1)
    return resample(waveform, rate, sample_rate, samples)


def _check(good: tf.Tensor) -> tf.Operation:
    kinds = ", ".join(ENCODINGS.values())
    sentence = f"audio_bytes must be the bytes of a WAV file of {kinds}, and are not; convert them."
    return tf.Assert(good, [sentence])


def _number(content: tf.Tensor, place: tf.Tensor, kind: tf.DType) -> tf.Tensor:
    """Return the number of type `kind` that stands at `place`."""
    return tf.cast(tf.io.decode_raw(tf.strings.substr(content, place, kind.size), kind)[0], "int32")


def _chunks(content: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Return where the format and the samples start, each 0 where there is none."""
    length = tf.strings.length(content)
    wav = (tf.strings.substr(content, 0, 4) == "RIFF") & (length > 12)

    def more(place: tf.Tensor, form: tf.Tensor, data: tf.Tensor) -> tf.Tensor:
        return wav & (data == 0) & (place <= length - 8)

    def step(place: tf.Tensor, form: tf.Tensor, data: tf.Tensor) -> tuple[tf.Tensor, ...]:
        name, size = tf.strings.substr(content, place, 4), _number(content, place + 4, tf.int32)
        start = place + 8
        form, data = tf.where(name == "fmt ", start, form), tf.where(name == "data", start, data)
        # A size beyond 2 GB reads as a negative number, and ends the search.
        further = tf.where((size < 0) | (size > length), length, start + size + size % 2)
        return further, form, data

    _, form, data = tf.while_loop(more, step, (12, 0, 0))
    return form, data


def _size(content: tf.Tensor, data: tf.Tensor) -> tf.Tensor:
    there = tf.strings.length(content) - data
    size = _number(content, data - 4, tf.int32)
    return tf.where(size < 0, there, tf.minimum(size, there))  # unknown to who wrote into a pipe


def _decoded(body: tf.Tensor, code: tf.Tensor, bits: tf.Tensor) -> tf.Tensor:
    """Return the bytes of samples as float32 in [-1, 1], channels interleaved."""

    def whole(kind: tf.DType) -> tf.Tensor:
        return tf.cast(tf.io.decode_raw(body, kind), tf.float32) / float(kind.max + 1)

    def of_24_bits() -> tf.Tensor:
        parts = tf.reshape(tf.io.decode_raw(body, tf.uint8), (-1, 3))
        # An empty lowest byte makes them 32-bit numbers, their sign where it belongs.
        numbers = tf.bitcast(tf.pad(parts, [[0, 0], [1, 0]]), tf.int32)
        return tf.cast(numbers, tf.float32) / 2.0**31

    calls = [
        lambda: (tf.cast(tf.io.decode_raw(body, tf.uint8), tf.float32) - 128) / 128,
        lambda: whole(tf.int16),
        of_24_bits,
        lambda: whole(tf.int32),
        lambda: tf.io.decode_raw(body, tf.float32),
        lambda: tf.cast(tf.io.decode_raw(body, tf.float64), tf.float32),
    ]
    known = tf.constant(list(ENCODINGS))
    same = tf.reduce_all(known == tf.stack([code, bits]), axis=1)
    with tf.control_dependencies([_check(tf.reduce_any(same))]):
        index = tf.argmax(tf.cast(same, tf.int32), output_type=tf.int32)
    return tf.switch_case(index, calls)


def resample(waveform: tf.Tensor, rate: tf.Tensor, sample_rate: int, samples: int) -> tf.Tensor:
    """Return `samples` samples at `sample_rate` of a waveform (n,) at `rate`, band-limited.

    The filter is that of `scipy.signal.resample_poly`: what lies above half of the lower rate is
    taken out, so that nothing of it comes back as a false tone.
    """

    def as_it_is() -> tf.Tensor:
        cut = waveform[:samples]
        return tf.pad(cut, [[0, samples - tf.size(cut)]])

    changed = functools.partial(_resampled, waveform, rate, sample_rate, samples)
    return tf.ensure_shape(tf.cond(rate == sample_rate, as_it_is, changed), (samples,))


def _resampled(waveform: tf.Tensor, rate: tf.Tensor, sample_rate: int, samples: int) -> tf.Tensor:
    common = _common_divisor(rate, tf.constant(sample_rate))
    up, down = sample_rate // common, rate // common
    weights = _filter(up, down)  # (up, taps): the filter at each place between two samples
    taps = tf.shape(weights)[1]
    # Sample n of the result lies n * down / up samples into the waveform.
    places = tf.range(samples, dtype=tf.int64) * tf.cast(down, tf.int64)
    before = tf.cast(places // tf.cast(up, tf.int64), tf.int32)
    phase = tf.cast(places % tf.cast(up, tf.int64), tf.int32)
    near = before[:, tf.newaxis] + tf.range(taps) - (taps // 2 - 1)  # (samples, taps)
    count = tf.size(waveform)
    inside = (near >= 0) & (near < count)
    values = tf.where(inside, tf.gather(waveform, tf.clip_by_value(near, 0, count - 1)), 0.0)
    result = tf.reduce_sum(values * tf.gather(weights, phase), axis=1)
    return tf.where(before < count, result, 0.0)


def _common_divisor(a: tf.Tensor, b: tf.Tensor) -> tf.Tensor:
    def rest(a: tf.Tensor, b: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return b, a % b

    return tf.while_loop(lambda a, b: b > 0, rest, (a, b))[0]


def _filter(up: tf.Tensor, down: tf.Tensor) -> tf.Tensor:
    """Return the low-pass's weights (up, taps) of the samples around each of `up` places."""
    widest = tf.maximum(up, down)
    half = _CROSSINGS * widest
    reach = half // up + 1
    # Distances in steps of 1 / up samples, from each place to the samples around it.
    around = tf.range(-reach, reach + 2) * up
    weights = _windowed_sinc(tf.range(up)[:, tf.newaxis] - around, widest, half)
    total = tf.reduce_sum(_windowed_sinc(tf.range(-half, half + 1), widest, half))
    return weights * (tf.cast(up, tf.float32) / total)


def _windowed_sinc(distance: tf.Tensor, widest: tf.Tensor, half: tf.Tensor) -> tf.Tensor:
    x = tf.cast(distance, tf.float32) / tf.cast(widest, tf.float32)
    inner = 1 - tf.square(tf.cast(distance, tf.float32) / tf.cast(half, tf.float32))
    window = tf.math.bessel_i0(_BETA * tf.sqrt(tf.maximum(inner, 0))) / float(np.i0(_BETA))
    zero = distance == 0
    sinc = tf.where(zero, 1.0, tf.sin(math.pi * x) / tf.where(zero, 1.0, math.pi * x))
    return tf.where(inner >= 0, sinc * window, 0.0)
