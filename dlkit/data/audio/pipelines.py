"""From WAV files and their targets to the pipelines of a `Data`.

    looked at -> stratified splits -> mean and variance of some training spectrograms
    each epoch: order -> decoded, resampled -> batches -> augmented -> log-mel -> augmented

Only paths and targets are held, unless cached.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from dlkit.argument_validation import check_choice, check_integer, is_number
from dlkit.data.audio import layers
from dlkit.data.audio.augment import resolve_sound_augmentation
from dlkit.data.audio.wav_decoding import WavReader, decoding_model
from dlkit.data.audio.wav_header import RATES, inspect_wav
from dlkit.data.core import pipeline
from dlkit.data.core.record import Origin, Split
from dlkit.data.core.splits import divide_labels, split_pipelines
from dlkit.data.data import Data
from dlkit.data.files import file_reader
from dlkit.data.files.class_folders import Files, whole_files
from dlkit.errors import InputError

FEATURES = ("log_mel", "mfcc", "waveform")
# As many sounds give mean and variance of a band to a few hundredths of a standard deviation.
_SAMPLE = 512


@dataclasses.dataclass(frozen=True)
class Options:
    """How sounds are read, heard and fed; checked when it is made."""

    sample_rate: int
    seconds: float
    features: str
    mels: int
    coefficients: int
    frame: float
    hop: float
    corrupt: str
    batch_size: int
    seed: int
    val_fraction: float
    cache: bool
    augment: Any
    rare_classes: str = "error"

    def __post_init__(self) -> None:
        check_integer("sample_rate", self.sample_rate, minimum=RATES[0])
        for name in ("seconds", "frame", "hop"):
            value = getattr(self, name)
            number = is_number(value)
            if not number or not 0 < value < float("inf"):
                raise InputError(
                    f"{name} must be a number of seconds above 0. Received: {name}={value!r}."
                )
        check_choice("features", self.features, FEATURES)
        check_choice("corrupt", self.corrupt, ("error", "skip"))
        pipeline.check_pipeline_options(self.batch_size, self.seed, self.val_fraction)
        check_integer("mels", self.mels)
        check_integer("coefficients", self.coefficients)
        self._check_bands()
        resolve_sound_augmentation(self.augment, self.features)

    def _check_bands(self) -> None:
        if self.frame > self.seconds or self.steps("hop") < 1:
            raise InputError(
                f"seconds={self.seconds} must hold a frame, and hop a sample. Received:"
                f" frame={self.frame}, hop={self.hop}."
            )
        if self.features == "mfcc" and self.coefficients > self.mels:
            raise InputError(
                f"coefficients must be at most mels={self.mels}. Received:"
                f" coefficients={self.coefficients}."
            )
        bins = layers.fft_length(self.steps("frame")) // 2 + 1
        filters = layers.mel_filters(self.mels, bins, self.sample_rate)
        if empty := int((filters.sum(axis=0) < 1e-9).sum()):
            raise InputError(
                f"{empty} of mels={self.mels} bands hold no frequency of a frame of"
                f" {self.frame} s at {self.sample_rate} Hz; give fewer mels or a longer frame."
            )

    def steps(self, name: str) -> int:
        """Return the number of samples in `seconds`, `frame` or `hop`."""
        return round(getattr(self, name) * self.sample_rate)


def sound_data(
    name: str,
    files: Files,
    held: Files | None,
    options: Options,
    class_names: tuple[str, ...] | None,
    task: str | None = None,
) -> Data:
    """Return the `Data` of sound files and their labels; `held` are those of the test split."""
    files, held_labels = _usable(files, options), None
    if held is not None:
        held = _usable(held, options)
        held_labels, files = held.labels, files.joined(held)
    targets, split = divide_labels(files.labels, held_labels, task, class_names, options)
    pipeline.check_batch_size(options.batch_size, len(split.train), len(files.paths))
    reader = WavReader(files, options.sample_rate, options.steps("seconds"))
    source = file_reader.hold(reader) if options.cache else reader

    def raw(rows: np.ndarray) -> np.ndarray:
        with file_reader.naming_the_file():
            return _read(source, rows, len(rows))

    def make(split: Split) -> Data:
        preprocessing = preprocessing_model(source, np.unique(split.train), options)
        feed = _feed(source, targets.values, preprocessing, options)
        spec = preprocessing.outputs[0]
        shown = pipeline.spread_rows(split.test, pipeline.EXAMPLES)
        return Data(
            name=name,
            task=targets.task,
            kind="audio",
            **split_pipelines(feed, split),
            input_spec={"audio": tf.TensorSpec(spec.shape[1:], spec.dtype)},
            num_classes=targets.num_classes,
            class_names=targets.class_names,
            preprocessing=preprocessing,
            decoding=decoding_model(reader.sample_rate, reader.samples),
            examples=(raw(shown), targets.values[shown]) if len(shown) else None,
            origin=Origin(split, targets, raw, feed, make, files.paths),
        )

    return make(split)


def _usable(files: Files, options: Options) -> Files:
    return whole_files(files, options.corrupt, inspect_wav, "a WAV file that can be read")


def _feed(
    source: pipeline.Source, targets: np.ndarray, preprocessing: keras.Model, options: Options
) -> pipeline.Feed:
    raw, spectral = resolve_sound_augmentation(options.augment, options.features)
    feed = pipeline.Feed(
        source,
        targets,
        options.batch_size,
        options.seed,
        preprocessing,
        spectral,
        # A Keras layer keeps a seed, and a function may keep anything.
        parallel=not callable(options.augment),
        augment_raw=raw,
    )
    if not isinstance(source, pipeline.Held) or raw is not None:
        return feed
    # Nothing changes the waveforms, so that they are heard once.
    prepared = pipeline.preprocess_arrays(source.inputs.numpy(), preprocessing)
    return dataclasses.replace(feed, source=pipeline.hold_in_memory(prepared), preprocessing=None)


def _read(source: pipeline.Source, rows: np.ndarray, batch_size: int) -> np.ndarray:
    dataset = source.batches(lambda: pipeline.ordered_rows(rows, 0, train=False), batch_size)
    return np.concatenate([waveforms for _, waveforms in dataset.as_numpy_iterator()])


def preprocessing_model(
    source: pipeline.Source, train: np.ndarray, options: Options
) -> keras.Model:
    """Return the model from waveforms to features of mean 0 and variance 1 in each band."""
    raw = keras.Input((options.steps("seconds"),), dtype="float32", name="waveform")
    heard = _features(raw, options)
    model = keras.Model(raw, heard)
    chosen = np.sort(np.random.default_rng(options.seed).permutation(train)[:_SAMPLE])
    with file_reader.naming_the_file():
        values = pipeline.preprocess_arrays(_read(source, chosen, 64), model).reshape(
            -1, heard.shape[-1]
        )
    mean, variance = values.mean(axis=0, dtype=np.float64), values.var(axis=0, dtype=np.float64)
    # A constant band carries nothing: leave it at 0 instead of dividing by 0.
    variance = np.where(variance > 1e-9, variance, 1.0)
    standardise = keras.layers.Normalization(
        axis=-1, mean=mean.tolist(), variance=variance.tolist()
    )
    outputs = standardise(heard)
    if options.features != "waveform":
        # (B, frames, bands) -> (B, frames, bands, 1)
        outputs = keras.layers.Reshape((*heard.shape[1:], 1))(outputs)
    return keras.Model(raw, outputs, name="preprocessing")


def _features(waveform: keras.KerasTensor, options: Options) -> keras.KerasTensor:
    """Return what is standardised: `(samples, 1)`, or `(frames, bands)`."""
    if options.features == "waveform":
        return keras.layers.Reshape((-1, 1))(waveform)
    heard = layers.LogMel(
        options.sample_rate, options.steps("frame"), options.steps("hop"), options.mels
    )(waveform)
    if options.features == "mfcc":
        heard = layers.Cepstrum(options.coefficients)(heard)
    return heard
