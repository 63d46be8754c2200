"""Folders and tables of WAV files: what is read, and what is refused, by name."""

import numpy as np
import pytest
import scipy.io.wavfile

import dlkit as dk
from dlkit.errors import InputError
from tests.data.arrays.test_from_arrays import batches
from tests.data.audio.test_wav_header import wav

OPTIONS = {"sample_rate": 8000, "seconds": 0.1, "batch_size": 4}


def write_tone(path, hertz, rate=8000):
    path.parent.mkdir(parents=True, exist_ok=True)
    tone = np.sin(2 * np.pi * hertz * np.arange(rate // 5) / rate) * 0.5
    scipy.io.wavfile.write(path, rate, (tone * 2**15).astype(np.int16))


@pytest.fixture
def tones(tmp_path):
    """Write 12 tones of each of two pitches, at several rates; return their folder."""
    for number in range(12):
        for name, hertz in (("low", 300), ("high", 2000)):
            write_tone(tmp_path / "tones" / name / f"{number}.wav", hertz, 8000 * (1 + number % 3))
    return tmp_path / "tones"


def test_a_folder_of_several_rates_is_heard_at_one(tones):
    data = dk.data.from_audio_folder(tones, features="waveform", **OPTIONS)
    assert (data.name, data.task, data.kind) == ("tones", "binary", "audio")
    assert data.class_names == ("high", "low")
    waveforms, labels = data.examples
    spectra = np.abs(np.fft.rfft(waveforms * np.hanning(800)))
    np.testing.assert_array_equal(spectra.argmax(axis=1) * 10, np.where(labels, 300, 2000))
    parts = [len(batches(split)[1]) for split in (data.train, data.val, data.test)]
    assert parts == [17, 2, 5]


def test_a_test_folder_is_the_test_split(tones, tmp_path):
    for name, hertz in (("low", 300), ("high", 2000)):
        write_tone(tmp_path / "held" / name / "a.wav", hertz)
    data = dk.data.from_audio_folder(tones, test=tmp_path / "held", name="t", **OPTIONS)
    assert batches(data.test)[1].tolist() == [0, 1] and data.name == "t"


def test_a_table_may_hold_several_labels_a_sound(tones):
    rows = ["label,path"]
    for number in range(12):
        rows += [f"deep|dull, low/{number}.wav", f" shrill ,high/{number}.wav"]
    (tones / "sounds.csv").write_text("\n".join(rows))
    data = dk.data.from_audio_table(
        tones / "sounds.csv", path_column="path", separator="|", **OPTIONS
    )
    assert (data.task, data.class_names) == ("multilabel", ("deep", "dull", "shrill"))
    assert {tuple(y) for y in batches(data.train)[1]} == {(1, 1, 0), (0, 0, 1)}


BROKEN = {
    "empty": (b"", "is empty"),
    "text": (b"no sound at all", "is not a WAV file"),
    "silent": (wav(b""), "is a WAV file of zero length"),
    "packed": (wav(bytes(50), code=2, bits=4), "of 4-bit ADPCM, and only 8-bit PCM"),
    "cut": (wav(bytes(50))[:-9], "was cut short"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_file_that_cannot_be_read_is_named_or_skipped(tones, name, capsys):
    content, fault = BROKEN[name]
    path = tones / "low" / f"{name}.wav"
    path.write_bytes(content)
    with pytest.raises(
        InputError, match=rf"{path} .*{fault}.*; mend or remove it, or give corrupt"
    ):
        dk.data.from_audio_folder(tones, **OPTIONS)
    data = dk.data.from_audio_folder(tones, corrupt="skip", **OPTIONS)
    assert f"Skipped 1 of 25 files: {path}" in capsys.readouterr().out
    assert len(batches(data.train)[1]) == 17


def test_nothing_but_broken_files_is_refused(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x.wav").write_bytes(b"")
    with pytest.raises(InputError, match="None of the 2 files is a WAV file that can be read"):
        dk.data.from_audio_folder(tmp_path, corrupt="skip")


def test_folders_without_classes_are_refused(tones, tmp_path):
    with pytest.raises(
        InputError, match=r"nowhere is not a folder; .* sub-folder of sounds a class"
    ):
        dk.data.from_audio_folder(tmp_path / "nowhere")
    with pytest.raises(InputError, match=r"low holds no class folders; .*that class's sounds"):
        dk.data.from_audio_folder(tones / "low")
    with pytest.raises(InputError, match=r"one class of sounds only \('tones'\)"):
        dk.data.from_audio_folder(tmp_path)
    (tones / "none").mkdir()
    with pytest.raises(InputError, match="none is empty; put the sounds of 'none' there"):
        dk.data.from_audio_folder(tones)


def test_tables_of_one_class_or_with_missing_files_are_refused(tones):
    table = tones / "sounds.csv"
    table.write_text("path,label\n" + "".join(f"low/{n}.wav,a\n" for n in range(12)))
    with pytest.raises(InputError, match=r"All targets are of one class \('a'\)"):
        dk.data.from_audio_table(table, **OPTIONS)
    table.write_text("path,label\nlow/99.wav,a\nlow/1.wav,b\n")
    with pytest.raises(InputError, match=r"99\.wav \(line 2 of .*sounds\.csv\) does not exist"):
        dk.data.from_audio_table(table, **OPTIONS)
    with pytest.raises(InputError, match=r"has no column 'file'\. Its columns: path, label"):
        dk.data.from_audio_table(table, path_column="file", label_columns="label", **OPTIONS)


def test_the_files_are_what_is_checked_and_compared(tones):
    (tones / "low" / "copy.wav").write_bytes((tones / "low" / "0.wav").read_bytes())
    data = dk.data.from_audio_folder(tones, **OPTIONS)
    groups = [{data.origin.paths[row][-8:] for row in rows} for rows in data.duplicates()]
    assert {"copy.wav", "ow/0.wav", "ow/3.wav", "ow/6.wav", "ow/9.wav"} in groups
    lengths = {finding.what: finding.detail for finding in data.check(show=False)}
    assert lengths["lengths of sounds"] == "0.2 to 0.2 s, half of them up to 0.2"
