"""What a name or a path on the command line stands for, told without loading TensorFlow.

a name of the catalogue    -> load
a folder of class folders  -> from_image_folder, from_audio_folder or from_text_folder
a folder of annotations    -> from_voc
a CSV or TSV file          -> from_image_table, from_audio_table or from_csv
"""

from __future__ import annotations

import dataclasses
import gzip
import hashlib
import importlib
import inspect
import itertools
import math
import os
import pathlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from dlkit.argument_validation import check_options, closest, delimiter_hint
from dlkit.data.catalogue import loading
from dlkit.data.catalogue.sets import SETS
from dlkit.data.core.kinds import KINDS, FileFormat, load_part
from dlkit.errors import InputError

if TYPE_CHECKING:
    from dlkit.data.data import Data

_FILES = {kind.name: kind.files for kind in KINDS.values() if kind.files}
_LOOKED_AT = 1000  # files that tell what a folder holds


@dataclasses.dataclass(frozen=True)
class Source:
    """What a name, a folder or a table stands for; nothing of it is loaded yet.

    Attributes:
        name: What the data is called.
        kind: What one input is, as `Data.kind` has it.
        task: What a network learns, or `None` where only the targets tell.
        function: The function of `dlkit.data` that reads it.
        path: The folder or the file, or `None` for a named set.
        options: What that function is given besides.
        look: What it is given for a quick look.
        training: What it is given for a training that says nothing else.

    Example:
        >>> resolve_source("iris").function
        'load'
    """

    name: str
    kind: str
    task: str | None
    function: str
    path: pathlib.Path | None = None
    options: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    look: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    training: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def load(self, **options: Any) -> Data:
        """Return the data, read with these options.

        Raises:
            InputError: for an option that its function lacks, or what cannot be read.
        """
        function = getattr(importlib.import_module("dlkit.data"), self.function)
        if self.path is None:
            return function(self.name, **options)
        parameters = inspect.signature(function).parameters.values()
        if all(one.kind is not one.VAR_KEYWORD for one in parameters):  # else it tells itself
            check_options(str(self.path), options, function)
        return function(self.path, name=self.name, **{**self.options, **options})

    @property
    def batch_size(self) -> int:
        """Examples a step where nobody says: about a sixteenth of what there is, from 8 to 64."""
        # With 64 of 240 photos, an epoch of four steps would learn next to nothing.
        return int(2 ** min(6, max(3, round(math.log2(max(1, self._count()) / 16)))))

    def _count(self) -> int:
        """Return how many examples there are; in files, a thousand at most."""
        if self.path is None:
            return loading.find_info(self.name).examples
        if self.path.is_dir():
            return sum(_kind(name) is not None for name in _some_files(self.path))
        with (gzip.open if self.path.suffix == ".gz" else open)(self.path, "rb") as lines:
            return sum(1 for _ in itertools.islice(lines, _LOOKED_AT))

    def fingerprint(self, test: str | None = None) -> str | None:
        """Return 16 digits that differ where the data does; of a named set `None`.

        They are of the files' names and sizes in a folder, and of what is in a table.

        Args:
            test: Where the test split lies, if it was given by itself. Defaults to None.

        Raises:
            InputError: when there is no such test split.
        """
        if self.path is None:
            return None
        held = self.options.get("test") if test is None else existing(test)
        digest = hashlib.sha256()
        for place in filter(None, (self.path, held)):
            _add_files(digest, place)
        return digest.hexdigest()[:16]


def resolve_source(
    source: str,
    target: str | None = None,
    delimiter: str | None = None,
    *,
    columns: Sequence[str] | None = None,
) -> Source:
    r"""Return what a name, a folder or a CSV file stands for.

    A name of the catalogue goes before a folder of the same name, which `./name` means.

    Args:
        source: The name or the path.
        target: The column of a CSV file to predict. Defaults to None.
        delimiter: What stands between two cells of a CSV file; `\t` is a tab. Defaults to None: a
            comma.
        columns: The columns' names, where a CSV file has no header line. Defaults to None.

    Raises:
        InputError: when there is no such set, folder or file, or it does not say what it holds.

    Example:
        >>> resolve_source("iris").load().task
        'multiclass'
    """
    if source in {info.name for info in SETS}:
        _refuse_options(source, target, delimiter)
        info = loading.find_info(source)
        training = {"augment": info.augment}
        return Source(source, info.kind, info.task, "load", training=training)
    path = pathlib.Path(source)
    if path.name == source and not path.suffix and not path.exists():
        _refuse_name(source)
    path = existing(path)
    if path.is_dir():
        _refuse_options(source, target, delimiter)
        return _of_folder(path)
    return _of_table(path, target, "\t" if delimiter == r"\t" else delimiter, columns)


