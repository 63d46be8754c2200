"""WAV files, told apart from others by their headers, before any of them is decoded.

RIFF size WAVE | "fmt " size: encoding, channels, rate, bits | ... | "data" size: the samples
"""

from __future__ import annotations

import os
import struct
from typing import BinaryIO

from dlkit.data.files.file_heads import find_format, inspect_file

# Encoding and bits of a sample; the order is that of the decoders in wav_decoding.py.
ENCODINGS = {
    (1, 8): "8-bit PCM",
    (1, 16): "16-bit PCM",
    (1, 24): "24-bit PCM",
    (1, 32): "32-bit PCM",
    (3, 32): "32-bit float",
    (3, 64): "64-bit float",
}
EXTENSIBLE = 0xFFFE  # the encoding stands further behind
RATES = (1_000, 384_000)
_UNKNOWN_SIZE = 0xFFFFFFFF  # of a program that wrote into a pipe
_NAMES = {2: "ADPCM", 6: "A-law", 7: "mu-law", 17: "IMA ADPCM", 49: "GSM", 80: "MPEG", 85: "MP3"}

# Formats that are not read, by what stands at a place in the file.
_FOREIGN = {
    **dict.fromkeys([(0, b"ID3"), (0, b"\xff\xfb"), (0, b"\xff\xf3"), (0, b"\xff\xf2")], "MP3"),
    (0, b"fLaC"): "FLAC",
    (0, b"OggS"): "Ogg",
    (4, b"ftyp"): "M4A",
    (8, b"AIFF"): "AIFF",
}


def inspect_wav(path: str | os.PathLike) -> tuple[str, str]:
    """Return a file's kind, `"wav"`, and what is wrong with it; either may be empty.

    Example:
        >>> inspect_wav("nowhere.wav")
        ('', 'does not exist')
    """
    return inspect_file(path, _inspect)


def _inspect(head: bytes, file: BinaryIO) -> tuple[str, str]:
    if head[:4] != b"RIFF" or head[8:12] != b"WAVE":
        return "", _foreign(head)
    file.seek(12)
    return "wav", _fault(file)


def _foreign(head: bytes) -> str:
    fault, found = "is not a WAV file", find_format(head, _FOREIGN)
    how = "save it as WAV, as with ffmpeg -i FILE FILE.wav"
    return f"{fault} but {found}: {how}" if found else fault


def _fault(file: BinaryIO) -> str:
    form = b""
    while len(chunk := file.read(8)) == 8:
        name, size = struct.unpack("<4sI", chunk)
        if name == b"data":
            return _form_fault(form) or _size_fault(file, size, form)
        if name == b"fmt ":
            form = file.read(size)
            file.seek(size % 2, os.SEEK_CUR)
        else:
            file.seek(size + size % 2, os.SEEK_CUR)
    return "is a WAV file that was cut short: it has no samples"


def _form_fault(form: bytes) -> str:
    if len(form) < 16:
        return "is a WAV file whose header does not tell its encoding"
    code, channels, rate, _, _, bits = struct.unpack("<HHIIHH", form[:16])
    if code == EXTENSIBLE and len(form) >= 26:
        (code,) = struct.unpack("<H", form[24:26])
    if (code, bits) not in ENCODINGS:
        what = f"{bits}-bit {_NAMES.get(code, f'encoding {code}')}"
        return f"is a WAV file of {what}, and only {', '.join(ENCODINGS.values())} can be read"
    if not channels or not RATES[0] <= rate <= RATES[1]:
        return f"is a WAV file of {channels} channels at {rate} Hz, which no sound has"
    return ""


def _size_fault(file: BinaryIO, size: int, form: bytes) -> str:
    start = file.tell()
    there = file.seek(0, os.SEEK_END) - start
    if size not in (_UNKNOWN_SIZE, 0) and there < size:
        return f"is a WAV file that was cut short: {there} of {size} bytes of sound are there"
    channels, bits = struct.unpack("<H", form[2:4])[0], struct.unpack("<H", form[14:16])[0]
    frame = channels * bits // 8
    if min(size, there) < frame:
        return "is a WAV file of zero length: it holds no samples"
    return ""
