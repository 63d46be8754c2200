"""What a name or a path on the command line stands for, on real files where they make a point."""

import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from dlkit.data.catalogue import cache, resolving
from dlkit.errors import InputError
from tests.data.audio.test_from_files import write_tone


@pytest.fixture
def pictures(tmp_path):
    """Write 20 pictures of noise of each of two classes; return their folder."""
    random = np.random.default_rng(0)
    for name, low in (("dark", 0), ("light", 128)):
        (tmp_path / "pictures" / name).mkdir(parents=True)
        for number in range(20):
            pixels = random.integers(low, low + 128, (70, 70, 3), np.uint8)
            Image.fromarray(pixels).save(tmp_path / "pictures" / name / f"{number}.png")
    return tmp_path / "pictures"


def test_a_name_goes_before_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "iris").mkdir()
    assert resolving.resolve_source("iris")().num_classes == 3
    with pytest.raises(InputError, match=r"iris holds no images \(JPEG, PNG, BMP, GIF\), WAV or"):
        resolving.resolve_source("./iris")


def test_a_folder_is_what_its_files_are(pictures, tmp_path):
    (pictures / "dark" / "notes.txt").write_text("of pictures")
    data = resolving.resolve_source(str(pictures))()
    assert (data.kind, data.name, data.class_names) == ("image", "pictures", ("dark", "light"))
    for number in range(10):
        for name in ("low", "high"):
            write_tone(tmp_path / "tones" / name / f"{number}.wav", 440)
            path = tmp_path / "texts" / "train" / name / f"{number}.txt"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{name} number {number}")
    assert resolving.resolve_source(str(tmp_path / "tones"))().kind == "audio"
    held = tmp_path / "texts" / "test" / "low"
    held.mkdir(parents=True)
    (held / "a.txt").write_text("low one")
    held.with_name("high").mkdir()
    (held.with_name("high") / "b.txt").write_text("high one")
    data = resolving.resolve_source(str(tmp_path / "texts"))()
    assert (data.kind, data.name) == ("text", "texts")
    assert data.origin.raw(data.origin.split.test).tolist() == ["high one", "low one"]
    held.parent.rename(tmp_path / "texts" / "val")  # and nothing to test on is there
    data = resolving.resolve_source(str(tmp_path / "texts"))()
    assert data.origin.raw(data.origin.split.test).tolist() == ["high one", "low one"]


def test_a_folder_of_annotations_has_boxes(shared_data, tmp_path):
    whole = cache.unpack_published("detection/BCCD.zip") / "BCCD"
    for name, ending in (("Annotations", "xml"), ("JPEGImages", "jpg")):
        (tmp_path / name).mkdir()
        for number in range(20):
            file = f"{name}/BloodImage_{number:05d}.{ending}"
            (tmp_path / file).write_bytes((whole / file).read_bytes())
    assert resolving.resolve_source(str(tmp_path))().task == "detection"


def test_a_table_of_files_or_of_values(pictures, shared_data):
    table = pictures / "labels.csv"
    rows = [f"{name}/{number}.png,{name}" for name in ("dark", "light") for number in range(20)]
    table.write_text("\n".join(["file,what", *rows]))
    data = resolving.resolve_source(str(table), "what")()
    assert (data.kind, data.task) == ("image", "binary")
    data = resolving.resolve_source(str(shared_data / "tabular/penguins.csv"), "island")()
    assert data.class_names == ("Biscoe", "Dream", "Torgersen")


def test_a_folder_of_a_format_that_is_not_read_says_so(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        Image.new("RGB", (8, 8)).save(tmp_path / name / "1.webp")
    with pytest.raises(InputError, match=r"/1\.webp is not a JPEG.* but WebP: save it as PNG"):
        resolving.resolve_source(str(tmp_path))
    for name in ("a", "b"):
        (tmp_path / name / "1.webp").rename(tmp_path / name / "2.txt.old")
        (tmp_path / name / "1.flac").write_bytes(b"fLaC" + bytes(9))
    with pytest.raises(InputError, match=r"/1\.flac is not a WAV file but FLAC: save it as WAV"):
        resolving.resolve_source(str(tmp_path))


def test_a_table_is_read_with_the_delimiter_that_is_given(tmp_path):
    rows = [("size", "good"), *((str(i), str(i % 2)) for i in range(40))]
    for name, mark, given in (
        ("a.csv", ";", ";"),
        ("b.csv", "\t", "\\t"),
        ("c.csv", "\t", "\t"),
        ("d.tsv", "\t", None),
    ):
        (tmp_path / name).write_text("\n".join(map(mark.join, rows)))
        data = resolving.resolve_source(str(tmp_path / name), "good", given)()
        assert data.class_names == ("0", "1") and [c.name for c in data.columns] == ["size"]
    with pytest.raises(InputError, match=r"--target: size;good\. .*another delimiter \(';', a tab"):
        resolving.resolve_source(str(tmp_path / "a.csv"))
    with pytest.raises(InputError, match=r"must be one character .*delimiter=';;'"):
        resolving.resolve_source(str(tmp_path / "a.csv"), "good", ";;")
    with pytest.raises(InputError, match=r"columns and a delimiter, .* delimiter=';'; leave it"):
        resolving.resolve_source("iris", None, ";")


@pytest.mark.parametrize(
    ("source", "target", "sentence"),
    [
        ("irsi", None, r"There is no data set 'irsi'\. Did you mean 'iris'\?"),
        ("{}/tablle.csv", None, r"no file or folder .*tablle\.csv\. Did you mean 'table\.csv'\?"),
        ("{}/table.csv", None, r"table\.csv is a table; .* with --target: size, good\."),
        ("{}/table.csv", "god", r"no column 'god' to predict\. Did you mean 'good'\?"),
        ("{}/notes.md", None, r"notes\.md is no \.csv or \.tsv file"),
        ("iris", "species", r"Only a CSV file has columns .* target='species'; leave it out"),
    ],
)
def test_what_cannot_be_opened_is_told_in_one_sentence(tmp_path, source, target, sentence):
    (tmp_path / "table.csv").write_text("size,good\n" + "1,0\n2,1\n" * 20)
    (tmp_path / "notes.md").write_text("no data")
    with pytest.raises(InputError, match=sentence):
        resolving.resolve_source(source.format(tmp_path), target)()


def test_a_wrong_path_is_told_before_tensorflow_is_loaded(tmp_path):
    (tmp_path / "table.csv").write_text("size,good\n1,0\n")
    finished = subprocess.run(
        [
            *(sys.executable, "-c"),
            "import sys; from dlkit.data.catalogue.resolving import resolve_source as find\n"
            "find('iris')\n"
            "try: find('table.csv')\n"
            "except ValueError: print(not {'tensorflow', 'keras', 'sklearn'} & set(sys.modules))",
        ],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(pathlib.Path(__file__).parents[3])},
        capture_output=True,
        text=True,
        check=True,
    )
    assert finished.stdout == "True\n"


def test_a_photo_of_a_phone_is_no_sound(tmp_path):
    """HEIC and M4A are of one family of formats, and begin alike."""
    for name, mark in (("HEIC", b"heic"), ("M4A", b"M4A ")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file.new").write_bytes(b"\0\0\0\x18ftyp" + mark + bytes(9))
        with pytest.raises(InputError, match=rf"/file\.new is not a .* but {name}: save it as"):
            resolving.resolve_source(str(tmp_path / name))
