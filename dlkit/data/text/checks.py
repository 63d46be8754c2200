"""Checks of texts: how long they are, and whether some are empty."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from dlkit.data.checks.view import View, spread_of_lengths
from dlkit.data.core.wording import Finding, share_of


def check_raw(view: View) -> Iterator[Finding]:
    """Look at the words of the training texts."""
    words = np.array([len(_text(text).split()) for text in view.raw["train"]])
    yield spread_of_lengths("lengths of texts", words, "words")
    empty = int((words == 0).sum())
    if empty:
        detail = share_of(empty, len(words))
        yield Finding("warning", "empty texts", detail, "leave them out")


def _text(value: bytes | str) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)
