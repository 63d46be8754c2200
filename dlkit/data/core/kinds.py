"""What is the same for all kinds of input: one record a kind, found by the kind's name.

A new kind is a folder `dlkit/data/<name>` and a line in `KINDS`. Its modules stand here as names
below `dlkit.data`, and are loaded when they are needed: what all kinds share imports none of them.
"""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Mapping
from typing import Any


@dataclasses.dataclass(frozen=True)
class FileFormat:
    """How examples that are a file each are told, and looked at with `from_<kind>_folder`.

    Attributes:
        name: What messages call them.
        endings: By which they are told, in small letters.
        options: Those of `from_<kind>_folder` for a quick look.
        inspect: The function that returns a file's format and what is wrong with it, or `None`.
        in_tables: Whether a CSV file may name them, for `from_<kind>_table`. Defaults to True.
        training: Those of `from_<kind>_folder` for a training that is told no other. Defaults to
            none.

    Example:
        >>> FileFormat("films", (".mp4",), {}).in_tables
        True
    """

    name: str
    endings: tuple[str, ...]
    options: Mapping[str, Any]
    inspect: str | None = None
    in_tables: bool = True
    training: Mapping[str, Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Kind:
    """What holds for one kind of input, wherever all kinds are treated alike.

    Attributes:
        name: The kind, as `Data.kind` has it.
        drawing: The module that draws it for `Data.show`, or `None`. It has
            `draw_example(axis, example, target, data)` for one network input and its target, and
            may have `SIZE` for its inches; or, where a grid of examples makes no sense,
            `draw_figure(data, count)`, which returns a figure.
        checks: The module whose `check_raw(view)` yields a `Finding` for each thing that
            `Data.check` looks at in its raw inputs, or `None`.
        files: How its files are told, or `None` where examples are not a file each.
        augmented: Whether it can be augmented. Defaults to True.
        scaled: Whether its network inputs are to have mean 0 and deviation 1. Defaults to False.
        extremes: Whether those of a scaled kind that are far from the mean are told. Defaults to
            False.
        outliers: Whether `Data.without_outliers` finds some by its raw numbers. Defaults to False.
        distinct: Whether an input that is there twice is looked for: in others one comes again by
            nature, or is no input of its own. Defaults to True.
        fingerprint: How inputs that are nearly the same are found, one of those in
            `checks/near_duplicates.py`, or `None`.
        variables: Whether its feature names are those of variables, which `Data.summary` lists.
            Defaults to False.
        vocabulary: Whether it is texts of one vocabulary. Defaults to False.

    Example:
        >>> find_kind("audio").files.endings
        ('.wav',)
    """

    name: str
    drawing: str | None = None
    checks: str | None = None
    files: FileFormat | None = None
    augmented: bool = True
    scaled: bool = False
    extremes: bool = False
    outliers: bool = False
    distinct: bool = True
    fingerprint: str | None = None
    variables: bool = False
    vocabulary: bool = False


_IMAGES = FileFormat(
    "images",
    (".jpg", ".jpeg", ".png", ".bmp", ".gif"),
    # Large enough to see what is alike, and quick to read.
    {"image_size": (64, 64), "corrupt": "skip"},
    "image.formats:inspect_image",
    # As `flowers` is read: large enough to tell what is on a photo, and not too slow for a CPU.
    training={"image_size": (128, 128), "augment": "light"},
)
_SOUNDS = FileFormat(
    "audio",
    (".wav",),
    {"corrupt": "skip"},
    "audio.wav_header:inspect_wav",
    training={"augment": "light"},
)
_TEXTS = FileFormat("texts", (".txt",), {"empty": "skip"}, in_tables=False)

# A line a kind, which stays readable only as one.
# fmt: off
# ruff: noqa: E501
KINDS = {kind.name: kind for kind in (
    Kind("boxes", "boxes.drawing", "boxes.checks"),
    Kind("features", "features.drawing", "checks.columns", scaled=True, extremes=True, outliers=True, fingerprint="vectors"),
    Kind("audio", "audio.drawing", "audio.checks", files=_SOUNDS, scaled=True),
    Kind("graph", "graph.drawing", "graph.checks", augmented=False, distinct=False),
    Kind("image", "image.drawing", "image.checks", files=_IMAGES, scaled=True, fingerprint="thumbnails"),
    Kind("pairs", "pairs.drawing", "pairs.checks", augmented=False),
    Kind("ratings", "ratings.drawing", "ratings.checks", augmented=False, distinct=False),
    Kind("sequence", "sequence.drawing", "checks.columns", scaled=True, outliers=True, fingerprint="vectors"),
    Kind("text", "text.drawing", "text.checks", files=_TEXTS, fingerprint="minhashes", vocabulary=True),
    Kind("series", "series.drawing", "series.checks", scaled=True, distinct=False, variables=True),
)}
# fmt: on
UNTOLD = "features"  # what a record made by hand is, which need not tell its kind


def find_kind(name: str) -> Kind:
    """Return the kind of a name; of one that is not known, a kind of which nothing holds.

    Example:
        >>> find_kind("smell").drawing is None
        True
    """
    return KINDS.get(name, Kind(name))


def load_part(name: str) -> Any:
    """Return a module or a function of `dlkit.data` by the name that a `Kind` has for it."""
    module, _, function = name.partition(":")
    part = importlib.import_module(f"dlkit.data.{module}")
    return getattr(part, function) if function else part
