"""What becomes of versions after they were exported: the oldest go, and a bad one is taken back.

A server reads nothing but the directory: it serves the highest number that it finds there. So both
are moves of directories, atomic ones, which a watching server follows by itself.
"""

import os
import pathlib
import shutil
import uuid

from dlkit.argument_validation import check_integer
from dlkit.errors import InputError
from dlkit.export.versioning.directories import ROLLED_BACK, version_directories, versions


def prune(base: str | os.PathLike, *, keep: int) -> tuple[int, ...]:
    """Remove the oldest versions of a model from the disk, for good.

    When to use: after an export, so that the disk does not fill. The newest versions stay, at least
    one of them, and so do those that `rollback` put aside. A server that has a removed version
    loaded goes on to serve it until it unloads it.

    Reference: "version policy",
    https://www.tensorflow.org/tfx/serving/serving_config

    Args:
        base: The model's directory, which holds a directory for each version.
        keep: How many of the newest versions stay, at least 1.

    Returns:
        The versions that were removed, in ascending order.

    Raises:
        InputError: when `keep` is no number of at least 1, or `base` holds no version.

    Example:
        >>> import pathlib, tempfile
        >>> with tempfile.TemporaryDirectory() as base:
        ...     for name in ("1", "2", "10"):
        ...         (pathlib.Path(base) / name).mkdir()
        ...     prune(base, keep=1), os.listdir(base)
        ((1, 2), ['10'])
    """
    keep = check_integer("keep", keep)
    base = pathlib.Path(base)
    removed = _versions(base)[:-keep]
    for version in removed:
        for directory in version_directories(base, version):
            # Renamed first: a server must not find half of a version.
            hidden = directory.rename(base / f".removing-{uuid.uuid4().hex[:12]}")
            if hidden.is_symlink():
                hidden.unlink()  # what it points to is not ours
            else:
                shutil.rmtree(hidden)
    return removed


def rollback(base: str | os.PathLike) -> int:
    """Take the newest version of a model back, so that the one before it is served again.

    When to use: when the newest version turns out to be worse. A server that watches `base` loads
    the version before and unloads this one. The directory is not deleted but renamed to
    `.rolled-back-<version>-<random>`, which servers skip; named `<version>` again, it is back.

    The next export does not take its number, so that no server mistakes the one for the other.

    Args:
        base: The model's directory, which holds a directory for each version.

    Returns:
        The version that is the newest now.

    Raises:
        InputError: when `base` holds fewer than two versions: there is none to go back to.

    Example:
        >>> import pathlib, tempfile
        >>> with tempfile.TemporaryDirectory() as base:
        ...     for name in ("1", "2"):
        ...         (pathlib.Path(base) / name).mkdir()
        ...     rollback(base)
        1
    """
    base = pathlib.Path(base)
    found = _versions(base)
    if len(found) < 2:
        raise InputError(
            f"base must hold at least two versions, to go back by one."
            f" Received: base='{base}', which holds version {found[0]} alone."
        )
    for directory in version_directories(base, found[-1]):
        directory.rename(base / f"{ROLLED_BACK}{found[-1]}-{uuid.uuid4().hex[:12]}")
    return found[-2]


def _versions(base: pathlib.Path) -> tuple[int, ...]:
    found = versions(base)
    if not found:
        raise InputError(f"base must hold a version. Received: base='{base}', which holds none.")
    return found
