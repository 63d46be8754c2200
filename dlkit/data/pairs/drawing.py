"""A sentence and its translation as text."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

from dlkit.data.pairs.translating import to_sentences

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes

    from dlkit.data.core.record import Record

SIZE = (2.6, 1.3)
_WIDTH, _LINES = 34, 3


def draw_example(axis: Axes, example: dict[str, Any], target: np.ndarray, data: Record) -> None:
    """Write the source as the network takes it, and below it what is to be learned."""
    vocabularies = data.vocabularies or {}
    (source,) = to_sentences(example["source"][None], vocabularies["source"])
    (translation,) = to_sentences(target[None], vocabularies["target"])
    style: dict[str, Any] = {"ha": "left", "fontsize": 8, "transform": axis.transAxes}
    axis.text(0.0, 0.52, _wrapped(source), va="bottom", **style)
    axis.text(0.0, 0.48, _wrapped(translation), va="top", color="tab:blue", **style)
    axis.set_axis_off()


def _wrapped(text: str) -> str:
    # A dollar would begin a formula.
    filled = textwrap.fill(text, _WIDTH, max_lines=_LINES, placeholder=" ...")
    return filled.replace("$", r"\$")
