"""Checks of sounds: how long they are."""

from __future__ import annotations

import wave
from collections.abc import Iterator

import numpy as np

from dlkit.data.checks.view import FILES, View, spread_of_lengths
from dlkit.data.core.wording import Finding


def check_raw(view: View) -> Iterator[Finding]:
    """Look at the heads of the training files."""
    paths = view.origin.paths
    if paths is None:
        return
    lengths = []
    for path in paths[view.rows("train")][:FILES]:
        try:
            with wave.open(str(path)) as file:
                lengths.append(file.getnframes() / file.getframerate())
        except (wave.Error, EOFError):
            continue  # floats, which the reader takes and this module does not
    if lengths:
        yield spread_of_lengths("lengths of sounds", np.array(lengths), "s")
