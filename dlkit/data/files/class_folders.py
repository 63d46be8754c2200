"""Files in class folders: found, labelled by their folder, and left out where they are not whole.

folder -> class folders -> paths and labels -> each file looked at by what its kind knows
"""

from __future__ import annotations

import dataclasses
import os
import pathlib
from collections.abc import Callable, Sequence

import numpy as np

from dlkit.argument_validation import check_choice
from dlkit.errors import InputError

# What Windows and macOS leave in folders and hide there.
_HIDDEN = ("thumbs.db", "ehthumbs.db", "desktop.ini", "__macosx")
_TRAINING = ("train", "training")
# The best one to test on first.
HELD_OUT = ("test", "testing", "val", "valid", "validation", "dev", "eval")


@dataclasses.dataclass(frozen=True)
class Files:
    """Files, their targets, and where each was named, for messages.

    `kinds` tells what each is once the files were looked at.
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


def find_class_folders(folder: str | os.PathLike, what: str) -> tuple[Files, tuple[str, ...]]:
    """Return the files in the class folders of `folder`, and the classes' names in order.

    Args:
        folder: The folder of the class folders.
        what: What the files hold, for messages.

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
        found = files_under(root / name)
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


def files_under(folder: pathlib.Path) -> list[str]:
    """Return the paths of the files in a folder and its sub-folders, sorted, but hidden ones."""
    found = []
    for parent, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not _is_hidden(name)]
        found += [os.path.join(parent, name) for name in files if not _is_hidden(name)]
    return sorted(found)


def _is_hidden(name: str) -> bool:
    return name.startswith(".") or name.lower() in _HIDDEN


def whole_files(
    files: Files, corrupt: str, look: Callable[[str], tuple[str, str]], what: str
) -> Files:
    """Return the files that look whole, with their kinds.

    Args:
        files: The files.
        corrupt: `"error"` or `"skip"`.
        look: From a path to the file's kind and fault.
        what: What a file should be, for messages.

    Raises:
        InputError: for the first that does not, with `corrupt="error"`; with `"skip"` they are left
            out and named in one printed line, unless none is left.
    """
    check_choice("corrupt", corrupt, ("error", "skip"))
    kinds, faults = [], {}
    for row, path in enumerate(files.paths):
        kind, fault = look(path)
        if fault and corrupt == "error":
            raise InputError(
                f"{path}{files.where[row] if files.where else ''} {fault}; mend or remove it, or"
                " give corrupt='skip'."
            )
        if fault:
            faults[row] = f"{path} {fault}"
        kinds.append(kind)
    return leave_out(dataclasses.replace(files, kinds=np.array(kinds)), faults, what)


def leave_out(files: Files, faults: dict[int, str], what: str) -> Files:
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
