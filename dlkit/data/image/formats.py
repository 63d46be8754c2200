"""Image files: found in class folders or a table, and told apart by their first bytes.

Looking at the first and last bytes of a file costs about 30 microseconds; decoding it, ten times as
much and more. So every file is looked at before any work starts, and decoded when it is needed.
"""

from __future__ import annotations

import dataclasses
import os
import pathlib
from collections.abc import Callable, Sequence
from typing import BinaryIO

import numpy as np

from dlkit.argument_validation import check_choice
from dlkit.errors import InputError

KINDS = ("jpeg", "png", "bmp", "gif")
MAGIC = {
    b"\xff\xd8\xff": "jpeg",
    b"\x89PNG\r\n\x1a\n": "png",
    b"BM": "bmp",
    b"GIF87a": "gif",
    b"GIF89a": "gif",
}
# Formats that are not read, by what stands at a place in the file.
_FOREIGN = {
    (0, b"II*\0"): "TIFF",
    (0, b"MM\0*"): "TIFF",
    (0, b"II+\0"): "TIFF",
    (0, b"8BPS"): "Photoshop",
    (0, b"\xff\x0a"): "JPEG XL",
    (4, b"JXL "): "JPEG XL",
    (4, b"jP  "): "JPEG 2000",
    (8, b"WEBP"): "WebP",
    **dict.fromkeys([(8, b"avif"), (8, b"avis")], "AVIF"),
    **dict.fromkeys([(8, brand) for brand in (b"heic", b"heix", b"hevc", b"mif1")], "HEIC"),
}
# What a whole file ends with; some programs write their own bytes after it.
_ENDS = {"jpeg": b"\xff\xd9", "png": b"IEND"}
_TAIL = 4096
# What Windows and macOS leave in folders and hide there.
_HIDDEN = ("thumbs.db", "ehthumbs.db", "desktop.ini", "__macosx")
_TRAINING = ("train", "training")
# The best one to test on first.
HELD_OUT = ("test", "testing", "val", "valid", "validation", "dev", "eval")


@dataclasses.dataclass(frozen=True)
class Files:
    """Image files, their targets, and where each was named, for messages.

    `kinds` holds indices into `KINDS` once the files were checked.
    """

    paths: np.ndarray
    labels: np.ndarray
    where: Sequence[str] | None = None
    kinds: np.ndarray | None = None

    def take(self, rows: np.ndarray) -> Files:
        """Return some of the files."""
        where = [self.where[row] for row in rows] if self.where is not None else None
        kinds = self.kinds[rows] if self.kinds is not None else None
        return Files(self.paths[rows], self.labels[rows], where, kinds)

    def joined(self, others: Files) -> Files:
        """Return these checked files and others; the labels are these files' only."""
        paths = np.concatenate([self.paths, others.paths])
        return Files(paths, self.labels, None, np.concatenate([self.kinds, others.kinds]))


def in_folder(folder: str | os.PathLike, what: str = "images") -> tuple[Files, tuple[str, ...]]:
    """Return the files in the class folders of `folder`, and the classes' names in order.

    Args:
        folder: The folder of the class folders.
        what: What the files hold, for messages. Defaults to "images".

    Raises:
        InputError: when there is no such folder, or it holds no class folders, or empty ones.
    """
    root = pathlib.Path(folder)
    if not root.is_dir():
        raise InputError(f"{root} is not a folder; give one with a sub-folder of {what} a class.")
    classes = tuple(
        sorted(path.name for path in root.iterdir() if not _is_hidden(path.name) and path.is_dir())
    )
    if not classes:
        raise InputError(
            f"{root} holds no class folders; it should hold one sub-folder a class, with that"
            f" class's {what}."
        )
    _check_no_splits(root, classes)
    paths, labels = [], []
    for name in classes:
        found = _files_under(root / name)
        if not found:
            raise InputError(
                f"Class folder {root / name} is empty; put the {what} of '{name}' there, or remove"
                " it."
            )
        paths += found
        labels += [name] * len(found)
    return Files(np.array(paths), np.array(labels)), classes


def _check_no_splits(root: pathlib.Path, classes: Sequence[str]) -> None:
    """Refuse a folder of splits, naming the one to train on and one to test on."""
    named = {name.lower(): name for name in classes}
    if len(classes) < 2 or not named.keys() <= {*_TRAINING, *HELD_OUT}:
        return
    train, held = (
        [named[name] for name in names if name in named] for names in (_TRAINING, HELD_OUT)
    )
    advice = "give the training split's folder, and the test split's as test="
    if train and held:
        advice = f"give {str(root / train[0])!r}, and test={str(root / held[0])!r}"
    raise InputError(f"{root} holds splits ({', '.join(classes)}) and not classes; {advice}.")


