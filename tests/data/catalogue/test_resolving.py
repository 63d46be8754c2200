"""What a name or a path on the command line stands for, on real files where they make a point."""

import gzip
import os
import pathlib
import shutil
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from dlkit.data.catalogue import cache, resolving
from dlkit.errors import InputError
from tests.data.audio.test_from_files import write_tone


def look(*source):
    """Return the data as `dlkit check` reads it."""
    found = resolving.resolve_source(*source)
    return found.load(**found.look)


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
    assert look("iris").num_classes == 3
    with pytest.raises(InputError, match=r"iris holds no images \(JPEG, PNG, BMP, GIF\), WAV or"):
        resolving.resolve_source("./iris")


def test_a_folder_is_what_its_files_are(pictures, tmp_path):
    (pictures / "dark" / "notes.txt").write_text("of pictures")
    data = look(str(pictures))
    assert (data.kind, data.name, data.class_names) == ("image", "pictures", ("dark", "light"))
    for number in range(10):
        for name in ("low", "high"):
            write_tone(tmp_path / "tones" / name / f"{number}.wav", 440)
            path = tmp_path / "texts" / "train" / name / f"{number}.txt"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{name} number {number}")
    assert look(str(tmp_path / "tones")).kind == "audio"
    held = tmp_path / "texts" / "test" / "low"
    held.mkdir(parents=True)
    (held / "a.txt").write_text("low one")
    held.with_name("high").mkdir()
    (held.with_name("high") / "b.txt").write_text("high one")
    data = look(str(tmp_path / "texts"))
    assert (data.kind, data.name) == ("text", "texts")
    assert data.origin.raw(data.origin.split.test).tolist() == ["high one", "low one"]
    held.parent.rename(tmp_path / "texts" / "val")  # and nothing to test on is there
    data = look(str(tmp_path / "texts"))
    assert data.origin.raw(data.origin.split.test).tolist() == ["high one", "low one"]


def test_a_folder_of_annotations_has_boxes(shared_data, tmp_path):
    whole = cache.unpack_published("detection/BCCD.zip") / "BCCD"
    for name, ending in (("Annotations", "xml"), ("JPEGImages", "jpg")):
        (tmp_path / name).mkdir()
        for number in range(20):
            file = f"{name}/BloodImage_{number:05d}.{ending}"
            (tmp_path / file).write_bytes((whole / file).read_bytes())
    assert look(str(tmp_path)).task == "detection"


def test_a_table_of_files_or_of_values(pictures, shared_data):
    table = pictures / "labels.csv"
    rows = [f"{name}/{number}.png,{name}" for name in ("dark", "light") for number in range(20)]
    table.write_text("\n".join(["file,what", *rows]))
    data = look(str(table), "what")
    assert (data.kind, data.task) == ("image", "binary")
    data = look(str(shared_data / "tabular/penguins.csv"), "island")
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
        data = look(str(tmp_path / name), "good", given)
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
        ("{}/table.csv", "god", r"table\.csv has no column 'god' to predict\. Did you mean 'good'"),
        ("{}/notes.md", None, r"notes\.md is no \.csv or \.tsv file"),
        ("iris", "species", r"Only a CSV file has columns .* target='species'; leave it out"),
    ],
)
def test_what_cannot_be_opened_is_told_in_one_sentence(tmp_path, source, target, sentence):
    (tmp_path / "table.csv").write_text("size,good\n" + "1,0\n2,1\n" * 20)
    (tmp_path / "notes.md").write_text("no data")
    with pytest.raises(InputError, match=sentence):
        look(source.format(tmp_path), target)


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


def test_a_misspelt_word_may_be_a_set_or_what_lies_here(tmp_path, monkeypatch):
    (tmp_path / "holiday").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=r"no data set, file or folder 'holidy'\. .*'holiday'\?$"):
        resolving.resolve_source("holidy")
    with pytest.raises(InputError, match=r"There is no data set 'digts'\. Did you mean 'digits'"):
        resolving.resolve_source("digts")
    with pytest.raises(InputError, match=r"There is no file or folder digits\."):
        resolving.resolve_source("./digits")


def test_a_path_may_begin_at_home(pictures, tmp_path, monkeypatch):
    """As in a job file, which no shell reads."""
    monkeypatch.setenv("HOME", str(tmp_path))
    assert resolving.resolve_source("~/pictures").path == pictures
    with pytest.raises(InputError, match=rf"no file or folder {tmp_path}/pictres\. .*'pictures'"):
        resolving.resolve_source("~/pictres")


