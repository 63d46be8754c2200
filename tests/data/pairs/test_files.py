"""Reading sentence pairs, and each file that cannot be used with its sentence."""

import gzip

import pytest

from dlkit.data.pairs import files
from dlkit.errors import InputError


def test_sequences_files_gzip_and_tab_files_give_the_same(tmp_path):
    """A third column is the attribution of newer packs; U+2028 ends no line."""
    english, french = ["Go.", "I see\u2028it."], ["Va !", "Je le vois."]
    (tmp_path / "en").write_text("\n".join(english) + "\n", "utf-8", newline="")
    with gzip.open(tmp_path / "fr.gz", "wt", encoding="utf-8", newline="") as file:
        file.write("\r\n".join(french))
    two = [f"{a}\t{b}" for a, b in zip(english, french, strict=True)]
    (tmp_path / "two.txt").write_text("\n".join(two), "utf-8", newline="")
    (tmp_path / "three.txt").write_text(
        "\ufeff" + "\n".join(f"{line}\tCC-BY" for line in two), "utf-8"
    )
    for source, target in (
        (english, french),
        (tmp_path / "en", tmp_path / "fr.gz"),
        (str(tmp_path / "two.txt"), None),
        (tmp_path / "three.txt", None),
    ):
        pairs = files.read_pairs(source, target)
        assert [texts.tolist() for texts in pairs] == [english, french]


def test_files_of_different_length_are_refused():
    with pytest.raises(InputError, match=r"source and target must .* Received: 3 and 2 lines"):
        files.read_pairs(["a", "b", "c"], ["x", "y"])


def test_empty_sentences_are_named_and_counted():
    with pytest.raises(InputError, match=r"Pair 2 has an empty target sentence \(2 of 3"):
        files.read_pairs(["a", "b", "c"], ["x", " ", ""])
    with pytest.raises(InputError, match=r"Pair 1 has an empty test source sentence"):
        files.read_pairs([""], ["x"], "test ")
    with pytest.raises(InputError, match=r"source holds no sentence: \[\]; give at least one"):
        files.read_pairs([], [])


def test_what_is_no_pair_is_told(tmp_path):
    path = tmp_path / "pairs.txt"
    path.write_text("Go.\tVa !\nRun!\n")
    with pytest.raises(InputError, match=r"Line 2 of .*pairs.txt must .* Received 1: 'Run!'"):
        files.read_pairs(path, None)
    with pytest.raises(InputError, match=r"target is missing: .* Received: list"):
        files.read_pairs(["a"], None)
    with pytest.raises(InputError, match=r"source must hold texts. Received 5 as sentence 2"):
        files.read_pairs(["a", 5], ["x", "y"])


def test_files_that_cannot_be_read_are_told(tmp_path):
    with pytest.raises(InputError, match=r"There is no file .*nowhere.en"):
        files.read_lines(tmp_path / "nowhere.en")
    (tmp_path / "latin").write_bytes("déjà".encode("latin-1"))
    with pytest.raises(InputError, match=r"latin is not UTF-8 text \(byte 1: .* iconv"):
        files.read_lines(tmp_path / "latin")
    (tmp_path / "cut.gz").write_bytes(gzip.compress(b"sentence\n" * 50)[:-12])
    with pytest.raises(InputError, match=r"cut.gz cannot be read \("):
        files.read_lines(tmp_path / "cut.gz")
    (tmp_path / "empty").write_text("")
    assert files.read_lines(tmp_path / "empty") == []
