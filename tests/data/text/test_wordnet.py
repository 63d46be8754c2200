"""Synonyms: from WordNet's file format by hand, and from the real files where they are."""

import pytest

from dlkit.data.text import wordnet
from dlkit.errors import MissingExtraError

# Two meanings: big, large; and big(p), bad. "large" has the first only.
FIRST = "00000011 00 a 02 big 0 large(a) 1 000 | of great size  \n"
LINES = ["licence!\n".rjust(11)[:11], FIRST, "00000070 00 a 02 big 0 bad 1 000 | wicked  \n"]
BIG = f"big a 2 1 ! 2 0 00000011 {11 + len(FIRST):08d}  \n"


@pytest.fixture
def little(tmp_path, monkeypatch):
    for part in wordnet.PARTS:
        (tmp_path / f"index.{part}").write_text("  1 licence\n")
        (tmp_path / f"data.{part}").write_text("")
    (tmp_path / "index.adj").write_text(f"  1 licence\n{BIG}large a 1 0 1 0 00000011  \n")
    (tmp_path / "data.adj").write_text("".join(LINES))
    monkeypatch.setenv("WNSEARCHDIR", str(tmp_path))
    return tmp_path


def test_words_that_share_their_first_meaning(little):
    assert wordnet.folder() == little
    found = wordnet.synonyms({"big", "large", "bad", "other"})
    assert found == {"big": ["large"], "large": ["big"]}
    assert wordnet.synonyms({"big", "bad"}) == {}


@pytest.mark.usefixtures("wordnet")
def test_the_real_files():
    words = {"film", "movie", "picture", "car", "automobile", "begin", "start", "the", "in"}
    found = wordnet.synonyms(words)
    assert found["car"] == ["automobile"] and found["automobile"] == ["car"]
    assert "film" in found["movie"]
    assert "start" in found["begin"]
    assert "the" not in found and "in" not in found


def test_missing_files_are_told(monkeypatch, tmp_path):
    monkeypatch.setattr(wordnet, "DEBIAN_FOLDER", tmp_path / "nowhere")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("WNHOME", str(tmp_path))
    with pytest.raises(MissingExtraError, match=r"nowhere.*apt install wordnet-base"):
        wordnet.folder()
