"""What is the same for all kinds of input: one record a kind, found by the kind's name.

A new kind is a folder `dlkit/data/<name>` and a line in `KINDS`. Its modules stand here as names,
and are loaded when they are needed: what all kinds share imports none of them.
"""

from __future__ import annotations

import dataclasses
import importlib
from typing import Any


@dataclasses.dataclass(frozen=True)
class Kind:
    """What holds for one kind of input, wherever all kinds are treated alike.

    Attributes:
        name: The kind, as `Data.kind` has it.
        drawing: The module of `dlkit.data` that draws it for `Data.show`, or `None`. It has
            `draw_example(axis, example, target, data)` for one network input and its target, and
            may have `SIZE` for its inches; or, where a grid of examples makes no sense,
            `draw(data, count)`, which returns a figure.
        checks: The module of `dlkit.data` whose `check_raw(view)` yields a `Finding` for each thing
            that `Data.check` looks at in its raw inputs, or `None`.
        endings: By which files are told to be of this kind, in small letters. Defaults to ().
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
        >>> find_kind("audio").endings
        ('.wav',)
    """

    name: str
    drawing: str | None = None
    checks: str | None = None
    endings: tuple[str, ...] = ()
    augmented: bool = True
    scaled: bool = False
    extremes: bool = False
    outliers: bool = False
    distinct: bool = True
    fingerprint: str | None = None
    variables: bool = False
    vocabulary: bool = False


_IMAGES = (".jpg", ".jpeg", ".png", ".bmp", ".gif")

# A line a kind, which stays readable only as one.
# fmt: off
# ruff: noqa: E501
KINDS = {kind.name: kind for kind in (
    Kind("boxes", "boxes.drawing", "boxes.checks"),
    Kind("features", "features.drawing", "checks.columns", scaled=True, extremes=True, outliers=True, fingerprint="vectors"),
    Kind("audio", "audio.drawing", "audio.checks", endings=(".wav",), scaled=True),
    Kind("graph", "graph.drawing", "graph.checks", augmented=False, distinct=False),
    Kind("image", "image.drawing", "image.checks", endings=_IMAGES, scaled=True, fingerprint="thumbnails"),
    Kind("pairs", "pairs.drawing", "pairs.checks", augmented=False),
    Kind("ratings", "ratings.drawing", "ratings.checks", augmented=False, distinct=False),
    Kind("sequence", "sequence.drawing", "checks.columns", scaled=True, outliers=True, fingerprint="vectors"),
    Kind("text", "text.drawing", "text.checks", endings=(".txt",), fingerprint="minhashes", vocabulary=True),
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


def load_module(module: str) -> Any:
    """Return a module of `dlkit.data` by the name that a `Kind` has for it."""
    return importlib.import_module(f"dlkit.data.{module}")
