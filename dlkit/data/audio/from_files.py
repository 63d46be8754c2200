"""`from_audio_folder` and `from_audio_table`: sound files become pipelines."""

from __future__ import annotations

import inspect
import os
import pathlib
from collections.abc import Sequence
from typing import Any

from dlkit.argument_validation import check_names
from dlkit.data.audio.pipelines import Options, sound_data
from dlkit.data.data import Data
from dlkit.data.files.class_folders import find_class_folders
from dlkit.data.files.file_tables import find_files_in_table
from dlkit.errors import InputError


def from_audio_folder(  # noqa: PLR0913 - what the data is, and how to feed it, as from_arrays
    folder: str | os.PathLike,
    *,
    sample_rate: int = 16_000,
    seconds: float = 1.0,
    features: str = "log_mel",
    mels: int = 40,
    coefficients: int = 20,
    frame: float = 0.032,
    hop: float = 0.016,
    test: str | os.PathLike | None = None,
    corrupt: str = "error",
    rare_classes: str = "error",
    name: str | None = None,
    batch_size: int = 64,
    seed: int = 0,
    val_fraction: float = 0.1,
    cache: bool = True,
    augment: Any = None,
) -> Data:
    """Make a `Data` record of a folder with one sub-folder of WAV files a class.

    When to use: for sounds sorted into folders: words, instruments, machines. WAV files of 8, 16,
    24 and 32-bit PCM and of floats are read, at any rate, mixed down to mono, and resampled
    without false tones (the filter of `scipy.signal.resample_poly`).

    The preprocessing takes waveforms `(samples,)` in [-1, 1] and gives what `features` says,
    standardised band by band: a picture `(frames, bands, 1)` that `cnn` takes, or a sequence
    `(samples, 1)`. `data.decoding` takes a WAV file's bytes to such a waveform.

    Reference:
        Davis & Mermelstein 1980 (MFCC); Park et al. 2019, SpecAugment, arXiv:1904.08779.

    Args:
        folder: The folder of the class folders.
        sample_rate: Samples a second that each sound is resampled to. Defaults to 16000.
        seconds: Length of what the network hears: the beginning of longer sounds, shorter ones
            with silence behind. Defaults to 1.0.
        features: `"log_mel"`, the logarithm of the power in mel bands; `"mfcc"`, their cosine
            transform; or `"waveform"`. Defaults to "log_mel".
        mels: Mel bands from 20 Hz to half the sample rate. Defaults to 40.
        coefficients: MFCCs that are kept. Defaults to 20.
        frame: Seconds of sound in one spectrum. Defaults to 0.032.
        hop: Seconds from one spectrum to the next. Defaults to 0.016.
        test: The folder of the test split, with the same class folders. `None` takes a stratified
            fifth of the files, the same one for every seed. Defaults to None.
        corrupt: What a file that is no whole WAV file does: `"error"` names the first, `"skip"`
            leaves them out and names them in one printed line. Defaults to "error".
        rare_classes: What a class of too few files for every split does, as in `from_dataframe`:
            `"error"`, `"drop"` or `"merge"`. Defaults to "error".
        name: What the data set is called. Defaults to None: the folder's name.
        batch_size: Examples a batch. Defaults to 64.
        seed: Chooses the validation split, the order of each epoch and the augmentation. Defaults
            to 0.
        val_fraction: Part of the training examples kept for validation, in [0, 1); 0 keeps none.
            Defaults to 0.1.
        cache: Decode all files once and hold them in memory, as spectrograms unless waveforms are
            augmented; `False` decodes in each epoch. Defaults to True.
        augment: What is done to training batches: `None`; `"light"`, `"medium"`, `"strong"`; of
            waveforms `"stretch"`, `"pitch"` (semitones), `"shift"`, `"noise"`; of spectrograms
            `"time_mask"`, `"frequency_mask"`; a list of them or a dict of them and their amounts;
            or a Keras layer or function `(inputs, seed) -> inputs` for the network's input.
            Defaults to None.

    Returns:
        A `Data` record of the task "binary" (2 classes) or "multiclass".

    Raises:
        InputError: when folders are missing or empty, there is one class only, a file is no WAV
            file that can be read, or an option is out of range.

    Example:
        >>> import pathlib, tempfile, wave, numpy as np
        >>> import dlkit as dk
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     for name, hertz in (("high", 880), ("low", 220)):
        ...         pathlib.Path(folder, name).mkdir()
        ...         for i in range(10):
        ...             tone = np.sin(np.arange(4000) * hertz * (1 + i / 100) * 2 * np.pi / 8000)
        ...             with wave.open(f"{folder}/{name}/{i}.wav", "wb") as file:
        ...                 file.setparams((1, 2, 8000, 0, "NONE", ""))
        ...                 file.writeframes((tone * 9999).astype("<i2").tobytes())
        ...     sounds = {"sample_rate": 8000, "seconds": 0.5, "batch_size": 4}
        ...     data = dk.data.from_audio_folder(folder, **sounds)
        >>> data.class_names, data.input_spec["audio"].shape
        (('high', 'low'), TensorShape([30, 40, 1]))
    """
    options = Options(
        sample_rate=sample_rate,
        seconds=seconds,
        features=features,
        mels=mels,
        coefficients=coefficients,
        frame=frame,
        hop=hop,
        corrupt=corrupt,
        batch_size=batch_size,
        seed=seed,
        val_fraction=val_fraction,
        cache=cache,
        augment=augment,
        rare_classes=rare_classes,
    )
    files, classes = find_class_folders(folder, "sounds")
    if len(classes) < 2:
        raise InputError(
            f"{folder} holds one class of sounds only ('{classes[0]}'); a classifier needs 2."
        )
    held = find_class_folders(test, "sounds")[0] if test is not None else None
    return sound_data(name or pathlib.Path(folder).resolve().name, files, held, options, classes)


