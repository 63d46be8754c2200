"""Pascal VOC annotations: one XML file an image, which tells the boxes of the objects in it.

    Annotations/<stem>.xml, JPEGImages/<stem>.jpg, ImageSets/Main/{train,val,trainval,test}.txt
    or XML files beside their images in one folder

Reference:
    Everingham et al. 2010, The Pascal Visual Object Classes (VOC) Challenge, IJCV 88(2).
"""

from __future__ import annotations

import dataclasses
import math
import os
import pathlib
from collections.abc import Iterable, Mapping
from typing import NoReturn
from xml.etree import ElementTree
from xml.parsers import expat

from dlkit.data.files.plain_text import read_text
from dlkit.errors import InputError

_EDGES = ("xmin", "ymin", "xmax", "ymax")
_SPLITS = ("train", "val", "trainval", "test")


@dataclasses.dataclass(frozen=True)
class Annotation:
    """The objects in one image.

    Attributes:
        path: The XML file.
        image: The image's file.
        names: The class of each object.
        boxes: Left, upper, right and lower edge of each, as parts of the image's width and height.
        dropped: What was wrong with the objects that were left out, in words.
    """

    path: pathlib.Path
    image: str
    names: tuple[str, ...]
    boxes: tuple[tuple[float, ...], ...]
    dropped: tuple[str, ...]


def read_annotations(folder: str | os.PathLike) -> list[Annotation]:
    """Return the annotations under `folder`, by the names of their files.

    Raises:
        InputError: when there are none, or one is not to be read, or lacks its image.
    """
    root = pathlib.Path(folder)
    place = root / "Annotations" if (root / "Annotations").is_dir() else root
    paths = sorted(path for path in place.glob("*.xml") if not path.name.startswith("."))
    if not paths:
        raise InputError(
            f"{root} holds no annotations: it should hold Annotations/*.xml and JPEGImages/, as"
            " Pascal VOC, or XML files beside their images."
        )
    images: dict[str, str] = {}
    for parent in dict.fromkeys((root / "JPEGImages", place)):
        found = sorted(parent.iterdir()) if parent.is_dir() else []
        for path in found:
            if path.suffix.lower() != ".xml":
                images.setdefault(path.name, str(path))
                images.setdefault(path.stem, str(path))
    return [read_annotation(path, images) for path in paths]


def read_annotation(path: pathlib.Path, images: Mapping[str, str]) -> Annotation:
    """Return the annotation in an XML file; `images` are paths by name and by stem."""
    tree = _tree(path)
    named = (tree.findtext("filename") or "").strip()
    image = images.get(named) or images.get(path.stem)
    if image is None:
        raise InputError(
            f"{path} is of the image '{named or path.stem}', which is neither in JPEGImages nor"
            " beside it; put it there, or remove the annotation."
        )
    size = [_number(tree, f"size/{side}", path) for side in ("width", "height")]
    if min(size) <= 0:
        raise InputError(
            f"{path} says that its image is {size[0]:g} x {size[1]:g} pixels; write its true"
            " <size> there."
        )
    names, boxes, dropped = [], [], []
    for found in tree.iter("object"):
        name = (found.findtext("name") or "").strip()
        if not name:
            raise InputError(f"{path} has an object without a <name>; write its class there.")
        edges = [_number(found, f"bndbox/{edge}", path) for edge in _EDGES]
        box, fault = _inside(edges, size)
        if fault:
            listed = ", ".join(f"{edge:g}" for edge in edges)
            dropped.append(f"{path.name} {name} ({listed}) {fault}")
        else:
            names.append(name)
            boxes.append(box)
    return Annotation(path, image, tuple(names), tuple(boxes), tuple(dropped))


def read_published_splits(folder: str | os.PathLike, stems: Iterable[str]) -> dict[str, list[str]]:
    """Return the stems that each file of ImageSets/Main lists: the splits that were published.

    Raises:
        InputError: when one is listed that has no annotation.
    """
    known, splits = set(stems), {}
    for name in _SPLITS:
        path = pathlib.Path(folder, "ImageSets", "Main", f"{name}.txt")
        if not path.is_file():
            continue
        listed = [line.split()[0] for line in read_text(path).splitlines() if line.split()]
        for stem in listed:
            if stem not in known:
                raise InputError(
                    f"{path} lists '{stem}', and there is no annotation {stem}.xml; mend the list,"
                    " or add the annotation."
                )
        splits[name] = list(dict.fromkeys(listed))
    return splits


def _tree(path: pathlib.Path) -> ElementTree.Element:
    """Return a file's elements; no document type, whose entities could grow without bound."""
    builder, parser = ElementTree.TreeBuilder(), expat.ParserCreate()
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.data

    def refuse(*_: object) -> NoReturn:
        raise InputError(
            f"{path} declares a document type, which annotations do not need and which may be an"
            " attack; take the <!DOCTYPE ...> out."
        )

    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(path.read_bytes(), True)
    except expat.ExpatError as error:
        raise InputError(f"{path} is not whole XML ({error}); mend or remove it.") from None
    return builder.close()


def _number(element: ElementTree.Element, place: str, path: pathlib.Path) -> float:
    text = element.findtext(place)
    try:
        value = float(text or "")
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise InputError(
            f"{path} needs a number in <{place.replace('/', '><')}>. Received: {text!r}."
        )
    return value


def _inside(edges: list[float], size: list[float]) -> tuple[tuple[float, ...], str]:
    """Return the part of a box that is in its image, relative to it, and what is wrong with it."""
    left, upper, right, lower = edges
    if right <= left or lower <= upper:
        return (), "has no area"
    shares = [edge / side for edge, side in zip(edges, [*size, *size], strict=True)]
    box = tuple(min(max(share, 0.0), 1.0) for share in shares)
    if box[2] <= box[0] or box[3] <= box[1]:
        return (), f"lies outside the image of {size[0]:g} x {size[1]:g}"
    return box, ""
