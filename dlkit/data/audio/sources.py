"""The named sets of sounds."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import numpy as np

from dlkit.data.catalogue import cache

if TYPE_CHECKING:
    from dlkit.data.data import Data

SPOKEN_DIGITS = "audio/free-spoken-digit-dataset.zip"
_TEST = range(5)  # of each speaker's takes of each digit, as published
# Recorded at 8 kHz; 99% of the recordings last no longer.
_DEFAULTS = {"sample_rate": 8000, "seconds": 0.8, "mels": 32}


def load(name: str, **options: Any) -> Data:
    """Return the set `name`; `options` are what `from_audio_folder` takes."""
    from dlkit.argument_validation import check_names
    from dlkit.data.audio.from_files import from_audio_folder
    from dlkit.data.audio.pipelines import Options, sound_data
    from dlkit.data.files.class_folders import Files

    known = inspect.signature(from_audio_folder).parameters
    defaults = {name: known[name].default for name in Options.__dataclass_fields__}
    check_names(name, options, defaults)
    folder = cache.unpack_published(SPOKEN_DIGITS) / "free-spoken-digit-dataset" / "recordings"
    paths = sorted(folder.glob("*.wav"))
    # {digit}_{speaker}_{take}.wav
    digits, takes = zip(*(path.stem.split("_")[::2] for path in paths), strict=True)
    files = Files(np.array([str(path) for path in paths]), np.array(digits))
    held = np.isin(np.array(takes, int), _TEST)
    train, test = (files.take(np.flatnonzero(part)) for part in (~held, held))
    return sound_data(name, train, test, Options(**{**defaults, **_DEFAULTS, **options}), None)