def test_a_table_without_a_header_takes_the_names_that_are_given(tmp_path):
    (tmp_path / "table.csv").write_text("1,0\n2,1\n" * 20)
    source = resolving.resolve_source(str(tmp_path / "table.csv"), "good", columns=["size", "good"])
    data = source.load(columns=["size", "good"], batch_size=4)
    assert data.origin.count == 40 and data.class_names == ("0", "1")


def test_a_training_says_nothing_of_size_and_augmentation_and_gets_some(pictures):
    source = resolving.resolve_source(str(pictures))
    data = source.load(**source.training)
    assert data.input_spec["image"].shape == (128, 128, 3)
    assert data.origin.feed.augment is not None
    assert look(str(pictures)).origin.feed.augment is None


def test_an_option_that_the_data_lacks_is_told(pictures):
    source = resolving.resolve_source(str(pictures))
    sentence = r"pictures has no option 'image_sze'\. Did you mean 'image_size'\? .*channels"
    with pytest.raises(InputError, match=sentence):
        source.load(image_sze=3)
    with pytest.raises(InputError, match=r"has no option 'name'"):
        source.load(name="mine", image_size=(8, 8))


def test_a_fingerprint_tells_the_data_wherever_it_lies(pictures, tmp_path):
    def seen(path, test=None):
        target = "good" if path.suffix else None
        return resolving.resolve_source(str(path), target).fingerprint(test)

    assert resolving.resolve_source("iris").fingerprint() is None
    before = seen(pictures)
    assert len(before) == 16
    copy = shutil.copytree(pictures, tmp_path / "copy")
    (copy / ".DS_Store").write_bytes(b"of no picture")
    assert seen(copy) == before
    (copy / "dark" / "3.png").rename(copy / "light" / "30.png")  # another class
    assert seen(copy) != before
    held = seen(pictures, str(copy))
    (copy / "light" / "30.png").write_bytes(b"")
    assert before != held != seen(pictures, str(copy))

    table = tmp_path / "table.csv"
    table.write_text("size,good\n1,0\n")
    before = seen(table)
    table.write_text("size,good\n1,1\n")  # as long as before
    assert seen(table) != before


def test_a_folder_of_splits_is_told_by_both_and_by_nothing_beside_them(pictures, tmp_path):
    for split in ("train", "val"):
        shutil.copytree(pictures, tmp_path / "whole" / split)
    source = resolving.resolve_source(str(tmp_path / "whole"))
    before = source.fingerprint()
    (tmp_path / "whole" / "runs").mkdir()
    (tmp_path / "whole" / "runs" / "config.json").write_text("{}")
    assert source.fingerprint() == before
    (tmp_path / "whole" / "val" / "dark" / "3.png").unlink()
    assert source.fingerprint() != before


def test_a_photo_of_a_phone_is_no_sound(tmp_path):
    """HEIC and M4A are of one family of formats, and begin alike."""
    for name, mark in (("HEIC", b"heic"), ("M4A", b"M4A ")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file.new").write_bytes(b"\0\0\0\x18ftyp" + mark + bytes(9))
        with pytest.raises(InputError, match=rf"/file\.new is not a .* but {name}: save it as"):
            resolving.resolve_source(str(tmp_path / name))


@pytest.mark.parametrize(("rows", "size"), [(3, 8), (200, 16), (400, 32), (900, 64), (5000, 64)])
def test_a_step_has_few_examples_of_a_small_table(tmp_path, rows, size):
    path = tmp_path / "table.csv"
    path.write_text("a,b\n" + "1,2\n" * rows)
    assert resolving.resolve_source(str(path), "b").batch_size == size
    packed = tmp_path / "table.csv.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    assert resolving.resolve_source(str(packed), "b").batch_size == size


def test_a_step_has_few_examples_of_a_small_set_or_folder(pictures):
    sizes = {name: resolving.resolve_source(name).batch_size for name in ("iris", "fashion_mnist")}
    assert sizes == {"iris": 8, "fashion_mnist": 64}
    for number in range(244 - 40):
        shutil.copy(pictures / "dark" / "0.png", pictures / "light" / f"more-{number}.png")
    assert resolving.resolve_source(str(pictures)).batch_size == 16
