"""`from_voc`: images and the boxes of their objects become pipelines.

XML files -> boxes inside their images, named -> splits as published -> padded arrays
          -> images and boxes moved together (image/pipelines.py, boxes.py)
"""

from __future__ import annotations

import os
import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from dlkit.argument_validation import check_integer
from dlkit.data.boxes import boxes, voc
from dlkit.data.core.record import Split
from dlkit.data.core.splits import divide_targets
from dlkit.data.core.targets import Targets
from dlkit.data.data import Data
from dlkit.data.files.class_folders import Files
from dlkit.data.image.options import Options
from dlkit.data.image.pipelines import Labels, assemble_images
from dlkit.data.image.reader import whole_images
from dlkit.errors import InputError

_NAMED_AT_MOST = 5


def from_voc(  # noqa: PLR0913 - what the data is, and how to feed it, as from_arrays
    folder: str | os.PathLike,
    *,
    image_size: tuple[int, int],
    max_boxes: int | None = None,
    channels: int | None = 3,
    corrupt: str = "error",
    name: str | None = None,
    batch_size: int = 64,
    seed: int = 0,
    val_fraction: float = 0.1,
    cache: bool | None = None,
    augment: Any = None,
) -> Data:
    """Make a `Data` record of images with boxes around their objects, as Pascal VOC stores them.

    When to use: to detect objects. The folder holds `Annotations/*.xml` and `JPEGImages/`, or XML
    files beside their images, as annotation tools write them. The targets of a batch are a dict:
    `"boxes"` (B, max_boxes, 4), float32, the left, upper, right and lower edge as parts of the
    image's width and height (Keras's `"rel_xyxy"`), and `"classes"` (B, max_boxes), the index of
    the class, -1 where there is no further box. Boxes without an area and those outside of their
    image are left out and named in one printed line; what reaches out is cut off.

    Reference:
        Everingham et al. 2010, The Pascal Visual Object Classes (VOC) Challenge, IJCV 88(2).

    Args:
        folder: The folder of the data set.
        image_size: Height and width that each image is resized to, without keeping its proportions.
        max_boxes: How many boxes are kept of an image, the first ones. Defaults to None: as many
            as the image with the most has.
        channels: 3 for colour, 1 for grey; files of the other sort are converted. `None` is what
            the files have, and refuses a mixture. Defaults to 3.
        corrupt: What an image that is no whole one does: `"error"` names the first, `"skip"`
            leaves them out and names them in one printed line. Defaults to "error".
        name: What the data set is called. Defaults to None: the folder's name.
        batch_size: Examples a batch. Defaults to 64.
        seed: Chooses the validation split, the order of each epoch and the augmentation. Defaults
            to 0.
        val_fraction: Part of the training examples kept for validation where `ImageSets/Main`
            holds no `val.txt`, in [0, 1). A fifth of the images, the same one for every seed, is
            the test split where it holds no `test.txt`. Defaults to 0.1.
        cache: Decode all images once and hold them in memory as uint8; `False` decodes in each
            epoch. Defaults to None: once where all of them take at most 64 MiB.
        augment: What is done to training batches, boxes moved along: recipes as in `from_arrays`,
            without RandAugment, MixUp and CutMix. A box of which less than a quarter is left in the
            image is dropped. Defaults to None.

    Returns:
        A `Data` record of the task "detection".

    Raises:
        InputError: when there are no annotations, one is not to be read or lacks its image, a list
            of `ImageSets/Main` names what is not there, or an option is out of range.

    Example:
        >>> import pathlib, tempfile, keras, numpy as np
        >>> import dlkit as dk
        >>> note = "<annotation><size><width>8</width><height>8</height></size><object>"
        >>> note += "<name>cell</name><bndbox><xmin>2</xmin><ymin>0</ymin><xmax>4</xmax>"
        >>> note += "<ymax>8</ymax></bndbox></object></annotation>"
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     for i in range(10):
        ...         keras.utils.save_img(f"{folder}/{i}.png", np.full((8, 8, 3), i), scale=False)
        ...         _ = pathlib.Path(folder, f"{i}.xml").write_text(note)
        ...     data = dk.data.from_voc(folder, image_size=(4, 4), batch_size=4)
        ...     images, targets = next(iter(data.train))
        >>> targets["boxes"][0].numpy(), targets["classes"][0].numpy()
        (array([[0.25, 0.  , 0.5 , 1.  ]], dtype=float32), array([0]))
    """
    options = Options(image_size, channels, corrupt, batch_size, seed, val_fraction, cache, None)
    change = boxes.resolve_box_augmentation(augment)
    annotations = voc.read_annotations(folder)
    lists = voc.read_published_splits(folder, [found.path.stem for found in annotations])
    files = Files(np.array([found.image for found in annotations]), np.arange(len(annotations)))
    files = whole_images(files, corrupt, options.size, channels or 3)
    kept = [annotations[row] for row in files.labels]
    class_names = tuple(sorted({kind for found in annotations for kind in found.names}))
    if not class_names:
        raise InputError(f"None of the {len(annotations)} annotations in {folder} has a box.")
    values = _padded(kept, class_names, max_boxes)
    split = _split([found.path.stem for found in kept], lists, val_fraction, seed)
    labels = Labels("boxes", "detection", len(class_names), class_names, values, change)
    title = name or pathlib.Path(folder).resolve().name
    return assemble_images(title, files, split, labels, options)


def _padded(
    annotations: Sequence[voc.Annotation],
    class_names: tuple[str, ...],
    max_boxes: int | None,
) -> dict[str, np.ndarray]:
    """Return boxes and classes as arrays; a line tells what was left out of them."""
    counts = [len(found.boxes) for found in annotations]
    most = max(counts) if max_boxes is None else check_integer("max_boxes", max_boxes)
    dropped = [fault for found in annotations for fault in found.dropped]
    if dropped:
        more = len(dropped) - _NAMED_AT_MOST
        named = ", ".join(dropped[:_NAMED_AT_MOST]) + (f", and {more} more" if more > 0 else "")
        print(f"Dropped {len(dropped)} of {sum(counts) + len(dropped)} boxes: {named}")
    index = {kind: i for i, kind in enumerate(class_names)}
    kinds = [[index[kind] for kind in found.names] for found in annotations]
    beyond = sum(max(count - most, 0) for count in counts)
    if beyond:
        print(f"Left out {beyond} boxes of images with more than max_boxes={most}.")
    return boxes.pad([found.boxes for found in annotations], kinds, most)


def _split(
    stems: Sequence[str], lists: dict[str, list[str]], val_fraction: float, seed: int
) -> Split:
    """Return the split that the lists publish; what they leave open is drawn."""
    rows = {stem: row for row, stem in enumerate(stems)}
    chosen = {
        part: np.array(sorted(rows[stem] for stem in listed if stem in rows), np.int64)
        for part, listed in lists.items()
    }
    rest = chosen.get("train", chosen.get("trainval", np.arange(len(stems))))
    for part in ("val", "test"):
        rest = np.setdiff1d(rest, chosen.get(part, []))
    fraction = 0.0 if "val" in chosen else val_fraction
    drawn = divide_targets(_alike(rest), 0 if "test" in chosen else None, fraction, seed)
    return Split(
        rest[drawn.train],
        chosen.get("val", rest[drawn.val]),
        chosen.get("test", rest[drawn.test]),
        published="test" in chosen,
    )


def _alike(rows: np.ndarray) -> Targets:
    """Return targets of which no part differs from another: boxes are not shared out by class."""
    return Targets(np.zeros(len(rows)), "regression", 1, None)
