"""What a name or a path on the command line stands for, told without loading TensorFlow.

a name of the catalogue    -> load
a folder of class folders  -> from_image_folder, from_audio_folder or from_text_folder
a folder of annotations    -> from_voc
a CSV or TSV file          -> from_image_table, from_audio_table or from_csv
"""

from __future__ import annotations

import functools
import importlib
import itertools
import os
import pathlib
from collections import Counter
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from dlkit.argument_validation import closest, delimiter_hint
from dlkit.data.catalogue import loading
from dlkit.data.catalogue.sets import SETS
from dlkit.data.core.kinds import KINDS, load_part
from dlkit.data.files.class_folders import HELD_OUT
from dlkit.errors import InputError

if TYPE_CHECKING:
    from dlkit.data.data import Data

_FILES = {kind.name: kind.files for kind in KINDS.values() if kind.files}
_LOOKED_AT = 1000  # files that tell what a folder holds


def resolve_source(
    source: str, target: str | None = None, delimiter: str | None = None
) -> Callable[[], Data]:
    r"""Return what makes the `Data` of a name, a folder or a CSV file; it is not made yet.

    A name of the catalogue goes before a folder of the same name, which `./name` means.

    Args:
        source: The name or the path.
        target: The column of a CSV file to predict. Defaults to None.
        delimiter: What stands between two cells of a CSV file; `\t` is a tab. Defaults to None: a
            comma.

    Raises:
        InputError: when there is no such set, folder or file, or it does not say what it holds.

    Example:
        >>> resolve_source("iris")().task
        'multiclass'
    """
    path = pathlib.Path(source)
    if source not in {info.name for info in SETS}:
        if path.is_file():
            return _of_table(path, target, "\t" if delimiter == r"\t" else delimiter)
        if path.is_dir():
            _refuse_options(source, target, delimiter)
            return _of_folder(path)
        if path.name != source or path.suffix:
            beside = [one.name for one in path.parent.iterdir()] if path.parent.is_dir() else []
            raise InputError(f"There is no file or folder {path}.{closest(path.name, beside)}")
    loading.find_info(source)
    _refuse_options(source, target, delimiter)
    return functools.partial(loading.load, source)


def _refuse_options(source: str, target: str | None, delimiter: str | None) -> None:
    for name, given in (("target", target), ("delimiter", delimiter)):
        if given is not None:
            raise InputError(
                f"Only a CSV file has columns and a delimiter, and {source} is none. Received:"
                f" {name}={given!r}; leave it out."
            )


def _of_folder(path: pathlib.Path) -> Callable[[], Data]:
    if (path / "Annotations").is_dir() or any(path.glob("*.xml")):
        return _later("from_voc", path, **_FILES["image"].options)
    found = Counter(filter(None, map(_kind, _some_files(path))))
    if not found:
        raise InputError(
            f"{path} holds no images (JPEG, PNG, BMP, GIF), WAV or .txt files; give a folder with"
            " one sub-folder of them a class, a folder of Pascal VOC, or a CSV file."
            f"{_first_fault(path)}"
        )
    kind = found.most_common(1)[0][0]
    function, options = f"from_{kind}_folder", _FILES[kind].options
    train = path / "train"
    held = next((path / name for name in HELD_OUT if (path / name).is_dir()), None)
    if train.is_dir() and held is not None:
        return _later(function, train, test=held, name=path.resolve().name, **options)
    return _later(function, path, **options)


def _some_files(path: pathlib.Path) -> Iterator[str]:
    names = (
        os.path.join(folder, name)
        for folder, _, files in os.walk(path)
        for name in sorted(files)
        if not name.startswith(".")
    )
    return itertools.islice(names, _LOOKED_AT)


def _first_fault(path: pathlib.Path) -> str:
    """Return what the first file of another known format is, as a sentence; or an empty text."""
    # Images before sounds: a HEIC file begins as M4A does.
    looks = [load_part(files.inspect) for files in reversed(_FILES.values()) if files.inspect]
    for first in _some_files(path):
        for look in looks:
            _, fault = look(first)
            if " but " in fault:
                return f" {first} {fault}."
    return ""


def _kind(name: str) -> str | None:
    ending = pathlib.Path(name).suffix.lower()
    return next((kind for kind, files in _FILES.items() if ending in files.endings), None)


def _of_table(path: pathlib.Path, target: str | None, delimiter: str | None) -> Callable[[], Data]:
    from dlkit.data.files import csv_tables

    if not path.name.endswith((".csv", ".csv.gz", ".tsv", ".tsv.gz")):
        raise InputError(f"{path} is no .csv or .tsv file; give one, or a folder or a name.")
    if delimiter is None:
        delimiter = "\t" if ".tsv" in path.suffixes else ","
    table = csv_tables.read_csv(path, delimiter=delimiter)
    first = next(iter(table))
    kind = _kind(table[first][0])
    files = _FILES[kind] if kind else None
    if files and files.in_tables and (path.parent / table[first][0]).is_file():
        if delimiter != ",":
            raise InputError(
                f"{path} names {files.name}, and such tables are read with commas between their"
                f" cells. Received: delimiter={delimiter!r}; write it with commas."
            )
        return _later(f"from_{kind}_table", path, label_columns=target, **files.options)
    if target is None:
        raise InputError(
            f"{path} is a table; say which of its columns is to be predicted with --target:"
            f" {', '.join(table)}.{delimiter_hint(table)}"
        )
    return _later("from_csv", path, target=target, delimiter=delimiter)


def _later(function: str, *arguments: Any, **options: Any) -> Callable[[], Data]:
    """Return a call of one of `dlkit.data`'s functions, whose module is loaded by the call."""
    options = {"batch_size": 8, **options}  # less than most sets hold, however small

    def make() -> Data:
        return getattr(importlib.import_module("dlkit.data"), function)(*arguments, **options)

    return make
