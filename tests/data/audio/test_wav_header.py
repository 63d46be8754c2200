"""WAV files told apart by their headers, those that SciPy writes and those that are broken."""

import struct

import numpy as np
import pytest
import scipy.io.wavfile

from dlkit.data.audio import wav_header


def wav(samples, *, code=1, bits=16, rate=8000, channels=1, size=None, extra=b"", form=b""):
    """Return the bytes of a WAV file with `samples` (bytes) and whatever header is asked for."""
    block = channels * bits // 8
    form = struct.pack("<HHIIHH", code, channels, rate, rate * block, block, bits) + form
    chunks = b"fmt " + struct.pack("<I", len(form)) + form + extra
    chunks += b"data" + struct.pack("<I", len(samples) if size is None else size) + samples
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks


GOOD = wav(bytes(100))


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", "is empty"),
        (b"RIFF", "is not a WAV file"),
        (b"\xff\xfb" + bytes(200), "is not a WAV file but MP3: save it as WAV"),
        (b"fLaC" + bytes(200), "is not a WAV file but FLAC"),
        (b"<html>not found</html>", "is not a WAV file"),
        (GOOD[:12], "was cut short: it has no samples"),
        (GOOD[:-10], "was cut short: 90 of 100 bytes of sound are there"),
        (wav(b""), "of zero length"),
        (wav(b"\0"), "of zero length"),
        (wav(bytes(100), code=7, bits=8), "of 8-bit mu-law, and only 8-bit PCM, 16-bit PCM"),
        (wav(bytes(100), code=99, bits=12), "of 12-bit encoding 99, and only"),
        (wav(bytes(100), channels=0), "of 0 channels at 8000 Hz"),
        (wav(bytes(100), rate=10), "of 1 channels at 10 Hz"),
        (GOOD[:12] + GOOD[36:], "header does not tell its encoding"),
    ],
)
def test_what_is_wrong_with_a_file_is_told(tmp_path, content, fault):
    path = tmp_path / "a.wav"
    path.write_bytes(content)
    assert fault in wav_header.inspect_wav(path)[1]


def test_a_file_that_cannot_be_opened_is_told(tmp_path):
    assert wav_header.inspect_wav(tmp_path / "gone.wav") == ("", "does not exist")
    assert wav_header.inspect_wav(tmp_path) == ("", "cannot be read (Is a directory)")


def test_good_files_have_no_fault(tmp_path):
    path = tmp_path / "a.wav"
    for kind in (np.uint8, np.int16, np.int32, np.float32, np.float64):
        scipy.io.wavfile.write(path, 44100, np.zeros((10, 2), kind))
        assert wav_header.inspect_wav(path) == ("wav", "")
    odd = b"LIST" + struct.pack("<I", 3) + b"abc\0"  # a chunk of odd length has a byte behind it
    guid = struct.pack("<HHIH", 22, 24, 0, 1) + bytes(14)
    for content in (
        wav(bytes(100), extra=odd),
        wav(bytes(99), bits=24, code=wav_header.EXTENSIBLE, form=guid),
        wav(bytes(100), size=0xFFFFFFFF),  # written into a pipe
    ):
        path.write_bytes(content)
        assert wav_header.inspect_wav(path) == ("wav", "")
