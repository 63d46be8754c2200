"""Where the named data sets come from: raw arrays, nothing prepared yet."""

from __future__ import annotations

import gzip
import math
import os
import pathlib
import struct
import zipfile
import zlib
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from dlkit.argument_validation import check_options
from dlkit.data.catalogue import downloads, loading
from dlkit.data.catalogue.cache import cache_folder
from dlkit.data.catalogue.published_files import MNISTS
from dlkit.errors import InputError

FASHION_CLASSES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)
DIGIT_CLASSES = tuple("0123456789")
# The idx files of both MNISTs, in the order of `Arrays`: train images and labels, test likewise.
IDX_FILES = (
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
)
# A file that is encrypted, or packed as zipfile cannot unpack it, is a RuntimeError.
_DAMAGED_ZIP = (zipfile.BadZipFile, zlib.error, RuntimeError)
DEBIAN_FOLDER = pathlib.Path("/usr/share/datasets")


class Arrays(NamedTuple):
    """Raw inputs and targets, the published test split, and the classes' names."""

    inputs: np.ndarray
    targets: np.ndarray
    test: tuple[np.ndarray, np.ndarray] | None
    class_names: tuple[str, ...] | None


def load(name: str, **options: Any) -> Any:
    """Return the `Data` of the set `name`; `options` as `from_arrays` takes them."""
    from dlkit.data.arrays.from_arrays import from_arrays

    check_options(name, options, from_arrays)
    arrays = read_arrays(name)
    options = {
        "task": loading.find_info(name).task,
        "test": arrays.test,
        "class_names": arrays.class_names,
        **options,
    }
    return from_arrays(arrays.inputs, arrays.targets, name=name, **options)


def read_arrays(name: str) -> Arrays:
    """Return the raw arrays of the data set `name`, a name of the catalogue."""
    if name in ("mnist", "fashion_mnist"):
        return _mnist(name)
    return _scikit_learn(name)


def _scikit_learn(name: str) -> Arrays:
    from sklearn import datasets

    if name == "digits":
        bunch = datasets.load_digits()
        # Whole grey values 0 to 16, stored by scikit-learn as float64.
        return Arrays(bunch.images.astype(np.uint8), bunch.target, None, DIGIT_CLASSES)
    if name == "diabetes":
        # `scaled=True` would hand out values standardised over the test rows too.
        bunch = datasets.load_diabetes(scaled=False)
        return Arrays(bunch.data, bunch.target, None, None)
    bunch = getattr(datasets, f"load_{name}")()
    return Arrays(bunch.data, bunch.target, None, tuple(str(c) for c in bunch.target_names))


def _mnist(name: str) -> Arrays:
    here = (folder for folder in mnist_folders(name) if _has_mnist(folder, name))
    folder = next(here, None) or _download(name)
    classes = FASHION_CLASSES if name == "fashion_mnist" else DIGIT_CLASSES
    archive = folder / f"{name}.npz"
    if archive.is_file():
        return Arrays(*_from_npz(archive), classes)
    train_x, train_y, test_x, test_y = (read_idx(folder / file) for file in IDX_FILES)
    return Arrays(train_x, train_y, (test_x, test_y), classes)


def _has_mnist(folder: pathlib.Path, name: str) -> bool:
    archive = folder / f"{name}.npz"
    return archive.is_file() or all((folder / file).is_file() for file in IDX_FILES)


def mnist_folders(name: str) -> Iterator[pathlib.Path]:
    """Yield the folders that may hold an MNIST's files, in the order in which they are asked."""
    dashed = name.replace("_", "-")
    if shared := os.environ.get("DLKIT_DATA"):
        for folder in (pathlib.Path(shared), pathlib.Path(shared) / "images"):
            yield from (folder, folder / dashed)
    cache = cache_folder().parent
    yield from (cache, cache / dashed)
    yield DEBIAN_FOLDER / dashed


def _download(name: str) -> pathlib.Path:
    """Fetch the files that Keras offers, and return their folder in Keras's cache."""
    folder = cache_folder().parent / name.replace("_", "-")
    try:
        for file, published in MNISTS[name].items():
            downloads.download(published, folder / file)
    except OSError as error:
        places = [str(folder) for folder in mnist_folders(name)]
        debian = ""
        if name == "fashion_mnist":
            debian = " On Debian and Ubuntu: apt install dataset-fashion-mnist."
        raise InputError(
            f"'{name}' is not on this machine and could not be downloaded ({error}). Put"
            f" {name}.npz, or {', '.join(IDX_FILES)}, into one of: {', '.join(places)}.{debian}"
        ) from None
    return folder


def _from_npz(
    path: pathlib.Path,
) -> tuple[np.ndarray, np.ndarray, tuple[np.ndarray, np.ndarray]]:
    try:
        with np.load(path, allow_pickle=False) as file:
            return file["x_train"], file["y_train"], (file["x_test"], file["y_test"])
    except (OSError, ValueError, KeyError, EOFError, *_DAMAGED_ZIP) as error:
        raise InputError(
            f"{path} is not a data set file with the arrays x_train, y_train, x_test and y_test"
            f" ({error}); remove it or put the published file there."
        ) from None


def read_idx(path: pathlib.Path) -> np.ndarray:
    """Read a gzipped idx file of unsigned bytes (LeCun's MNIST format).

    Raises:
        InputError: when the file is damaged, cut short or something else.
    """
    try:
        content = gzip.decompress(path.read_bytes())
        zeros, dtype, rank = struct.unpack_from(">HBB", content)
        shape = struct.unpack_from(f">{rank}I", content, 4)
    except (OSError, EOFError, zlib.error, struct.error) as error:
        raise InputError(
            f"{path} is not a whole gzipped idx file ({error}); remove it or fetch it again."
        ) from None
    # 0x08 is the format's code for unsigned bytes.
    if (zeros, dtype) != (0, 8) or len(content) != 4 + 4 * rank + math.prod(shape):
        raise InputError(
            f"{path} should be an idx file of {shape} unsigned bytes and is not; remove it or fetch"
            " it again."
        )
    return np.frombuffer(content, np.uint8, offset=4 + 4 * rank).reshape(shape)
