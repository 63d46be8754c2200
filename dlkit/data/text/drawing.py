"""Draws a text: its beginning, word by word, or the words that weigh most in its vector."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import numpy as np

from dlkit.data.core.class_names import target_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from dlkit.data.core.record import Record

SIZE = (2.6, 1.7)  # inches
_LINES, _LETTERS, _WORDS = 9, 40, 8


def draw_example(axis: Axes, example: np.ndarray, target: np.ndarray, data: Record) -> None:
    """Draw the ids (T,) of a text as what they read, or bars of the largest numbers of a vector.

    A language model's target is the same text one token on, so its title says how many tokens.
    """
    if data.task == "language_model":
        axis.set_title(f"{len(example)} tokens", fontsize=8)
    else:
        axis.set_title(target_text(data, target), fontsize=8)
    axis.tick_params(labelsize=6, length=0)
    if data.feature_names is not None:
        _draw_vector(axis, example, data.feature_names)
    else:
        _draw_ids(axis, example, data)


def _draw_ids(axis: Axes, ids: np.ndarray, data: Record) -> None:
    from dlkit.data.text.encoding import decode_tokens

    (text,) = decode_tokens(data, ids)
    lines = [part for line in text.split("\n") for part in textwrap.wrap(line, _LETTERS)]
    if len(lines) > _LINES:
        lines = [*lines[: _LINES - 1], "..."]
    # A dollar would begin a formula.
    shown = "\n".join(lines).replace("$", r"\$")
    axis.text(0, 1, shown, va="top", fontsize=6, family="monospace", transform=axis.transAxes)
    axis.set_axis_off()


def _draw_vector(axis: Axes, vector: np.ndarray, words: tuple[str, ...]) -> None:
    most = np.argsort(-vector, kind="stable")[:_WORDS]
    most = most[vector[most] > 0][::-1]  # the largest on top
    axis.barh(range(len(most)), vector[most])
    axis.set_yticks(range(len(most)), [words[i].replace("$", r"\$") for i in most])
