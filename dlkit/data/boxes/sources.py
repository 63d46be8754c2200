"""The named sets of images with boxes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dlkit.argument_validation import check_options
from dlkit.data.boxes.from_voc import from_voc
from dlkit.data.catalogue.cache import unpack_published

if TYPE_CHECKING:
    from dlkit.data.data import Data


def load(name: str, **options: Any) -> Data:
    """Return the set `name`; `options` are what `from_voc` takes."""
    check_options(name, options, from_voc)
    options = {"image_size": (192, 256), **options}  # the proportions of its photos
    return from_voc(unpack_published("detection/BCCD.zip") / "BCCD", name=name, **options)