def _files_under(folder: pathlib.Path) -> list[str]:
    found = []
    for parent, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not _is_hidden(name)]
        found += [os.path.join(parent, name) for name in files if not _is_hidden(name)]
    return sorted(found)


def _is_hidden(name: str) -> bool:
    return name.startswith(".") or name.lower() in _HIDDEN


def checked(
    files: Files,
    corrupt: str,
    look: Callable[[str], tuple[str, str]] | None = None,
    what: str = "an image",
) -> Files:
    """Return the files that look whole, with the kinds of images.

    Args:
        files: The files.
        corrupt: `"error"` or `"skip"`.
        look: From a path to the file's kind and fault; `inspect` by default.
        what: What a file should be, for messages.

    Raises:
        InputError: for the first that does not, with `corrupt="error"`; with `"skip"` they are left
            out and named in one printed line, unless none is left.
    """
    check_choice("corrupt", corrupt, ("error", "skip"))
    kinds, faults = np.zeros(len(files.paths), np.int32), {}
    for row, path in enumerate(files.paths):
        kind, fault = (look or inspect)(path)
        if fault and corrupt == "error":
            raise InputError(
                f"{path}{files.where[row] if files.where else ''} {fault}; mend or remove it, or"
                " give corrupt='skip'."
            )
        if fault:
            faults[row] = f"{path} {fault}"
        elif kind in KINDS:
            kinds[row] = KINDS.index(kind)
    return leave_out(dataclasses.replace(files, kinds=kinds), faults, what)


def leave_out(files: Files, faults: dict[int, str], what: str = "an image") -> Files:
    """Return the files but those in `faults` (row -> what is wrong), which one printed line names.

    Raises:
        InputError: when none is left.
    """
    if not faults:
        return files
    told = [*faults.values()][:10]
    more = f", and {len(faults) - 10} more" if len(faults) > 10 else ""
    if len(faults) == len(files.paths):
        raise InputError(f"None of the {len(files.paths)} files is {what}: {told[0]}.")
    print(f"Skipped {len(faults)} of {len(files.paths)} files: {', '.join(told)}{more}")
    kept = np.setdiff1d(np.arange(len(files.paths)), np.fromiter(faults, int))
    return files.take(kept)


def inspect(path: str | os.PathLike) -> tuple[str, str]:
    """Return a file's kind, one of `KINDS`, and what is wrong with it; either may be empty.

    Example:
        >>> inspect("nowhere.png")
        ('', 'does not exist')
    """
    try:
        with open(path, "rb") as file:
            head = file.read(64)
            kind = next((kind for magic, kind in MAGIC.items() if head.startswith(magic)), "")
            if not head:
                return "", "is empty"
            if not kind:
                return "", _foreign(head)
            return kind, _fault(kind, head, file)
    except FileNotFoundError:
        return "", "does not exist"
    except OSError as error:
        return "", f"cannot be read ({error.strerror})"


def _foreign(head: bytes) -> str:
    fault = "is not a JPEG, PNG, BMP or GIF image"
    for (place, mark), kind in _FOREIGN.items():
        if head[place:].startswith(mark):
            how = "save it as PNG, as with ImageMagick's mogrify -format png"
            return f"{fault} but {kind}: {how}"
    return fault


def _fault(kind: str, head: bytes, file: BinaryIO) -> str:
    size = file.seek(0, os.SEEK_END)
    if kind == "bmp":
        return _bmp_fault(head, size)
    if kind in _ENDS:
        file.seek(max(size - _TAIL, 0))
        if _ENDS[kind] not in file.read():
            file.seek(0)  # a long addition after the image is rare: only then read it all
            if _ENDS[kind] not in file.read():
                return f"is a {kind.upper()} image that was cut short"
    return ""


def _bmp_fault(head: bytes, size: int) -> str:
    if int.from_bytes(head[2:6], "little") > size:
        return "is a BMP image that was cut short"
    bits = int.from_bytes(head[28:30], "little")
    if bits not in (8, 24, 32):
        return f"is a BMP image of {bits} bits a pixel, and only 8, 24 and 32 can be read"
    old = int.from_bytes(head[14:18], "little") < 40
    if bits == 8 and (old or int.from_bytes(head[30:34], "little")):
        return "is a BMP image that is compressed or of OS/2, and only plain ones can be read"
    return ""
