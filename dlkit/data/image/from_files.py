"""`from_image_folder` and `from_image_table`: image files become pipelines."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Sequence
from typing import Any

from dlkit.data.data import Data
from dlkit.data.files.class_folders import find_class_folders
from dlkit.data.files.file_tables import find_files_in_table
from dlkit.data.image.options import Options
from dlkit.data.image.pipelines import image_data
from dlkit.errors import InputError


def from_image_folder(  # noqa: PLR0913 - what the data is, and how to feed it, as from_arrays
    folder: str | os.PathLike,
    *,
    image_size: tuple[int, int],
    test: str | os.PathLike | None = None,
    channels: int | None = 3,
    corrupt: str = "error",
    rare_classes: str = "error",
    name: str | None = None,
    batch_size: int = 64,
    seed: int = 0,
    val_fraction: float = 0.1,
    cache: bool | None = None,
    augment: Any = None,
) -> Data:
    """Make a `Data` record of a folder with one sub-folder of images a class.

    When to use: for pictures sorted into folders. JPEG, PNG, BMP (8, 24 or 32 bits) and GIF (its
    first frame) are read, whatever their file names; hidden files are not. A JPEG is turned
    upright, as its Exif orientation says. All are resized as Pillow's `resize` with `BILINEAR` does
    it, antialiased, to 1 of 255; JPEGs of photos to 3 on average, since they are shrunk in ways
    that cost less. The preprocessing takes uint8 images of `image_size`, or int32 from 0 to 65,535
    where a PNG is grey with 16 bits, and standardises each channel; `decoding` takes the bytes of a
    file.

    Args:
        folder: The folder of the class folders.
        image_size: Height and width that each image is resized to, without keeping its proportions.
        test: The folder of the test split, with the same class folders. `None` takes a stratified
            fifth of the files, the same one for every seed. Defaults to None.
        channels: 3 for colour, 1 for grey; files of the other sort are converted. `None` is what
            the files have, and refuses a mixture. Defaults to 3.
        corrupt: What a file that is no whole image does: `"error"` names the first, `"skip"`
            leaves them out and names them in one printed line; it decodes every file once to know.
            Defaults to "error".
        rare_classes: What a class of too few files for every split does, as in
            `from_dataframe`: `"error"`, `"drop"` or `"merge"`. Defaults to "error".
        name: What the data set is called. Defaults to None: the folder's name.
        batch_size: Examples a batch. Defaults to 64.
        seed: Chooses the validation split, the order of each epoch and the augmentation. Defaults
            to 0.
        val_fraction: Part of the training examples kept for validation, in [0, 1); 0 keeps none.
            Defaults to 0.1.
        cache: Decode all files once and hold them in memory as uint8; `False` decodes in each
            epoch. Defaults to None: once where all of them take at most 64 MiB.
        augment: What is done to training batches, as in `from_arrays`. Defaults to None.

    Returns:
        A `Data` record of the task "binary" (2 classes) or "multiclass".

    Raises:
        InputError: when folders are missing or empty, there is one class only, a file is no image,
            or an option is out of range. A file that turns out to be damaged while training stops
            it with a `tf.errors.InvalidArgumentError` that names the file.

    Example:
        >>> import pathlib, tempfile, keras, numpy as np
        >>> import dlkit as dk
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     for name, grey in (("night", 20), ("day", 230)):
        ...         pathlib.Path(folder, name).mkdir()
        ...         for i in range(10):
        ...             image = np.full((8, 8, 3), grey + i)
        ...             keras.utils.save_img(f"{folder}/{name}/{i}.png", image, scale=False)
        ...     data = dk.data.from_image_folder(folder, image_size=(4, 4), batch_size=4)
        ...     data.class_names, next(iter(data.train))[0].shape
        (('day', 'night'), TensorShape([4, 4, 4, 3]))
    """
    options = Options(
        image_size=image_size,
        channels=channels,
        corrupt=corrupt,
        batch_size=batch_size,
        seed=seed,
        val_fraction=val_fraction,
        cache=cache,
        augment=augment,
        rare_classes=rare_classes,
    )
    files, classes = find_class_folders(folder, "images")
    if len(classes) < 2:
        raise InputError(
            f"{folder} holds one class folder only ('{classes[0]}'); a classifier needs at least 2."
        )
    held = find_class_folders(test, "images")[0] if test is not None else None
    title = name or pathlib.Path(folder).resolve().name
    return image_data(title, files, held, options, classes)


def from_image_table(  # noqa: PLR0913 - what the data is, and how to feed it, as from_arrays
    table: str | os.PathLike,
    *,
    image_size: tuple[int, int],
    image_column: str | None = None,
    label_columns: str | Sequence[str] | None = None,
    missing_targets: str = "error",
    separator: str | None = None,
    test: str | os.PathLike | None = None,
    task: str | None = None,
    channels: int | None = 3,
    corrupt: str = "error",
    rare_classes: str = "error",
    name: str | None = None,
    batch_size: int = 64,
    seed: int = 0,
    val_fraction: float = 0.1,
    cache: bool | None = None,
    augment: Any = None,
) -> Data:
    """Make a `Data` record of a CSV file with a header and one row an image: path, label, ...

    When to use: for pictures with several labels or numbers each, or sorted by a table. Files are
    read as by `from_image_folder`. Spaces around paths and labels do not count.

    Args:
        table: The CSV file, in UTF-8. Paths in it are relative to its folder, or absolute.
        image_size: Height and width that each image is resized to, without keeping its proportions.
        image_column: The column of the paths. Defaults to None: the first.
        label_columns: The column of the labels, or several: of 0 and 1, of numbers, or of names,
            some of them empty; columns may share one name, and a row may go on with more names
            than the header has columns. Defaults to None: all the others.
        missing_targets: What a row with an empty cell among its labels does, where that is not one
            label fewer: `"error"` names it, `"drop"` leaves such rows out and prints how many.
            Defaults to "error".
        separator: What stands between labels in one column, like the `|` of `cat|dog`; an empty
            cell has no label. Defaults to None.
        test: The CSV file of the test split, with the same columns. `None` takes a stratified fifth
            of the rows, the same one for every seed. Defaults to None.
        task: `"binary"`, `"multiclass"`, `"multilabel"` or `"regression"`; `None` reads it from
            the labels: one column with fractions is a regression, otherwise classes; several of 0
            and 1 are labels (classes if each row has one 1), otherwise a regression. Defaults to
            None.
        channels: 3 for colour, 1 for grey; files of the other sort are converted. `None` is what
            the files have, and refuses a mixture. Defaults to 3.
        corrupt: What a file that is no whole image, or is missing, does: `"error"` names the first,
            `"skip"` leaves them out and names them in one printed line; it decodes every file once
            to know. Defaults to "error".
        rare_classes: What a class of too few rows for every split does, as in
            `from_dataframe`: `"error"`, `"drop"` or `"merge"`. Defaults to "error".
        name: What the data set is called. Defaults to None: the table's name.
        batch_size: Examples a batch. Defaults to 64.
        seed: Chooses the validation split, the order of each epoch and the augmentation. Defaults
            to 0.
        val_fraction: Part of the training examples kept for validation, in [0, 1); 0 keeps none.
            Defaults to 0.1.
        cache: Decode all files once and hold them in memory as uint8; `False` decodes in each
            epoch. Defaults to None: once where all of them take at most 64 MiB.
        augment: What is done to training batches, as in `from_arrays`. Defaults to None.

    Returns:
        A `Data` record.

    Raises:
        InputError: when the table cannot be read or lacks a column, a file is missing or no image,
            labels do not fit the task, or an option is out of range.

    Example:
        >>> import pathlib, tempfile, keras, numpy as np
        >>> import dlkit as dk
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     rows = ["path,labels"]
        ...     for i in range(20):
        ...         keras.utils.save_img(f"{folder}/{i}.png", np.full((8, 8, 3), i), scale=False)
        ...         rows.append(f"{i}.png," + ("sun|sea" if i % 2 else "sun"))
        ...     table = pathlib.Path(folder, "views.csv")
        ...     _ = table.write_text(chr(10).join(rows))
        ...     data = dk.data.from_image_table(
        ...         table, image_size=(4, 4), separator="|", batch_size=4
        ...     )
        ...     data.name, data.task, data.class_names
        ('views', 'multilabel', ('sea', 'sun'))
    """
    options = Options(
        image_size=image_size,
        channels=channels,
        corrupt=corrupt,
        batch_size=batch_size,
        seed=seed,
        val_fraction=val_fraction,
        cache=cache,
        augment=augment,
        rare_classes=rare_classes,
    )
    columns = image_column, label_columns
    files, names = find_files_in_table(table, *columns, separator, missing=missing_targets)
    if task is None and files.labels.dtype == bool:
        task = "multilabel"
    held = None
    if test is not None:
        held, _ = find_files_in_table(test, *columns, separator, names, missing_targets)
    return image_data(name or pathlib.Path(table).stem, files, held, options, names, task)
