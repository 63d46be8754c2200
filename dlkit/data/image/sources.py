"""Named sets that come as a zip of class folders."""

from __future__ import annotations

import pathlib
from typing import TYPE_CHECKING, Any, NamedTuple

from dlkit.argument_validation import check_options
from dlkit.data.catalogue import cache

if TYPE_CHECKING:
    from dlkit.data.data import Data


class Archive(NamedTuple):
    """A zip file, the folders in it that hold the splits, and the size of its images."""

    file: str
    train: str
    test: str | None
    image_size: tuple[int, int]


ARCHIVES = {
    "cifar10_jpg": Archive(
        "images/cifar10_jpg_subset.zip", "cifar10/train", "cifar10/test", (32, 32)
    ),
    "flowers": Archive("images/flower_photos_192.zip", "flower_photos", None, (128, 128)),
}


def load(name: str, **options: Any) -> Data:
    """Return the set `name`; `options` are what `from_image_folder` takes."""
    from dlkit.data.image.from_files import from_image_folder

    check_options(name, options, from_image_folder, fixed=("name", "test"))
    options = {"image_size": ARCHIVES[name].image_size, **options}
    train: Any = folder(name)  # there in every set
    return from_image_folder(train, test=folder(name, "test"), name=name, **options)


def folder(name: str, split: str = "train") -> pathlib.Path | None:
    """Return the class folders of a split of the set `name`, unpacked when first asked for.

    Returns:
        The folder, or `None` where the set has no such split.

    Raises:
        InputError: when the zip is nowhere, is damaged, or would write outside its folder.
    """
    archive = ARCHIVES[name]
    inside = getattr(archive, split)
    return None if inside is None else cache.unpack_published(archive.file) / inside