def from_audio_table(
    table: str | os.PathLike,
    *,
    path_column: str | None = None,
    label_columns: str | Sequence[str] | None = None,
    missing_targets: str = "error",
    separator: str | None = None,
    test: str | os.PathLike | None = None,
    task: str | None = None,
    **options: Any,
) -> Data:
    """Make a `Data` record of a CSV file with a header and one row a WAV file: path, label, ...

    When to use: for sounds with several labels or numbers each, or whose labels stand in their
    names: a line of Python writes them into a table. Files are read as by `from_audio_folder`.

    Args:
        table: The CSV file, in UTF-8. Paths in it are relative to its folder, or absolute.
        path_column: The column of the paths. Defaults to None: the first.
        label_columns: The column of the labels, or several: of 0 and 1, of numbers, or of names, as
            in `from_image_table`. Defaults to None: all the others.
        missing_targets: What a row with an empty cell among its labels does, as in
            `from_image_table`: `"error"` or `"drop"`. Defaults to "error".
        separator: What stands between labels in one column, like the `|` of `rain|wind`; an empty
            cell has no label. Defaults to None.
        test: The CSV file of the test split, with the same columns. `None` takes a stratified fifth
            of the rows, the same one for every seed. Defaults to None.
        task: `"binary"`, `"multiclass"`, `"multilabel"` or `"regression"`; `None` reads it from
            the labels, as `from_image_table` does. Defaults to None.
        **options: What `from_audio_folder` takes besides: `sample_rate`, `seconds`, `features`,
            `batch_size` and so on.

    Returns:
        A `Data` record.

    Raises:
        InputError: when the table cannot be read or lacks a column, a file is missing or no WAV
            file that can be read, labels do not fit the task, or an option is out of range.

    Example:
        >>> import pathlib, tempfile, wave, numpy as np
        >>> import dlkit as dk
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     rows = ["file,word"]
        ...     for i in range(20):
        ...         with wave.open(f"{folder}/{i}.wav", "wb") as file:
        ...             file.setparams((1, 2, 8000, 0, "NONE", ""))
        ...             file.writeframes(bytes([i]) * 2000)
        ...         rows.append(f"{i}.wav," + ("yes" if i % 2 else "no"))
        ...     table = pathlib.Path(folder, "words.csv")
        ...     _ = table.write_text(chr(10).join(rows))
        ...     data = dk.data.from_audio_table(table, features="waveform", batch_size=4)
        >>> data.name, data.class_names, data.input_spec["audio"].shape
        ('words', ('no', 'yes'), TensorShape([16000, 1]))
    """
    known = inspect.signature(from_audio_folder).parameters
    defaults = {name: known[name].default for name in Options.__dataclass_fields__}
    check_names("from_audio_table", options, [*defaults, "name"])
    name = options.pop("name", None) or pathlib.Path(table).stem
    checked = Options(**{**defaults, **options})
    columns = path_column, label_columns
    files, names = find_files_in_table(table, *columns, separator, missing=missing_targets)
    if task is None and files.labels.dtype == bool:
        task = "multilabel"
    held = None
    if test is not None:
        held, _ = find_files_in_table(test, *columns, separator, names, missing_targets)
    return sound_data(name, files, held, checked, names, task)
