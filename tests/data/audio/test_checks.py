"""What is said of sounds, on a view of some files."""

import wave

import numpy as np

from dlkit.data.audio.checks import check_raw
from tests.data.findings import raw_view


def test_lengths_of_sounds_are_told(tmp_path):
    for index, seconds in enumerate((0.5, 1.0, 2.0)):
        with wave.open(str(tmp_path / f"{index}.wav"), "wb") as file:
            file.setparams((1, 2, 8000, 0, "NONE", ""))
            file.writeframes(bytes(int(16_000 * seconds)))
    view = raw_view(None, np.array([str(path) for path in sorted(tmp_path.iterdir())]))
    (finding,) = check_raw(view)
    assert finding.detail == "0.5 to 2 s, half of them up to 1"