def existing(path: str | os.PathLike) -> pathlib.Path:
    """Return the path of a file or a folder; `~` is the home folder.

    Raises:
        InputError: when it is not there, naming what is called alike beside it.

    Example:
        >>> existing(".").is_dir()
        True
    """
    path = pathlib.Path(path).expanduser()
    if not path.exists():
        raise InputError(f"There is no file or folder {path}.{closest(path.name, _beside(path))}")
    return path


def _beside(path: pathlib.Path) -> list[str]:
    return [one.name for one in path.parent.iterdir()] if path.parent.is_dir() else []


def _refuse_name(name: str) -> None:
    """Refuse a word that is neither a set nor something here, with what is most like it."""
    sets = [info.name for info in SETS]
    found = closest(name, [*sets, *_beside(pathlib.Path(name))])
    if found != closest(name, sets):
        raise InputError(f"There is no data set, file or folder '{name}'.{found}")
    loading.find_info(name)


def _refuse_options(source: str, target: str | None, delimiter: str | None) -> None:
    for name, given in (("target", target), ("delimiter", delimiter)):
        if given is not None:
            raise InputError(
                f"Only a CSV file has columns and a delimiter, and {source} is none. Received:"
                f" {name}={given!r}; leave it out."
            )


def _of_folder(path: pathlib.Path) -> Source:
    from dlkit.data.files.class_folders import HELD_OUT  # loads NumPy, which a name needs not

    name = path.resolve().name
    if (path / "Annotations").is_dir() or any(path.glob("*.xml")):
        return _own(name, "boxes", "detection", "from_voc", path, _FILES["image"])
    found = Counter(filter(None, map(_kind, _some_files(path))))
    if not found:
        raise InputError(
            f"{path} holds no images (JPEG, PNG, BMP, GIF), WAV or .txt files; give a folder with"
            " one sub-folder of them a class, a folder of Pascal VOC, or a CSV file."
            f"{_first_fault(path)}"
        )
    kind = found.most_common(1)[0][0]
    function, files = f"from_{kind}_folder", _FILES[kind]
    train = path / "train"
    held = next((path / name for name in HELD_OUT if (path / name).is_dir()), None)
    if train.is_dir() and held is not None:
        return _own(name, kind, None, function, train, files, test=held)
    return _own(name, kind, None, function, path, files)


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


def _of_table(
    path: pathlib.Path,
    target: str | None,
    delimiter: str | None,
    columns: Sequence[str] | None,
) -> Source:
    from dlkit.data.files import csv_tables, table_columns

    if not path.name.endswith((".csv", ".csv.gz", ".tsv", ".tsv.gz")):
        raise InputError(f"{path} is no .csv or .tsv file; give one, or a folder or a name.")
    if delimiter is None:
        delimiter = "\t" if ".tsv" in path.suffixes else ","
    names, cells = csv_tables.read_head(path, delimiter=delimiter, columns=columns)
    name, first = path.name.partition(".")[0], cells[0] if cells else ""
    files = _FILES[kind] if (kind := _kind(first)) else None
    named = files is not None and files.in_tables and (path.parent / first).is_file()
    if target is None and not named:
        raise InputError(
            f"{path} is a table; say which of its columns is to be predicted with --target:"
            f" {', '.join(names)}.{delimiter_hint(names)}"
        )
    if target is not None:
        table_columns.check_target(names, target, str(path))
    if not named or files is None or kind is None:
        given = {"target": target, "delimiter": delimiter}
        return _own(name, "features", None, "from_csv", path, None, **given)
    if delimiter != ",":
        raise InputError(
            f"{path} names {files.name}, and such tables are read with commas between their"
            f" cells. Received: delimiter={delimiter!r}; write it with commas."
        )
    return _own(name, kind, None, f"from_{kind}_table", path, files, label_columns=target)


def _own(
    name: str,
    kind: str,
    task: str | None,
    function: str,
    path: pathlib.Path,
    files: FileFormat | None,
    **options: Any,
) -> Source:
    """Return the source of own data, whose files are of that format if they are one an example."""
    look = {"batch_size": 8}  # less than most sets hold, however small
    of_files = ({**look, **files.options}, files.training) if files else (look,)
    return Source(name, kind, task, function, path, options, *of_files)


def _add_files(digest: Any, place: pathlib.Path) -> None:
    """Add the names and sizes of a folder's files to `digest`, or what is in a file."""
    if place.is_file():
        with place.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
        return
    from dlkit.data.files.class_folders import files_under

    for path in files_under(place):
        told = f"{os.path.relpath(path, place)}\0{os.path.getsize(path)}\n"
        digest.update(os.fsencode(told))
